import { STREAM_OPTIONS, checkedSignal, workOf, type SignalOption, type WorkOptions } from '../demand/stream-options';
import type { Dropped, Overflow } from '../demand/waiting';
import { is, onlyKnown, wholeNumber } from '../option-checks';
import { latin1Of } from '../resp/bytes-of';
import { kindOf } from '../resp/kind-of';
import { isBytes } from '../resp/is-bytes';
import type { ChannelName } from './channel-name';
import type { StreamOptions } from './message-stream';
import type { Notice } from './notices';

/** A channel or pattern, as text or as bytes, or several. */
export type ChannelNames = string | Uint8Array | readonly (string | Uint8Array)[];

/** How many messages wait for a reader, and what becomes of the others. */
export interface BufferOptions<V extends Overflow = Overflow> {
  /**
   * how many messages wait at most for a `for await` over them, or for `project`; 10 000 unless told otherwise, 1 where `overflow` is
   * `'latest'`
   */
  readonly buffer?: number | undefined;
  /**
   * what becomes of messages when so many wait already: `'error'`, the default, ends the stream with an OverflowError behind those that wait,
   * `'drop-oldest'` and `'drop-newest'` drop one, `'latest'` drops all but the newest. An item `{ type: 'dropped', count }` tells of it
   */
  readonly overflow?: V | undefined;
}

/** How messages are taken. */
export interface MessageOptions<G extends boolean = boolean, V extends Overflow = Overflow>
  extends BufferOptions<V>, SignalOption {
  /** the stream also carries `subscribed` after each confirmation of the server, and `gap` before that where messages may have been missed */
  readonly gaps?: G | undefined;
}

/** How `subscribe` reads its argument. */
export interface SubscribeOptions<G extends boolean = boolean, V extends Overflow = Overflow> extends MessageOptions<
  G,
  V
> {
  /** take `*`, `?` and `[` for what they are, not for a pattern */
  readonly literal?: boolean | undefined;
}

/** What a stream carries beside its messages. */
export type NoticeWith<G extends boolean, S extends string | Uint8Array> = G extends true ? Notice<S> : never;

/** What it carries where messages were dropped. */
export type DroppedWith<V extends Overflow> = V extends 'error' ? never : Dropped;

const BUFFER = 10_000;
const GLOB = /[*?[]/;

/**
 * The names that a method is given.
 * @throws TypeError that names the method, unless it is at least one text or Uint8Array
 */
export function namesOf(method: string, given: ChannelNames): readonly ChannelName[] {
  const what = method === 'keyspace' ? 'a key or pattern' : 'a channel';
  const names: unknown = typeof given === 'string' || isBytes(given) ? [given] : given;
  if (!Array.isArray(names) || names.length === 0) {
    throw new TypeError(`${method}: ${what}, or an array of at least one, was expected`);
  }
  return (names as unknown[]).map((name) => {
    if (typeof name === 'string') return name;
    if (isBytes(name)) return Buffer.from(name); // theirs may change before the first Observer comes
    throw new TypeError(`${method}: ${what} is a string or a Uint8Array, got ${kindOf(name)}`);
  });
}

/** All options that a method for messages may have. */
export type AnyOptions = SubscribeOptions & Partial<WorkOptions<never, unknown>>;

export const MESSAGE_OPTIONS: readonly string[] = ['buffer', 'overflow', 'gaps', ...STREAM_OPTIONS];

const OVERFLOWS: readonly unknown[] = ['drop-oldest', 'drop-newest', 'latest', 'error'];

/**
 * The options that a method is given, absent ones filled in.
 * @param known the names of those that it has
 * @throws TypeError that names the method or the option
 */
export function optionsFor(
  method: string,
  given: AnyOptions,
  known: readonly string[],
): { readonly literal: boolean; readonly gaps: boolean; readonly stream: StreamOptions } {
  const { literal = false, gaps = false } = onlyKnown(method, given, known, 'options were expected behind the names');
  is('boolean', 'literal', literal);
  is('boolean', 'gaps', gaps);
  return {
    literal,
    gaps,
    stream: { ...bufferOptions(given), signal: checkedSignal(given.signal), work: workOf(method, given) },
  };
}

/** @throws TypeError that names the option */
export function bufferOptions({ overflow = 'error', buffer = overflow === 'latest' ? 1 : BUFFER }: BufferOptions): {
  readonly buffer: number;
  readonly overflow: Overflow;
} {
  if (!OVERFLOWS.includes(overflow)) {
    const got = typeof overflow === 'string' ? `'${overflow as string}'` : kindOf(overflow);
    throw new TypeError(`The option 'overflow' is 'drop-oldest', 'drop-newest', 'latest' or 'error', got ${got}`);
  }
  wholeNumber('buffer', buffer, 1);
  return { buffer, overflow };
}

/** Whether a name is a pattern by its looks. */
export function isGlob(name: ChannelName): boolean {
  return GLOB.test(typeof name === 'string' ? name : latin1Of(name));
}
