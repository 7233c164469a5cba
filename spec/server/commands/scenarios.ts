import { call, type Command } from 'rxjs-redis/commands';
import type { CommandModel } from '../../../gen/model';
import type { RawSession } from './raw-session';

/** Prepares the server for a call and says what to call it with. */
export type Scenario = (session: RawSession) => unknown[] | Promise<unknown[]>;

/** What has to be under a key so that a group's sample calls meet something. */
const BY_GROUP: Readonly<Record<string, (key: string) => Command[]>> = {
  string: (key) => [call('SET', key, '10')],
  bitmap: (key) => [call('SET', key, '10')],
  generic: (key) => [call('SET', key, '10')],
  server: (key) => [call('SET', key, '10')],
  hyperloglog: (key) => [call('PFADD', key, 'a', 'b')],
  list: (key) => [call('RPUSH', key, 'value', 'a', 'b')],
  hash: (key) => [call('HSET', key, 'value', '5', 'text', '6')],
  set: (key) => [call('SADD', key, 'value')],
  'sorted-set': (key) => [call('ZADD', key, '1.5', 'value')],
  geo: (key) => [call('GEOADD', key, '1', '2', 'm', '1.0001', '2', 'value')],
  stream: (key) => [call('XADD', key, '1-1', 'f', 'v'), call('XGROUP', 'CREATE', key, 'text', '0')],
  module: (key) => [
    call('VADD', key, 'VALUES', '2', '-0.1', '0.2', 'value', 'SETATTR', '{"a":2}'),
    call('VADD', key, 'VALUES', '2', '0.3', '0.1', 'element'),
  ],
};

const BY_COMMAND: Readonly<Record<string, (key: string) => Command[]>> = {
  SORT: (key) => [call('RPUSH', key, '3', '1', '2')],
  SORT_RO: (key) => [call('RPUSH', key, '3', '1', '2')],
  RESTORE: () => [],
  'XGROUP CREATE': (key) => [call('XADD', key, '1-1', 'f', 'v')],
};

/** Commands that prepare the keys of a sample call. */
export function fixturesFor({ facts }: CommandModel, keys: readonly string[]): Command[] {
  const make = BY_COMMAND[facts.name] ?? BY_GROUP[facts.group];
  return make === undefined ? [] : [...new Set(keys)].flatMap(make);
}

const SCRIPT = 'return {KEYS[1],ARGV[1],7,{ok="fine"},{false,1}}';
const SLOW = 'local n = 0 for i = 1, 3000000 do n = n + i end return n';
const SHA = 'e0e1f9fabfc9d4800c877a703b823ac0578ff8db';
const LIBRARY = `#!lua name=lib
redis.register_function{function_name='f', callback=function(keys, args) return {keys[1], args[1]} end, flags={'no-writes'}}`;

const withScript: Scenario = async (session) => {
  await session.scriptLoad('return 1');
  return [SHA];
};

async function withLibrary(session: RawSession): Promise<void> {
  await session.functionFlush();
  await session.functionLoad(LIBRARY);
}

const callsFunction: Scenario = async (session) => {
  await withLibrary(session);
  return ['f', ['key:1'], ['a']];
};

/** A stream with two entries, one of which a consumer has got. */
async function withPending(session: RawSession): Promise<void> {
  await session.xadd('key:s', '1-1', { f: 'v', g: 'w' });
  await session.xadd('key:s', '1-2', { f: 'x' });
  await session.xgroupCreate('key:s', 'group', '0');
  await session.xreadgroup('group', 'consumer', { 'key:s': '>' }, { COUNT: 1 });
}

async function withSlowCommand(session: RawSession): Promise<void> {
  await session.configSet('latency-monitor-threshold', 1);
  await session.configSet('slowlog-log-slower-than', 0);
  await session.eval(SLOW);
  await session.configSet('slowlog-log-slower-than', 10_000);
}

async function withRefusedSignIn(session: RawSession): Promise<void> {
  await Promise.resolve(session.auth('nobody', 'wrong')).catch(() => undefined);
}

/** Calls that need more than a key with something under it. */
export const SCENARIOS: Readonly<Record<string, readonly Scenario[]>> = {
  'ACL DRYRUN': [() => ['default', 'GET', 'key:1']],
  'ACL GETUSER': [() => ['default']],
  'ACL LOG': [
    async (session) => {
      await withRefusedSignIn(session);
      return [];
    },
  ],
  'ACL SETUSER': [() => ['alice', 'on', '>secret', '~*', '+@all']],
  AUTH: [
    async (session) => {
      await session.aclSetuser('alice', 'on', '>secret', '~*', '+@all');
      return ['alice', 'secret'];
    },
  ],
  'CLIENT CACHING': [
    async (session) => {
      const target = await session.clientId();
      await session.clientTracking('ON', { OPTIN: true, REDIRECT: target });
      return ['YES'];
    },
  ],
  'CLIENT IMPORT-SOURCE': [
    async (session) => {
      await session.configSet('import-mode', 'yes');
      return ['ON'];
    },
  ],
  'CLIENT KILL': [() => [{ ID: 999_999 }], () => [{ TYPE: 'PUBSUB', SKIPME: true }]],
  'CLIENT TRACKING': [() => ['ON', { BCAST: true, PREFIX: ['a', 'b'] }]],
  'CLIENT TRACKINGINFO': [
    async (session) => {
      await session.clientTracking('ON', { BCAST: true, PREFIX: 'a', REDIRECT: await session.clientId() });
      return [];
    },
  ],
  COMMAND: [() => []],
  'COMMAND DOCS': [() => ['get', 'config', 'xadd', 'geosearch']],
  'COMMAND GETKEYS': [() => ['GET', 'key:1']],
  'COMMAND GETKEYSANDFLAGS': [() => ['RENAME', 'key:1', 'key:2']],
  'COMMAND INFO': [() => ['get', 'nonsense', 'xgroup', 'xread', 'sort']],
  'COMMANDLOG GET': [
    async (session) => {
      await withSlowCommand(session);
      return [2, 'SLOW'];
    },
  ],
  'CONFIG GET': [() => ['maxmemory*']],
  'CONFIG SET': [() => [{ 'slowlog-max-len': 200 }], () => ['slowlog-max-len', 128]],
  DISCARD: [
    async (session) => {
      await session.run(call('MULTI'));
      return [];
    },
  ],
  EVAL: [() => [SCRIPT, ['key:1'], ['a']], () => ['return redis.call("HGETALL", "nothing")']],
  EVAL_RO: [() => [SCRIPT, 'key:1', 'a']],
  EVALSHA: [withScript],
  EVALSHA_RO: [withScript],
  EXEC: [
    async (session) => {
      await session.run(call('MULTI'));
      await session.run(call('HSET', 'key:h', 'a', '1'));
      await session.run(call('INCR', 'key:h'));
      return [];
    },
  ],
  FCALL: [callsFunction],
  FCALL_RO: [callsFunction],
  'FUNCTION DELETE': [
    async (session) => {
      await withLibrary(session);
      return ['lib'];
    },
  ],
  'FUNCTION LIST': [
    async (session) => {
      await withLibrary(session);
      return [{ WITHCODE: true }];
    },
  ],
  'FUNCTION LOAD': [() => [LIBRARY, { REPLACE: true }]],
  'FUNCTION RESTORE': [
    async (session) => {
      await withLibrary(session);
      return [await session.functionDump(), 'REPLACE'];
    },
  ],
  'FUNCTION STATS': [
    async (session) => {
      await withLibrary(session);
      return [];
    },
  ],
  GEORADIUS: [
    async (session) => {
      await session.geoadd('key:g', [1, 2, 'm']);
      return ['key:g', 1, 2, 10, 'KM', { WITHCOORD: true, WITHDIST: true, WITHHASH: true }];
    },
  ],
  GEORADIUS_RO: [
    async (session) => {
      await session.geoadd('key:g', [1, 2, 'm']);
      return ['key:g', 1, 2, 10, 'KM', { WITHDIST: true }];
    },
  ],
  HELLO: [() => [2]],
  'HOTKEYS STOP': [
    async (session) => {
      await Promise.resolve(session.hotkeysStart({ METRICS: 'CPU' })).catch(() => undefined);
      return [];
    },
  ],
  'HOTKEYS RESET': [
    async (session) => {
      await Promise.resolve(session.hotkeysStop()).catch(() => undefined);
      return [];
    },
  ],
  'HOTKEYS START': [
    async (session) => {
      await Promise.resolve(session.hotkeysStop()).catch(() => undefined);
      return [{ METRICS: ['CPU', 'NET'], COUNT: 10 }];
    },
  ],
  'HOTKEYS GET': [
    async (session) => {
      await Promise.resolve(session.hotkeysStart({ METRICS: 'CPU' })).catch(() => undefined);
      await session.set('key:hot', 1);
      return [];
    },
  ],
  INFO: [() => ['server'], () => ['everything']],
  KEYS: [
    async (session) => {
      await session.mset({ 'key:1': 1, 'key:2': 2 });
      return ['key:1*'];
    },
  ],
  'LATENCY GRAPH': [
    async (session) => {
      await withSlowCommand(session);
      return ['command'];
    },
  ],
  'LATENCY HISTORY': [
    async (session) => {
      await withSlowCommand(session);
      return ['command'];
    },
  ],
  'LATENCY LATEST': [
    async (session) => {
      await withSlowCommand(session);
      return [];
    },
  ],
  'MEMORY STATS': [
    async (session) => {
      await session.set('key:1', 'value');
      return [];
    },
  ],
  'OBJECT FREQ': [
    async (session) => {
      await session.configSet('maxmemory-policy', 'allkeys-lfu');
      await session.set('key:f', 1);
      return ['key:f'];
    },
  ],
  'PUBSUB CHANNELS': [
    async (session) => {
      await session.run(call('CLIENT', 'ID'));
      return ['*'];
    },
  ],
  RANDOMKEY: [
    async (session) => {
      await session.set('key:only', 1);
      return [];
    },
  ],
  REPLICAOF: [() => ['NO ONE']],
  SLAVEOF: [() => ['NO ONE']],
  RESTORE: [
    async (session) => {
      await session.rpush('key:d', 'a', 'b');
      const dumped = await session.dump('key:d');
      return ['key:e', 0, dumped, { REPLACE: true }];
    },
  ],
  SCAN: [
    async (session) => {
      await session.mset({ 'key:1': 1, 'key:2': 2 });
      return [0, { MATCH: 'key:2', COUNT: 1000, TYPE: 'string' }];
    },
  ],
  // YES would let the next script of any connection be debugged, on Valkey 9.1 even when this one is gone.
  'SCRIPT DEBUG': [() => ['NO']],
  'SCRIPT LOAD': [() => ['return 1']],
  'SCRIPT SHOW': [withScript],
  'SLOWLOG GET': [
    async (session) => {
      await withSlowCommand(session);
      return [2];
    },
  ],
  STRALGO: [() => ['LCS', 'STRINGS', 'ohmytext', 'mynewtext']],
  WAITAOF: [() => [0, 0, 1]],
  XAUTOCLAIM: [
    async (session) => {
      await withPending(session);
      return ['key:s', 'group', 'other', 0, '0'];
    },
    async (session) => {
      await withPending(session);
      return ['key:s', 'group', 'other', 0, '0', { JUSTID: true }];
    },
  ],
  XCLAIM: [
    async (session) => {
      await withPending(session);
      return ['key:s', 'group', 'other', 0, ['1-1']];
    },
    async (session) => {
      await withPending(session);
      await session.xdel('key:s', '1-1');
      return ['key:s', 'group', 'other', 0, '1-1'];
    },
  ],
  'XINFO CONSUMERS': [
    async (session) => {
      await withPending(session);
      return ['key:s', 'group'];
    },
  ],
  'XINFO GROUPS': [
    async (session) => {
      await withPending(session);
      return ['key:s'];
    },
  ],
  'XINFO STREAM': [
    async (session) => {
      await withPending(session);
      return ['key:s', { FULL: true }];
    },
    async (session) => {
      await withPending(session);
      return ['key:s'];
    },
  ],
  XPENDING: [
    async (session) => {
      await withPending(session);
      return ['key:s', 'group'];
    },
    async (session) => {
      await withPending(session);
      return ['key:s', 'group', { start: '-', end: '+', count: 5 }];
    },
  ],
  XREAD: [
    async (session) => {
      await withPending(session);
      return [{ 'key:s': '0' }];
    },
    () => [{ 'key:nothing': '$' }, { BLOCK: 1 }],
  ],
  XREADGROUP: [
    async (session) => {
      await withPending(session);
      return ['group', 'consumer', { 'key:s': '>' }, { COUNT: 2 }];
    },
    async (session) => {
      await withPending(session);
      await session.xdel('key:s', '1-1');
      return ['group', 'consumer', { 'key:s': '0' }];
    },
  ],
};
