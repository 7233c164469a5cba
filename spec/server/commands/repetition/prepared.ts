import { call, psubscribe, ssubscribe, subscribe, type Command } from 'rxjs-redis/commands';
import type { RawSession } from '../raw-session';
import type { Scenario } from '../scenarios';

/** Does what a server may refuse or not know. */
async function perhaps(session: RawSession, name: string, ...args: (string | number)[]): Promise<void> {
  await Promise.resolve(session.run(call(name, ...args))).catch(() => undefined);
}

/** Prepares by commands, then calls with these arguments. */
export function after(commands: readonly (readonly [string, ...(string | number)[]])[], ...args: unknown[]): Scenario {
  return async (session) => {
    for (const [name, ...rest] of commands) await perhaps(session, name, ...rest);
    return args;
  };
}

/** Observes a channel, as the client does on every connection, and then no more. */
const observing =
  (command: Command, ...args: unknown[]): Scenario =>
  async (session) => {
    await session.run(command);
    return args;
  };

export const LIST = ['RPUSH', 'key:l', '3', '1', '4', '1', '5', '2'] as const;
export const WEIGHTS = [
  'MSET',
  'key:w_1',
  '9',
  'key:w_2',
  '8',
  'key:w_3',
  '7',
  'key:w_4',
  '1',
  'key:w_5',
  '2',
] as const;
export const ALICE = ['ACL', 'SETUSER', 'alice', 'on', '>secret', '~a*'] as const;
export const SETS = [
  ['SADD', 'key:a', '1', '2', '3'],
  ['SADD', 'key:b', '2', '4'],
] as const;
export const SCORES = [
  ['ZADD', 'key:a', '1', 'x', '2', 'y', '3', 'z'],
  ['ZADD', 'key:b', '5', 'y', '6', 'w'],
] as const;
export const PLACES = ['GEOADD', 'key:g', '1', '1', 'm', '1.000003', '1', 'near', '1.004', '1', 'far'] as const;
export const STREAM = [
  ['XADD', 'key:s', '1-1', 'f', 'v'],
  ['XADD', 'key:s', '1-2', 'f', 'w'],
  ['XGROUP', 'CREATE', 'key:s', 'group', '0'],
] as const;
const LIBRARY = `#!lua name=lib
redis.register_function{function_name='f', callback=function() return 1 end, flags={'no-writes'}}`;

const slowCommand: Scenario = async (session) => {
  await session.configSet('latency-monitor-threshold', 1);
  await session.configSet('slowlog-log-slower-than', 0);
  await session.eval('local n = 0 for i = 1, 3000000 do n = n + i end return n');
  await session.configSet('slowlog-log-slower-than', -1);
  await session.configSet('latency-monitor-threshold', 0);
  return [];
};

export const slowCommandThen =
  (...args: unknown[]): Scenario =>
  async (session) => {
    await slowCommand(session);
    return args;
  };

/** Calls that need data or a state of their own to show what a repetition does. */
export const PREPARED: Readonly<Record<string, readonly Scenario[]>> = {
  'ACL DELUSER': [after([ALICE], 'alice')],
  'ACL LOG': [after([['AUTH', 'nobody', 'wrong']]), after([['AUTH', 'nobody', 'wrong']], 'RESET')],
  'ACL LOAD': [after([ALICE])],
  'ACL SAVE': [after([ALICE])],
  'ACL SETUSER': [
    after([], 'alice', 'on', '>secret', '~a*', '%R~b*', '&news:*', '+@all', '-@dangerous', '+get'),
    after([ALICE], 'alice', 'reset', '~x', '+get'),
    after([ALICE], 'alice', '<secret'),
    after([ALICE], 'alice', '!2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b'),
    after([ALICE], 'alice', '(+get ~x)'),
    after([ALICE], 'alice', 'clearselectors', '(+get', '~x)'),
    after([ALICE], 'alice', '~x', 'allkeys'),
    after([ALICE], 'alice', '~x', '~*'),
    after([ALICE], 'alice', '&x', 'allchannels'),
    after([ALICE], 'alice', '&x', '&*'),
    after([ALICE], 'alice', 'resetkeys', 'resetchannels', 'resetpass', 'off'),
    after([ALICE], 'alice', '~*', '+@all', '-get', '+get', '-@all', '+set|x'),
    after([ALICE], 'alice', 'nopass', '>other'),
    after([ALICE], 'alice', 'alldbs', 'db=0'),
    after([ALICE], 'alice', 'db=0', 'alldbs'),
    after([ALICE], 'alice', 'resetdbs', 'db=0,1'),
  ],
  BITFIELD: [after([['SET', 'key:b', 'abc']], 'key:b', [{ get: 'u8', offset: 8 }])],
  'CLIENT CAPA': [after([], 'redirect')],
  'CLIENT SETINFO': [after([], 'LIB-VER', '1.2.3')],
  'CLIENT TRACKING': [after([], 'OFF')],
  'CLIENT UNPAUSE': [after([['CLIENT', 'PAUSE', '60000', 'WRITE']])],
  'COMMANDLOG RESET': [slowCommandThen('SLOW')],
  'CONFIG SET': [
    after([], { 'slowlog-max-len': 77, 'client-output-buffer-limit': 'pubsub 33554432 8388608 61' }),
    after([], 'save', '3600 1 300 100'),
    after([], 'notify-keyspace-events', 'KEA'),
  ],
  COPY: [
    after(
      [
        ['SET', 'key:a', 'x', 'EX', '1000'],
        ['SET', 'key:b', 'y'],
      ],
      'key:a',
      'key:b',
      { REPLACE: true },
    ),
    after([['SET', 'key:a', 'x']], 'key:a', 'key:a', { DB: 1, REPLACE: true }),
  ],
  FLUSHALL: [after([['SET', 'key:a', '1']])],
  FLUSHDB: [after([['SET', 'key:a', '1']])],
  'FUNCTION DELETE': [after([['FUNCTION', 'LOAD', LIBRARY]], 'lib')],
  'FUNCTION FLUSH': [after([['FUNCTION', 'LOAD', LIBRARY]])],
  'FUNCTION LOAD': [after([], LIBRARY), after([], LIBRARY, { REPLACE: true })],
  GEORADIUS: [
    after([PLACES], 'key:g', 1, 1, 1, 'KM', { STORE: 'key:d' }),
    after([PLACES], 'key:g', 1, 1, 1, 'KM', { STOREDIST: 'key:d' }),
    after([PLACES], 'key:g', 1, 1, 1, 'KM', { STORE: 'key:g', COUNT: 2, ORDER: 'DESC' }),
    after([PLACES], 'key:g', 1, 1, 1, 'KM', { STOREDIST: 'key:g' }),
  ],
  GEORADIUSBYMEMBER: [
    after([PLACES], 'key:g', 'm', 1, 'KM', { STORE: 'key:d' }),
    after([PLACES], 'key:g', 'm', 1, 'KM', { STOREDIST: 'key:g' }),
    after([PLACES], 'key:g', 'm', 1, 'KM', { STORE: 'key:g', COUNT: 2, ORDER: 'DESC' }),
  ],
  GEOSEARCHSTORE: [
    after([PLACES], 'key:d', 'key:g', { FROMMEMBER: 'm', BYRADIUS: [1, 'KM'] }),
    after([PLACES], 'key:g', 'key:g', { FROMMEMBER: 'm', BYRADIUS: [1, 'KM'], STOREDIST: true }),
    after([PLACES], 'key:g', 'key:g', { FROMMEMBER: 'm', BYRADIUS: [1, 'KM'], COUNT: 2, ORDER: 'DESC' }),
  ],
  HELLO: [after([], 3, { SETNAME: 'name' }), after([], 3)],
  HMSET: [after([['HSET', 'key:h', 'a', '1', 'b', '2']], 'key:h', { b: '3', c: '4' })],
  'HOTKEYS RESET': [
    after([
      ['HOTKEYS', 'STOP'],
      ['HOTKEYS', 'RESET'],
      ['HOTKEYS', 'START', 'METRICS', '1', 'CPU'],
      ['HOTKEYS', 'STOP'],
    ]),
  ],
  'HOTKEYS STOP': [
    after([
      ['HOTKEYS', 'STOP'],
      ['HOTKEYS', 'RESET'],
      ['HOTKEYS', 'START', 'METRICS', '1', 'CPU'],
    ]),
  ],
  'LATENCY RESET': [slowCommand, slowCommandThen('command')],
  LREM: [after([LIST], 'key:l', 0, '1'), after([LIST], 'key:l', '0', '1')],
  LSET: [after([LIST], 'key:l', -2, 'x')],
  LTRIM: [
    after([LIST], 'key:l', 0, 2),
    after([LIST], 'key:l', 0, -2),
    after([LIST], 'key:l', 1, 3),
    after([LIST], 'key:l', '0', '3'),
  ],
  MSET: [after([['SET', 'a', '1']], { a: 2, b: 3 })],
  MSETEX: [after([['SET', 'a', '1']], { a: 2, b: 3 }, { EX: 1000 })],
  PFMERGE: [
    after(
      [
        ['PFADD', 'key:a', 'x', 'y'],
        ['PFADD', 'key:b', 'z'],
      ],
      'key:a',
      'key:b',
    ),
    after(
      [
        ['PFADD', 'key:a', 'x', 'y'],
        ['PFADD', 'key:b', 'z'],
      ],
      'key:b',
      'key:a',
      'key:b',
    ),
  ],
  PSETEX: [after([], 'key:a', 1_000_000, 'x')],
  PUNSUBSCRIBE: [observing(psubscribe('a*')), observing(psubscribe('a*'), 'a*')],
  REPLICAOF: [after([['REPLICAOF', '127.0.0.1', '1']], 'NO ONE')],
  RESTORE: [
    async (session) => {
      await session.rpush('key:d', 'a', 'b');
      return ['key:e', 1_000_000, await session.dump('key:d')];
    },
    async (session) => {
      await session.rpush('key:d', 'a', 'b');
      return ['key:d', 1_000_000, await session.dump('key:d'), { REPLACE: true }];
    },
    async (session) => {
      await session.rpush('key:d', 'a', 'b');
      return ['key:e', 1_900_000_000_000, await session.dump('key:d'), { REPLACE: true, ABSTTL: true }];
    },
    async (session) => {
      await session.rpush('key:d', 'a', 'b');
      return ['key:e', 1000, await session.dump('key:d'), { REPLACE: true, ABSTTL: true }];
    },
  ],
  'SCRIPT FLUSH': [after([['SCRIPT', 'LOAD', 'return 1']])],
  SDIFFSTORE: [
    after(SETS, 'key:b', 'key:a', 'key:b'),
    after(SETS, 'key:a', 'key:a', 'key:b'),
    after(SETS, 'key:b', ['key:a', Buffer.from('key:b')]),
    after(SETS, 'key:d', 'key:a', 'key:b'),
  ],
  SET: [
    after([['SET', 'key:a', 'x', 'EX', '1000']], 'key:a', 'y', { KEEPTTL: true }),
    after([['SET', 'key:a', 'x', 'EX', '1000']], 'key:a', 'y'),
    after([LIST], 'key:l', 'y', { EX: 1000 }),
    after([], 'key:a', 'y', { EXAT: 1 }),
  ],
  SETRANGE: [after([['SET', 'key:a', 'abc']], 'key:a', 5, 'xyz')],
  SINTERSTORE: [after(SETS, 'key:b', 'key:a', 'key:b')],
  SUNIONSTORE: [after(SETS, 'key:b', 'key:a', 'key:b')],
  'SLOWLOG RESET': [slowCommand],
  SLAVEOF: [after([['REPLICAOF', '127.0.0.1', '1']], 'NO ONE')],
  SORT: [
    after([LIST], 'key:l', { LIMIT: [1, 3], STORE: 'key:l' }),
    after([LIST], 'key:l', { LIMIT: [1, 3], STORE: 'key:d' }),
    after([LIST, WEIGHTS], 'key:l', { BY: 'key:w_*', GET: ['#', 'key:w_*'], STORE: 'key:d' }),
    after([LIST, WEIGHTS], 'key:l', { BY: 'key:w_*', STORE: 'key:w_1' }),
    after([LIST, WEIGHTS], 'key:l', { GET: ['#', 'key:w_*'], STORE: 'key:w_1' }),
    after([LIST, ['HSET', 'key:w_3', 'f', '9']], 'key:l', { GET: 'key:w_*->f', STORE: 'key:w_3' }),
  ],
  'XGROUP SETID': [
    after(STREAM, 'key:s', 'group', '1-1'),
    after(STREAM, 'key:s', 'group', '$'),
    after(STREAM, 'key:s', 'group', '0', { ENTRIESREAD: 1 }),
  ],
  SUNSUBSCRIBE: [observing(ssubscribe('a')), observing(ssubscribe('a'), 'a')],
  UNSUBSCRIBE: [observing(subscribe('a')), observing(subscribe('a'), 'a')],
  XADD: [
    after(STREAM, 'key:s', '*', { f: 'x' }, { IDMP: ['producer', 'id'] }),
    after(STREAM, 'key:s', '*', { f: 'x' }, { IDMPAUTO: 'producer' }),
    after(STREAM, 'key:s', '*', { f: 'x' }),
    after(STREAM, 'key:s', '2-1', { f: 'x' }),
  ],
  XCFGSET: [
    after([...STREAM, ['XADD', 'key:s', 'IDMP', 'p', 'i', '*', 'f', 'x']], 'key:s', { 'IDMP-MAXSIZE': 5 }),
    after([...STREAM, ['XADD', 'key:s', 'IDMP', 'p', 'i', '*', 'f', 'x']], 'key:s', { 'IDMP-DURATION': 5 }),
  ],
  XREAD: [
    after(STREAM, { 'key:s': '1-1' }),
    after(STREAM, { 'key:s': '+' }),
    after(STREAM, { 'key:s': '$' }),
    after(STREAM, { 'key:s': '0' }, { BLOCK: 10 }),
    after(STREAM, { 'key:s': '9-9' }, { BLOCK: 10 }),
  ],
  XSETID: [after(STREAM, 'key:s', '5-5', { ENTRIESADDED: 9, MAXDELETEDID: '1-1' })],
  XTRIM: [after(STREAM, 'key:s', { MAXLEN: 1 }), after(STREAM, 'key:s', { MAXLEN: 1, exact: false })],
  ZDIFFSTORE: [
    after(SCORES, 'key:b', ['key:a', 'key:b']),
    after(SCORES, 'key:a', ['key:a', 'key:b']),
    after(SCORES, 'key:d', ['key:a', 'key:b']),
  ],
  ZINTERSTORE: [after(SCORES, 'key:d', ['key:a', 'key:b'], { WEIGHTS: [2, 3], AGGREGATE: 'MAX' })],
  ZRANGESTORE: [
    after(SCORES, 'key:a', 'key:a', 1, 2),
    after(SCORES, 'key:d', 'key:a', 1, 2),
    after(SCORES, 'key:d', 'key:a', '(3', '-inf', { BY: 'SCORE', REV: true, LIMIT: [0, 2] }),
  ],
  ZUNIONSTORE: [
    after(SCORES, 'key:a', ['key:a', 'key:b']),
    after(SCORES, 'key:d', ['key:a', 'key:b'], { WEIGHTS: [2, 3], AGGREGATE: 'MIN' }),
  ],
};
