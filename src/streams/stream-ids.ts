import { kindOf } from '../resp/kind-of';

/** The id before the first that an entry can have. */
export const BEFORE_ALL = '0-0';

/** The last id of a stream, whatever that is. */
export const LAST = '$';

const ID = /^(\d{1,20})(?:-(\d{1,20}))?$/;
const LARGEST = 2n ** 64n - 1n;

function partsOf(id: string, otherwise: bigint): readonly [ms: bigint, seq: bigint] | undefined {
  const found = ID.exec(id);
  if (found === null) return undefined;
  const [ms, seq] = [BigInt(found[1]!), found[2] === undefined ? otherwise : BigInt(found[2])];
  return ms > LARGEST || seq > LARGEST ? undefined : [ms, seq];
}

/** A negative number when the first of two whole ids comes before the second, 0 when they are the same. */
export function compareIds(a: string, b: string): number {
  if (a === b) return 0;
  const [ms, seq] = partsOf(a, 0n)!;
  const [otherMs, otherSeq] = partsOf(b, 0n)!;
  if (ms !== otherMs) return ms < otherMs ? -1 : 1;
  return seq === otherSeq ? 0 : seq < otherSeq ? -1 : 1;
}

/** The id that comes next. */
export function idAfter(id: string): string {
  const [ms, seq] = partsOf(id, 0n)!;
  return seq < LARGEST ? `${ms}-${seq + 1n}` : `${ms + 1n}-0`;
}

/**
 * An id as servers write it.
 * @param end where the second half is left out: the first entry of that millisecond, or the last
 * @throws TypeError unless it is one, or `$`
 */
export function wholeId(option: string, given: unknown, end: 'first' | 'last' = 'first'): string {
  if (given === LAST) return LAST;
  const parts = typeof given === 'string' ? partsOf(given, end === 'first' ? 0n : LARGEST) : undefined;
  if (parts === undefined) {
    const got = typeof given === 'string' ? JSON.stringify(given.slice(0, 64)) : kindOf(given);
    throw new TypeError(`${option} is the id of an entry, as '1526919030474-55', '0' or '$', got ${got}`);
  }
  return parts.join('-');
}
