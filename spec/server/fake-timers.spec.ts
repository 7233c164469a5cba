import { config, firstValueFrom } from 'rxjs';
import type { Redis } from 'rxjs-redis';
import type * as rxjsRedis from 'rxjs-redis';
import { reaches, record, useClients } from '../support/clients';
import { failure } from '../support/outcomes';
import { useServer } from '../support/server';

const kinds: Record<string, () => void> = {
  modern: () => jest.useFakeTimers({ now: 0 }),
  legacy: () => jest.useFakeTimers({ legacyFakeTimers: true }),
};

describe.each(Object.keys(kinds))("Jest's fake timers (%s)", (kind) => {
  const server = useServer();
  const make = useClients();
  const uncaught: unknown[] = [];
  const note = (error: unknown) => uncaught.push(error);
  beforeEach(() => process.on('uncaughtException', note));
  afterEach(() => {
    jest.useRealTimers();
    process.off('uncaughtException', note);
    expect(uncaught.splice(0)).toStrictEqual([]);
  });
  const fake = () => kinds[kind]!();
  const client = () =>
    make({ url: server().url, reconnect: { initialDelay: 20 }, commandTimeout: 20_000, readTimeout: 10_000 });

  /** The server answers after its time. */
  const timedOut = (redis: Redis) => failure(redis.withOptions({ commandTimeout: 30 }).blpop('nothing', 0.2));

  /** All that a client needs its time for. */
  async function works(redis: Redis): Promise<void> {
    const admin = make(server().url);
    const replies = await Promise.all([redis.set('k', 'v'), redis.get('k'), redis.echo('e')]);
    expect(replies).toStrictEqual(['OK', 'v', 'e']);
    // What is late ends by the true time.
    expect(await timedOut(redis)).toMatchObject({ code: 'TIMEOUT' });
    // A link that is lost is made again after a delay.
    const lost = reaches(redis, 'reconnecting');
    await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await lost;
    await reaches(redis, 'ready');
    expect(await redis.incr(`n:${Math.random()}`)).toBe(1);
    const messages = firstValueFrom(redis.subscribe('fake'));
    await redis.publish('fake', 'message');
    expect(await messages).toMatchObject({ data: 'message' });
  }

  it('do not stop a client that was there before, nor does their end', async () => {
    const redis = client();
    await redis.connect();
    const waiting = timedOut(redis);
    fake();
    expect(await waiting).toMatchObject({ code: 'TIMEOUT' });
    await works(redis);
    jest.useRealTimers();
    await works(redis);
  });

  it('do not stop a client that comes later, nor does their end', async () => {
    fake();
    const redis = client();
    await works(redis);
    jest.useRealTimers();
    await works(redis);
    await redis.close();
  });

  it('do not stop a client whose module is loaded later, nor does their end', async () => {
    fake();
    let redis: Redis | undefined;
    jest.isolateModules(() => {
      const { Redis: Loaded } = jest.requireActual<typeof rxjsRedis>('rxjs-redis');
      redis = new Loaded({ url: server().url, reconnect: { initialDelay: 20 }, commandTimeout: 20_000 });
    });
    await works(redis!);
    jest.useRealTimers();
    await works(redis!);
    await redis!.close();
  });

  it('leave an error of user code to the process, as ever', async () => {
    const errors: unknown[] = [];
    config.onUnhandledError = (error) => errors.push(error);
    try {
      fake();
      const redis = client();
      redis.echo('e').subscribe(() => {
        throw new Error('of the user');
      });
      expect(await redis.echo('next')).toBe('next');
      jest.runOnlyPendingTimers(); // RxJS tells by a timer, which is the test's
      expect(errors).toStrictEqual([new Error('of the user')]);
    } finally {
      config.onUnhandledError = null;
    }
  });

  it('count in no time of the client, however far they are advanced', async () => {
    fake();
    const redis = client();
    const states = record(redis.state$);
    await redis.connect();
    const reply = redis.echo('e').then();
    jest.advanceTimersByTime(3_600_000);
    expect(await reply).toBe('e');
    expect(states.values.map(({ kind }) => kind)).toStrictEqual(['idle', 'connecting', 'ready']);
  });
});
