// Options are given as they come: what is undefined, and a flag that is false, is not given. `tsc --noEmit` is the test.

import { Redis, type CommandOptions, type RedisOptions } from 'rxjs-redis';
import * as c from 'rxjs-redis/commands';
import { promises } from './equal';

declare const redis: Redis;
declare const coin: boolean;
declare const ttl: number | undefined;
declare const when: Date | undefined;
declare const text: string | undefined;
declare const corners: [number, number][];
declare const range: c.PendingRange;
declare const order: 'ASC' | 'DESC' | undefined;

/** What comes from the environment may be missing. */
export function clients(): Redis[] {
  const options: RedisOptions = { host: process.env.REDIS_HOST, port: ttl, password: process.env.REDIS_PASSWORD };
  const limits: CommandOptions = { commandTimeout: ttl, idempotent: coin || undefined };
  void redis.withOptions(limits);
  void redis.subscribe('news', { literal: coin || undefined });
  return [
    new Redis(options),
    new Redis({ url: process.env.REDIS_URL, tls: coin || undefined, onConnect: undefined }),
    new Redis({ reconnect: { maxDelay: ttl }, retry: { maxAttempts: ttl }, credentials: undefined }),
    new Redis({ leases: { max: ttl, idleTimeout: ttl, acquireTimeout: ttl } }),
  ];
}

/** Options of commands may be undefined, flags may be false. */
export function commands(): void {
  promises<'OK'>()(redis.set('k', 'v', { EX: ttl }), true);
  promises<'OK'>()(redis.set('k', 'v', { EX: ttl, PX: undefined, NX: false, GET: undefined }), true);
  promises<'OK'>()(c.set('k', 'v', { EXAT: when }), true);
  promises<'OK' | null>()(redis.set('k', 'v', { NX: coin }), true);
  promises<'OK' | null>()(redis.set('k', 'v', { NX: coin, EX: ttl, XX: false }), true);
  promises<'OK' | null>()(redis.set('k', 'v', { IFEQ: text }), true);
  promises<string | null>()(redis.set('k', 'v', { GET: coin }), true);
  promises<string | null>()(redis.getex('k', { EX: ttl, PERSIST: false }), true);
  promises<number>()(redis.zadd('z', { a: 1 }, { GT: coin, NX: false, CH: coin }), true);
  promises<number | null>()(redis.zaddIncr('z', 1, 'a', { XX: coin }), true);
  promises<string[]>()(redis.zrange('z', 0, 1, { REV: coin, BY: undefined, LIMIT: undefined }), true);
  promises<string[] | c.Scored[]>()(redis.zrange('z', 0, 1, { WITHSCORES: coin }), true);
  promises<[cursor: string, keys: string[]]>()(redis.scan(0, { MATCH: text, COUNT: ttl }), true);
  promises<(string | null)[]>()(redis.sort('l', { ORDER: order, ALPHA: coin }), true);
  promises<number>()(redis.copy('a', 'b', { DB: ttl, REPLACE: coin }), true);
  promises<string>()(redis.xadd('s', '*', { a: 1 }, { TRIM: undefined, NOMKSTREAM: false }), true);
  promises<string | null>()(redis.xadd('s', '*', { a: 1 }, { NOMKSTREAM: coin }), true);
  promises<string>()(redis.xadd('s', '*', { a: 1 }, { TRIM: { MAXLEN: 9, exact: coin, LIMIT: undefined } }), true);
  promises<Record<string, c.Entry[]> | null>()(redis.xread({ s: '$' }, { BLOCK: ttl, COUNT: ttl }), true);
  promises<Record<string, c.GroupEntry[]> | null>()(redis.xreadgroup('g', 'c', { s: '>' }, { NOACK: coin }), true);
  promises<string[]>()(redis.geosearch('g', { FROMMEMBER: 'a', BYRADIUS: [1, 'KM'], COUNT: ttl, ORDER: order }), true);
  promises<string[] | c.GeoMatch[]>()(
    redis.geosearch('g', { FROMMEMBER: 'a', BYRADIUS: [1, 'KM'], WITHDIST: coin }),
    true,
  );
  promises<boolean>()(redis.vadd('v', [1], 'e', { Q8: coin, EF: ttl }), true);
  promises<string[]>()(redis.vsim('v', { ELE: 'e' }, { COUNT: ttl, WITHSCORES: false }), true);
  promises<number>()(redis.clientKill({ ID: 1, SKIPME: undefined, USER: text }), true);
  promises<(number | null)[]>()(
    redis.bitfield('b', [{ set: 'u8', offset: 0, value: 1, overflow: coin ? 'SAT' : undefined }]),
    true,
  );
  promises<c.StreamInfo | c.StreamInfoFull>()(redis.xinfoStream('s', { FULL: coin }), true);
  promises<c.PendingSummary | c.PendingEntry[]>()(redis.xpending('s', 'g', coin ? range : undefined), true);
  promises<string | string[] | null>()(redis.lpop('l', ttl), true);
  promises<string | string[] | null>()(redis.hrandfield('h', ttl), true);
  promises<c.Scored | c.Scored[] | null>()(redis.zpopmin('z', ttl), true);
  promises<string>()(redis.ping(text), true);
  void redis.restore('k', 0, 'v', { REPLACE: coin, IDLETIME: ttl, FREQ: undefined });
  void redis.lpos('l', 'x', { RANK: ttl });
  void redis.hgetex('h', 'f', { EX: ttl });
  void redis.msetex({ a: 1 }, { NX: coin, EX: ttl });
}

/** What excludes each other when it runs does so in the types. */
export function exclusive(): void {
  // @ts-expect-error NX and XX
  void redis.set('k', 'v', { NX: true, XX: true });
  // @ts-expect-error EX and KEEPTTL
  void redis.set('k', 'v', { EX: 1, KEEPTTL: true });
  // @ts-expect-error NX and GT
  void redis.zadd('z', { a: 1 }, { NX: true, GT: true });
  // @ts-expect-error IDLETIME and FREQ
  void redis.restore('k', 0, 'v', { IDLETIME: 1, FREQ: 1 });
  // @ts-expect-error LEN and IDX
  void redis.lcs('a', 'b', { LEN: true, IDX: true });
  // @ts-expect-error IDMP and IDMPAUTO
  void redis.xadd('s', '*', { a: 1 }, { IDMP: ['p', 'i'], IDMPAUTO: 'p' });
  // @ts-expect-error a polygon has no centre
  void redis.geosearch('g', { FROMMEMBER: 'a', BYPOLYGON: corners });
  // @ts-expect-error null is no duration
  void redis.set('k', 'v', { EX: null });
}
