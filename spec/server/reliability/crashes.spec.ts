import type { Redis, RedisOptions } from 'rxjs-redis';
import { reaches, useClients } from '../../support/clients';
import { outcome, type Outcome } from '../../support/outcomes';
import { useServer } from '../../support/server';

const quick = { initialDelay: 2, maxDelay: 20 };
const IN_FLIGHT = 50;

describe('A server that is killed again and again under load', () => {
  const server = useServer({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
  const make = useClients();
  const client = (options: RedisOptions = {}) => make({ url: server().url, reconnect: quick, ...options });

  /** Sends as fast as replies come, so many at a time, until told to stop; how each command ended. */
  function load<T>(send: (n: number) => PromiseLike<T>): { stop: () => Promise<Outcome<T>[]> } {
    const outcomes: Outcome<T>[] = [];
    let running = true;
    let sent = 0;
    const work = async () => {
      while (running) {
        const n = sent++;
        outcomes[n] = await outcome(send(n));
      }
    };
    const workers = Promise.all(Array.from({ length: IN_FLIGHT }, work));
    return {
      stop: async () => {
        running = false;
        await workers;
        return outcomes;
      },
    };
  }

  async function killThrice(redis: Redis): Promise<void> {
    for (let n = 0; n < 3; n++) {
      await redis.ping();
      const lost = reaches(redis, 'reconnecting');
      await server().kill('SIGKILL');
      await lost;
      await server().restart();
      await reaches(redis, 'ready');
    }
  }

  it('has run every answered command once, and each whose fate is unknown at most once', async () => {
    const redis = client();
    await redis.set('n', '0');
    const { stop } = load(() => redis.incr('n'));
    await killThrice(redis);
    const outcomes = await stop();
    const answered = outcomes.flatMap((ended) => ('value' in ended ? [ended.value] : []));
    const failed = outcomes.flatMap((ended) => ('error' in ended ? [ended.error] : []));
    expect(new Set(failed.map(({ delivery }) => delivery))).toStrictEqual(new Set(['unknown']));
    expect(new Set(answered).size).toBe(answered.length);
    const total = Number(await redis.get('n'));
    expect(total).toBeGreaterThanOrEqual(answered.length);
    expect(total).toBeLessThanOrEqual(answered.length + failed.length);
  });

  it('costs no read, and no write that may be repeated', async () => {
    const redis = client();
    const { stop } = load<unknown>((n) => (n % 2 === 0 ? redis.set(`k:${n % 100}`, 'v') : redis.echo(n)));
    await killThrice(redis);
    const outcomes = await stop();
    expect(outcomes.length).toBeGreaterThan(3 * IN_FLIGHT);
    expect(outcomes).toStrictEqual(outcomes.map((_, n) => ({ value: n % 2 === 0 ? 'OK' : String(n) })));
  });
});
