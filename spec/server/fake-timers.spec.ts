import { join } from 'node:path';
import { install, type Clock } from '@sinonjs/fake-timers';
import { config, firstValueFrom } from 'rxjs';
import type { Redis } from 'rxjs-redis';
import type * as rxjsRedis from 'rxjs-redis';
import { reaches, record, useClients } from '../support/clients';
import { runChild, type Child } from '../infra/run-child';
import { failure } from '../support/outcomes';
import { useServer } from '../support/server';

/** Timers of a test library in place of the system's. */
interface FakeTimers {
  install(): void;
  restore(): void;
  advance(ms: number): void;
  runPending(): void;
}

const jests = (how: Parameters<typeof jest.useFakeTimers>[0]): FakeTimers => ({
  install: () => jest.useFakeTimers(how),
  restore: () => jest.useRealTimers(),
  advance: (ms) => jest.advanceTimersByTime(ms),
  runPending: () => jest.runOnlyPendingTimers(),
});

let clock: Clock | undefined;
/** All that there are: also nextTick, queueMicrotask and performance, and also what the modules of timers hand out. */
const sinons: FakeTimers = {
  install: () => (clock = install({ now: 0 })),
  restore: () => {
    clock?.uninstall();
    clock = undefined;
  },
  advance: (ms) => clock!.tick(ms),
  runPending: () => clock!.runToLast(),
};

const kinds: Record<string, FakeTimers> = {
  "Jest's, modern": jests({ now: 0 }),
  "Jest's, legacy": jests({ legacyFakeTimers: true }),
  "sinon's": sinons,
};

describe.each(Object.keys(kinds))('Fake timers (%s)', (kind) => {
  const timers = kinds[kind]!;
  const server = useServer();
  const make = useClients();
  const uncaught: unknown[] = [];
  const note = (error: unknown) => uncaught.push(error);
  beforeEach(() => process.on('uncaughtException', note));
  afterEach(() => {
    timers.restore();
    process.off('uncaughtException', note);
    expect(uncaught.splice(0)).toStrictEqual([]);
  });
  const client = () =>
    make({ url: server().url, reconnect: { initialDelay: 20 }, commandTimeout: 20_000, readTimeout: 10_000 });

  /** The server answers after its time. */
  const timedOut = (redis: Redis) => failure(redis.withOptions({ commandTimeout: 30 }).blpop('nothing', 0.5));

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
    timers.install();
    expect(await waiting).toMatchObject({ code: 'TIMEOUT' });
    await works(redis);
    timers.restore();
    await works(redis);
  });

  it('do not stop a client that comes later, nor does their end', async () => {
    timers.install();
    const redis = client();
    await works(redis);
    timers.restore();
    await works(redis);
    await redis.close();
  });

  it('do not stop a client whose module is loaded later, nor does their end', async () => {
    timers.install();
    let redis: Redis | undefined;
    jest.isolateModules(() => {
      const { Redis: Loaded } = jest.requireActual<typeof rxjsRedis>('rxjs-redis');
      redis = new Loaded({ url: server().url, reconnect: { initialDelay: 20 }, commandTimeout: 20_000 });
    });
    await works(redis!);
    timers.restore();
    await works(redis!);
    await redis!.close();
  });

  it('leave an error of user code to the process, as ever', async () => {
    const errors: unknown[] = [];
    config.onUnhandledError = (error) => errors.push(error);
    try {
      timers.install();
      const redis = client();
      redis.echo('e').subscribe(() => {
        throw new Error('of the user');
      });
      expect(await redis.echo('next')).toBe('next');
      timers.runPending(); // RxJS tells by a timer, which is the test's
      expect(errors).toStrictEqual([new Error('of the user')]);
    } finally {
      config.onUnhandledError = null;
    }
  });

  it('count in no time of the client, however far they are advanced', async () => {
    timers.install();
    const redis = client();
    const states = record(redis.state$);
    await redis.connect();
    const reply = redis.echo('e').then();
    timers.advance(3_600_000);
    expect(await reply).toBe('e');
    expect(states.values.map(({ kind }) => kind)).toStrictEqual(['idle', 'connecting', 'ready']);
  });
});

describe("Sinon's fake timers in a process of their own, where Node's sockets tick by them", () => {
  const server = useServer();
  let child: Child | undefined;
  afterEach(() => child?.process.kill('SIGKILL'));

  it.each([
    ['all', 'made before', ['works', 'works']],
    ['all', 'made while they are there', ['works']],
    ['all', 'loaded while they are there', ['works']],
    ['all but ticks', 'made before', ['works', 'works']],
    ['all but ticks', 'made while they are there', ['works', 'works']],
    ['all but ticks', 'loaded while they are there', ['works', 'works']],
  ])('do not stop a client, nor does their end: %s, %s', async (which, when, expected) => {
    child = runChild(join(__dirname, 'fake-timers.child.ts'), [server().url, which, when]);
    expect(JSON.parse(await child.nextLine())).toStrictEqual(expected);
    expect(await child.exited).toStrictEqual([0, null]);
  });
});
