import { differences, type ServerTable } from '../../../gen/compare-server';
import type { CommandFacts } from '../../../gen/facts';
import type { CommandDocs, CommandInfo } from '../../../src/commands/replies/types';

function info(name: string, arity: number, more: Partial<CommandInfo> = {}): CommandInfo {
  const nothing = {
    flags: [],
    firstKey: 0,
    lastKey: 0,
    step: 0,
    categories: [],
    tips: [],
    keySpecs: [],
    subcommands: [],
  };
  return { name, arity, ...nothing, ...more };
}

function table(
  commands: CommandInfo[],
  docs: Record<string, CommandDocs> = {},
  kind: 'redis' | 'valkey' = 'redis',
): ServerTable {
  return { kind, commands, docs };
}

const PING = { name: 'PING', arity: -1, args: [{ name: 'message', type: 'string' }] } as CommandFacts;
const KILL = { name: 'CLIENT KILL', arity: -3, args: [{ name: 'id', type: 'integer', token: 'ID' }] } as CommandFacts;
const CLIENT = { name: 'CLIENT', arity: -2 } as CommandFacts;

describe('what a server knows that the facts do not', () => {
  it('is nothing when both agree', () => {
    expect(differences([PING], table([info('ping', -1)], { ping: {} }))).toEqual([]);
  });

  it('is a command, or a subcommand, and since when', () => {
    const commands = [info('client', -2, { subcommands: [info('client|dance', 2)] }), info('jump', 1)];
    const docs = { jump: { since: '9.9.0' }, client: { subcommands: { 'client|dance': { since: '9.8.0' } } } };
    expect(differences([CLIENT], table(commands, docs))).toEqual([
      'CLIENT DANCE: new since 9.8.0',
      'JUMP: new since 9.9.0',
    ]);
    expect(differences([], table([info('jump', 1)]))).toEqual(['JUMP: new']);
  });

  it('is an option, however deep', () => {
    const argument = {
      name: 'x',
      type: 'block',
      arguments: [{ name: 'a', type: 'oneof', arguments: [{ name: 'b', type: 'string', token: 'AGE' }] }],
    };
    const docs = {
      client: {
        subcommands: { 'client|kill': { arguments: [argument, { name: 'id', type: 'integer', token: 'ID' }] } },
      },
    };
    const commands = [info('client', -2, { subcommands: [info('client|kill', -3)] })];
    expect(differences([CLIENT, KILL], table(commands, docs))).toEqual(['CLIENT KILL: takes AGE']);
  });

  it('is another arity, unless Valkey is known to differ', () => {
    expect(differences([PING], table([info('ping', 2)]))).toEqual(['PING: arity is 2, not -1']);
    const differing = { ...PING, valkey: { arity: 2 } };
    expect(differences([differing], table([info('ping', 2)], {}, 'valkey'))).toEqual([]);
  });

  it('is a key specification, and a deprecation with what to use instead', () => {
    const docs = { ping: { deprecated_since: '9.0.0', replaced_by: '`PONG`' } };
    expect(differences([PING], table([info('ping', -1, { keySpecs: [{}] })], docs))).toEqual([
      'PING: deprecated since 9.0.0, in favour of `PONG`',
      'PING: has 1 key specifications, not 0',
    ]);
  });
});
