import { basename } from 'node:path';
import { firstValueFrom, lastValueFrom, map } from 'rxjs';
import type { Redis, RedisCommands, RedisError } from 'rxjs-redis';
import { get, incr } from 'rxjs-redis/commands';
import { useClients } from '../support/clients';
import { failure } from '../support/outcomes';
import { useServer } from '../support/server';

const THIS_FILE = basename(__filename);

/** The first frame of a stack. */
function topFrame({ stack }: Error): string {
  return stack!.split('\n').find((line) => line.trimStart().startsWith('at ')) ?? 'none';
}

/** Ways to call a command that fails, each in a function of its own name. */
const ways: readonly [string, (redis: Redis) => Promise<RedisError>][] = [
  [
    'await',
    (redis) =>
      failure(
        (async function byAwait() {
          return await redis.incr('list');
        })(),
      ),
  ],
  [
    'then',
    (redis) =>
      new Promise(function byThen(resolve) {
        redis.incr('list').then(undefined, resolve);
      }),
  ],
  [
    'subscribe',
    (redis) =>
      new Promise(function bySubscribe(resolve) {
        redis.incr('list').subscribe({ error: resolve });
      }),
  ],
  [
    'firstValueFrom',
    (redis) =>
      failure(
        (function byFirst() {
          return firstValueFrom(redis.incr('list'));
        })(),
      ),
  ],
  [
    'forget',
    (redis) =>
      new Promise(function byForget(resolve) {
        redis.events$.subscribe((event) => event.type === 'error' && resolve(event.error));
        redis.incr('list').forget();
      }),
  ],
  [
    'bytes',
    (redis) =>
      failure(
        (function byBytes() {
          return redis.bytes.incr('list');
        })(),
      ),
  ],
  [
    'withOptions',
    (redis) =>
      failure(
        (function byOptions() {
          return redis.withOptions({ commandTimeout: 5_000 }).incr('list');
        })(),
      ),
  ],
  [
    'call',
    (redis) =>
      failure(
        (function byCall() {
          return redis.call('INCR', 'list');
        })(),
      ),
  ],
  [
    'dedicated',
    (redis) =>
      failure(
        lastValueFrom(
          redis.dedicated(function byDedicated(lent) {
            return lent.incr('list');
          }),
        ),
      ),
  ],
  [
    'pipe',
    (redis) =>
      failure(
        (function byPipe() {
          return firstValueFrom(redis.incr('list').pipe(map((n) => String(n))));
        })(),
      ),
  ],
  [
    'pipeline with failFast',
    (redis) =>
      failure(
        (function byPipeline() {
          return redis.pipeline([incr('list')], { failFast: true });
        })(),
      ),
  ],
  [
    'a value of a pipeline',
    (redis) =>
      (function byValue() {
        return redis.pipeline(get('text'), incr('list'));
      })().then(([, error]) => error as RedisError),
  ],
  [
    'multi with failFast',
    (redis) =>
      failure(
        (function byMulti() {
          return redis.multi([incr('list')], { failFast: true });
        })(),
      ),
  ],
  [
    'a value of a transaction',
    (redis) =>
      (function byChain() {
        return redis.multi().get('text').incr('list').exec();
      })().then(([, error]) => error as RedisError),
  ],
  [
    'a chain on bytes',
    (redis) =>
      failure(
        (function byBytesChain() {
          return redis.bytes.pipeline({ failFast: true }).incr('list').exec();
        })(),
      ),
  ],
  [
    'a transaction on a dedicated connection',
    (redis) =>
      failure(
        lastValueFrom(
          redis.dedicated(function byLentMulti(lent) {
            return lent.multi([incr('list')], { failFast: true });
          }),
        ),
      ),
  ],
];

describe('The stack of an error', () => {
  const server = useServer();
  const make = useClients();
  beforeEach(async () => {
    const redis = make(server().url);
    await redis.del('list');
    await redis.rpush('list', 'v');
  });

  it.each(ways)('begins where the command was called, with callSites: %s', async (_, fail) => {
    const error = await fail(make({ url: server().url, callSites: true }));
    expect(error).toMatchObject({ code: 'REPLY', kind: 'WRONGTYPE', command: 'INCR' });
    expect(error.stack).toMatch(/^ReplyError: WRONGTYPE Operation/);
    expect(topFrame(error)).toMatch(new RegExp(`by[A-Z]\\w+ .*${THIS_FILE}`));
  });

  it.each(ways)('names the command, without callSites: %s', async (_, fail) => {
    const error = await fail(make({ url: server().url }));
    expect(error).toMatchObject({ code: 'REPLY', kind: 'WRONGTYPE', command: 'INCR' });
    expect(topFrame(error)).not.toContain(THIS_FILE);
  });

  it('is its own for each of the commands that the end of the client fails, with a prefix and the warning as well', async () => {
    const redis = make({ url: server().url, callSites: true, prefix: 'p:', warnUnused: true });
    await redis.connect();
    const first = (function byFirst() {
      return failure(redis.blpop(['q'], 0));
    })();
    const second = (function bySecond() {
      return failure(redis.publish('c', 'm'));
    })();
    await redis.destroy();
    expect(topFrame(await first)).toContain('byFirst');
    expect(topFrame(await second)).toContain('bySecond');
  });

  describe('where the program has its own way with stacks', () => {
    const { stackTraceLimit } = Error;
    const hook: unknown = Reflect.get(Error, 'prepareStackTrace');
    afterEach(() => {
      Reflect.set(Error, 'prepareStackTrace', hook);
      Error.stackTraceLimit = stackTraceLimit;
    });

    it.each<[string, () => void]>([
      ['a hook that gives frames', () => (Error.prepareStackTrace = (_, frames) => frames)],
      ['a hook that gives nothing', () => (Error.prepareStackTrace = () => undefined)],
      ['a hook that gives an object', () => (Error.prepareStackTrace = () => ({ split: 1 }))],
      [
        'a hook that throws',
        () =>
          (Error.prepareStackTrace = () => {
            throw new Error('of the hook');
          }),
      ],
      ['no frames at all', () => (Error.stackTraceLimit = 0)],
    ])('is left as it is, and the command fails as ever: %s', async (_, set) => {
      const redis = make({ url: server().url, callSites: true, warnUnused: true });
      await redis.connect();
      set();
      const [error, next] = await Promise.all([failure(redis.incr('list')), redis.echo('next').then()]);
      expect([error.code, error.message, next]).toStrictEqual(['REPLY', expect.stringMatching(/^WRONGTYPE/), 'next']);
    });
  });

  it.each<[string, (redis: Redis, scan: (commands: RedisCommands) => Promise<RedisError>) => PromiseLike<RedisError>]>([
    ['a client', (redis, scan) => scan(redis)],
    ['a dedicated connection', (redis, scan) => redis.dedicated((lent) => scan(lent))],
  ])('begins where a scan was called, whichever page it is: %s', async (_, on) => {
    const redis = make({ url: server().url, callSites: true });
    await redis.del('big');
    await redis.sadd(
      'big',
      Array.from({ length: 1_000 }, (_member, n) => `member ${n}`),
    );
    const error = await on(redis, async (commands) => {
      const stream = (function byScan() {
        return commands.sscanStream('big', { COUNT: 10, project: () => redis.set('big', 'no set any more') });
      })();
      return failure(lastValueFrom(stream));
    });
    expect(error).toMatchObject({ kind: 'WRONGTYPE', command: 'SSCAN' });
    expect(topFrame(error)).toMatch(new RegExp(`byScan .*${THIS_FILE}`));
  });

  it('belongs to one call even where several are told the same error', async () => {
    const redis = make({ url: server().url, callSites: true, username: 'nobody', password: 'wrong' });
    const first = (function byFirst() {
      return failure(redis.get('k'));
    })();
    const second = (function bySecond() {
      return failure(redis.get('k'));
    })();
    const errors = await Promise.all([first, second]);
    expect(errors.map(topFrame)).toEqual([expect.stringContaining('byFirst'), expect.stringContaining('bySecond')]);
    for (const error of errors) expect(error).toMatchObject({ code: 'AUTHENTICATION', command: 'GET' });
  });
});
