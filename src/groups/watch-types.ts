import type { Observable } from 'rxjs';
import type { Key } from '../commands/arguments';
import type { Command } from '../commands/command';
import type { Dictionary, Entry, Scored } from '../commands/replies/types';
import type { GroupOptions, ValueOf } from './values';

/** What is read of watched keys, by names of the caller's own. */
export type Reads = Readonly<Record<string, Command>>;

/** How keys are watched. */
export interface WatchOptions<
  R extends Reads | undefined = Reads | undefined,
  F extends boolean = boolean,
> extends GroupOptions {
  /** how often it is tried at the most, the first time included: a whole number or Infinity; default 16 */
  readonly attempts?: number | undefined;
  /**
   * what is read of the keys, by names of the caller's own; without it each key is read by its type, and one that this client has not
   * watched before by a command for each type, of which the server refuses the wrong ones with WRONGTYPE
   */
  readonly read?: R;
  readonly failFast?: F | undefined;
}

/**
 * The value of a watched key, as its type has it: a string; the fields of a hash; the elements of a list or set; the members of a sorted
 * set with their scores; the entries of a stream; null where there is no such key.
 */
export type WatchedValue<S extends string | Buffer = string> =
  S | Dictionary<S, S> | S[] | Scored<S>[] | Entry<S>[] | null;

/** The keys of a `watch`, by their names; a key in bytes has the name that it is as text. */
export type WatchedName<K> = K extends readonly (infer E)[] ? WatchedName<E> : K extends string ? K : string;

/** What `watch` has read: what `read` says, by its names, or each key's value by the key. */
export type Watched<K, R, S extends string | Buffer = string> = R extends Reads
  ? { -readonly [N in keyof R]: ValueOf<R[N], S> }
  : Record<WatchedName<K>, WatchedValue<S>>;

/** What the function of a `watch` gives: commands in an array, or null to leave everything as it is, now or later. */
export type WatchCommands<C extends readonly Command[]> = C | null | PromiseLike<C | null> | Observable<C | null>;

/** One key, or several. */
export type WatchKeys = Key | readonly Key[];
