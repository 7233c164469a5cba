import fc from 'fast-check';
import type { Arg, CommandSpec, SecretArguments } from '../../src/commands/command';
import { SPECS } from '../../src/commands/generated/registry';

/** A command by its name, with secrets among its arguments. */
export interface SecretCommand {
  /** the words of its name and its arguments, as a user may write them */
  readonly words: readonly string[];
  readonly args: readonly Arg[];
  readonly secrets: readonly string[];
}

/** All commands whose facts say that arguments are secret. */
export const SECRETIVE: readonly CommandSpec[] = SPECS.filter(({ secrets }) => secrets !== undefined);

/** All commands whose facts say that parts of the reply are secret. */
export const REVEALING: readonly CommandSpec[] = SPECS.filter(({ secretReply }) => secretReply?.length);

/** Text that stands nowhere by chance. */
export const secret: fc.Arbitrary<string> = fc
  .tuple(
    fc.stringMatching(/^[a-zA-Z0-9]{14,20}$/),
    fc.constantFrom('', '-', '.', '$&', '(', "'", '"', '\\', ' ', 'é', ';'),
    fc.stringMatching(/^[a-zA-Z0-9]{0,4}$/),
  )
  .map((parts) => `S3${parts.join('')}`);

/** In letters of any case. */
const spelt = (text: string): fc.Arbitrary<string> =>
  fc
    .array(fc.boolean(), { minLength: text.length, maxLength: text.length })
    .map((isLower) => [...text].map((letter, at) => (isLower[at]! ? letter.toLowerCase() : letter)).join(''));

const plainWord = fc.constantFrom('on', 'ann', '3', '0', 'k', 'master');

/** What stands before the secrets of these commands. */
const BEFORE: Readonly<Record<string, readonly string[]>> = {
  'ACL SETUSER': ['ann'],
  'SENTINEL SET': ['master'],
  HELLO: ['3'],
  MIGRATE: ['127.0.0.1', '1', 'k', '0', '10'],
  'MODULE LOAD': ['/m.so'],
  'MODULE LOADEX': ['/m.so'],
};

interface Drawn {
  readonly args: string[];
  readonly secrets: string[];
}

const hidden = (count: number, min = count): fc.Arbitrary<Drawn> =>
  fc.array(secret, { minLength: min, maxLength: count }).map((secrets) => ({ args: secrets, secrets }));

function behind(facts: SecretArguments): fc.Arbitrary<Drawn> {
  if ('from' in facts) return hidden(2, 1);
  if ('valuesOf' in facts) {
    const pair = fc.tuple(
      fc.constantFrom(...facts.valuesOf).chain((name) => spelt(name.toUpperCase())),
      secret,
    );
    return fc
      .array(pair, { minLength: 1, maxLength: 3 })
      .map((pairs) => ({ args: pairs.flat(), secrets: pairs.map(([, value]) => value) }));
  }
  if ('startingWith' in facts) {
    const simple = secret.map((one) => one.replace(/[\s()]/g, ''));
    const rule = fc.tuple(fc.constantFrom(...facts.startingWith), simple, fc.boolean());
    return fc.array(rule, { minLength: 1, maxLength: 3 }).map((rules) => ({
      args: rules.map(([sign, one, inSelector]) => (inSelector ? `(+get ${sign}${one})` : sign + one)),
      secrets: rules.map(([, one]) => one),
    }));
  }
  return fc
    .constantFrom(...Object.entries(facts.after))
    .chain(([token, count]) =>
      fc
        .tuple(spelt(token), hidden(count === Infinity ? 3 : count))
        .map(([option, { args, secrets }]) => ({ args: [option, ...args], secrets })),
    );
}

/** Such a command: in letters of any case, its name in one text or in several, its arguments as text or bytes. */
export const secretCommand: fc.Arbitrary<SecretCommand> = fc.constantFrom(...SECRETIVE).chain(({ name, secrets }) =>
  fc
    .record({
      name: spelt(name),
      isSplit: fc.boolean(),
      drawn: behind(secrets!),
      asBytes: fc.boolean(),
      extra: name === 'ACL SETUSER' ? fc.array(plainWord, { maxLength: 2 }) : fc.constant([]),
    })
    .map((drawn) => {
      const { args, secrets } = drawn.drawn;
      const texts = [...(BEFORE[name] ?? []), ...drawn.extra, ...args];
      return {
        words: drawn.isSplit ? drawn.name.split(' ') : [drawn.name],
        args: drawn.asBytes ? texts.map((text) => Buffer.from(text)) : texts,
        secrets,
      };
    }),
);
