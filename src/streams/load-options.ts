import { checkedSignal, type SignalOption } from '../demand/stream-options';
import { onlyKnown, wholeNumber } from '../option-checks';
import { kindOf } from '../resp/kind-of';

/** How much is written at once. */
export interface LoadOptions extends SignalOption {
  /** how many pipelines are on their way at the same time; 4 unless told otherwise */
  readonly concurrency?: number | undefined;
  /** how many items have their commands in one pipeline at the most; 1 000 unless told otherwise */
  readonly batch?: number | undefined;
  /** how many failures are kept with their items; the first 1 000 unless told otherwise. All are counted */
  readonly failures?: number | undefined;
}

/** An item that was not written, or not wholly. */
export interface LoadFailure<T> {
  readonly item: T;
  /** what the server, or the function that makes commands, has said; a ConnectionError or TimeoutError whose `delivery` is `'unknown'` where the commands may have run */
  readonly error: unknown;
}

/** How far a bulk write is. */
export interface LoadProgress<T> {
  /** items whose commands were all answered without an error */
  readonly done: number;
  /** items that failed */
  readonly failed: number;
  /** items done or failed, by the second, since it began */
  readonly perSecond: number;
  /** the first of those that failed, with their errors */
  readonly failures: readonly LoadFailure<T>[];
  /** the source has come to its end, and nothing of it is on its way; false in the last one where the client was closed before */
  readonly isComplete: boolean;
}

/** The options with what holds where one is not given. */
export interface LoadSettings {
  readonly concurrency: number;
  readonly batch: number;
  readonly failures: number;
  readonly signal: AbortSignal | undefined;
}

const OPTIONS = ['concurrency', 'batch', 'failures', 'signal'];
const CONCURRENCY = 4;
const BATCH = 1_000;
const FAILURES = 1_000;

/** @throws TypeError unless it can be read item by item */
export function checkSource(source: unknown): void {
  const given = source as Partial<Iterable<unknown> & AsyncIterable<unknown>> | null | undefined;
  if (typeof source === 'object' && (given?.[Symbol.asyncIterator] ?? given?.[Symbol.iterator]) !== undefined) return;
  const isObservable = typeof (source as { subscribe?: unknown } | null | undefined)?.subscribe === 'function';
  const why = isObservable
    ? 'an Observable, which cannot be paused, so that all of it would wait in memory: give what it is made of'
    : kindOf(source);
  throw new TypeError(`load: an iterable, an async iterable or a stream of Node.js was expected, got ${why}`);
}

/** @throws TypeError that names the option and what was expected */
export function loadSettings(options: LoadOptions): LoadSettings {
  onlyKnown('load', options, OPTIONS);
  const { concurrency = CONCURRENCY, batch = BATCH, failures = FAILURES, signal } = options;
  wholeNumber('concurrency', concurrency, 1);
  wholeNumber('batch', batch, 1);
  wholeNumber('failures', failures, 0);
  return { concurrency, batch, failures, signal: checkedSignal(signal) };
}
