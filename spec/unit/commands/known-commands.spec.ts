import type { Arg } from 'rxjs-redis/commands';
import { knownCommand } from '../../../src/commands/known-commands';
import { keysOf } from '../../../src/commands/prefix';
import { Command } from '../../../src/commands/command';

function keys(name: string, ...args: Arg[]): Arg[] | undefined {
  const known = knownCommand(name, args);
  return known && keysOf(new Command(known.spec, known.args, () => null, known.keys));
}

function bytes(arg: Arg): Uint8Array {
  return new TextEncoder().encode(String(arg));
}

describe('a command that comes by its name', () => {
  it('is found in any spelling, in one text or in several', () => {
    expect(knownCommand('get', ['k'])?.spec.name).toBe('GET');
    expect(knownCommand(' client  kill ', ['ID', 1])?.spec.name).toBe('CLIENT KILL');
    const split = knownCommand('Client', ['kill', 'ID', 1]);
    expect([split?.spec.name, split?.args]).toEqual(['CLIENT KILL', ['ID', 1]]);
  });

  it('is not known when the facts do not have it', () => {
    expect(knownCommand('JSON.SET', ['k'])).toBeUndefined();
    expect(knownCommand('CLIENT', [])).toBeUndefined();
    expect(knownCommand('constructor', [])).toBeUndefined();
  });

  it('is taken at its worst, for nobody has read its options', () => {
    expect(knownCommand('SET', ['k', 'v'])?.spec.replay).toBe('no');
    expect(knownCommand('GET', ['k'])?.spec.replay).toBe('read');
    expect(knownCommand('BITFIELD', ['k'])?.spec.replay).toBe('no');
    expect(knownCommand('SDIFFSTORE', ['b', 'a', 'b'])?.spec.replay).toBe('no');
    expect(knownCommand('GEOSEARCHSTORE', ['g', 'g'])?.spec.replay).toBe('no');
    expect(knownCommand('XREAD', ['STREAMS', 's', '$'])?.spec.replay).toBe('state');
    expect(knownCommand('XGROUP', ['SETID', 's', 'g', '$'])?.spec.replay).toBe('no');
  });

  it('may be one that has no builder', () => {
    expect(knownCommand('PSYNC', ['?', -1])?.spec.effect).toBe('replication');
  });
});

describe('the keys of a command that comes by its name', () => {
  it.each<[string, Arg[], Arg[]]>([
    ['GET', ['a'], ['a']],
    ['MSET', ['a', 1, 'b', 2], ['a', 'b']],
    ['OBJECT', ['ENCODING', 'a'], ['a']],
    ['EVAL', ['return 1', 2, 'a', 'b', 'c'], ['a', 'b']],
    ['EVAL', ['return 1', '1', 'a', 'b'], ['a']],
    ['EVAL', ['return 1', 0, 'a'], []],
    ['EVAL', ['return 1', 'x', 'a'], []],
    ['EVAL', ['return 1', 9, 'a', 'b'], ['a', 'b']],
    ['MSETEX', [2, 'a', 1, 'b', 2, 'EX', 5], ['a', 'b']],
    ['ZUNIONSTORE', ['d', 2, 'a', 'b', 'WEIGHTS', 1, 2], ['d', 'a', 'b']],
    ['XREAD', ['COUNT', 1, 'streams', 'a', 'b', 0, 0], ['a', 'b']],
    ['XREADGROUP', ['GROUP', 'streams', 'c', 'STREAMS', 'a', '>'], ['a']],
    ['BLPOP', ['a', 'b', 0], ['a', 'b']],
    ['MIGRATE', ['h', 1, 'a', 0, 5], ['a']],
    ['MIGRATE', ['h', 1, '', 0, 5, 'REPLACE', 'KEYS', 'a', 'b'], ['a', 'b']],
    ['SORT', ['a', 'BY', 'w_*', 'STORE', 'd'], ['a', 'd']],
    ['GEORADIUS', ['g', 1, 2, 3, 'km', 'STORE', 'd'], ['g', 'd']],
    ['GEORADIUS', ['g', 1, 2, 3, 'km'], ['g']],
    ['SPUBLISH', ['channel', 'message'], []],
    ['PING', [], []],
    ['GET', [], []],
  ])('%s %j', (name, args, wanted) => {
    expect(keys(name, ...args)).toEqual(wanted);
    // Any word may be spelt in bytes.
    expect(keys(name, ...args.map(bytes))).toEqual(wanted.map(bytes));
  });
});
