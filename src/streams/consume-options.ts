import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Key, Str } from '../commands/arguments';
import type { Dictionary, Entry } from '../commands/replies/types';
import { checkedSignal, type SignalOption } from '../demand/stream-options';
import { duration, inRange, is, LONGEST_TIMER, onlyKnown, wholeNumber } from '../option-checks';
import { isBytes } from '../resp/is-bytes';
import { kindOf } from '../resp/kind-of';
import { wholeId } from './stream-ids';
import { checkedKey, nameOf } from './tail-options';

/** An entry of a stream that a consumer is given. */
export interface ConsumedEntry<S = string> {
  readonly id: string;
  readonly fields: Dictionary<S, S>;
  /** all fields with their values in the order of the entry; made anew each time */
  readonly pairs: [field: S, value: S][];
  /** how often it was delivered within its group, this time included: 1 the first time */
  readonly deliveries: number;
}

/** What the handler of an entry works in. It does the work, at once or when what it gives is subscribed to, and gives what is to be followed. */
export type Handling = (
  stream: string,
  entry: { readonly id: string } & (Pick<Entry, 'pairs'> | Pick<Entry<Buffer>, 'pairs'>),
  work: () => unknown,
) => unknown;

/** What is done with an entry that was delivered too often. The entry is acknowledged when what this gives has ended without an error. */
export type DeadLetterHandler<S = string> = (entry: ConsumedEntry<S>, error: unknown) => unknown;

/** How the entries of a stream are handled. */
export interface ConsumeOptions<S = string> extends SignalOption {
  /** the consumer group */
  readonly group: Str;
  /**
   * the name of this consumer within its group; no two may have the same at the same time. Unless it is given one is made up, and given up at
   * the end by EVAL, to which the user needs the right. One that stays the same over restarts has its pending entries back at once; those of
   * others are claimed after `claimIdle`
   */
  readonly consumer?: Str | undefined;
  /** how many entries are handled at the same time; 1 unless told otherwise, which keeps their order */
  readonly concurrency?: number | undefined;
  /** entries with the same key are handled one after another, in their order */
  readonly keyOf?: ((entry: ConsumedEntry<S>) => unknown) | undefined;
  /**
   * the group is created, where there is none, to begin behind this id: `'0'` for all that the stream has, `'$'` for what is added from now on.
   * The stream is created as well. Without it there has to be one
   */
  readonly from?: string | undefined;
  /**
   * an entry that was delivered so long ago and is not acknowledged is taken over from any consumer, ms; 60 000 unless told otherwise; Infinity
   * never to. What is being handled is kept from others however long it takes
   */
  readonly claimIdle?: number | undefined;
  /** how often an entry is delivered before it is a dead letter; 5 where there is `deadLetter`, and otherwise any number of times */
  readonly maxDeliveries?: number | undefined;
  /** where dead letters go: the name of another stream, or a function that takes care of them */
  readonly deadLetter?: Key | DeadLetterHandler<S> | undefined;
  /** entries that are acknowledged are deleted from the stream as well */
  readonly delete?: boolean | undefined;
  /** how long the server is waited at for entries, ms; 5 000 unless told otherwise, which is the most */
  readonly block?: number | undefined;
  /** how long what is being handled may take when the consumer is left, ms; 30 000 unless told otherwise; Infinity for any time */
  readonly drainTimeout?: number | undefined;
}

/** An entry whose handling has failed. */
export interface ConsumeFailure {
  readonly id: string;
  readonly deliveries: number;
  readonly error: unknown;
}

/** How far a consumer is, since it began. */
export interface ConsumeProgress {
  /** entries that were handled and acknowledged */
  readonly handled: number;
  /** how often handling an entry, or taking care of a dead letter, has failed */
  readonly failed: number;
  /** pending entries that were taken over because they were not acknowledged for `claimIdle` ms: those of others, and those that failed */
  readonly claimed: number;
  /** entries that are dead letters now */
  readonly dead: number;
  /** entries of the stream that the group has not yet delivered, some seconds ago; null where the server does not tell, as before Redis 7.0 */
  readonly lag: number | null;
  /** what has failed since the progress before */
  readonly failures: readonly ConsumeFailure[];
}

/** The options with what holds where one is not given. */
export interface ConsumeSettings {
  readonly stream: Key;
  readonly group: Str;
  /** undefined where each subscription makes one up */
  readonly consumer: Str | undefined;
  readonly concurrency: number;
  readonly keyOf: ((entry: never) => unknown) | undefined;
  readonly from: string | undefined;
  readonly claimIdle: number;
  readonly maxDeliveries: number;
  readonly deadLetter: Key | DeadLetterHandler<never> | undefined;
  readonly deletes: boolean;
  readonly block: number;
  readonly drainTimeout: number;
  readonly signal: AbortSignal | undefined;
}

/** The settings of one subscription. */
export interface ConsumerSettings extends ConsumeSettings {
  readonly consumer: Str;
  readonly isNameMadeUp: boolean;
}

const OPTIONS = [
  'group',
  'consumer',
  'concurrency',
  'keyOf',
  'from',
  'claimIdle',
  'maxDeliveries',
  'deadLetter',
  'delete',
  'block',
  'drainTimeout',
  'signal',
];
const CLAIM_IDLE = 60_000;
const MAX_DELIVERIES = 5;
/** The longest wait at the server, ms: a connection that says nothing is found dead so much later. */
const LONGEST_BLOCK = 5_000;
const DRAIN_TIMEOUT = 30_000;

/** @throws TypeError that names the argument or option and what was expected */
export function consumeSettings(stream: unknown, given: unknown): ConsumeSettings {
  const key = checkedKey(stream, 'consume');
  const options = onlyKnown('consume', given as ConsumeOptions<never>, OPTIONS, "options with a 'group' were expected");
  const { consumer, concurrency = 1, keyOf, from, claimIdle = CLAIM_IDLE, deadLetter, maxDeliveries } = options;
  const { delete: deletes = false, block = LONGEST_BLOCK, drainTimeout = DRAIN_TIMEOUT, signal } = options;
  wholeNumber('concurrency', concurrency, 1);
  if (keyOf !== undefined) is('function', 'keyOf', keyOf);
  duration('claimIdle', claimIdle);
  if (maxDeliveries !== undefined) wholeNumber('maxDeliveries', maxDeliveries, 1);
  if (maxDeliveries !== undefined && deadLetter === undefined) {
    throw new TypeError(
      "consume: the option 'maxDeliveries' needs 'deadLetter', which takes what was delivered so often",
    );
  }
  // A dead entry would come again as a new one, for ever.
  if (isKey(deadLetter) && nameOf(deadLetter, true) === nameOf(key, true)) {
    throw new TypeError("consume: the option 'deadLetter' is not to be the stream itself");
  }
  is('boolean', 'delete', deletes);
  inRange('block', block, 1, LONGEST_BLOCK);
  if (drainTimeout !== 0)
    inRange('drainTimeout', drainTimeout, 0, drainTimeout === Infinity ? Infinity : LONGEST_TIMER);
  return {
    stream: key,
    group: name('group', options.group),
    consumer: consumer === undefined ? undefined : name('consumer', consumer),
    concurrency,
    keyOf,
    from: from === undefined ? undefined : wholeId("The option 'from'", from),
    claimIdle,
    maxDeliveries: deadLetter === undefined ? Infinity : (maxDeliveries ?? MAX_DELIVERIES),
    deadLetter: deadLetter === undefined ? undefined : checkedDeadLetter(deadLetter),
    deletes,
    block: Math.ceil(block),
    drainTimeout,
    signal: checkedSignal(signal),
  };
}

function name(option: string, given: unknown): Str {
  if (isBytes(given)) return Buffer.from(given);
  if (typeof given === 'string' && given !== '') return given;
  const got = given === '' ? 'an empty one' : kindOf(given);
  throw new TypeError(`The option '${option}' is a string or bytes, got ${got}`);
}

function isKey(given: unknown): given is Key {
  return typeof given === 'string' || isBytes(given);
}

function checkedDeadLetter(given: unknown): Key | DeadLetterHandler<never> {
  if (typeof given === 'function') return given as DeadLetterHandler<never>;
  if (typeof given === 'string') return given;
  if (isBytes(given)) return Buffer.from(given);
  throw new TypeError(`The option 'deadLetter' is the name of a stream or a function, got ${kindOf(given)}`);
}

/** The name of a consumer that nothing else has. */
export function madeUp(): string {
  return `${hostname()}-${process.pid}-${randomBytes(6).toString('hex')}`;
}
