import * as c from 'rxjs-redis/commands';
import { Command } from 'rxjs-redis/commands';
import { knownCall } from '../../../src/commands/known-commands';
import {
  applyPrefix,
  keysOf,
  ownMessage,
  prefixChannel,
  unprefixChannel,
  type ChannelKind,
} from '../../../src/commands/prefix';

describe('the prefix', () => {
  it.each<[string, Command, unknown[]]>([
    ['one key', c.get('a'), ['p:a']],
    ['many keys', c.del('a', 'b'), ['p:a', 'p:b']],
    ['keys among values', c.mset({ a: 1, b: 2 }), ['p:a', 1, 'p:b', 2]],
    ['counted keys', c.zunionstore('d', ['a', 'b'], { WEIGHTS: [1, 2] }), ['p:d', 2, 'p:a', 'p:b', 'WEIGHTS', 1, 2]],
    ['keys of a script and none of its arguments', c.eval('return 1', ['a'], ['b']), ['return 1', 1, 'p:a', 'b']],
    [
      'streams and not their ids',
      c.xread({ a: '0', b: '$' }, { COUNT: 1 }),
      ['COUNT', 1, 'STREAMS', 'p:a', 'p:b', '0', '$'],
    ],
    ['the last key before a timeout', c.blpop(['a', 'b'], 0), ['p:a', 'p:b', 0]],
    ['a key that an option names', c.sort('a', { STORE: 'd' }), ['p:a', 'STORE', 'p:d']],
    [
      'patterns of SORT',
      c.sort('a', { BY: 'w_*', GET: ['#', 'o_*->f'] }),
      ['p:a', 'BY', 'p:w_*', 'GET', '#', 'GET', 'p:o_*->f'],
    ],
    ['a limit is no pattern', c.sort('a', { LIMIT: [0, 1], GET: 'x' }), ['p:a', 'LIMIT', 0, 1, 'GET', 'p:x']],
    ['the pattern of KEYS', c.keys('a*'), ['p:a*']],
    [
      'the pattern of SCAN and not its type',
      c.scan(0, { MATCH: 'a*', TYPE: 'MATCH' }),
      [0, 'MATCH', 'p:a*', 'TYPE', 'MATCH'],
    ],
    ['SCAN without a pattern gets that of its own keys', c.scan(0, { COUNT: 5 }), [0, 'COUNT', 5, 'MATCH', 'p:*']],
    ['so does SCAN of a type called MATCH', c.scan(0, { TYPE: 'MATCH' }), [0, 'TYPE', 'MATCH', 'MATCH', 'p:*']],
    ['so does CLUSTERSCAN', c.clusterscan('0'), ['0', 'MATCH', 'p:*']],
    ['a channel and not its message', c.publish('news', 'a'), ['p:news', 'a']],
    ['the key in a channel of notifications', c.publish('__keyspace@0__:a', 'set'), ['__keyspace@0__:p:a', 'set']],
    ['the key that is a message of an event', c.publish('__keyevent@0__:set', 'a'), ['__keyevent@0__:set', 'p:a']],
    [
      'channels of notifications',
      c.subscribe('__keyspace@3__:a', '__keyevent@0__:del'),
      ['__keyspace@3__:p:a', '__keyevent@0__:del'],
    ],
    [
      'patterns of notifications',
      c.psubscribe('__keyspace@*__:u:*', '__keyevent@*'),
      ['__keyspace@*__:p:u:*', '__keyevent@*'],
    ],
    ['a shard channel, which is no notification', c.spublish('__keyspace@0__:a', 'b'), ['p:__keyspace@0__:a', 'b']],
    ['channels asked for', c.pubsubNumsub('a', '__keyspace@0__:a'), ['p:a', '__keyspace@0__:p:a']],
    ['channels', c.subscribe('a', 'b'), ['p:a', 'p:b']],
    ['patterns of channels', c.psubscribe('a*'), ['p:a*']],
    ['the members of a set stay as they are', c.sadd('s', 'a'), ['p:s', 'a']],
    ['the pattern of SSCAN is none of keys', c.sscan('s', 0, { MATCH: 'a*' }), ['p:s', 0, 'MATCH', 'a*']],
    ['keys to move and not the address', c.migrate('h', 1, ['a'], 0, 5), ['h', 1, '', 0, 5, 'KEYS', 'p:a']],
    ['the key of a slot', c.clusterKeyslot('a'), ['p:a']],
    ['commands without keys stay as they are', c.configSet('a', 'b'), ['a', 'b']],
  ])('%s', (_name, command, wanted) => {
    const before = [...command.args];
    expect(applyPrefix(command, 'p:').args).toEqual(wanted);
    expect(command.args).toEqual(before);
    // Any word may be spelt in bytes.
    const spelt = before.map((arg) => Buffer.from(String(arg)));
    const prefixed = applyPrefix(new Command(command.spec, spelt, command.read, command.keys), 'p:');
    expect(prefixed.args.map(String)).toEqual(wanted.map(String));
  });

  it('is put before a number as it travels without a prefix, in decimal digits', () => {
    expect(applyPrefix(knownCall('GET', [1e21]), 'app:').args).toStrictEqual(['app:1000000000000000000000']);
    expect(applyPrefix(knownCall('GET', [1e-7]), 'app:').args).toStrictEqual(['app:0.0000001']);
  });

  it('keeps binary keys binary', () => {
    expect(applyPrefix(c.get(Buffer.from([0, 255])), 'p:').args).toEqual([Buffer.from([0x70, 0x3a, 0, 255])]);
  });

  it('means itself in a pattern, whatever its characters mean there', () => {
    expect(applyPrefix(c.keys('*'), 'a[1]?*\\').args).toEqual(['a\\[1\\]\\?\\*\\\\*']);
    expect(applyPrefix(c.keys(Buffer.from('*')), 'a*').args).toEqual([Buffer.from('a\\**')]);
    expect(applyPrefix(c.scan(0), 'a[1]?*\\').args).toEqual([0, 'MATCH', 'a\\[1\\]\\?\\*\\\\*']);
  });

  it('with an asterisk cannot stand before the patterns of SORT, and says so', () => {
    expect(() => applyPrefix(c.sort('a', { BY: 'w_*' }), '*:')).toThrow('SORT: patterns do not work with a prefix');
  });

  it('costs nothing where there is none', () => {
    const command = c.get('a');
    expect(applyPrefix(command, '')).toBe(command);
    const keyless = c.ping();
    expect(applyPrefix(keyless, 'p:')).toBe(keyless);
  });

  it('leaves the keys where they were', () => {
    expect(keysOf(applyPrefix(c.lmpop(['a', 'b'], 'LEFT'), 'p:'))).toEqual(['p:a', 'p:b']);
  });
});

describe('the name of a channel', () => {
  it.each<[ChannelKind, name: string, prefixed: string]>([
    ['channel', 'news', 'a*:news'],
    ['pattern', 'news:*', 'a\\*:news:*'],
    ['shard', 'news', 'a*:news'],
    ['channel', '__keyspace@0__:user:1', '__keyspace@0__:a*:user:1'],
    ['channel', '__keyspace@15__:a__:b', '__keyspace@15__:a*:a__:b'],
    ['channel', '__keyspace@0__:', '__keyspace@0__:a*:'],
    ['channel', '__keyevent@0__:expired', '__keyevent@0__:expired'],
    ['channel', '__keyspace@0__', 'a*:__keyspace@0__'],
    ['channel', '__key*__:*', 'a*:__key*__:*'],
    ['channel', '__keys', 'a*:__keys'],
    ['shard', '__keyspace@0__:user:1', 'a*:__keyspace@0__:user:1'],
    ['pattern', '__keyspace@*__:user:*', '__keyspace@*__:a\\*:user:*'],
    ['pattern', '__keyspace@0__:*', '__keyspace@0__:a\\*:*'],
    ['pattern', '__keyspace@[01]__:?', '__keyspace@[01]__:a\\*:?'],
    ['pattern', '__keyevent@*__:*', '__keyevent@*__:*'],
    ['pattern', '__keyevent@0__:del', '__keyevent@0__:del'],
    // All notifications: those of others are left out as they come.
    ['pattern', '__key*__:*', '__key*__:*'],
    ['pattern', '__key*', '__key*'],
    ['pattern', '__keyspace@0*', '__keyspace@0*'],
    ['pattern', '__key[se]*:*', '__key[se]*:*'],
    ['pattern', '__keys:*', 'a\\*:__keys:*'],
    ['pattern', '__*', 'a\\*:__*'],
  ])('%s %s is %s for a client with the prefix a*:', (kind, name, prefixed) => {
    expect(prefixChannel(kind, name, 'a*:')).toBe(prefixed);
    expect(unprefixChannel(kind, prefixed, 'a*:')).toBe(name);
    expect(prefixChannel(kind, Buffer.from(name), 'a*:')).toEqual(Buffer.from(prefixed));
    expect(unprefixChannel(kind, Buffer.from(prefixed), 'a*:')).toEqual(Buffer.from(name));
  });

  it('may have any bytes as its key', () => {
    const key = Buffer.from([0xff, 0, 0xfe]);
    const name = Buffer.concat([Buffer.from('__keyspace@0__:'), key]);
    const prefixed = Buffer.concat([Buffer.from('__keyspace@0__:ä:'), key]);
    expect(prefixChannel('channel', name, 'ä:')).toEqual(prefixed);
    expect(unprefixChannel('channel', prefixed, 'ä:')).toEqual(name);
  });

  it.each(['__key*__:user:*', '__key*@0__:del', '__keyspace@*:user:*', '__key?????@0__:x'])(
    '%s may mean keys or events, and is refused',
    (name) => {
      expect(() => prefixChannel('pattern', name, 'p:')).toThrow(TypeError);
      expect(() => prefixChannel('pattern', name, 'p:')).toThrow('names its kind and a database');
      expect(prefixChannel('channel', name, 'p:')).toBe(`p:${name}`);
    },
  );

  it('of others has no name here', () => {
    expect(unprefixChannel('channel', 'news', 'p:')).toBeUndefined();
    expect(unprefixChannel('channel', '__keyspace@0__:x', 'p:')).toBeUndefined();
    expect(unprefixChannel('channel', Buffer.from('__keyspace@0__:x'), 'p:')).toBeUndefined();
  });
});

describe('a message', () => {
  const type = 'pmessage' as const;

  it.each([
    [
      { type, channel: 'p:news', pattern: 'p:*', data: 'p:x' },
      { type, channel: 'news', pattern: '*', data: 'p:x' },
    ],
    [
      { channel: '__keyspace@0__:p:k', data: 'set' },
      { channel: '__keyspace@0__:k', data: 'set' },
    ],
    [
      { channel: '__keyevent@0__:set', data: 'p:k' },
      { channel: '__keyevent@0__:set', data: 'k' },
    ],
    [
      { type, channel: '__keyevent@0__:set', pattern: '__key*', data: 'p:k' },
      { type, channel: '__keyevent@0__:set', pattern: '__key*', data: 'k' },
    ],
    [
      { type, channel: '__keyspace@0__:p:k', pattern: '__keyspace@*__:p:*', data: 'set' },
      { type, channel: '__keyspace@0__:k', pattern: '__keyspace@*__:*', data: 'set' },
    ],
    [{ channel: '__keyspace@0__:k', data: 'set' }, undefined],
    [{ channel: '__keyevent@0__:set', data: 'k' }, undefined],
    [{ channel: '__keyevent@0__:set', data: 'p' }, undefined],
  ])('%j is %j to a client with the prefix p:', (message, own) => {
    expect(ownMessage(message, 'p:')).toEqual(own);
    const bytes = { ...message, data: Buffer.from(message.data) };
    expect(ownMessage(bytes, 'p:')).toEqual(own && { ...own, data: Buffer.from(own.data) });
  });
});
