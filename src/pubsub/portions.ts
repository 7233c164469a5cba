/** So many names, or so many characters, are asked for at once: their confirmations count against the server's output limit for messages. */
const PORTION = 1_000;
const PORTION_LENGTH = 64 * 1024;

/** Names in lists that one command may have each. */
export function portionsOf(keys: readonly string[]): string[][] {
  const portions: string[][] = [];
  let portion: string[] = [];
  let length = 0;
  for (const key of keys) {
    if (portion.length === PORTION || (portion.length > 0 && length + key.length > PORTION_LENGTH)) {
      portions.push(portion);
      portion = [];
      length = 0;
    }
    portion.push(key);
    length += key.length;
  }
  if (portion.length > 0) portions.push(portion);
  return portions;
}

/** Commands of few names travel together, as far as their confirmations stay within the same bounds. */
export function batchesOf(portions: readonly string[][]): string[][][] {
  const batches: string[][][] = [];
  let names = 0;
  let length = 0;
  for (const portion of portions) {
    const ofPortion = portion.reduce((sum, key) => sum + key.length, 0);
    names += portion.length;
    length += ofPortion;
    if (batches.length === 0 || names > PORTION || length > PORTION_LENGTH) {
      batches.push([]);
      names = portion.length;
      length = ofPortion;
    }
    batches.at(-1)!.push(portion);
  }
  return batches;
}
