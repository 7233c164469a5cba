import { NEVER, concat, of } from 'rxjs';
import { get } from '../../../src/commands/generated/builders';
import { stage } from '../../../src/connection/stage';
import type { RedisOptions } from '../../../src/options';
import { Redis } from '../../../src/redis';
import { TrackingServer } from '../../simulation/freshness/tracking-server';
import { record } from '../../support/clients';
import { ScriptedSocket } from '../../support/scripted-socket';
import { endOfTick } from '../../support/tick';
import { VirtualClock } from '../../support/virtual-clock';

const SILENT = 300;

/** A client in virtual time, and a server that answers when it is told to. */
function connected(options: RedisOptions) {
  const server = new TrackingServer(true, () => undefined);
  const clock = new VirtualClock();
  let late = 0;
  clock.now = () => clock.frame + late;
  const dial = () => {
    const socket = new ScriptedSocket();
    server.accept(socket);
    return concat(of(socket), NEVER);
  };
  const own = { partsFor: () => ({ clock, dial }), made: () => undefined, subscribesBy: () => undefined };
  const given: RedisOptions = { ...options, reconnect: { initialDelay: SILENT, maxDelay: SILENT, jitter: 0 } };
  const redis = new Redis({ ...{ [stage]: own }, ...given });
  const answer = async (): Promise<void> => {
    for (let quiet = 0; quiet < 3; quiet++) {
      await endOfTick();
      server.take();
      if (server.owes) quiet = 0;
      server.run(Infinity);
      server.endTurn();
      server.deliver(Infinity);
      clock.advance(0);
    }
  };
  const pass = async (ms: number): Promise<void> => {
    for (let i = 0; i < ms; i++) {
      await endOfTick();
      clock.advance(1);
    }
  };
  const states = record(redis.state$).values;
  const isLeft = () => states.at(-1)?.kind !== 'ready';
  return { redis, server, answer, pass, isLeft, blocked: (ms: number) => (late += ms) };
}

describe('A connection that is dead and does not say so', () => {
  it.each<RedisOptions>([
    { readTimeout: SILENT },
    { cache: { staleAfter: SILENT }, readTimeout: 3_600_000 },
    { cache: { staleAfter: Infinity }, readTimeout: SILENT },
  ])('is left after %j where a live query is there, time after time', async (options) => {
    const { redis, server, answer, pass, isLeft } = connected(options);
    const { values, ended } = record(redis.live(get('k')));
    await answer();
    for (let round = 1; round <= 3; round++) {
      server.write('k');
      await pass(SILENT - 1);
      expect([isLeft(), values.length]).toStrictEqual([false, round]);
      await pass(2);
      expect(isLeft()).toBe(true);
      await pass(SILENT);
      await answer();
      expect([isLeft(), values.at(-1)]).toStrictEqual([false, String(round)]);
    }
    expect(ended).toBeUndefined();
    await redis.destroy();
  });

  it('is not left for a cache alone, whose values are dropped', async () => {
    const { redis, answer, pass, isLeft } = connected({ cache: { staleAfter: SILENT } });
    redis.get('k').subscribe();
    await answer();
    await pass(SILENT - 1);
    expect(redis.cache.stats.entries).toBe(1);
    await pass(2);
    expect([isLeft(), redis.cache.stats.entries]).toStrictEqual([false, 0]);
    await redis.destroy();
  });

  it('is not left while a command is owed that may take longer', async () => {
    const { redis, answer, pass, isLeft } = connected({ readTimeout: SILENT });
    record(redis.live(get('k')));
    await answer();
    const slow = record(redis.withOptions({ readTimeout: 10_000 }).ping());
    await pass(1_000);
    expect(isLeft()).toBe(false);
    await answer();
    expect([isLeft(), slow.ended]).toStrictEqual([false, 'complete']);
    await pass(SILENT + 1);
    expect(isLeft()).toBe(true);
    await redis.destroy();
  });

  it('is asked first where it was this process that stood still', async () => {
    const { redis, answer, pass, isLeft, blocked } = connected({ readTimeout: SILENT });
    record(redis.live(get('k')));
    await answer();
    blocked(10_000);
    await pass(SILENT / 2);
    await answer();
    await pass(SILENT - 1);
    expect(isLeft()).toBe(false);
    await pass(2);
    expect(isLeft()).toBe(true);
    await redis.destroy();
  });
});
