// What the nodes of a grammar are, in the generator's terms.

import type { ArgumentFacts } from './facts';
import type { ValueKind } from './model';
import type { Override } from './overrides';

/** Arguments that hold the user's own values, where numbers are welcome too. */
const DATA = new Set('value element member member1 member2 field message arg pivot ifeq-value ifne-value'.split(' '));

/** The rules cannot make a signature of this command: an override is missing. */
export class Unmapped extends Error {}

export function kindOf(argument: ArgumentFacts, override: Override): ValueKind {
  const given = override.values?.[argument.name];
  if (given !== undefined) return given;
  switch (argument.type) {
    case 'key':
      return 'key';
    case 'pattern':
      return 'text';
    case 'unix-time':
      return argument.name.endsWith('milliseconds') ? 'unixMilliseconds' : 'unixSeconds';
    case 'double':
      if (argument.name === 'timeout') return 'seconds';
      return argument.name === 'min' || argument.name === 'max' ? 'bound' : 'double';
    case 'integer':
      if (argument.name === 'cursor') return 'cursor';
      return /crement$/.test(argument.name) ? 'bigInteger' : 'integer';
    case 'string':
      return DATA.has(argument.name) ? 'data' : 'text';
    default:
      throw new Unmapped(`${argument.name}: no kind for ${argument.type}`);
  }
}

export function isWord(argument: ArgumentFacts): boolean {
  return argument.type === 'pure-token' && argument.token !== undefined && !argument.optional && !argument.multiple;
}

export function isValue(argument: ArgumentFacts): boolean {
  return !['pure-token', 'oneof', 'block'].includes(argument.type);
}

export function wordsOf(argument: ArgumentFacts): string[] {
  return (argument.args ?? []).map((word) => word.token as string);
}

export function isChoiceOfWords(argument: ArgumentFacts): boolean {
  return argument.type === 'oneof' && !argument.multiple && (argument.args ?? []).every(isWord);
}

export function union(words: readonly string[]): string {
  return words.map((word) => `'${word}'`).join(' | ');
}

/** Redis 6.0 knows units in small letters alone, so they are values, not words. */
export function isUnit(argument: ArgumentFacts): boolean {
  return isChoiceOfWords(argument) && wordsOf(argument).join() === 'M,KM,FT,MI';
}

/** `{IDMP-MAXSIZE <maxsize>}`: a block that begins with a word is a value, or a block, with that token. */
export function withOwnToken(argument: ArgumentFacts): ArgumentFacts {
  const [head, ...values] = argument.args ?? [];
  if (argument.type !== 'block' || argument.token !== undefined || values.length === 0) return argument;
  if (head?.type !== 'pure-token' || head.optional) return argument;
  const token = head.token as string;
  const [only] = values;
  const isBlock = values.length > 1 || only === undefined || !isValue(only) || only.optional;
  return isBlock ? { ...argument, token, args: values } : { ...only, ...placeOf(argument), token };
}

/** What an argument says of its place and not of its shape. */
function placeOf({ optional, since, only }: ArgumentFacts): Partial<ArgumentFacts> {
  return { ...(optional ? { optional } : {}), ...(since ? { since } : {}), ...(only ? { only } : {}) };
}
