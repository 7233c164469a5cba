import {
  blmove,
  blmpop,
  blpop,
  brpop,
  brpoplpush,
  bzmpop,
  bzpopmax,
  bzpopmin,
  call,
  get,
  wait,
  waitaof,
  xread,
  xreadgroup,
} from 'rxjs-redis/commands';
import { blockingWait, withWait } from '../../../src/commands/blocking-wait';
import { Command } from '../../../src/commands/command';
import { knownCall } from '../../../src/commands/known-commands';
import { SPECS } from '../../../src/commands/generated/registry';

const words = (...texts: string[]) => texts.map((text) => new TextEncoder().encode(text));

describe('How long a command may wait at the server', () => {
  it.each<[string, Command, number]>([
    ['BLPOP', blpop('queue', 5), 5_000],
    ['BLPOP of several keys', blpop(['a', 'b', '7'], 5), 5_000],
    ['BRPOP', brpop('queue', 0.25), 250],
    ['BRPOPLPUSH', brpoplpush('queue', 'done', 5), 5_000],
    ['BLMOVE', blmove('queue', 'done', 'LEFT', 'RIGHT', 5), 5_000],
    ['BLMPOP', blmpop(5, ['queue'], 'LEFT'), 5_000],
    ['BZPOPMIN', bzpopmin('set', 5), 5_000],
    ['BZPOPMAX', bzpopmax('set', 5), 5_000],
    ['BZMPOP', bzmpop(5, ['set'], 'MIN'), 5_000],
    ['WAIT, whose unit is another', wait(1, 5), 5],
    ['WAITAOF, whose unit is another', waitaof(1, 1, 5), 5],
    ['XREAD', xread({ stream: '$' }, { BLOCK: 5 }), 5],
    ['XREAD, spelt in bytes', knownCall('XREAD', words('BLOCK', '5', 'STREAMS', 's', '$')), 5],
    ['XREADGROUP', xreadgroup('group', 'consumer', { stream: '>' }, { BLOCK: 5 }), 5],
  ])('is read from its arguments: %s', (_, command, expected) => {
    expect(blockingWait(command)).toBe(expected);
  });

  it.each<[string, Command]>([
    ['BLPOP', blpop('queue', 0)],
    ['WAIT', wait(1, 0)],
    ['XREAD', xread({ stream: '$' }, { BLOCK: 0 })],
  ])('is for ever where they say 0: %s', (_, command) => {
    expect(blockingWait(command)).toBe(Infinity);
  });

  it.each<[string, Command]>([
    ['GET', get('key')],
    ['XREAD without BLOCK', xread({ stream: '$' }, { COUNT: 5 })],
    ['XREAD of a stream with that name', xread({ BLOCK: '$' })],
    ['XREADGROUP of a group and a consumer with that name', xreadgroup('BLOCK', 'BLOCK', { stream: '>' })],
    ['a command that the client does not know', call('GRAPH.WAIT', 5)],
  ])('is not at all where it does not block: %s', (_, command) => {
    expect(blockingWait(command)).toBeUndefined();
  });

  it('finds BLOCK in any case and behind the other options', () => {
    const spec = SPECS.find(({ name }) => name === 'XREADGROUP')!;
    const args = ['group', 'BLOCK', 'BLOCK', 'COUNT', 5, 'block', 250, 'STREAMS', 'BLOCK', '>'];
    expect(blockingWait(new Command(spec, args, String))).toBe(250);
  });

  it('is known of every command that blocks', () => {
    const blocking = SPECS.filter((spec) => spec.blocking !== undefined).map(({ name }) => name);
    expect(blocking.sort()).toStrictEqual([
      'BLMOVE',
      'BLMPOP',
      'BLPOP',
      'BRPOP',
      'BRPOPLPUSH',
      'BZMPOP',
      'BZPOPMAX',
      'BZPOPMIN',
      'WAIT',
      'WAITAOF',
      'XREAD',
      'XREADGROUP',
    ]);
  });
});

describe('The wait of a command that goes on at another server', () => {
  it.each<[string, Command, number, unknown]>([
    ['seconds', blpop('queue', 5), 2_500, 2.5],
    ['seconds, rounded up', blmove('queue', 'done', 'LEFT', 'RIGHT', 5), 2_500.2, 2.501],
    ['milliseconds', xread({ stream: '$' }, { BLOCK: 5 }), 2.5, 3],
    ['seconds, though none are left: no less than what every server counts', blpop('queue', 5), 0, 0.002],
    ['seconds, though its time was over before', blmpop(5, ['queue'], 'LEFT'), -20, 0.002],
    ['milliseconds, though none are left', xread({ stream: '$' }, { BLOCK: 5 }), 0, 1],
  ])('is what is left, in %s', (_, command, left, expected) => {
    const { spec, args } = withWait(command, left);
    expect(args.at(spec.blocking!.timeout === 'BLOCK' ? 1 : spec.blocking!.timeout)).toBe(expected);
  });
});

describe('A wait', () => {
  it.each<[string, () => Command]>([
    ['BLPOP', () => blpop('queue', -0.000_5)],
    ['BLMPOP', () => blmpop(-1, ['queue'], 'LEFT')],
    ['BZPOPMIN', () => bzpopmin('set', Infinity)],
    ['BRPOPLPUSH', () => knownCall('BRPOPLPUSH', ['queue', 'done', '-0.0005'])],
    ['BZMPOP', () => knownCall('bzmpop', words('-1e-3', '1', 'set', 'MIN'))],
  ])('that is no time is refused, also where servers read it as for ever: %s', (name, make) => {
    const expected = `${name}: timeout must be a number of seconds, 0 for no limit`;
    expect(make).toThrow(TypeError);
    expect(make).toThrow(expected);
  });

  it('that only a server can judge is left to it', () => {
    for (const odd of ['soon', '', '0x10', '-0'])
      expect(knownCall('BLPOP', ['queue', odd]).args).toStrictEqual(['queue', odd]);
  });
});
