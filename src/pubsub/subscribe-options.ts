import { wholeNumber } from '../option-checks';
import { latin1Of } from '../resp/bytes-of';
import { kindOf } from '../resp/kind-of';
import type { ChannelName } from './channel-name';
import { isBytes } from '../resp/is-bytes';

/** A channel or pattern, as text or as bytes, or several. */
export type ChannelNames = string | Uint8Array | readonly (string | Uint8Array)[];

/** How messages are taken. */
export interface MessageOptions {
  /** how many messages wait at most for a `for await` over them; 10 000 unless told otherwise */
  readonly buffer?: number | undefined;
}

/** How `subscribe` reads its argument. */
export interface SubscribeOptions extends MessageOptions {
  /** take `*`, `?` and `[` for what they are, not for a pattern */
  readonly literal?: boolean | undefined;
}

const BUFFER = 10_000;
const GLOB = /[*?[]/;

/**
 * The names that a method is given.
 * @throws TypeError that names the method, unless it is at least one text or Uint8Array
 */
export function namesOf(method: string, given: ChannelNames): readonly ChannelName[] {
  const names: unknown = typeof given === 'string' || isBytes(given) ? [given] : given;
  if (!Array.isArray(names) || names.length === 0) {
    throw new TypeError(`${method}: a channel, or an array of at least one, was expected`);
  }
  return (names as unknown[]).map((name) => {
    if (typeof name === 'string') return name;
    if (isBytes(name)) return Buffer.from(name); // theirs may change before the first Observer comes
    throw new TypeError(`${method}: a channel is a string or a Uint8Array, got ${kindOf(name)}`);
  });
}

/**
 * The options that a method is given, absent ones filled in.
 * @param known the names of those that it has
 * @throws TypeError that names the method or the option
 */
export function optionsFor(
  method: string,
  given: SubscribeOptions,
  known: readonly (keyof SubscribeOptions)[],
): { readonly literal: boolean; readonly buffer: number } {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new TypeError(`${method}: options were expected behind the names, got ${kindOf(given)}`);
  }
  const unknown = Object.keys(given).find((name) => !known.includes(name as keyof SubscribeOptions));
  if (unknown !== undefined) throw new TypeError(`${method}: there is no option '${unknown}'`);
  const { literal = false, buffer = BUFFER } = given;
  if (typeof literal !== 'boolean') throw new TypeError(`The option 'literal' is a boolean, got ${kindOf(literal)}`);
  wholeNumber('buffer', buffer, 1);
  return { literal, buffer };
}

/** Whether a name is a pattern by its looks. */
export function isGlob(name: ChannelName): boolean {
  return GLOB.test(typeof name === 'string' ? name : latin1Of(name));
}
