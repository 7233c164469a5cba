import * as c from 'rxjs-redis/commands';
import { Command } from 'rxjs-redis/commands';
import { knownCall } from '../../../src/commands/known-commands';
import { applyPrefix, keysOf } from '../../../src/commands/prefix';

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
    ['SCAN without a pattern stays as it is', c.scan(0), [0]],
    ['a channel and not its message', c.publish('news', 'a'), ['p:news', 'a']],
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
