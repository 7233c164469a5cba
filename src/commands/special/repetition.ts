// What in the arguments makes a repetition do something else than the command did the first time.

import type { Arg } from '../command';
import { textOf } from '../text-of';
import { latin1Of } from '../../resp/bytes-of';
import { isAmong, type Key, type Many, type Optionals, type Str } from '../arguments';

/**
 * Whether SORT, GEORADIUS or GEORADIUSBYMEMBER store their result over what they read: the source, or a key that BY or GET may
 * name. The second run would then read what the first has written.
 */
export function storesOverSource(
  source: Key,
  options:
    | { STORE?: Key | undefined; STOREDIST?: Key | undefined; BY?: Str | undefined; GET?: Many<Str> | undefined }
    | undefined,
): boolean {
  const destination = options?.STORE ?? options?.STOREDIST;
  if (options === undefined || destination === undefined) return false;
  const { BY = [], GET = [] } = options;
  return isAmong(destination, source) || [BY, GET].flat().some((pattern) => mayName(pattern, destination));
}

/** Whether a pattern of SORT stands for a key with some element in place of its star. */
function mayName(pattern: Str, key: Key): boolean {
  // In bytes a character each, so that any key can be compared. Behind an arrow follows the field of a hash.
  const [before, after] = halvesOf(latin1Of(pattern));
  const name = latin1Of(key);
  return after !== undefined && name.startsWith(before) && after.some((end) => name.slice(before.length).endsWith(end));
}

/** What stands before a pattern's star, and what may stand behind it: to the end, or to an arrow. */
function halvesOf(pattern: string): [before: string, after: string[] | undefined] {
  const star = pattern.indexOf('*');
  if (star < 0) return [pattern, undefined];
  const rest = pattern.slice(star + 1);
  const arrow = rest.indexOf('->');
  return [pattern.slice(0, star), arrow < 0 ? [rest] : [rest, rest.slice(0, arrow)]];
}

/** Whether an id is `$`, which means another entry each time that entries have come. */
export function isLastId(id: Arg): boolean {
  return textOf(id) === '$';
}

/** A password taken away, which is not there a second time; a selector, which is added each time. */
const ONCE = /^[<!(]/;
const PATTERN = /^([~&](?!\*$)|%|db=)/i;
/** Once all is allowed, the server refuses patterns. */
const ALL = /^(allkeys|~\*|allchannels|&\*|alldbs)$/i;

/** Whether rules of ACL SETUSER are refused, or add something, when they are given again. */
export function changesMoreEachTime(rules: Optionals<Str>): boolean {
  let hasPattern = false;
  return rules.flat().some((rule) => {
    const word = textOf(rule);
    if (ALL.test(word)) return hasPattern;
    hasPattern ||= PATTERN.test(word);
    return ONCE.test(word);
  });
}
