import { NEVER, Subscription, concat, map, of, type Observable } from 'rxjs';
import { Redis } from '../../../src/redis';
import { call } from '../../../src/commands/call';
import { get } from '../../../src/commands/generated/builders';
import { stage, type Holdings, type Stage } from '../../../src/connection/stage';
import { ScriptedSocket } from '../../support/scripted-socket';
import { endOfTick } from '../../support/tick';
import { VirtualClock } from '../../support/virtual-clock';
import { Random } from '../random';
import { TrackingServer } from './tracking-server';

const KEYS = ['a', 'b', 'c', 'd', 'e'];
const STEPS = 160;

/** What came later into the simulation draws from chances of its own, so that the seeds of before are the same. */
const LATER = 2 ** 31;
/** How long a link may be silent, where some are half-open, ms. */
const SILENT = 1_000;
/** Live queries show what the server has so many ms after it is quiet. */
const QUIET = 200;

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

/** A write of the client, and its version once it is answered. */
interface Write {
  version: number;
  isUnderWay: boolean;
}

/** Plays one seed. Returns what was wrong, undefined where nothing was. */
export async function play(seed: number): Promise<string | undefined> {
  const random = new Random(seed);
  const chance = (share: number): boolean => random.chance(share);
  const below = (limit: number): number => random.int(0, limit - 1);
  const pick = <T>(from: readonly T[]): T => random.pick(from);
  const later = new Random(seed + LATER);
  const isHalfOpen = later.chance(0.3);
  const hasGroups = later.chance(0.5);
  const boundedBy = later.pick(['readTimeout', 'staleAfter']);
  const told = new Told();
  const server = new TrackingServer(
    chance(0.5),
    (key, version) => told.note(key, version),
    () => noticed(),
  );
  /** When the link was half-open the last time, until that is noticed, or is to have been. */
  let deadSince = Infinity;
  const noticed = (): void => {
    deadSince = Infinity;
    for (const key of KEYS) floors.set(key, server.data.get(key) ?? 0);
  };
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
  const isCacheAlone = isHalfOpen && mode !== undefined && later.chance(0.4);
  const isLimited = isHalfOpen && mode !== undefined && boundedBy === 'staleAfter';
  const staleAfter = isLimited ? SILENT : undefined;
  const cache = mode === undefined ? undefined : { mode, maxEntries: 1 + below(6), staleAfter };
  const readTimeout = isHalfOpen ? (isLimited ? 100 : 1) * SILENT : undefined;
  const reconnect = { initialDelay: 1, maxDelay: 4, jitter: 0 };
  const redis = new Redis({ ...{ [stage]: own }, cache, protocol: 3, reconnect, readTimeout });
  redis.events$.subscribe();
  let isReady = false;
  redis.state$.subscribe(({ kind }) => (isReady = kind === 'ready'));
  const historyOf = (key: string): readonly number[] => server.history.get(key) ?? [0];
  const versionOf = (value: string | null): number => (value === null ? 0 : Number(value));
  /** The version of each key when the client has noticed its last loss, and own writes that were answered. */
  const floors = new Map<string, number>();
  const writes = new Map<string, Write[]>();

  const readOne = (): void => {
    if (clock.now() > deadSince + SILENT + 1) noticed();
    const key = pick(KEYS);
    const floor = floors.get(key) ?? 0;
    const before = [...(writes.get(key) ?? [])];
    let isCalling = true;
    redis.get(key).subscribe({
      next: (value) => {
        const version = versionOf(value);
        const least = told.floor(key, historyOf(key));
        if (version < least) wrong(`GET ${key} gave ${version} although the client was told of ${least}`);
        if (version < floor) wrong(`GET ${key} gave ${version} behind a loss that was noticed at ${floor}`);
        const written = Math.max(0, ...before.map((write) => write.version));
        if (isCalling && before.some(({ isUnderWay }) => isUnderWay))
          wrong(`GET ${key} was answered from memory behind an own write that is under way`);
        if (version < written) wrong(`GET ${key} gave ${version} behind its own write ${written}`);
      },
      // The same command is not sent a third time when its link was lost twice.
      error: (error: Error) => !/lost/.test(error.message) && wrong(`GET failed: ${error.message}`),
    });
    isCalling = false;
  };
  const writeOne = (): void => {
    const key = pick(KEYS);
    const write: Write = { version: 0, isUnderWay: true };
    writes.set(key, [...(writes.get(key) ?? []), write]);
    redis.call<string>('SET', key, 'any').subscribe({
      next: (version) => answered(write, version),
      error: () => (write.isUnderWay = false), // lost with its link: it may have run
    });
  };

  /** Several writes, with reads among them, as one command, one write, or one moment; or a write that does not name its key. */
  const writeMany = (): void => {
    const one = later.pick(KEYS);
    const other = later.pick(KEYS.filter((key) => key !== one));
    const mine = [one, other].map((key) => {
      const write: Write = { version: 0, isUnderWay: true };
      writes.set(key, [...(writes.get(key) ?? []), write]);
      return write;
    });
    const wrote = (versions: readonly unknown[]) => mine.forEach((write, at) => answered(write, versions[at] ?? 0));
    const both = (version: unknown) => [version, version];
    const read = later.pick(KEYS);
    const group = [call('SET', one, 'any'), get(read), call('SET', other, 'any')] as const;
    const ways: Readonly<Record<string, () => Observable<readonly unknown[]>>> = {
      mset: () => redis.call('MSET', one, 'any', other, 'any').pipe(map(both)),
      multi: () => redis.multi(...group).pipe(map(outer)),
      pipeline: () => redis.pipeline(...group).pipe(map(outer)),
      script: () => redis.call('EVAL', 'any', 0, one).pipe(map((version) => [version])),
    };
    const way = later.pick(Object.keys(ways));
    ways[way]!().subscribe({
      next: wrote,
      error: (error: Error) => {
        for (const write of mine) write.isUnderWay = false;
        if (!/lost|silent/.test(error.message)) wrong(`${way} failed: ${error.message}`);
      },
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
    if (isCacheAlone) return;
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
    if (server.session === undefined || (isCacheAlone && server.isDead)) return;
    noticed();
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
    if (hasGroups && later.chance(0.06)) writeMany();
    if (isHalfOpen) {
      if (later.chance(0.3)) clock.advance(later.int(0, 300));
      if (!server.isDead && later.chance(0.02) && isReady) {
        server.die();
        deadSince = clock.now();
      }
    }
    if (chance(0.8)) await endOfTick();
    server.take();
  }
  const shows = ({ keys, last }: Live): boolean => keys.every((key, at) => last[at] === (server.data.get(key) ?? 0));
  const end = clock.now() + (server.isDead ? SILENT + 1 : 0) + QUIET;
  let late: Live | undefined;
  // Until nothing is under way, and what is dead is found to be.
  for (let quiet = 0; quiet < 4; quiet++) {
    if (server.isDead && lives.length > 0) quiet = Math.min(quiet, clock.now() > end ? 3 : 0);
    if (clock.now() > end) late ??= lives.find((live) => !shows(live));
    const roundTrip = server.owes ? 1 : 10;
    server.run(Infinity);
    server.endTurn();
    server.deliver(Infinity);
    clock.advance(roundTrip);
    await endOfTick();
    server.take();
    if (server.owes) quiet = -1;
  }
  if (late !== undefined) wrong(`live ${late.keys.join()} is out of date ${QUIET} ms after the last write`);
  for (const { keys, last } of lives) {
    const now = keys.map((key) => server.data.get(key) ?? 0);
    if (last.join() !== now.join())
      wrong(`live ${keys.join()} shows ${last.join()} in the end, and the server has ${now.join()}`);
  }
  // What was sent on a dead link waits until that is left.
  const isOwed = server.isDead;
  for (const { subscription } of lives) subscription.unsubscribe();
  clock.advance(200);
  redis.cache.clear();
  await endOfTick();
  const held = isOwed ? [] : (holdings?.holdings ?? []);
  for (const [what, count] of held) if (count !== 0) wrong(`${count} ${what} are left in the end`);
  const [fault] = faults;
  await redis.destroy();
  return fault;
}

/** Whether there was a moment at which all keys had these versions. */
function areOfOneMoment(histories: readonly (readonly number[])[], versions: readonly number[]): boolean {
  const begun = Math.max(...versions);
  return histories.every((history, at) => {
    const next = history.find((version) => version > versions[at]!);
    return next === undefined || next > begun;
  });
}

function answered(write: Write, version: unknown): void {
  write.version = Number(version);
  write.isUnderWay = false;
}

const outer = ([first, , last]: readonly unknown[]): readonly unknown[] => [first, last];

/** Plays seeds until one shows a fault. */
export async function runSeeds(from: number, count: number): Promise<{ seed: number; fault: string } | undefined> {
  for (let seed = from; seed < from + count; seed++) {
    const fault = await play(seed);
    if (fault !== undefined) return { seed, fault };
  }
  return undefined;
}
