import type { Redis, RedisOptions } from 'rxjs-redis';
import { eventually, useClients } from '../../support/clients';
import { outcome } from '../../support/outcomes';
import { useServer } from '../../support/server';

const often = { initialDelay: 5, maxDelay: 20, maxAttempts: 1_000 };

describe('Commands that a server refuses for the moment', () => {
  const server = useServer({ args: ['--lua-time-limit', '5'] });
  const make = useClients();
  const client = (options: RedisOptions = {}) => make({ url: server().url, retry: often, ...options });

  /** Keeps the server busy, so that it answers BUSY, until the script is killed. */
  async function occupy(): Promise<{ free: () => Promise<unknown> }> {
    const owner = client({ retry: false });
    const killer = client();
    await killer.connect();
    const script = outcome(owner.eval('while true do end', []));
    const probe = client({ retry: false });
    await eventually(
      () => outcome(probe.get('k')),
      (answer) => 'error' in answer,
    );
    return {
      free: async () => {
        await killer.scriptKill();
        await script;
      },
    };
  }

  const inOrder = async (redis: Redis, send: () => Promise<unknown>) => {
    await redis.del('list');
    const { free } = await occupy();
    const sent = send();
    await free();
    await sent;
    return redis.lrange('list', 0, -1);
  };

  it('run in the order of the calls once it takes them', async () => {
    const redis = client();
    const pushed = await inOrder(redis, async () => {
      const pushes: Promise<unknown>[] = [];
      for (let n = 0; n < 100; n++) {
        pushes.push(outcome(redis.rpush('list', n)));
        if (n % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 3));
      }
      return Promise.all(pushes);
    });
    expect(pushed).toStrictEqual(Array.from({ length: 100 }, (_, n) => String(n)));
  });
});
