import { inspect } from 'node:util';
import { aclSetuser, auth, call, eval as evaluate, get, hello, set, Command } from 'rxjs-redis/commands';
import { Redis } from 'rxjs-redis';
import { knownCall } from '../../../src/commands/known-commands';

describe('A command', () => {
  it.each<[Command, string[]]>([
    [get('k'), ['k']],
    [get(Buffer.from('k')), ['k']],
    [set('k', 'hunter2'), ['k', '***']],
    [get('k'.repeat(100)), [`${'k'.repeat(63)}…`]],
    [auth('hunter2'), ['***']],
    [auth('ann', 'hunter2'), ['***', '***']],
    [knownCall('auth', [Buffer.from('ann'), Buffer.from('hunter2')]), ['***', '***']],
    [hello(3, { AUTH: ['ann', 'hunter2'] }), ['***', '***', '***', '***']],
    [aclSetuser('ann', ['on', '>hunter2']), ['***', '***', '***']],
    [evaluate('return 1', ['k'], ['hunter2']), ['***', '***', 'k', '***']],
    [call('AUTH', 'hunter2'), ['***']],
    [call('MODULE.DO', 'k', 'hunter2'), ['***', '***']],
    [knownCall('DEL', Array<string>(20).fill('k')), [...Array<string>(16).fill('k'), '… 4 more']],
  ])('shows a log its name and keys, and no secret: %s', (command, args) => {
    const { name } = command.spec;
    expect(JSON.parse(JSON.stringify({ command }))).toStrictEqual({ command: { name, args } });
    const shown = `Command <${[name, ...args.map((arg) => JSON.stringify(arg))].join(' ')}>`;
    expect(inspect(command)).toBe(shown);
    expect(inspect({ command })).toBe(`{\n  command: ${shown}\n}`.replace(/\n\s*/g, shown.length > 58 ? '$&' : ' '));
  });

  it.each([auth('ann', 'hunter2'), call('AUTH', 'hunter2')])(
    'has no property that holds its arguments: %s',
    (command) => {
      expect(command.args).toContain('hunter2');
      expect(inspect({ ...command }, { depth: null, showHidden: true, getters: true })).not.toContain('hunter2');
      expect(inspect(command, { depth: null, showHidden: true, customInspect: false })).not.toContain('hunter2');
      expect(JSON.stringify(Object.values(command))).not.toContain('hunter2');
    },
  );

  it.each<[Command, Command['written']]>([
    [get('k'), 'k'],
    [get(Buffer.from('k')), [Buffer.from('k')]],
    [call('ECHO', 7), [7]],
    [new Command(get('k').spec, [['k'] as never], String), [['k'] as never]],
    [set('k', 'v'), ['k', 'v']],
    [call('PING'), []],
  ])('keeps a string that is its only argument without an array: %s', (command, written) => {
    expect(command.written).toStrictEqual(written);
    const args = typeof written === 'string' ? [written] : written;
    expect(command.args).toStrictEqual(args);
    expect([0, 1, 2].map((at) => command.argumentAt(at))).toStrictEqual([args[0], args[1], undefined]);
  });

  it('is shown so where a Reply has it', () => {
    const { command } = new Redis().withOptions({}).aclSetuser('ann', ['>hunter2']);
    expect(inspect(command)).toBe('Command <ACL SETUSER "***" "***">');
  });
});
