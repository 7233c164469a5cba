import type { Key } from '../commands/arguments';
import type { StreamPositions } from '../commands/special/types';
import type { Dictionary } from '../commands/replies/types';
import { STREAM_OPTIONS, type SignalOption } from '../demand/stream-options';
import { onlyKnown, wholeNumber } from '../option-checks';
import { isBytes } from '../resp/is-bytes';
import { asBuffer } from '../resp/strings';
import { kindOf } from '../resp/kind-of';
import { wholeId } from './stream-ids';

/** Which streams: one, several, or the id for each behind which it begins. */
export type TailedStreams = Key | readonly Key[] | StreamPositions;

/** Where `tail` begins and ends. */
export interface TailOptions extends SignalOption {
  /**
   * the id behind which it begins: `'$'`, the last one there is now, unless told otherwise; `'0'` for all that there is. Not where the streams
   * are given with their ids
   */
  readonly from?: string | undefined;
  /** how many entries of a stream are read at once; 100 unless told otherwise */
  readonly batch?: number | undefined;
  /** the id behind which no more is wanted: it completes when all up to there has come; `'$'` for the last one there is now */
  readonly until?: string | undefined;
}

/** An entry that was added to a stream. */
export interface TailEntry<S = string> {
  readonly type: 'entry';
  /** the name of the stream, without the client's prefix */
  readonly stream: S;
  readonly id: string;
  readonly fields: Dictionary<S, S>;
  /** all fields with their values in the order of the entry; made anew each time */
  readonly pairs: [field: S, value: S][];
}

/**
 * Entries may have been added that were gone before they could be read.
 *
 * - `trimmed`: entries behind the last one that came are gone (XTRIM, MAXLEN, XDEL). Where it begins behind an id, and before Redis 7.0 always,
 *   servers do not tell whether there was anything: there this comes whenever entries were deleted and that with the id is not there any more.
 * - `deleted`: the stream is another one, or is not there any more (DEL, FLUSHALL, a restart without persistence).
 * - `reset`: the stream ends before the last id that was seen (an older backup, a failover); what it has up to `to` does not come again.
 *
 * A stream that was deleted and filled again, by ids of one's own, cannot be told from the old one where it goes beyond the last id that came, and
 * has had as many entries up to there as the old one, from the same first one on; or where it has lost as many from its front as the old
 * one had had. Before Redis 7.0 neither can one that begins no earlier and has fewer up to there, nor what was taken out between others.
 */
export interface TailGap<S = string> {
  readonly type: 'gap';
  readonly stream: S;
  /** the last id before the gap; where what is gone stood between others, the last one at which nothing was missing: some behind it have come */
  readonly from: string;
  /**
   * the first id behind it, or for `reset` the one behind which it goes on; where what is gone stood between others, the last one that the
   * stream has now, and those before it come as well. null where there is none yet
   */
  readonly to: string | null;
  readonly reason: 'trimmed' | 'deleted' | 'reset';
}

/** What `tail` brings. */
export type TailItem<S = string> = TailEntry<S> | TailGap<S>;

/** A stream, and the id behind which it is read. */
export interface Start {
  readonly key: Key;
  readonly from: string;
}

const OPTIONS = ['from', 'batch', 'until', ...STREAM_OPTIONS];
const BATCH = 100;

/**
 * Where a tail begins.
 * @throws TypeError that names the argument or option and what was expected
 */
export function tailOf(
  streams: unknown,
  given: unknown,
  bytes: boolean,
): { starts: Start[]; batch: number; until: string | undefined } {
  const { from, batch = BATCH, until } = onlyKnown('tail', given as TailOptions, OPTIONS);
  wholeNumber('batch', batch, 1);
  return {
    starts: startsOf(streams, from, bytes),
    batch,
    until: until === undefined ? undefined : wholeId("The option 'until'", until, 'last'),
  };
}

function startsOf(streams: unknown, from: string | undefined, bytes: boolean): Start[] {
  const positions = positionsOf(streams);
  if (positions !== undefined && from !== undefined) {
    throw new TypeError("tail: the option 'from' does not go with streams that are given with their ids");
  }
  const begin = from === undefined ? '$' : wholeId("The option 'from'", from);
  const keys: readonly unknown[] = Array.isArray(streams) ? streams : [streams];
  const starts =
    positions?.map(([key, id]) => ({ key: checkedKey(key), from: wholeId('tail: what a stream is given with', id) })) ??
    keys.map((key) => ({ key: checkedKey(key), from: begin }));
  if (starts.length === 0) throw new TypeError('tail: at least one stream was expected');
  const names = new Set(starts.map(({ key }) => nameOf(key, bytes)));
  if (names.size < starts.length) throw new TypeError('tail: two streams have the same name');
  return starts;
}

function positionsOf(streams: unknown): (readonly [unknown, unknown])[] | undefined {
  if (streams instanceof Map) return [...(streams as Map<unknown, unknown>)];
  if (typeof streams !== 'object' || streams === null || Array.isArray(streams) || isBytes(streams)) return undefined;
  return Object.entries(streams);
}

/** @throws TypeError unless it is text or bytes; bytes are copied, because the caller's may change before they are sent */
export function checkedKey(key: unknown, method = 'tail'): Key {
  if (typeof key === 'string') return key;
  if (isBytes(key)) return Buffer.from(key);
  throw new TypeError(`${method}: the name of a stream is a string or bytes, got ${kindOf(key)}`);
}

/**
 * What tells one name from another, whether it is text or bytes.
 * @param bytes whether names come as bytes; as text, those that differ in what is no text are the same
 */
export function nameOf(key: Key, bytes: boolean): string {
  if (typeof key === 'string') return Buffer.from(key).toString('latin1');
  return bytes ? asBuffer(key).toString('latin1') : nameOf(asBuffer(key).toString(), true);
}
