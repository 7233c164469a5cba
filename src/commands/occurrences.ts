/**
 * Where a word stands in a text, overlapping places included, in order. By Knuth, Morris and Pratt: `indexOf` takes the product of both
 * lengths where text and word repeat themselves.
 */
export function* occurrences(word: string, text: string): Iterable<number> {
  const borders = bordersOf(word);
  let matched = 0;
  for (let at = 0; at < text.length; at++) {
    while (matched > 0 && word.charCodeAt(matched) !== text.charCodeAt(at)) matched = borders[matched - 1]!;
    if (word.charCodeAt(matched) === text.charCodeAt(at)) matched++;
    if (matched < word.length) continue;
    yield at - matched + 1;
    matched = borders[matched - 1]!;
  }
}

/** For each beginning of a word, how many characters it both begins and ends with, less than all. */
function bordersOf(word: string): Int32Array {
  const borders = new Int32Array(word.length);
  let length = 0;
  for (let at = 1; at < word.length; at++) {
    while (length > 0 && word.charCodeAt(length) !== word.charCodeAt(at)) length = borders[length - 1]!;
    if (word.charCodeAt(length) === word.charCodeAt(at)) length++;
    borders[at] = length;
  }
  return borders;
}
