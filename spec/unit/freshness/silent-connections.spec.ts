import { get } from '../../../src/commands/generated/builders';
import type { RedisOptions } from '../../../src/options';
import { record } from '../../support/clients';
import { trackedClient } from '../../support/tracked-client';

const SILENT = 300;
const connected = (options: RedisOptions) => trackedClient(options, SILENT);

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
