import { Command, type Arg, type PrefixedArguments } from './command';
import { textOf } from './text-of';
import { indicesOf, lastOf } from './indices-of';
import { readAsBytes } from './in-text';
import { bytesOfPrefix } from './prefix-bytes';
import { isBinary } from '../resp/binary-names';
import { refuseUnencodable } from '../resp/encoder';
import { isBytes } from '../resp/is-bytes';
import { asBuffer } from '../resp/strings';

/**
 * The same command with the client's prefix on every key, channel and pattern, and on nothing else.
 *
 * Replies are not touched here: readers take the prefix off where keys come back.
 */
export function applyPrefix<T>(given: Command<T>, prefix: string): Command<T> {
  // In text a prefix of bytes could not be told from others.
  const command = isBinary(prefix) ? readAsBytes(given) : given;
  const { spec, keys, read } = command;
  const places = spec.prefixed ?? [];
  if (prefix === '' || (keys.length === 0 && places.length === 0)) return command;
  const args = [...command.args];
  for (const range of keys) {
    const last = lastOf(range, args.length);
    for (let at = range.from; at <= last; at += range.step) args[at] = prepend(prefix, args[at]!);
  }
  for (const place of places) {
    const positions = positionsOf(place, args);
    for (const at of positions) args[at] = prefixed(args[at] as Arg, place.kind, prefix, command);
    if (positions.length === 0 && place.otherwise !== undefined) {
      args.push(place.otherwise, prefixed('*', place.kind, prefix, command));
    }
  }
  return new Command(spec, args, read, keys);
}

/**
 * Checks what `applyPrefix` would refuse, where it is put on later.
 * @throws TypeError when the prefix does not go with a pattern
 */
export function checkPrefix(command: Command, prefix: string): void {
  const { prefixed } = command.spec;
  if (prefixed?.some(({ kind }) => kind === 'pattern' || kind === 'sortPattern')) applyPrefix(command, prefix);
}

/** The keys of a command as they stand among its arguments. */
export function keysOf({ args, keys }: Command): Arg[] {
  const named: Arg[] = [];
  for (const range of keys) {
    const last = lastOf(range, args.length);
    for (let at = range.from; at <= last; at += range.step) named.push(args[at]!);
  }
  return named;
}

function positionsOf({ at, after = [], from = 0, widths = {} }: PrefixedArguments, args: readonly Arg[]): number[] {
  if (at !== undefined) return indicesOf(at, args.length);
  const positions: number[] = [];
  // Walks from option to option, so that a value that looks like a token is not taken for one.
  for (let i = from; i < args.length; i += 1 + (widths[textOf(args[i]).toUpperCase()] ?? 1)) {
    if (after.includes(textOf(args[i]).toUpperCase()) && i + 1 < args.length) positions.push(i + 1);
  }
  return positions;
}

function prefixed(arg: Arg, kind: PrefixedArguments['kind'], prefix: string, { spec, args }: Command): Arg {
  switch (kind) {
    case 'key':
      return prepend(prefix, arg);
    case 'channel':
    case 'shard':
    case 'pattern':
      return prefixChannel(kind, nameOf(arg), prefix);
    case 'eventKey':
      return isEvent(nameOf(args[0] as Arg)) ? prepend(prefix, arg) : arg;
    case 'keyPattern':
      return prepend(escapeGlob(prefix), arg);
    case 'sortPattern':
      // `#` is the element itself. The first asterisk of any other pattern stands for the element and cannot be escaped.
      if (textOf(arg) === '#') return arg;
      if (prefix.includes('*')) throw new TypeError(`${spec.name}: patterns do not work with a prefix that contains *`);
      return prepend(prefix, arg);
  }
}

function nameOf(arg: Arg): string | Uint8Array {
  return isBytes(arg) ? arg : String(arg);
}

function prepend(prefix: string, arg: Arg): Arg {
  if (isBytes(arg)) {
    refuseUnencodable([arg]); // bytes that were transferred would leave the prefix alone
    return Buffer.concat([bytesOfPrefix(prefix), arg]);
  }
  const text = textOf(arg);
  return isBinary(prefix) ? Buffer.concat([bytesOfPrefix(prefix), Buffer.from(text)]) : prefix + text;
}

/** Escapes the characters of a prefix that mean something in a pattern. */
function escapeGlob(prefix: string): string {
  return prefix.replace(/[*?[\]^\\]/g, '\\$&');
}

/** The kinds of names in pub/sub: one channel, a pattern of channels, a shard channel. */
export type ChannelKind = 'channel' | 'pattern' | 'shard';

// Notifications about keys come on channels of the server's own, which have the key in their name or in the message:
//   __keyspace@0__:<key>   data: the event
//   __keyevent@0__:<event> data: the key
const KEYSPACE = '__keyspace@';
const KEYEVENT = '__keyevent@';
const UNDECIDED = '__key';
const BEHIND_DATABASE = '__:';

/**
 * The name that a client with a prefix subscribes or publishes to. The prefix stands before the name, but for notifications: before the
 * key in `__keyspace@0__:<key>`, also in patterns, and nowhere in `__keyevent@0__:<event>`. Notifications about keys without the prefix
 * are dropped by `ownMessage`.
 * @throws TypeError for a pattern that may mean notifications of both kinds and of certain keys, so that no prefix fits
 */
export function prefixChannel(kind: ChannelKind, name: string | Uint8Array, prefix: string): string | Uint8Array {
  const text = asAscii(name);
  const at = kind === 'shard' ? 0 : placeOfKey(kind, text);
  return at === undefined ? name : insert(kind === 'pattern' ? escapeGlob(prefix) : prefix, at, name);
}

/** The name that the client itself uses for one of the server's, undefined for what is not under its prefix. */
export function unprefixChannel<N extends string | Uint8Array>(
  kind: ChannelKind,
  name: N,
  prefix: string,
): N | undefined {
  const text = asAscii(name);
  const at = kind === 'shard' ? 0 : placeOfKey(kind, text);
  if (at === undefined) return name;
  return removed(kind === 'pattern' ? escapeGlob(prefix) : prefix, at, name) ?? (kind === 'pattern' ? name : undefined);
}

/**
 * A message as a client with a prefix sees it: names without the prefix, and of a notification about an event the key in `data` as well.
 * @returns undefined for a notification about a key without the prefix, which a pattern or an event brings too
 */
export function ownMessage<
  M extends { channel: string | Uint8Array; pattern?: string | Uint8Array; data: string | Uint8Array },
>(message: M, prefix: string): M | undefined {
  const channel = unprefixChannel('channel', message.channel, prefix);
  if (channel === undefined) return undefined;
  const data = isEvent(message.channel) ? removed(prefix, 0, message.data) : message.data;
  if (data === undefined) return undefined;
  if (message.pattern === undefined) return { ...message, channel, data };
  return { ...message, channel, data, pattern: unprefixChannel('pattern', message.pattern, prefix) };
}

/** Where the key begins in a name, 0 in one that is no notification, undefined where none stands in the name. */
function placeOfKey(kind: ChannelKind, name: string): number | undefined {
  if (!name.startsWith(UNDECIDED)) return 0;
  if (name.startsWith(KEYEVENT)) return undefined;
  const behind = name.indexOf(BEHIND_DATABASE, UNDECIDED.length) + BEHIND_DATABASE.length;
  const hasKey = behind >= BEHIND_DATABASE.length;
  if (kind === 'channel') return name.startsWith(KEYSPACE) && hasKey ? behind : 0;
  const ofKeyspace = name.startsWith(KEYSPACE);
  if (ofKeyspace && hasKey) return behind;
  // `__key*__:*`: its literal beginning is that of both kinds, or of the one without its end.
  const literal = /^[^*?[\\]*/.exec(name)?.[0] ?? '';
  if (!ofKeyspace && !KEYSPACE.startsWith(literal) && !KEYEVENT.startsWith(literal)) return 0;
  if (/^[^:]*(:\*|\*)$/.test(name)) return undefined;
  throw new TypeError(
    `With a prefix, a pattern of notifications names its kind and a database, ${KEYSPACE}*__: or ${KEYEVENT}*__:, or means all keys`,
  );
}

function isEvent(channel: string | Uint8Array): boolean {
  return asAscii(channel).startsWith(KEYEVENT);
}

/** Bytes as characters of the same number, so that places count alike. */
function asAscii(name: string | Uint8Array): string {
  return typeof name === 'string' ? name : asBuffer(name).toString('latin1');
}

function insert(prefix: string, at: number, name: string | Uint8Array): string | Uint8Array {
  if (typeof name === 'string') {
    const [before, behind] = [name.slice(0, at), name.slice(at)];
    if (!isBinary(prefix)) return before + prefix + behind;
    return Buffer.concat([Buffer.from(before), bytesOfPrefix(prefix), Buffer.from(behind)]);
  }
  const bytes = asBuffer(name);
  return Buffer.concat([bytes.subarray(0, at), bytesOfPrefix(prefix), bytes.subarray(at)]);
}

/** The text without the prefix that stands at a place, undefined where none does. */
function removed<N extends string | Uint8Array>(prefix: string, at: number, text: N): N | undefined {
  if (typeof text === 'string') {
    return text.startsWith(prefix, at) ? ((text.slice(0, at) + text.slice(at + prefix.length)) as N) : undefined;
  }
  const bytes = asBuffer(text);
  const expected = bytesOfPrefix(prefix);
  const end = at + expected.length;
  if (!bytes.subarray(at, end).equals(expected)) return undefined;
  return (at === 0
    ? bytes.subarray(end)
    : Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)])) as Uint8Array as N;
}
