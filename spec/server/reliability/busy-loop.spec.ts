import { setImmediate } from 'node:timers/promises';
import type { Redis, RedisCommands, RedisOptions } from 'rxjs-redis';
import { record, useClients } from '../../support/clients';
import { useDebuggableServer } from '../../support/debuggable';
import { outcome } from '../../support/outcomes';
import { useProxy } from '../../support/server';
import { useTlsServer } from '../../support/tls-server';

/** User code that keeps the event loop for so long, ms. */
function holdUp(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

const sleep = (redis: Pick<RedisCommands, 'call'>, seconds: number) => redis.call<string>('DEBUG', 'SLEEP', seconds);

describe('An event loop that is held up', () => {
  const server = useDebuggableServer();
  const tls = useTlsServer('--tls-auth-clients', 'no');
  const proxy = useProxy(server);
  const make = useClients();
  // Limits are those of the commands alone: to connect may take longer.
  const connected = async (options: RedisOptions) => {
    const redis = make({ reconnect: false, ...options });
    await redis.connect();
    return redis;
  };
  /** Straight to the server: a proxy of this process would be held up as well. */
  const direct = (options: RedisOptions = {}) => connected({ url: server().url, ...options });

  it.each([
    [{ commandTimeout: 100 }, {}],
    [{ readTimeout: 100 }, {}],
    [{ commandTimeout: 100 }, { readBufferSize: 1024 }],
    [{ readTimeout: 100 }, { readBufferSize: 1024 }],
  ] as const)(
    'beyond %o fails nothing that has been answered in time, in however many reads: %o',
    async (limit, options) => {
      const redis = (await direct(options)).withOptions(limit);
      const replies = Array.from({ length: 1_000 }, (_, n) => outcome(redis.echo(`${n}`.padEnd(200, '.'))));
      await setImmediate();
      holdUp(1_000);
      const values = (await Promise.all(replies)).map((ended) =>
        'value' in ended ? parseInt(ended.value) : ended.error,
      );
      expect(values).toStrictEqual(Array.from({ length: 1_000 }, (_, n) => n));
    },
  );

  it.each([5, 10, 15])(
    'for %d ms at the moment of the deadline fails nothing that has been answered either',
    async (late) => {
      const redis = (await direct()).withOptions({ commandTimeout: 1_000 });
      const start = performance.now();
      const slept = outcome(sleep(redis, 0.03));
      await setImmediate();
      holdUp(1_000 + late - (performance.now() - start));
      expect(await slept).toStrictEqual({ value: 'OK' });
    },
  );

  it('before a command is written takes nothing from its time', async () => {
    const redis = (await direct()).withOptions({ commandTimeout: 1_000 });
    const slept = outcome(sleep(redis, 0.5));
    holdUp(900);
    expect(await slept).toStrictEqual({ value: 'OK' });
  });

  it('while a connection is made does not fail the attempt: TCP', async () => {
    const redis = make({ url: server().url, connectTimeout: 400 });
    await connectsHeldUp(redis);
  });

  it('while a connection is made does not fail the attempt: TLS, and two answers to wait for', async () => {
    const { tlsPort, certificates } = tls();
    const redis = make({
      url: `rediss://localhost:${tlsPort}`,
      tls: { ca: certificates.ca },
      connectTimeout: 400,
      protocol: 2,
    });
    await connectsHeldUp(redis);
  });

  async function connectsHeldUp(redis: Redis): Promise<void> {
    const states = record(redis.state$);
    const connecting = outcome(redis.connect());
    for (let turn = 0; turn < 6; turn++) {
      await setImmediate();
      holdUp(450);
    }
    expect(await connecting).toStrictEqual({ value: undefined });
    expect(states.values.map(({ kind }) => kind)).toStrictEqual(['idle', 'connecting', 'ready']);
  }

  it('ends what has not been answered, once all has been read that was at hand', async () => {
    const redis = (await connected({ url: proxy().url() })).withOptions({ commandTimeout: 100 });
    proxy().stall('toClient', true);
    const lost = outcome(redis.echo('lost'));
    await setImmediate();
    holdUp(200);
    expect(await lost).toMatchObject({ error: { code: 'TIMEOUT', delivery: 'unknown' } });
    proxy().stall('toClient', false);
  });
});
