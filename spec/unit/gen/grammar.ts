import type { ArgumentFacts } from '../../../gen/facts';

/** Whether words are a sentence of a command's grammar: an independent reading of the facts that the generator reads. */
export function matches(grammar: readonly ArgumentFacts[], words: readonly string[]): boolean {
  for (const end of sequence(grammar, words, 0)) if (end === words.length) return true;
  return false;
}

/** Every place where the arguments may end when they begin at `at`. */
function* sequence(grammar: readonly ArgumentFacts[], words: readonly string[], at: number): Generator<number> {
  const [first, ...rest] = grammar;
  if (first === undefined) {
    yield at;
    return;
  }
  for (const next of argument(first, words, at)) yield* sequence(rest, words, next);
}

function* argument(facts: ArgumentFacts, words: readonly string[], at: number): Generator<number> {
  if (facts.optional) yield at;
  const token = facts.type === 'pure-token' ? undefined : facts.token;
  if (token !== undefined && words[at]?.toUpperCase() !== token) return;
  const begin = token === undefined ? at : at + 1;
  for (const end of body(facts, words, begin)) {
    yield end;
    if (facts.multiple) yield* again(facts, words, end, token);
  }
}

function* again(
  facts: ArgumentFacts,
  words: readonly string[],
  at: number,
  token: string | undefined,
): Generator<number> {
  let begin = at;
  if (facts.multipleToken && token !== undefined) {
    if (words[at]?.toUpperCase() !== token) return;
    begin = at + 1;
  }
  for (const end of body(facts, words, begin)) {
    if (end === begin) continue;
    yield end;
    yield* again(facts, words, end, token);
  }
}

function* body(facts: ArgumentFacts, words: readonly string[], at: number): Generator<number> {
  const word = words[at];
  switch (facts.type) {
    case 'oneof':
      for (const part of facts.args ?? []) yield* argument({ ...part, optional: false }, words, at);
      return;
    case 'block':
      yield* sequence(facts.args ?? [], words, at);
      return;
    case 'pure-token':
      if (word?.toUpperCase() === (facts.token ?? facts.name).toUpperCase()) yield at + 1;
      return;
    case 'integer':
    case 'unix-time':
      // Offsets of BITFIELD may count in fields.
      if (word !== undefined && /^[-#]?\d+$/.test(word)) yield at + 1;
      return;
    case 'double':
      if (word !== undefined && /^[-+]?(\d|inf)/.test(word)) yield at + 1;
      return;
    default:
      if (word !== undefined) yield at + 1;
  }
}
