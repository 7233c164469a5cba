import type { HscanOptions, ScanOptions, SscanOptions, ZscanOptions } from '../commands/generated/option-types';
import type { Scored } from '../commands/replies/types';
import { STREAM_OPTIONS, type SignalOption } from '../demand/stream-options';
import { wholeNumber } from '../option-checks';
import { kindOf } from '../resp/kind-of';

/** What every scan takes beside the options of its command. */
export interface ScanStreamBasics extends SignalOption {
  /**
   * no element comes twice that is among the last 100 000 that came, or among as many as this says. Elements are compared by their names:
   * keys, fields, members. It remembers at most twice as many names, which takes some 100 bytes and the length of a name each.
   */
  readonly unique?: boolean | number | undefined;
}

/**
 * How `scanStream` walks over keys: the options of SCAN, and what every scan takes. Without COUNT each page looks at twice as many keys as the
 * last, from 10 up to 1 000.
 */
export type ScanStreamOptions = Readonly<ScanOptions> & ScanStreamBasics;

/** How `hscanStream` walks over the fields of a hash: the options of HSCAN, and what every scan takes. */
export type HscanStreamOptions = Readonly<HscanOptions> & ScanStreamBasics;

/** How `sscanStream` walks over the members of a set: the options of SSCAN, and what every scan takes. */
export type SscanStreamOptions = Readonly<SscanOptions> & ScanStreamBasics;

/** How `zscanStream` walks over the members of a sorted set: the options of ZSCAN, and what every scan takes. */
export type ZscanStreamOptions = Readonly<ZscanOptions> & ScanStreamBasics;

/** Fields of a hash with their values, or alone where NOVALUES is true. */
export type FieldBatch<S extends string | Buffer, N> = N extends true ? S[] : [field: S, value: S][];

/** Members of a sorted set with their scores, or alone where NOSCORES is true. */
export type MemberBatch<S extends string | Buffer, N> = N extends true ? S[] : Scored<S>[];

/** How many names are remembered at least, so that none of them comes twice. */
const REMEMBERED = 100_000;

/** The options of a scan: those that its command has, and ours. */
export interface GivenOptions {
  /** those of the command */
  readonly ofCommand: Readonly<Record<string, unknown>>;
  /** how many names are remembered at least; undefined for none */
  readonly remembered: number | undefined;
  readonly signal: unknown;
  readonly project: unknown;
  readonly concurrency: unknown;
}

/**
 * The options that a method is given, those of its command apart.
 * @param tokens the options that the command has
 * @throws TypeError that names the option and what was expected
 */
export function readOptions(method: string, given: unknown, tokens: readonly string[]): GivenOptions {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new TypeError(`${method}: options were expected, got ${kindOf(given)}`);
  }
  const options = given as Readonly<Record<string, unknown>>;
  const ofCommand: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) {
    if (tokens.includes(name)) ofCommand[name] = value;
    else if (name !== 'unique' && !STREAM_OPTIONS.includes(name)) throw unknownOption(method, name, tokens);
  }
  const { COUNT } = ofCommand;
  if (COUNT !== undefined) wholeNumber('COUNT', COUNT, 1);
  const { unique, signal, project, concurrency } = options;
  return { ofCommand, remembered: remembered(unique), signal, project, concurrency };
}

function remembered(unique: unknown): number | undefined {
  if (unique === undefined || unique === false) return undefined;
  if (unique === true) return REMEMBERED;
  if (typeof unique !== 'number') {
    throw new TypeError(`The option 'unique' is a boolean, or how many names to remember, got ${kindOf(unique)}`);
  }
  wholeNumber('unique', unique, 1);
  return unique;
}

function unknownOption(method: string, name: string, tokens: readonly string[]): TypeError {
  const token = name.toUpperCase();
  const advice = tokens.includes(token) ? `; it is spelt ${token}, as the command spells it` : '';
  const known = [...tokens, 'unique', ...STREAM_OPTIONS].join(', ');
  return new TypeError(`${method}: there is no option '${name}'${advice}; known are ${known}`);
}
