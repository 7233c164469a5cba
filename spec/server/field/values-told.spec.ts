import type { RedisOptions } from 'rxjs-redis';
import {
  clientTracking,
  get,
  hgetall,
  objectFreq,
  objectIdletime,
  xinfoConsumers,
  xinfoGroups,
  xinfoStream,
  xpending,
} from 'rxjs-redis/commands';
import { eventually, record, useClients } from '../../support/clients';
import { useServer } from '../../support/server';
import { until } from '../../support/until';

// What users of other clients and of servers have reported of what servers tell, and do not tell, of changes.

const server = useServer({ own: true });
const replica = useServer({ own: true });
const make = useClients();
const client = (options: RedisOptions = {}) => make({ url: server().url, reconnect: { initialDelay: 5 }, ...options });
const modes = ['default', 'optin', 'broadcast'] as const;

beforeEach(() => client().flushall());

describe.each(modes)('A server that tells of changes in the mode %s', (mode) => {
  const cached = (options: RedisOptions = {}) => client({ cache: { mode }, ...options });
  const keeps = (redis: ReturnType<typeof client>, key: string) =>
    eventually(
      () => redis.get(key),
      () => redis.cache.stats.entries > 0,
    );

  it('rueidis#799, redis#13856: is sent nothing that it refuses', async () => {
    const [redis, other] = [cached({ clientInfo: false }), client()];
    const errors = async () => /total_error_replies:(\d+)/.exec(await other.call<string>('INFO', 'stats'))?.[1];
    const before = await errors();
    const seen = record(redis.live(get('k'))).values;
    await keeps(redis, 'k');
    await until(() => seen.length === 1);
    await other.set('k', '1');
    await until(() => seen.length === 2);
    await redis.mget('k', 'm');
    expect(await errors()).toBe(before);
  });

  it('redis#6894: tells of every FLUSHALL', async () => {
    const [redis, other] = [cached(), client()];
    for (let round = 0; round < 3; round++) {
      await keeps(redis, 'k');
      await other.flushall();
      await until(() => redis.cache.stats.entries === 0);
    }
  });

  it('redis-py#3453: keeps nothing of what pipelines, transactions and scripts read, and mixes it with nothing', async () => {
    const [redis, other] = [cached(), client()];
    await other.mset({ k: '1', m: '2' });
    for (let round = 0; round < 3; round++) {
      const [alone, piped, together, script] = await Promise.all([
        redis.get('k'),
        redis.pipeline(get('m'), get('k')),
        redis.multi(get('m')),
        redis.evalRo?.("return redis.call('GET', KEYS[1])", ['m']).then(
          (value) => value,
          () => '2', // Redis 6.0 does not know it
        ),
      ]);
      expect([alone, piped, together, script]).toStrictEqual(['1', ['2', '1'], ['2'], '2']);
    }
    expect(redis.cache.stats).toMatchObject({ misses: 1, hits: 2, entries: 1 });
  });

  it('redisson#5809: is asked again behind a transaction that was not run, and then no more', async () => {
    const [redis, other] = [cached(), client()];
    await redis.set('k', '1');
    await keeps(redis, 'k');
    await redis.dedicated(async (connection) => {
      await connection.call('WATCH', 'k');
      await other.set('k', '2');
      expect(await connection.multi().set('k', '3').exec()).toBeNull();
    });
    await Promise.resolve(redis.multi().call('SET', 'k').set('k', '4').exec()).catch(() => undefined);
    await eventually(
      () => redis.get('k'),
      (value) => value === '2',
    );
    await keeps(redis, 'k');
    const { misses } = redis.cache.stats;
    expect([await redis.get('k'), redis.cache.stats.misses - misses]).toStrictEqual(['2', 0]);
  });

  it('redis#13100: may be a replica, whose master is written to, and changes', async () => {
    const [other, admin] = [client(), make(replica().url)];
    const { hostname, port } = new URL(server().url);
    await other.configSet('repl-diskless-sync-delay', 0);
    await other.set('k', '1');
    await admin.call('REPLICAOF', hostname, port);
    try {
      const redis = cached({ url: replica().url });
      await eventually(
        () => redis.get('k'),
        (value) => value === '1',
      );
      const seen = record(redis.live(get('k'))).values;
      await until(() => seen.length === 1);
      await other.set('k', '2');
      await until(() => seen.at(-1) === '2');
      await eventually(
        () => redis.get('k'),
        (value) => value === '2',
      );
      await admin.call('REPLICAOF', 'NO', 'ONE');
      await admin.set('k', 'its own');
      await until(() => seen.at(-1) === 'its own');
      await redis.get('k');
      await admin.call('REPLICAOF', hostname, port);
      await until(() => seen.at(-1) === '2');
      expect(await redis.get('k')).toBe('2');
    } finally {
      await admin.call('REPLICAOF', 'NO', 'ONE');
    }
  });

  it('redisson#4096: tells a client that has just come, while keys change without end', async () => {
    const other = client();
    let isOver = false;
    const writing = (async () => {
      for (let n = 0; !isOver; n++) await other.set('k', String(n));
      await other.set('k', 'last');
    })();
    const all = Array.from({ length: 10 }, () => cached());
    const seen = all.map((redis) => record(redis.live(get('k'))).values);
    await Promise.all(all.map((redis) => redis.get('k')));
    await until(() => seen.every((values) => values.length > 2));
    isOver = true;
    await writing;
    await until(() => seen.every((values) => values.at(-1) === 'last'));
    for (const redis of all)
      await eventually(
        () => redis.get('k'),
        (value) => value === 'last',
      );
  });

  it('FreeRedis#123: tells of fields of a hash, that end as well, where it knows their times', async () => {
    const [redis, other] = [cached(), client()];
    await other.hset('h', { a: '1', b: '2' });
    const seen = record(redis.live(hgetall('h'))).values;
    expect(await redis.hmget('h', 'a', 'b')).toStrictEqual(['1', '2']);
    await until(() => seen.length === 1);
    await other.hincrby('h', 'b', 1);
    await until(() => seen.length === 2);
    const isKnown = await other.call('HPEXPIRE', 'h', 10, 'FIELDS', 1, 'a').then(
      () => true,
      () => false,
    );
    if (!isKnown) await other.hdel('h', 'a');
    await until(() => Object.keys(seen.at(-1) ?? {}).join() === 'b');
    await eventually(
      () => redis.hmget('h', 'a', 'b'),
      ([a, b]) => a === null && b === '3',
    );
  });
});

describe('What a server tells of', () => {
  it('valkey#3429: is nothing that groups of streams do, so their state cannot be followed', () => {
    const redis = client();
    const commands = [
      xpending('s', 'g'),
      xinfoGroups('s'),
      xinfoConsumers('s', 'g'),
      xinfoStream('s'),
      objectFreq('k'),
      objectIdletime('k'),
    ];
    for (const command of commands)
      expect(() => redis.live(command as never)).toThrow(`no change of what ${command.spec.name} reads`);
  });

  it('redis#15073: are no prefixes that begin with one another, to which Redis gives two replies', async () => {
    const prefixes = { BCAST: true, PREFIX: ['other:', 'user:1', 'user:'] } as const;
    const message = 'takes no prefix that begins with another';
    const redis = client();
    await redis.set('k', '1');
    await redis.dedicated(async (connection) => {
      expect(() => connection.clientTracking('ON', prefixes)).toThrow(message);
      expect(() => connection.call('CLIENT TRACKING', 'ON', 'BCAST', 'prefix', 'a', 'PREFIX', 'a')).toThrow(message);
      const apart = connection.clientTracking('ON', { BCAST: true, PREFIX: ['other:', 'user:'] });
      expect(await Promise.all([apart, connection.get('k'), connection.echo('e')])).toStrictEqual(['OK', '1', 'e']);
    });
    expect(() => client({ onConnect: [clientTracking('ON', prefixes)] })).toThrow(message);
    expect(() => client({ cache: { mode: 'broadcast', keys: ['b', 'ab', 'a'] } })).toThrow(TypeError);
  });

  it('metarank#817: is asked by no client that has neither a cache nor live queries', async () => {
    const [redis, other] = [client({ clientName: 'plain' }), client()];
    await redis.get('k');
    const flags = async () => /name=plain .*flags=(\w+)/.exec(await other.call<string>('CLIENT LIST'))?.[1];
    expect(await flags()).toBe('N');
    const live = record(redis.live(get('k')));
    await until(() => live.values.length === 1);
    expect(await flags()).toBe('t');
    live.stop();
    await eventually(flags, (now) => now === 'N');
    // redis#7019: what was asked before has no part in what is asked now.
    const again = record(redis.live(get('k')));
    await until(() => again.values.length === 1);
    await other.set('k', '1');
    await until(() => again.values.length === 2);
  });

  it('redis#7387, rueidis#91: reaches those that stay, of many that listen to some keys and leave', async () => {
    const listener = () => client({ cache: { mode: 'broadcast', keys: ['u:', 'v:'] } });
    const [stays, other] = [listener(), client()];
    const seen = record(stays.live(get('v:1'))).values;
    await until(() => seen.length === 1);
    for (let round = 0; round < 10; round++) {
      const leaves = Array.from({ length: 5 }, listener);
      await Promise.all(leaves.map((redis) => redis.get('v:1')));
      await Promise.all([...leaves.map((redis) => redis.destroy()), other.set('v:1', String(round))]);
      await until(() => seen.at(-1) === String(round));
    }
  });

  it('go-redis#3748: drops nothing else for a reply that has no room', async () => {
    const [redis, other] = [client({ cache: { maxBytes: 4_000 } }), client()];
    await other.mset({ large: 'x'.repeat(5_000), k: '1' });
    for (let round = 0; round < 3; round++) await Promise.all([redis.get('k'), redis.get('large')]);
    expect(redis.cache.stats).toMatchObject({ entries: 1, evictions: 0, hits: 2, misses: 4 });
  });
});

describe('A value that is read through the server', () => {
  it('cacheable#25, catbox-redis#90: may be 0, false and empty', async () => {
    for (const value of [0, false, '', [], {}]) {
      const redis = client();
      let loads = 0;
      const load = () => {
        loads++;
        return value;
      };
      const key = `v:${JSON.stringify(value)}`;
      for (let round = 0; round < 3; round++)
        expect(await redis.cached(key, load, { ttl: 60_000, lock: true })).toStrictEqual(value);
      expect(loads).toBe(1);
    }
  });

  it('cacheable#43, cachex#304: ends as its `ttl` says, which cannot be 0', async () => {
    const redis = client();
    expect(() => redis.cached('k', () => 1, { ttl: 0 })).toThrow(TypeError);
    await redis.cached('k', () => 1, { ttl: 50_000 });
    const left = await redis.pttl('k');
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(50_000);
  });

  it('nexora#252: is not kept in memory beyond its end at the server, once that has removed it', async () => {
    const redis = client({ cache: true });
    let loads = 0;
    const load = () => ++loads;
    await redis.cached('k', load, { ttl: 30, beta: 0 });
    await eventually(
      () => redis.cached('k', load, { ttl: 30, beta: 0 }),
      (value) => value > 1,
    );
  });
});
