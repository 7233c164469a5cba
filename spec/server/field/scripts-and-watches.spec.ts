import { firstValueFrom } from 'rxjs';
import type { Redis } from 'rxjs-redis';
import { call, decr, del, evalshaOrEval, get, incr, lpop, mget, set } from 'rxjs-redis/commands';
import { eventually, useClients, usePools } from '../../support/clients';
import { failure } from '../../support/outcomes';
import { useProxy, useServer } from '../../support/server';

/** Scripts that no server has yet. */
let made = 0;
const newScript = (): string => `return redis.call('incr', KEYS[1]) -- ${process.pid}.${++made}`;

describe.each([2, 3] as const)('What others have met with scripts and watched keys, in RESP%i:', (protocol) => {
  const server = useServer({ own: true });
  const proxy = useProxy(server);
  const make = useClients();
  const pools = usePools();
  const connect = () => make({ url: server().url, protocol });
  beforeEach(() => connect().flushall());

  it.each<[string, (redis: Redis, script: string) => PromiseLike<unknown>]>([
    ['because a watched key has changed', discardedByWatch],
    ['because the server refuses another command of it', refused],
    ['by hand', discardedByHand],
  ])('a script in a transaction that is discarded %s is there when it is called next', async (_, discard) => {
    const script = newScript();
    const redis = make({ url: server().url, protocol, leases: { max: 1 } });
    await discard(redis, script);
    expect(await connect().get('n')).toBeNull();
    expect(await redis.multi(evalshaOrEval(script, 'n'))).toStrictEqual([1]);
    expect(await redis.dedicated((lent) => lent.multi(evalshaOrEval(script, 'n')))).toStrictEqual([2]);
    expect(await redis.evalshaOrEval(script, 'n')).toBe(3);
  });

  async function discardedByWatch(redis: Redis, script: string): Promise<void> {
    const outcome = await redis.watch(
      'k',
      async () => {
        await connect().set('k', 1);
        return [evalshaOrEval(script, 'n')];
      },
      { attempts: 1 },
    );
    expect(outcome).toBeNull();
  }

  async function refused(redis: Redis, script: string): Promise<void> {
    const error = await failure(redis.multi(evalshaOrEval(script, 'n'), call('GET')));
    expect(error).toMatchObject({ kind: 'EXECABORT', causes: [{ index: 1, command: 'GET' }] });
  }

  async function discardedByHand(redis: Redis, script: string): Promise<void> {
    await redis.dedicated(async (lent) => {
      await lent.call('MULTI');
      expect(await lent.evalshaOrEval(script, 'n')).toBe('QUEUED');
      await lent.discard();
    });
  }

  it('a script whose text is no ASCII is known to the server by the SHA-1 that the client works out', async () => {
    const redis = connect();
    const word = redis.script("return 'é😀\\0' .. ARGV[1]", { keys: 0, reply: 'string' });
    const [sha] = await redis.scripts.load();
    expect(await redis.scriptExists(sha!)).toStrictEqual([1]);
    await redis.configResetstat();
    expect(await word([], ['ü'])).toBe('é😀\0ü');
    expect(await redis.call<string>('INFO', 'commandstats')).not.toMatch(/cmdstat_eval:/);
  });

  it('a client and a pool that begin before their server do is there send groups, scripts and watches once it is', async () => {
    await proxy().refuse(true);
    const redis = make({ url: proxy().url(), protocol, reconnect: { initialDelay: 5, maxDelay: 10 } });
    const pool = pools({ url: proxy().url(), protocol, reconnect: { initialDelay: 5, maxDelay: 10 } });
    const all = Promise.all([
      redis.pipeline(incr('a'), incr('a')),
      redis.multi(incr('b'), incr('b')),
      redis.evalshaOrEval(newScript(), 'c'),
      redis.watch('d', ({ d }) => [set('d', d === null ? 'none' : 'some')]),
      pool.multi(incr('e'), incr('e')),
      pool.use((lent) => lent.multi(incr('f'))),
    ]);
    await firstValueFrom(redis.events$);
    await proxy().refuse(false);
    expect(await all).toStrictEqual([[1, 2], [1, 2], 1, ['OK'], [1, 2], [1]]);
    expect(await connect().mget('a', 'b', 'c', 'd', 'e', 'f')).toStrictEqual(['2', '2', '1', 'none', '2', '1']);
  });

  it('a watched key whose time is up is a change', async () => {
    const [redis, other] = [connect(), connect()];
    await other.set('short', 'v', { PX: 30 });
    const seen: unknown[] = [];
    const values = await redis.watch('short', async ({ short }) => {
      seen.push(short);
      await eventually(
        () => other.exists('short'),
        (count) => count === 0,
      );
      return [set('seen', short === null ? 'gone' : 'there')];
    });
    // A server may have been so slow that the time was up before it was read.
    expect(seen.slice(-1)).toStrictEqual([null]);
    expect(values).toStrictEqual(['OK']);
    expect(await other.get('seen')).toBe('gone');
  });

  it.each<[string, (other: Redis) => PromiseLike<unknown>]>([
    ['goes with everything that the server has', (other) => other.flushall()],
    ['is deleted and made anew with the same value', (other) => other.multi(del('n'), set('n', 5))],
    ['is changed and changed back', (other) => other.multi(incr('n'), decr('n'))],
    ['gets the place and value of another', (other) => other.multi(set('m', 5), call('RENAME', 'm', 'n'))],
  ])('a watched key that meanwhile %s has changed', async (_, change) => {
    const [redis, other] = [connect(), connect()];
    await other.set('n', 5);
    let calls = 0;
    const values = await redis.watch('n', async () => {
      if (++calls === 1) await change(other);
      return [set('done', calls)];
    });
    expect(values).toStrictEqual(['OK']);
    expect(await other.get('done')).toBe('2');
  });

  it('a function that itself changes what it watches, on another connection, is called no more than it may be', async () => {
    const redis = connect();
    let calls = 0;
    const outcome = await redis.watch(
      'n',
      async () => {
        calls++;
        await redis.incr('n');
        return [set('n', 'never')];
      },
      { attempts: 3 },
    );
    expect([outcome, calls, await redis.get('n')]).toStrictEqual([null, 3, '3']);
  });

  it('one command that stands twice in a group, and in several, runs as often', async () => {
    const redis = connect();
    const count = incr('n');
    const twice = [count, count];
    expect(await redis.multi(twice)).toStrictEqual([1, 2]);
    expect(await Promise.all([redis.pipeline(twice), redis.multi(twice)])).toStrictEqual([
      [3, 4],
      [5, 6],
    ]);
  });

  it('nulls of every form stand in their places in a transaction', async () => {
    const redis = connect();
    const values = redis.multi(get('none'), lpop('none'), mget(['none', 'none']), call('ZSCORE', 'none', 'm'));
    expect(await values).toStrictEqual([null, null, [null, null], null]);
  });

  it('what is called behind a transaction in the same tick runs behind it', async () => {
    const redis = connect();
    await redis.set('k', 'before');
    const [first, , last] = await Promise.all([
      redis.get('k'),
      redis.multi(set('k', 'after'), get('k')),
      redis.get('k'),
    ]);
    expect([first, last]).toStrictEqual(['before', 'after']);
  });

  it('a server that is paused for all clients answers transactions, scripts and watches when it goes on, each once', async () => {
    const [redis, other] = [connect(), connect()];
    await redis.watch('n', () => null); // a connection is lent
    await other.call('CLIENT PAUSE', 100);
    const all = Promise.all([
      redis.multi(incr('n'), incr('n')),
      redis.evalshaOrEval(newScript(), 'm'),
      redis.watch('w', () => [incr('w')]),
    ]);
    expect(await all).toStrictEqual([[1, 2], 1, [1]]);
    expect(await other.mget('n', 'm', 'w')).toStrictEqual(['2', '1', '1']);
  });
});
