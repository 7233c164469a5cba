import { NEVER, Subscription, concat, of, type Observable } from 'rxjs';
import { Redis } from '../../../src/redis';
import { get } from '../../../src/commands/generated/builders';
import { stage, type Holdings, type Stage } from '../../../src/connection/stage';
import { ScriptedSocket } from '../../support/scripted-socket';
import { endOfTick } from '../../support/tick';
import { VirtualClock } from '../../support/virtual-clock';
import { Random } from '../random';
import { TrackingServer } from './tracking-server';

const KEYS = ['a', 'b', 'c', 'd', 'e'];
const STEPS = 160;

/** What a client has been told of a key, at the least. */
class Told {
  private readonly keys = new Map<string, number>();
  private all = 0;

  note(key: string | undefined, version: number): void {
    if (key === undefined) this.all = version;
    else this.keys.set(key, Math.max(version, this.keys.get(key) ?? 0));
  }

  /** No value of the key may be older: that of the last write that it was told of. */
  floor(key: string, history: readonly number[]): number {
    const flushed = history.findLast((version) => version <= this.all) ?? 0;
    return Math.max(flushed, this.keys.get(key) ?? 0);
  }
}

/** Plays one seed. Returns what was wrong, undefined where nothing was. */
export async function play(seed: number): Promise<string | undefined> {
  const random = new Random(seed);
  const chance = (share: number): boolean => random.chance(share);
  const below = (limit: number): number => random.int(0, limit - 1);
  const pick = <T>(from: readonly T[]): T => random.pick(from);
  const told = new Told();
  const server = new TrackingServer(chance(0.5), (key, version) => told.note(key, version));
  const clock = new VirtualClock();
  const faults: string[] = [];
  const wrong = (what: string) => faults.push(what);
  const dial = () => {
    const socket = new ScriptedSocket();
    server.accept(socket);
    return concat(of(socket), NEVER);
  };
  let holdings: Holdings | undefined;
  const own: Stage = {
    partsFor: () => ({ clock, dial }),
    made: () => undefined,
    subscribesBy: () => undefined,
    keepsBy: (freshness) => (holdings = freshness),
  };
  const mode = pick(['default', 'optin', 'broadcast', undefined] as const);
  const cache = mode === undefined ? undefined : { mode, maxEntries: 1 + below(6) };
  const redis = new Redis({ ...{ [stage]: own }, cache, protocol: 3, reconnect: { initialDelay: 1, jitter: 0 } });
  redis.events$.subscribe();
  const historyOf = (key: string): readonly number[] => server.history.get(key) ?? [0];
  const versionOf = (value: string | null): number => (value === null ? 0 : Number(value));
  /** The version of each key when the client has noticed its last loss, and own writes that were answered. */
  const floors = new Map<string, number>();
  const writes = new Map<string, { version: number }[]>();

  const readOne = (): void => {
    const key = pick(KEYS);
    const floor = floors.get(key) ?? 0;
    const before = [...(writes.get(key) ?? [])];
    redis.get(key).subscribe({
      next: (value) => {
        const version = versionOf(value);
        const least = told.floor(key, historyOf(key));
        if (version < least) wrong(`GET ${key} gave ${version} although the client was told of ${least}`);
        if (version < floor) wrong(`GET ${key} gave ${version} behind a loss that was noticed at ${floor}`);
        const written = Math.max(0, ...before.map((write) => write.version));
        if (version < written) wrong(`GET ${key} gave ${version} behind its own write ${written}`);
      },
      // The same command is not sent a third time when its link was lost twice.
      error: (error: Error) => !/lost/.test(error.message) && wrong(`GET failed: ${error.message}`),
    });
  };
  const writeOne = (): void => {
    const key = pick(KEYS);
    const write = { version: 0 };
    writes.set(key, [...(writes.get(key) ?? []), write]);
    redis.call<string>('SET', key, 'any').subscribe({
      next: (version) => (write.version = Number(version)),
      error: () => undefined, // lost with its link: it may have run
    });
  };

  interface Live {
    readonly keys: readonly string[];
    readonly subscription: Subscription;
    last: readonly number[];
  }
  const lives: Live[] = [];
  const observe = (): void => {
    const keys = chance(0.7) ? [pick(KEYS)] : [pick(KEYS), pick(KEYS)];
    const sample = chance(0.2) ? 5 : 0;
    const source =
      keys.length === 1
        ? redis.live(get(keys[0]!), { sample })
        : redis.live(
            keys.map((key) => get(key)),
            { sample },
          );
    const live: Live = { keys, subscription: new Subscription(), last: [] };
    live.subscription.add(
      (source as Observable<unknown>).subscribe({
        next: (value) => {
          const versions = (Array.isArray(value) ? (value as (string | null)[]) : [value as string | null]).map(
            versionOf,
          );
          keys.forEach((key, at) => {
            const least = told.floor(key, historyOf(key));
            if (versions[at]! < least)
              wrong(`live ${key} showed ${versions[at]} although the client was told of ${least}`);
          });
          if (!areOfOneMoment(keys.map(historyOf), versions))
            wrong(`live ${keys.join()} showed ${versions.join()}, of no one moment`);
          live.last = versions;
        },
        error: (error: Error) => wrong(`live failed: ${error.message}`),
      }),
    );
    lives.push(live);
  };

  const cut = (): void => {
    if (server.session === undefined) return;
    for (const key of KEYS) floors.set(key, server.data.get(key) ?? 0);
    server.cut();
  };

  for (let step = 0; step < STEPS; step++) {
    const draw = below(100);
    if (draw < 22) readOne();
    else if (draw < 28) writeOne();
    else if (draw < 42) server.write(pick(KEYS));
    else if (draw < 47 && lives.length < 8) observe();
    else if (draw < 50 && lives.length > 0) lives.splice(below(lives.length), 1)[0]!.subscription.unsubscribe();
    else if (draw < 65) server.run(1 + below(3));
    else if (draw < 82) server.deliver(1 + below(4));
    else if (draw < 86) server.endTurn();
    else if (draw < 88) server.evict();
    else if (draw < 89) server.flush();
    else if (draw < 91) cut();
    else clock.advance(below(3));
    if (chance(0.8)) await endOfTick();
    server.take();
  }
  // Until nothing is under way.
  for (let quiet = 0; quiet < 4; quiet++) {
    server.run(Infinity);
    server.endTurn();
    server.deliver(Infinity);
    clock.advance(10);
    await endOfTick();
    server.take();
    if (server.owes) quiet = -1;
  }
  for (const { keys, last } of lives) {
    const now = keys.map((key) => server.data.get(key) ?? 0);
    if (last.join() !== now.join())
      wrong(`live ${keys.join()} shows ${last.join()} in the end, and the server has ${now.join()}`);
  }
  for (const { subscription } of lives) subscription.unsubscribe();
  clock.advance(200);
  redis.cache.clear();
  await endOfTick();
  for (const [what, held] of holdings?.holdings ?? []) if (held !== 0) wrong(`${held} ${what} are left in the end`);
  await redis.destroy();
  return faults[0];
}

/** Whether there was a moment at which all keys had these versions. */
function areOfOneMoment(histories: readonly (readonly number[])[], versions: readonly number[]): boolean {
  const begun = Math.max(...versions);
  return histories.every((history, at) => {
    const next = history.find((version) => version > versions[at]!);
    return next === undefined || next > begun;
  });
}

/** Plays seeds until one shows a fault. */
export async function runSeeds(from: number, count: number): Promise<{ seed: number; fault: string } | undefined> {
  for (let seed = from; seed < from + count; seed++) {
    const fault = await play(seed);
    if (fault !== undefined) return { seed, fault };
  }
  return undefined;
}
