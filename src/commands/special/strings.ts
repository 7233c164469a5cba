import { AnsweredCommand } from '../answered';
import { Command, type Arg, type CommandSpec } from '../command';
import { choice, integer, refuse, text, type Key } from '../arguments';
import { refuseUnknown } from '../option-table';
import { oneEach, readIntegers, readNullableIntegers } from '../replies';
import type { BitGet, BitOffset, BitOperation } from './types';

const OVERFLOWS = ['WRAP', 'SAT', 'FAIL'];

const FIELDS = {
  get: ['get', 'offset'],
  set: ['set', 'offset', 'value', 'overflow'],
  incrby: ['incrby', 'offset', 'by', 'overflow'],
};

/** BITFIELD: reading alone changes nothing and may be repeated. */
export function bitfield(
  spec: CommandSpec,
  readOnly: CommandSpec,
  key: Key,
  operations: readonly BitOperation[],
): Command<(number | null)[]> {
  const out: Arg[] = [text(key, spec, 'key')];
  let reads = true;
  // On the wire OVERFLOW holds for all later writes. Here each write has an `overflow` of its own.
  let overflow = 'WRAP';
  const setOverflow = (wanted: string): void => {
    if (wanted !== overflow) out.push('OVERFLOW', choice(wanted, OVERFLOWS, spec, 'overflow'));
    overflow = wanted;
  };
  const list = listOf(operations, spec);
  if (list.length === 0) return new AnsweredCommand(spec, out, []);
  for (const operation of list) {
    if ('get' in operation) {
      refuseUnknown(operation, FIELDS.get, spec);
      pushField(out, 'GET', operation.get, operation.offset, spec);
    } else if ('set' in operation) {
      refuseUnknown(operation, FIELDS.set, spec);
      reads = false;
      setOverflow(operation.overflow ?? 'WRAP');
      pushField(out, 'SET', operation.set, operation.offset, spec);
      out.push(integer(operation.value, spec, 'value'));
    } else if ('incrby' in operation) {
      refuseUnknown(operation, FIELDS.incrby, spec);
      reads = false;
      setOverflow(operation.overflow ?? 'WRAP');
      pushField(out, 'INCRBY', operation.incrby, operation.offset, spec);
      out.push(integer(operation.by, spec, 'by'));
    } else refuse(spec, 'operations', '{ get }, { set } or { incrby } objects', operation);
  }
  return new Command(reads ? readOnly : spec, out, oneEach(list.length, readNullableIntegers));
}

/** BITFIELD_RO */
export function bitfieldRo(spec: CommandSpec, key: Key, operations: readonly BitGet[]): Command<number[]> {
  const out: Arg[] = [text(key, spec, 'key')];
  const list = listOf(operations, spec);
  if (list.length === 0) return new AnsweredCommand(spec, out, []);
  for (const operation of list) {
    refuseUnknown(operation, FIELDS.get, spec);
    pushField(out, 'GET', operation.get, operation.offset, spec);
  }
  return new Command(spec, out, oneEach(list.length, readIntegers));
}

function listOf<T extends BitOperation>(operations: readonly T[], spec: CommandSpec): readonly T[] {
  const isOperation = (one: unknown): boolean => typeof one === 'object' && one !== null;
  if (Array.isArray(operations) && operations.every(isOperation)) return operations as readonly T[];
  return refuse(spec, 'operations', 'a list of operations', operations);
}

function pushField(out: Arg[], token: string, encoding: string, offset: BitOffset, spec: CommandSpec): void {
  const at = typeof offset === 'string' && offset.startsWith('#') ? offset : integer(offset as number, spec, 'offset');
  out.push(token, text(encoding, spec, token.toLowerCase()), at);
}
