import { inspect } from 'node:util';
import { aclSetuser, auth, call, configSet, get, hello, migrate, set, type Command } from 'rxjs-redis/commands';
import { Redis } from 'rxjs-redis';
import { knownCall } from '../../../src/commands/known-commands';

describe('A command', () => {
  it.each<[Command, string[]]>([
    [get('k'), ['k']],
    [set('k', 1e21), ['k', '1000000000000000000000']],
    [set('k', Buffer.from('12345')), ['k', '<5 bytes>']],
    [set('k', 'x'.repeat(100)), ['k', `${'x'.repeat(63)}…`]],
    [auth('hunter2'), ['***']],
    [auth('ann', 'hunter2'), ['***', '***']],
    [knownCall('auth', [Buffer.from('ann'), Buffer.from('hunter2')]), ['***', '***']],
    [hello(3, { AUTH: ['ann', 'hunter2'] }), ['3', 'AUTH', '***', '***']],
    [configSet({ requirepass: 'hunter2', maxmemory: '1' }), ['requirepass', '***', 'maxmemory', '1']],
    [aclSetuser('ann', ['on', '(+get >hunter2)', '>hunt er2', '<h']), ['ann', 'on', '(+get >***)', '>***', '<***']],
    [
      migrate('there', 1, 'k', 0, 10, { AUTH2: ['ann', 'hunter2'] }),
      ['there', '1', '', '0', '10', 'AUTH2', '***', '***', 'KEYS', 'k'],
    ],
    [call('AUTH', 'hunter2'), ['***']],
    [call('MODULE.DO', 'k', 'hunter2'), ['***', '***']],
    [knownCall('DEL', Array<string>(20).fill('k')), [...Array<string>(16).fill('k'), '… 4 more']],
  ])('shows a log its name and arguments, and no secret: %s', (command, args) => {
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

  it('is shown so where a Reply has it', () => {
    const { command } = new Redis().withOptions({}).aclSetuser('ann', ['>hunter2']);
    expect(inspect(command)).toBe('Command <ACL SETUSER "ann" ">***">');
  });
});
