// What the types of commands allow and what they refuse, in both directions: `tsc --noEmit` is the test.
/* eslint-disable @typescript-eslint/no-unsafe-call -- methods that must not exist are part of the subject */

import type { DedicatedConnection, Redis, Reply } from 'rxjs-redis';
import type {
  ClientInfo,
  CommandDocs,
  Entry,
  GeoMatch,
  GroupEntry,
  PendingEntry,
  PendingSummary,
  Role,
  Scored,
  ServerInfo,
  Similar,
  StreamInfo,
  StreamInfoFull,
} from 'rxjs-redis/commands';
import * as c from 'rxjs-redis/commands';
import { promises, type Equal } from './equal';

declare const redis: Redis;
declare const bytes: Redis['bytes'];
declare const session: DedicatedConnection;
declare const coin: boolean;
declare const raw: Uint8Array;
declare const names: string[];

interface User {
  name: string;
  age: number;
  nick?: string;
}
declare const user: User;
declare const nested: { name: string; address: { street: string } };

class Account {
  readonly owner = 'x';
  balance = 5n;
}

/** Strings: SET and its many replies. */
export function strings(): void {
  promises<string | null>()(redis.get('k'), true);
  promises<string | null>()(c.get(raw), true);
  // @ts-expect-error a key is no number
  void redis.get(1);
  // @ts-expect-error a key is needed
  void redis.get();

  promises<'OK'>()(redis.set('k', 1), true);
  promises<'OK'>()(redis.set('k', 1n, { EX: 10 }), true);
  promises<'OK'>()(redis.set('k', raw, { EXAT: new Date() }), true);
  promises<'OK' | null>()(redis.set('k', 1, { NX: true, EX: 10 }), true);
  promises<'OK' | null>()(redis.set('k', 1, { IFEQ: 'old' }), true);
  promises<string | null>()(redis.set('k', 1, { GET: true, NX: true, EX: 10 }), true);
  promises<string | null>()(redis.set('k', 1, coin ? { GET: true } : {}), true);
  promises<string | null>()(redis.set('k', 1, { NX: true } as c.SetOptions), true);
  // @ts-expect-error NX and XX exclude each other
  void redis.set('k', 1, { NX: true, XX: true });
  // @ts-expect-error EX and PX exclude each other
  void redis.set('k', 1, { EX: 1, PX: 1 });
  // @ts-expect-error there is no such option
  void redis.set('k', 1, { EX: 1, FOO: 1 });
  // @ts-expect-error a number is wanted
  void redis.set('k', 1, { EX: '1' });
  // @ts-expect-error an object is no value
  void redis.set('k', {});
  // @ts-expect-error neither is null
  void redis.set('k', null);

  promises<string | null>()(redis.getex('k', { PERSIST: true }), true);
  // @ts-expect-error PERSIST and EX exclude each other
  void redis.getex('k', { PERSIST: true, EX: 1 });
  promises<(string | null)[]>()(redis.mget('a', 'b'), true);
  promises<(string | null)[]>()(redis.mget(['a', 'b']), true);
  promises<(string | null)[]>()(redis.mget(...names), true);
  promises<'OK'>()(redis.mset({ a: 1, b: 'x' }), true);
  void redis.mset(new Map([['a', 1]]));
  void redis.mset([
    ['a', 1],
    [raw, 'x'],
  ]);
  // @ts-expect-error pairs are wanted
  void redis.mset('a');
  // @ts-expect-error values are no objects
  void redis.mset({ a: {} });
  promises<number>()(redis.msetex({ a: 1 }, { NX: true, EX: 1 }), true);
  // @ts-expect-error NX and XX exclude each other
  void redis.msetex({ a: 1 }, { NX: true, XX: true });
  promises<number>()(redis.incrby('k', 10n), true);
  // @ts-expect-error a number is wanted
  void redis.incrby('k', '1');
  promises<string>()(redis.incrbyfloat('k', 0.1), true);
  promises<string>()(redis.getrange('k', 0, -1), true);
  // @ts-expect-error both ends are needed
  void redis.getrange('k', 0);
  promises<number>()(redis.append('k', 'x'), true);
  promises<number>()(redis.setrange('k', 0, 'x'), true);
  promises<string>()(redis.lcs('a', 'b'), true);
  promises<number>()(redis.lcs('a', 'b', { LEN: true }), true);
  promises<{ matches: c.LcsMatch[]; len: number }>()(redis.lcs('a', 'b', { IDX: true, WITHMATCHLEN: true }), true);
  // @ts-expect-error a number is wanted
  void redis.lcs('a', 'b', { IDX: true, MINMATCHLEN: '1' });
  promises<number>()(redis.delex('k', { IFEQ: 'v' }), true);
  // @ts-expect-error one condition at most
  void redis.delex('k', { IFEQ: 'v', IFNE: 'w' });
}

/** Bits. */
export function bitmaps(): void {
  promises<(number | null)[]>()(redis.bitfield('b', [{ get: 'u8', offset: 0 }]), true);
  void redis.bitfield('b', [
    { incrby: 'i5', offset: '#1', by: 1, overflow: 'SAT' },
    { set: 'u4', offset: 0, value: 2n },
  ]);
  // @ts-expect-error an offset is a number or #number
  void redis.bitfield('b', [{ get: 'u8', offset: '1' }]);
  // @ts-expect-error no such overflow
  void redis.bitfield('b', [{ incrby: 'i5', offset: 0, by: 1, overflow: 'STOP' }]);
  // @ts-expect-error BITFIELD_RO only reads
  void redis.bitfieldRo('b', [{ set: 'u8', offset: 0, value: 1 }]);
  promises<number>()(redis.bitcount('b', 0, -1, 'BIT'), true);
  // @ts-expect-error no such unit
  void redis.bitcount('b', 0, -1, 'NIBBLE');
  promises<number>()(redis.bitop('AND', 'd', 'a', 'b'), true);
  // @ts-expect-error no such operation
  void redis.bitop('NAND', 'd', 'a', 'b');
}

/** Keys of any kind. */
export function keys(): void {
  promises<number>()(redis.del('a', 'b'), true);
  promises<number>()(redis.unlink(['a', 'b']), true);
  promises<number>()(redis.del(...names), true);
  promises<number>()(redis.unlink(...[]), true);
  promises<number>()(c.del(...names), true);
  promises<number>()(redis.exists('a'), true);
  promises<number>()(redis.expire('k', 10), true);
  void redis.expire('k', 10, 'NX');
  promises<number>()(redis.expire('k', 10, 'XX', 'GT'), true);
  promises<number>()(redis.pexpireat('k', new Date(), ['LT', 'XX']), true);
  promises<number>()(c.expire('k', 10, coin ? 'NX' : undefined), true);
  // @ts-expect-error NX goes with no other
  void redis.expire('k', 10, 'NX', 'GT');
  // @ts-expect-error later and earlier at once
  void redis.expireat('k', 10, ['GT', 'LT']);
  // @ts-expect-error no such condition
  void redis.expire('k', 10, 'YY');
  promises<number>()(redis.expireat('k', new Date()), true);
  // @ts-expect-error a duration is no date
  void redis.expire('k', new Date());
  promises<number>()(redis.copy('a', 'b', { DB: 1, REPLACE: true }), true);
  // @ts-expect-error REPLACE is a flag
  void redis.copy('a', 'b', { REPLACE: 1 });
  promises<string[]>()(redis.keys('*'), true);
  promises<[cursor: string, keys: string[]]>()(redis.scan(0, { MATCH: 'a*', COUNT: 10, TYPE: 'hash' }), true);
  // @ts-expect-error no such option
  void redis.scan(0, { PATTERN: 'a*' });
  promises<Buffer | null>()(redis.dump('k'), true);
  promises<'OK'>()(redis.restore('k', 0, raw, { REPLACE: true }), true);
  promises<(string | null)[]>()(redis.sort('l', { BY: 'w_*', GET: ['#', 'o_*'], LIMIT: [0, 5], ORDER: 'DESC' }), true);
  promises<number>()(redis.sort('l', { STORE: 'd' }), true);
  // @ts-expect-error no such order
  void redis.sort('l', { ORDER: 'UP' });
  // @ts-expect-error SORT_RO stores nothing
  void redis.sortRo('l', { STORE: 'd' });
  promises<'OK' | 'NOKEY'>()(redis.migrate('h', 6379, ['a', 'b'], 0, 100, { AUTH2: ['u', 'p'] }), true);
  // @ts-expect-error one way to sign in
  void redis.migrate('h', 6379, 'a', 0, 100, { AUTH: 'p', AUTH2: ['u', 'p'] });
  promises<number | null>()(redis.memoryUsage('k', { SAMPLES: 5 }), true);
  promises<number>()(redis.wait(1, 100), true);
  promises<[local: number, replicas: number]>()(redis.waitaof(1, 0, 100), true);
  // @ts-expect-error three numbers
  void redis.waitaof(1, 0);
}

/** Lists. */
export function lists(): void {
  promises<string | null>()(redis.lpop('l'), true);
  promises<string[] | null>()(redis.lpop('l', 2), true);
  // @ts-expect-error a number is wanted
  void redis.lpop('l', '2');
  promises<number>()(redis.lpush('l', 1, 'a', raw), true);
  void redis.rpush('l', ['a', 'b']);
  // @ts-expect-error at least one element
  void redis.lpush('l');
  promises<string[]>()(redis.lrange('l', 0, -1), true);
  promises<[key: string, elements: string[]] | null>()(redis.lmpop(['a', 'b'], 'LEFT', { COUNT: 2 }), true);
  // @ts-expect-error no such end
  void redis.lmpop('a', 'TOP');
  promises<[key: string, element: string] | null>()(redis.blpop('l', 0), true);
  void redis.blpop(['a', 'b'], 1.5);
  // @ts-expect-error a timeout is needed
  void redis.blpop('l');
  promises<number | null>()(redis.lpos('l', 'x'), true);
  promises<number | null>()(redis.lpos('l', 'x', { RANK: -1 }), true);
  promises<number[]>()(redis.lpos('l', 'x', { COUNT: 0 }), true);
  promises<number | number[] | null>()(redis.lpos('l', 'x', {} as c.LposOptions), true);
  promises<string | null>()(redis.lmove('a', 'b', 'LEFT', 'RIGHT'), true);
  promises<number>()(redis.linsert('l', 'BEFORE', 'p', 'x'), true);
  // @ts-expect-error no such place
  void redis.linsert('l', 'ABOVE', 'p', 'x');
}

/** Hashes. */
export function hashes(): void {
  promises<number>()(redis.hset('h', { a: 1 }), true);
  void redis.hset('h', new Map([['a', 1]]));
  void redis.hset('h', [
    ['a', 1],
    ['b', 'x'],
  ]);
  void redis.hset('h', 'f', 'v');
  promises<number>()(redis.hset('u', user), true);
  promises<number>()(redis.hset('u', new Account()), true);
  promises<number>()(c.hset('u', user), true);
  promises<number>()(redis.hsetex('u', user, { EX: 1 }), true);
  promises<'OK'>()(redis.mset(user), true);
  promises<string>()(redis.xadd('s', '*', user), true);
  promises<number>()(redis.hset('u', { ...user } as c.Pairs), true);
  // @ts-expect-error a list is no pairs
  void redis.hset('u', [raw]);
  // @ts-expect-error a property is no value
  void redis.hset('u', nested);
  // @ts-expect-error a date is no pairs
  void redis.hset('u', new Date());
  // @ts-expect-error bytes are no pairs
  void redis.hset('u', raw);
  // @ts-expect-error text is no pairs
  void redis.mset('text');
  // @ts-expect-error a field without a value
  void redis.hset('h', 'f');
  // @ts-expect-error undefined is no value
  void redis.hset('h', { a: undefined });
  promises<Record<string, string>>()(redis.hgetall('h'), true);
  promises<Map<Buffer, Buffer>>()(bytes.hgetall('h'), true);
  promises<string | null>()(redis.hget('h', 'f'), true);
  promises<Buffer | null>()(bytes.hget('h', 'f'), true);
  promises<(string | null)[]>()(redis.hmget('h', 'a', 'b'), true);
  promises<string | null>()(redis.hrandfield('h'), true);
  promises<string[]>()(redis.hrandfield('h', 2), true);
  promises<[field: string, value: string][]>()(redis.hrandfield('h', 2, { WITHVALUES: true }), true);
  // @ts-expect-error values only with a count
  void redis.hrandfield('h', { WITHVALUES: true });
  promises<number[]>()(redis.hexpire('h', 10, ['a', 'b'], 'GT'), true);
  // @ts-expect-error the fields are missing
  void redis.hexpire('h', 10);
  promises<number[]>()(redis.httl('h', 'a', 'b'), true);
  promises<number>()(redis.hsetex('h', { a: 1 }, { FNX: true, PX: 5 }), true);
  // @ts-expect-error FNX and FXX exclude each other
  void redis.hsetex('h', { a: 1 }, { FNX: true, FXX: true });
  promises<(string | null)[]>()(redis.hgetex('h', 'f', { EX: 1 }), true);
  promises<[cursor: string, fields: [field: string, value: string][]]>()(redis.hscan('h', 0), true);
  promises<[cursor: string, fields: string[]]>()(redis.hscan('h', '0', { NOVALUES: true }), true);
  promises<string>()(redis.hincrbyfloat('h', 'f', 1.5), true);
}

/** Sets. */
export function sets(): void {
  promises<number>()(redis.sadd('s', 'a', 1), true);
  promises<number>()(redis.sadd('s', ...names), true);
  promises<string[]>()(redis.smembers('s'), true);
  promises<Buffer[]>()(bytes.smembers('s'), true);
  promises<string | null>()(redis.srandmember('s'), true);
  promises<string[]>()(redis.srandmember('s', -3), true);
  promises<string | null>()(redis.spop('s'), true);
  promises<string[]>()(redis.spop('s', 2), true);
  promises<number>()(redis.sintercard(['a', 'b'], { LIMIT: 3 }), true);
  // @ts-expect-error the count of keys is nobody's job
  void redis.sintercard(2, 'a', 'b');
  promises<number>()(redis.sismember('s', 'a'), true);
  promises<number[]>()(redis.smismember('s', 'a', 'b'), true);
  promises<number>()(redis.sunionstore('d', 'a', 'b'), true);
  // @ts-expect-error at least one source: nobody knows what all of none have in common
  void redis.sinter();
  // @ts-expect-error at least one source
  void redis.sunionstore('d');
}

/** Sorted sets. */
export function sortedSets(): void {
  promises<number>()(
    redis.zadd(
      'z',
      [
        [1, 'a'],
        [2, 'b'],
      ],
      { GT: true, CH: true },
    ),
    true,
  );
  void redis.zadd('z', { a: 1 });
  void redis.zadd('z', [1, 'a']);
  void redis.zadd('z', new Map([['a', 1]]));
  // @ts-expect-error NX and XX exclude each other
  void redis.zadd('z', { a: 1 }, { NX: true, XX: true });
  // @ts-expect-error INCR has a method of its own
  void redis.zadd('z', { a: 1 }, { INCR: true });
  // @ts-expect-error a score is a number
  void redis.zadd('z', { a: 'one' });
  promises<number | null>()(redis.zaddIncr('z', 1, 'a', { XX: true }), true);
  promises<string[]>()(redis.zrange('z', 0, 5, { BY: 'SCORE', REV: true, LIMIT: [0, 3] }), true);
  promises<Scored[]>()(redis.zrange('z', 0, -1, { WITHSCORES: true }), true);
  promises<string[] | Scored[]>()(redis.zrange('z', 0, -1, {} as c.ZrangeOptions), true);
  promises<Scored<Buffer>[]>()(bytes.zrange('z', 0, -1, { WITHSCORES: true }), true);
  // @ts-expect-error LIMIT needs BY
  void redis.zrange('z', 0, -1, { LIMIT: [0, 1] });
  // @ts-expect-error no such order
  void redis.zrange('z', 0, -1, { BY: 'NAME' });
  promises<number>()(redis.zrangestore('d', 'z', 0, -1, { BY: 'LEX', LIMIT: [0, 1] }), true);
  promises<Scored[]>()(redis.zunion(['a', 'b'], { WEIGHTS: [1, 2], AGGREGATE: 'MAX', WITHSCORES: true }), true);
  // @ts-expect-error no such aggregate
  void redis.zunion(['a', 'b'], { AGGREGATE: 'AVG' });
  promises<number>()(redis.zinterstore('d', ['a', 'b'], { WEIGHTS: [1, 0.5] }), true);
  promises<[key: string, members: Scored[]] | null>()(redis.zmpop('z', 'MIN'), true);
  promises<[key: string, member: string, score: number] | null>()(redis.bzpopmin('z', 0), true);
  promises<Scored | null>()(redis.zpopmin('z'), true);
  promises<Scored[]>()(redis.zpopmax('z', 3), true);
  promises<number | null>()(redis.zscore('z', 'a'), true);
  promises<(number | null)[]>()(redis.zmscore('z', 'a', 'b'), true);
  promises<number | null>()(redis.zrank('z', 'a'), true);
  promises<[rank: number, score: number] | null>()(redis.zrank('z', 'a', { WITHSCORE: true }), true);
  promises<number>()(redis.zcount('z', '-inf', '(5'), true);
  promises<number>()(redis.zincrby('z', 0.5, 'a'), true);
  promises<[cursor: string, members: Scored[]]>()(redis.zscan('z', 0), true);
  // @ts-expect-error numbers are wanted
  void redis.zremrangebyrank('z', '0', '1');
}

/** Places. */
export function places(): void {
  promises<number>()(
    redis.geoadd(
      'g',
      [
        [1, 2, 'a'],
        [3, 4, 'b'],
      ],
      { NX: true },
    ),
    true,
  );
  void redis.geoadd('g', [1, 2, 'a']);
  // @ts-expect-error longitude, latitude, member
  void redis.geoadd('g', ['a', 1, 2]);
  promises<string[]>()(redis.geosearch('g', { FROMMEMBER: 'a', BYRADIUS: [10, 'KM'], COUNT: 3 }), true);
  promises<GeoMatch[]>()(redis.geosearch('g', { FROMLONLAT: [1, 2], BYBOX: [1, 1, 'M'], WITHDIST: true }), true);
  promises<string[]>()(
    redis.geosearch('g', {
      BYPOLYGON: [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
    }),
    true,
  );
  // @ts-expect-error from where
  void redis.geosearch('g', { BYRADIUS: [10, 'KM'] });
  // @ts-expect-error how far
  void redis.geosearch('g', { FROMMEMBER: 'a' });
  // @ts-expect-error one shape
  void redis.geosearch('g', { FROMMEMBER: 'a', BYRADIUS: [10, 'KM'], BYBOX: [1, 1, 'M'] });
  // @ts-expect-error no such unit
  void redis.geosearch('g', { FROMMEMBER: 'a', BYRADIUS: [10, 'PARSEC'] });
  promises<number>()(redis.geosearchstore('d', 's', { FROMMEMBER: 'a', BYRADIUS: [1, 'MI'], STOREDIST: true }), true);
  promises<([longitude: number, latitude: number] | null)[]>()(redis.geopos('g', 'a'), true);
  promises<number | null>()(redis.geodist('g', 'a', 'b', 'KM'), true);
}

/** Streams. */
export function streams(): void {
  promises<string>()(redis.xadd('s', '*', { a: 1 }), true);
  promises<string>()(redis.xadd('s', '*', { a: 1 }, { TRIM: { MAXLEN: 1000, exact: false, LIMIT: 10 } }), true);
  promises<string | null>()(redis.xadd('s', '1-1', { a: 1 }, { NOMKSTREAM: true }), true);
  promises<string>()(redis.xadd('s', '*', { a: 1 }, { IDMP: ['producer', 'id'] }), true);
  promises<string | null>()(redis.xadd('s', '*', { a: 1 }, { IDMPAUTO: 'producer', NOMKSTREAM: true }), true);
  // @ts-expect-error an id of one's own is always refused with IDMP
  void redis.xadd('s', '1-1', { a: 1 }, { IDMP: ['producer', 'id'] });
  // @ts-expect-error and with IDMPAUTO
  void redis.xadd('s', '1-*', { a: 1 }, { IDMPAUTO: 'producer' });
  // @ts-expect-error LIMIT needs a rough trim
  void redis.xadd('s', '*', { a: 1 }, { TRIM: { MAXLEN: 1000, LIMIT: 10 } });
  // @ts-expect-error one strategy
  void redis.xadd('s', '*', { a: 1 }, { TRIM: { MAXLEN: 1, MINID: '0' } });
  // @ts-expect-error fields are needed
  void redis.xadd('s', '*');
  promises<number>()(redis.xtrim('s', { MINID: '0-1' }), true);
  promises<Entry[]>()(redis.xrange('s', '-', '+', { COUNT: 2 }), true);
  promises<Entry<Buffer>[]>()(bytes.xrange('s', '-', '+'), true);
  promises<Record<string, Entry[]> | null>()(redis.xread({ s: '$' }, { BLOCK: 0 }), true);
  promises<Map<Buffer, Entry<Buffer>[]> | null>()(bytes.xread({ s: '0' }), true);
  // @ts-expect-error a stream needs an id
  void redis.xread(['s']);
  promises<Record<string, GroupEntry[]> | null>()(redis.xreadgroup('g', 'c', { s: '>' }, { NOACK: true }), true);
  // @ts-expect-error group and consumer are needed
  void redis.xreadgroup({ s: '>' });
  promises<PendingSummary>()(redis.xpending('s', 'g'), true);
  promises<PendingEntry[]>()(redis.xpending('s', 'g', { start: '-', end: '+', count: 10 }), true);
  // @ts-expect-error a range has an end
  void redis.xpending('s', 'g', { start: '-', count: 10 });
  promises<StreamInfo>()(redis.xinfoStream('s'), true);
  promises<StreamInfoFull>()(redis.xinfoStream('s', { FULL: true, COUNT: 1 }), true);
  promises<Entry[]>()(redis.xclaim('s', 'g', 'c', 0, ['1-1']), true);
  promises<string[]>()(redis.xclaim('s', 'g', 'c', 0, '1-1', { JUSTID: true }), true);
  promises<[next: string, entries: Entry[], deleted: string[]]>()(redis.xautoclaim('s', 'g', 'c', 0, '0'), true);
  promises<number>()(redis.xack('s', 'g', '1-1', '1-2'), true);
  promises<number>()(redis.xack('s', 'g', ...names), true);
  promises<'OK'>()(redis.xgroupCreate('s', 'g', '$', { MKSTREAM: true }), true);
}

/** Scripts. */
export function scripts(): void {
  promises<unknown>()(redis.eval('return 1'), true);
  promises<number>()(redis.eval<number>('return 1'), true);
  promises<number>()(session.eval<number>('return 1'), true);
  promises<string[]>()(redis.evalsha<string[]>('sha', 'k'), true);
  promises<string[]>()(session.evalsha<string[]>('sha', 'k'), true);
  promises<number>()(redis.fcall<number>('f', 'k'), true);
  promises<number>()(session.fcall<number>('f', 'k'), true);
  promises<number>()(redis.evalRo<number>('return 1'), true);
  promises<number>()(redis.evalshaRo<number>('sha'), true);
  promises<number>()(redis.fcallRo<number>('f'), true);
  promises<number>()(c.eval<number>('return 1'), true);
  promises<Buffer>()(bytes.eval<Buffer>('return "a"'), true);
  promises<unknown>()(c.fcall('f'), true);
  void redis.eval('return KEYS[1]', 'k', [1, 'a']);
  void redis.evalsha('sha', ['a', 'b']);
  // @ts-expect-error the count of keys is nobody's job
  void redis.eval('return 1', 1, 'k');
  void redis.fcall('f', ['k'], 1);
  promises<string>()(redis.scriptLoad('return 1'), true);
  promises<number[]>()(redis.scriptExists('a', 'b'), true);
  promises<string>()(redis.functionLoad('#!lua name=l', { REPLACE: true }), true);
}

/** Servers, connections, clusters. */
export function servers(): void {
  promises<'PONG'>()(redis.ping(), true);
  promises<string>()(redis.ping('hello'), true);
  promises<Buffer>()(bytes.ping('hello'), true);
  promises<ServerInfo>()(redis.info('server', 'memory'), true);
  promises<ServerInfo>()(bytes.info(), true);
  promises<[seconds: number, microseconds: number]>()(redis.time(), true);
  promises<Role>()(redis.role(), true);
  promises<ClientInfo[]>()(redis.clientList({ TYPE: 'NORMAL' }), true);
  // @ts-expect-error no such type
  void redis.clientList({ TYPE: 'HUMAN' });
  promises<number>()(redis.clientKill({ ID: [1, 2], SKIPME: false }), true);
  promises<'OK'>()(redis.clientKill('127.0.0.1:1234'), true);
  // @ts-expect-error ids are numbers
  void redis.clientKill({ ID: 'me' });
  promises<'OK'>()(redis.configSet({ maxmemory: 100 }), true);
  promises<'OK'>()(redis.configSet('maxmemory', 100), true);
  // @ts-expect-error a setting needs a value
  void redis.configSet('maxmemory');
  promises<Record<string, string>>()(bytes.configGet('maxmemory*'), true);
  promises<Record<string, CommandDocs>>()(redis.commandDocs('get'), true);
  promises<'OK'>()(redis.flushall('ASYNC'), true);
  // @ts-expect-error no such way
  void redis.flushall('NOW');
  promises<'OK'>()(session.clientTracking('ON', { BCAST: true, PREFIX: ['a'] }), true);
  // @ts-expect-error on or off
  void session.clientTracking(true);
  promises<'OK'>()(redis.auth('secret'), true);
  void redis.auth('user', 'secret');
  // @ts-expect-error a password is needed
  void redis.auth();
  void redis.clusterSetslot(1, 'STABLE');
  void redis.clusterSetslot(1, { MIGRATING: 'id' });
  // @ts-expect-error one state
  void redis.clusterSetslot(1, { MIGRATING: 'id', IMPORTING: 'id' });
  promises<Record<string, number>>()(redis.pubsubNumsub('a', 'b'), true);
  promises<number>()(redis.publish('c', 'message'), true);
  // @ts-expect-error a message is needed
  void redis.publish('c');
}

/** Vectors. */
export function vectors(): void {
  promises<boolean>()(redis.vadd('v', [1, 2, 3], 'e', { Q8: true }), true);
  void redis.vadd('v', { FP32: raw }, 'e');
  // @ts-expect-error one quantisation
  void redis.vadd('v', [1], 'e', { Q8: true, BIN: true });
  // @ts-expect-error numbers are wanted
  void redis.vadd('v', ['1'], 'e');
  promises<string[]>()(redis.vsim('v', { ELE: 'e' }, { COUNT: 3 }), true);
  promises<Similar[]>()(redis.vsim('v', [1, 2, 3], { WITHSCORES: true }), true);
}

/** What only a connection of one's own may do. */
export function sessions(): void {
  promises<unknown[] | null>()(session.exec(), true);
  promises<'OK'>()(session.watch('a', 'b'), true);
  // @ts-expect-error not on a connection that others use
  void redis.clientReply('OFF');
}

/** Replies are readable: what the editor shows is what is written here. */
export const readable: [
  Equal<ReturnType<typeof redis.get>, Reply<string | null>>,
  Equal<ReturnType<typeof redis.hgetall>, Reply<Record<string, string>>>,
  Equal<ReturnType<typeof bytes.hgetall>, Reply<Map<Buffer, Buffer>>>,
] = [true, true, true];
