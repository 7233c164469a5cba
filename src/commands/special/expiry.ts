import { Command, type Arg, type CommandSpec } from '../command';
import { choice, fromRest, integer, text, unixMilliseconds, unixSeconds, type Key, type Optionals } from '../arguments';
import { readInteger } from '../replies';
import type { ExpireConditions } from './types';

const CONDITIONS = ['NX', 'XX', 'GT', 'LT'];

/** EXPIRE */
export function expire(spec: CommandSpec, key: Key, seconds: number, ...conditions: ExpireConditions): Command<number> {
  return made(spec, [text(key, spec, 'key'), integer(seconds, spec, 'seconds')], conditions);
}

/** PEXPIRE */
export function pexpire(
  spec: CommandSpec,
  key: Key,
  milliseconds: number,
  ...conditions: ExpireConditions
): Command<number> {
  return made(spec, [text(key, spec, 'key'), integer(milliseconds, spec, 'milliseconds')], conditions);
}

/** EXPIREAT */
export function expireat(
  spec: CommandSpec,
  key: Key,
  timestamp: number | Date,
  ...conditions: ExpireConditions
): Command<number> {
  return made(spec, [text(key, spec, 'key'), unixSeconds(timestamp, spec, 'timestamp')], conditions);
}

/** PEXPIREAT */
export function pexpireat(
  spec: CommandSpec,
  key: Key,
  timestamp: number | Date,
  ...conditions: ExpireConditions
): Command<number> {
  return made(spec, [text(key, spec, 'key'), unixMilliseconds(timestamp, spec, 'timestamp')], conditions);
}

/** XX goes with GT or LT; all others exclude each other. */
function made(spec: CommandSpec, out: Arg[], conditions: ExpireConditions): Command<number> {
  let before: string | undefined;
  for (const condition of fromRest(conditions as Optionals<string | undefined>)) {
    if (condition === undefined) continue;
    out.push(choice(condition, CONDITIONS, spec, 'condition'));
    if (before !== undefined && (before === 'XX') === (condition === 'XX')) refuseBoth(spec, before, condition);
    if (before === 'NX' || (before !== undefined && condition === 'NX')) refuseBoth(spec, before, condition);
    before = condition;
  }
  return new Command(spec, out, readInteger);
}

function refuseBoth(spec: CommandSpec, one: string, other: string): never {
  throw new TypeError(`${spec.name}: conditions ${one} and ${other} exclude each other`);
}
