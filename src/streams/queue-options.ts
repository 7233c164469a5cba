import type { Key } from '../commands/arguments';
import { backoff } from '../connection/backoff';
import { answerOf } from '../connection/retry';
import { checkedSignal, type SignalOption } from '../demand/stream-options';
import { inRange, is, isPlainObject, LONGEST_TIMER, onlyKnown, wholeNumber } from '../option-checks';
import type { BackoffOptions } from '../options';
import { isBytes } from '../resp/is-bytes';
import { kindOf } from '../resp/kind-of';
import type { WorkerLimits } from './queue-transport';

/** How the jobs of a queue are treated; all processes that work on a queue should say the same. Durations are milliseconds. */
export interface QueueOptions {
  /** how long a worker may be silent before its jobs are taken back; 30 000 unless told otherwise, at least 1 000. It is renewed every second, or three times in it */
  readonly lease?: number | undefined;
  /** how often a job is tried at most, also by workers that died; 3 unless told otherwise, Infinity for any number */
  readonly attempts?: number | undefined;
  /**
   * the delay before the next attempt: a number, or how it grows (1 000 at first, twice as much each time, 60 000 at most, less up to a
   * quarter that chance decides), or a function that decides; false ends the attempts
   */
  readonly backoff?: number | Omit<BackoffOptions, 'maxAttempts'> | QueueBackoff | undefined;
  /** jobs whose attempts have all failed are kept; true unless told otherwise */
  readonly deadLetter?: boolean | undefined;
  /** how long what runs may go on once a worker takes no more; 10 000 unless told otherwise */
  readonly drainTimeout?: number | undefined;
}

/** Decides how long the next attempt waits, ms, or false for none. `attempt` counts those that have failed. */
export type QueueBackoff = (attempt: number, error: unknown) => number | false;

/** How much is taken from a queue at once. */
export interface WorkerOptions extends SignalOption {
  /** how many jobs a worker has at the same time; 1 unless told otherwise */
  readonly concurrency?: number | undefined;
}

/** When a job is due. */
export interface PushOptions {
  /** ms from now, on the clock of the server */
  readonly delay?: number | undefined;
}

const OPTIONS = ['lease', 'attempts', 'backoff', 'deadLetter', 'drainTimeout'];
const BACKOFF = { initialDelay: 1_000, factor: 2, maxDelay: 60_000, jitter: 0.25 };
const MOST_WORK = 100_000;

/** @throws TypeError unless it is a text or bytes, and names something */
export function checkedName(name: unknown): Key {
  if (typeof name !== 'string' && !isBytes(name))
    throw new TypeError(`queue: a name is a string or bytes, got ${kindOf(name)}`);
  if (name.length === 0) throw new TypeError('queue: the name is not to be empty');
  // It would be no hash tag of a cluster.
  if (name[0] === '}' || name[0] === 0x7d) throw new TypeError("queue: the name is not to begin with '}'");
  return name;
}

export function checkedPayload(check: () => unknown, payload: unknown): void {
  try {
    check();
  } catch {
    throw new TypeError(`push: a payload is a string, a number, a bigint or bytes, got ${kindOf(payload)}`);
  }
}

/** @throws TypeError that names the option and what was expected */
export function limitsOf(options: QueueOptions): Omit<WorkerLimits, 'concurrency'> {
  const given = onlyKnown('queue', options, OPTIONS);
  const { lease = 30_000, attempts = 3, backoff: delays, deadLetter = true, drainTimeout = 10_000 } = given;
  inRange('lease', lease, 1_000, LONGEST_TIMER);
  wholeNumber('attempts', attempts, 1, Infinity);
  is('boolean', 'deadLetter', deadLetter);
  inRange('drainTimeout', drainTimeout, 0, LONGEST_TIMER);
  return { lease: Math.ceil(lease), attempts, deadLetter, drainTimeout, delayAfter: delaysOf(delays) };
}

function delaysOf(given: QueueOptions['backoff']): WorkerLimits['delayAfter'] {
  if (typeof given === 'function') return (attempt, error) => answerOf(() => given(attempt, error));
  if (typeof given === 'number') {
    inRange('backoff', given, 0, LONGEST_TIMER);
    return () => given;
  }
  if (given !== undefined && !isPlainObject(given)) {
    throw new TypeError(`The option 'backoff' is a number, an object or a function, got ${kindOf(given)}`);
  }
  const delays = { ...BACKOFF };
  for (const [name, value] of Object.entries(given ?? {})) {
    if (!Object.hasOwn(BACKOFF, name)) throw new TypeError(`There is no option 'backoff.${name}'`);
    if (value !== undefined) delays[name as keyof typeof BACKOFF] = value;
  }
  inRange('backoff.initialDelay', delays.initialDelay, 0, LONGEST_TIMER);
  inRange('backoff.factor', delays.factor, 1);
  inRange('backoff.maxDelay', delays.maxDelay, 0, LONGEST_TIMER);
  inRange('backoff.jitter', delays.jitter, 0, 1);
  return (attempt) => backoff({ ...delays, maxAttempts: Infinity }, attempt);
}

export function checkedWork(
  method: string,
  options: WorkerOptions,
): { concurrency: number; signal: AbortSignal | undefined } {
  const { concurrency = 1, signal } = onlyKnown(method, options, ['concurrency', 'signal']);
  wholeNumber('concurrency', concurrency, 1, MOST_WORK);
  return { concurrency, signal: checkedSignal(signal) };
}
