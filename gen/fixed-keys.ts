import type { CallableFacts } from './facts';

/** Where keys stand when that does not depend on the call: one expression for the spec. */
export function fixedKeys(facts: CallableFacts): string | undefined {
  const words = facts.name.split(' ').length;
  const ranges: { from: number; to: number; step: number }[] = [];
  for (const { begin, find, flags } of facts.keySpecs ?? []) {
    // A shard channel, a cursor: it chooses the slot and is no key all the same.
    if (flags.includes('not_key')) continue;
    // The patterns of SORT lead to keys that nobody can list; what STORE names is one that moves.
    if (
      (begin as unknown) === 'unknown' &&
      !facts.args?.some(({ type, token }) => type === 'key' && token !== undefined)
    )
      continue;
    if (begin.index === undefined || find.range === undefined) return undefined;
    const from = begin.index - words;
    const [last, step] = find.range;
    const to = last < 0 ? last : from + last;
    const previous = ranges.at(-1);
    if (previous && previous.step === 1 && step === 1 && previous.to >= 0 && previous.to + 1 === from) previous.to = to;
    else ranges.push({ from, to, step });
  }
  const text = JSON.stringify(ranges);
  if (text === '[]') return 'NO_KEYS';
  if (text === '[{"from":0,"to":0,"step":1}]') return 'FIRST';
  if (text === '[{"from":0,"to":1,"step":1}]') return 'FIRST_TWO';
  if (text === '[{"from":0,"to":-1,"step":1}]') return 'ALL';
  return `[${ranges.map(({ from, to, step }) => `{ from: ${from}, to: ${to}, step: ${step} }`).join(', ')}]`;
}
