import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { complaints } from '../../../gen/check-overrides';
import { deprecationOf, loadDocs, newerOptionsOf, syntaxOf } from '../../../gen/docs';
import { SESSION } from '../../../gen/emit/surface';
import { EMPTY } from '../../../gen/empty';
import { callable, loadFacts, type CallableFacts } from '../../../gen/facts';
import { generate, models } from '../../../gen/generate';
import { Redis } from '../../../src';
import { onStrings } from '../../../gen/replies';

const facts = callable(loadFacts());

function commandOf(name: string): CallableFacts {
  const command = facts.find((one) => one.name === name);
  if (command === undefined) throw new Error(name);
  return command;
}

describe('what is generated', () => {
  it('is what lies in the repository: otherwise run npm run gen', () => {
    const stale = [...generate()].filter(
      ([path, text]) => readFileSync(join(__dirname, '../../..', path), 'utf8') !== text,
    );
    expect(stale.map(([path]) => path)).toEqual([]);
  });

  it('is the same each time', () => {
    expect(generate()).toEqual(generate());
  });

  it('says of every command what it does, since when, how costly, and where to read more', () => {
    const surface = `${generate().get('src/commands/generated/surface.ts')}${generate().get('src/commands/generated/session.ts')}`;
    for (const { docs, page } of facts.map((command) => ({
      docs: loadDocs().get(command.name),
      page: command.name.toLowerCase().replace(/ /g, '-'),
    }))) {
      expect(docs).toBeDefined();
      if (!/^(.*subscribe|monitor|multi)$/.test(page)) expect(surface).toContain(`/commands/${page}/`);
    }
  });

  it('says in words since when there is an option, and on which server', () => {
    for (const [path, text] of generate()) expect([path, text.includes('[object Object]')]).toEqual([path, false]);
    expect(newerOptionsOf(commandOf('SET'))).toEqual([
      '`NX`, `XX`, `EX`, `PX` since 2.6.12',
      '`IFEQ` since Redis 8.4.0, Valkey 8.1.0',
      '`IFNE`, `IFDEQ`, `IFDNE` Redis only, since 8.4.0',
      '`GET`, `EXAT`, `PXAT` since 6.2.0',
      '`KEEPTTL` since 6.0.0',
    ]);
    expect(newerOptionsOf(commandOf('GET'))).toEqual([]);
    expect(newerOptionsOf(commandOf('HEXPIRE'))).toEqual([]);
    expect(newerOptionsOf(commandOf('SHUTDOWN'))).toEqual([
      '`NOW`, `FORCE`, `ABORT` since 7.0.0',
      '`SAFE`, `FAILOVER` Valkey only, since 9.0.0',
    ]);
  });

  it('says which object has a method, what the client has in its place, and what an empty list answers', () => {
    const reference = generate().get('src/commands/generated/COMMANDS.md') ?? '';
    const entries = new Map(
      reference.split(/^### /m).map((entry) => [/^\[(\w+)\]/.exec(entry)?.[1] ?? '', entry] as const),
    );
    for (const { facts: command, method, sharesSpec } of models()) {
      const entry = entries.get(method) ?? '';
      const lent = SESSION.includes(command.name) || command.name === 'MONITOR';
      expect([method, /redis\.dedicated\(.*alone/.test(entry)]).toEqual([method, lent]);
      const empty = sharesSpec ? undefined : EMPTY[command.name];
      expect([method, /An empty list sends nothing: `(.*)`/.exec(entry)?.[1]]).toEqual([method, empty]);
    }
    expect(entries.get('subscribe')).toContain('redis.subscribe(names: ChannelNames');
    expect(entries.get('unsubscribe')).toContain('A builder alone');
  });

  it('names what to use instead of every deprecated command', () => {
    for (const command of facts.filter(
      ({ deprecated, removed }) => deprecated !== undefined || removed !== undefined,
    )) {
      expect(deprecationOf(command)).toMatch(/: use `/);
    }
    expect(facts.filter((command) => deprecationOf(command) !== undefined)).toHaveLength(27);
  });

  it('asks nobody for a count that can be counted', () => {
    for (const { method, signatures } of models()) {
      const names = signatures.flatMap(({ parameters }) => parameters.map(({ name }) => name));
      expect([method, names.filter((name) => /^num(keys|fields|ids|ranges)?$/i.test(name))]).toEqual([method, []]);
    }
  });

  it('writes the grammar as one line', () => {
    expect(syntaxOf(commandOf('GETEX'))).toBe(
      'GETEX key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST]',
    );
    expect(syntaxOf(commandOf('LMPOP'))).toBe('LMPOP numkeys key [key …] <LEFT | RIGHT> [COUNT count]');
  });

  it('shows the types of the string surface without parameters', () => {
    expect(onStrings('Dictionary<S, Entry<S>[]> | [key: S, Scored<S>] | null')).toBe(
      'Record<string, Entry[]> | [key: string, Scored] | null',
    );
  });
});

describe('what the facts do not say', () => {
  it('is said only where it is needed', () => {
    expect(complaints()).toEqual([]);
  });

  it('is an error once the command is gone', () => {
    const without = facts.filter(({ name }) => name !== 'LCS');
    expect(complaints(without)).toEqual(
      expect.arrayContaining(['overrides: LCS is no command of the facts', 'docs: LCS is no command of the facts']),
    );
  });

  it('is an error once the facts say it themselves', () => {
    const moved = facts.map((command) =>
      command.name === 'OBJECT ENCODING' ? { ...command, group: 'server' } : command,
    );
    expect(complaints(moved)).toEqual(['overrides: OBJECT ENCODING: its reply is what the rules give']);
  });

  it('is an error once the argument that it is about is gone', () => {
    const renamed = facts.map((command) =>
      command.name === 'ZINCRBY'
        ? { ...command, args: command.args?.filter(({ name }) => name !== 'increment') ?? [] }
        : command,
    );
    expect(complaints(renamed)).toEqual(['overrides: ZINCRBY: no argument increment']);
  });

  it('is an error when no builder tells apart what a repetition does', () => {
    const more = facts.map((command) =>
      command.name === 'SINTERSTORE'
        ? { ...command, rt: { ...command.rt, retryIf: [{ when: 'on Sundays', retry: 'no' as const }] } }
        : command,
    );
    expect(complaints(more)).toEqual(['facts: SINTERSTORE: no builder knows that a repetition is no if on Sundays']);
  });
});

describe('an example in a docstring', () => {
  it('calls no method that the client does not have', () => {
    const sources = readdirSync(join(__dirname, '../../../src'), { recursive: true, encoding: 'utf8' });
    const called = sources
      .filter((path) => path.endsWith('.ts'))
      .flatMap((path) => readFileSync(join(__dirname, '../../../src', path), 'utf8').match(/^ +\* .*$/gm) ?? [])
      .flatMap((line) => [...line.matchAll(/\bredis\.(\w+)\(/g)].map((match) => match[1] as string));
    expect(called.length).toBeGreaterThan(10);
    expect(called.filter((method) => !(method in Redis.prototype))).toEqual([]);
  });
});
