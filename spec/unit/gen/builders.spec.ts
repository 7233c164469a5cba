import { knownCommand } from '../../../src/commands/known-commands';
import { callable, HIDDEN, loadFacts } from '../../../gen/facts';
import { models } from '../../../gen/generate';
import { SESSION, STREAMED } from '../../../gen/emit/surface';
import { samplesOf } from '../../../gen/samples';
import * as builders from '../../../src/commands';
import { Command, type Arg } from '../../../src/commands/command';
import { SessionSurface } from '../../../src/commands/generated/session';
import { CommandSurface } from '../../../src/commands/generated/surface';
import { indicesOf } from '../../../src/commands/indices-of';
import { matches } from './grammar';

const facts = callable(loadFacts());
const all = models();
const byName = builders as unknown as Record<string, (...args: unknown[]) => Command>;

function asWord(arg: Arg): string {
  return arg instanceof Uint8Array ? Buffer.from(arg).toString('latin1') : String(arg);
}

function positions(command: Pick<Command, 'args' | 'keys'>): number[] {
  return command.keys.flatMap((range) => indicesOf(range, command.args.length)).sort((a, b) => a - b);
}

describe('the builders', () => {
  it.each(facts)('know since which releases their servers have them: $name', ({ name, servers }) => {
    const { redis, valkey } = servers;
    const since = { ...(redis === undefined ? {} : { redis }), ...(valkey === undefined ? {} : { valkey }) };
    expect(knownCommand(name, [])?.spec.since).toStrictEqual(since);
  });

  it('are there for all 427 commands of the facts', () => {
    expect(facts).toHaveLength(427);
    const missing = facts.filter(({ method }) => typeof byName[method] !== 'function');
    expect(missing.map(({ name }) => name)).toEqual([]);
  });

  it('are there for no hidden command', () => {
    const hidden = loadFacts().filter(({ name }) => HIDDEN.includes(name));
    expect(hidden.filter(({ method }) => method !== undefined && method in builders)).toEqual([]);
  });

  it('are methods too, of any client or of a leased connection, but for those that the client has as streams', () => {
    for (const { facts: command, method } of all) {
      const everywhere = method in CommandSurface.prototype;
      const leased = method in SessionSurface.prototype;
      expect([command.name, everywhere, leased]).toEqual([
        command.name,
        !SESSION.includes(command.name) && !STREAMED.includes(command.name),
        !STREAMED.includes(command.name),
      ]);
    }
  });
});

describe.each(all.map((model) => [model.method, model] as const))('%s', (method, model) => {
  const command = model.facts;
  const samples = samplesOf(model).map(({ args }) => [args, byName[method]?.(...args)] as [unknown[], Command]);

  it('has calls to look at', () => {
    expect(samples.length).toBeGreaterThan(0);
  });

  it('knows the name and the length of its command', () => {
    for (const [, made] of samples) {
      expect(made).toBeInstanceOf(Command);
      expect(made.spec.name).toBe(command.name);
      const length = made.args.length + made.spec.words;
      if (command.args === undefined) continue;
      const arity = command.valkey?.arity ?? command.arity;
      if (arity > 0) expect(length).toBe(arity);
      else expect(length).toBeGreaterThanOrEqual(-arity);
    }
  });

  it('writes what the grammar allows', () => {
    for (const [args, made] of samples) {
      const words = made.args.map(asWord);
      if (command.args !== undefined) expect([args, words, matches(command.args, words)]).toEqual([args, words, true]);
    }
  });

  it('has its keys where the key specifications say', () => {
    for (const [args, made] of samples) {
      const known = knownCommand(command.name, made.args);
      expect([args, positions(made)]).toEqual([args, known && positions(known)]);
    }
  });
});
