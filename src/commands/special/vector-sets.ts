import { Command, type Arg, type CommandSpec } from '../command';
import { data, double, integer, pushMany, refuse, text, type Key } from '../arguments';
import { defineOptions, flag, has, oneDouble, oneInteger, oneText, pushOptions, refuseUnknown } from '../option-table';
import { readAttributed, readBoolean, readSimilar, readSimilarAttributed, readTexts } from '../replies';
import type { VaddOptions, Vector, VsimOptions, VsimQuery } from './types';
import { isBytes } from '../../resp/is-bytes';

const VADD_OPTIONS = /* @__PURE__ */ defineOptions([
  ['CAS', flag],
  ['NOQUANT', flag, 1],
  ['BIN', flag, 1],
  ['Q8', flag, 1],
  ['EF', oneInteger],
  ['SETATTR', oneText],
  ['M', oneInteger],
]);

function pushVector(out: Arg[], vector: Vector, spec: CommandSpec): void {
  if (Array.isArray(vector)) {
    out.push('VALUES', vector.length);
    pushMany(out, vector as readonly number[], double, spec, 'vector');
  } else if (typeof vector === 'object' && vector !== null && 'FP32' in vector && isBytes(vector.FP32)) {
    refuseUnknown(vector, ['FP32'], spec);
    out.push('FP32', vector.FP32);
  } else refuse(spec, 'vector', 'an array of numbers or { FP32: bytes }', vector);
}

/** VADD: REDUCE stands before the vector, all other options behind the element. */
export function vadd(
  spec: CommandSpec,
  key: Key,
  vector: Vector,
  element: Arg,
  options: VaddOptions = {},
): Command<boolean> {
  const out: Arg[] = [text(key, spec, 'key')];
  const { REDUCE, ...others } = options;
  if (REDUCE !== undefined) out.push('REDUCE', integer(REDUCE, spec, 'REDUCE'));
  pushVector(out, vector, spec);
  out.push(data(element, spec, 'element'));
  pushOptions(out, others, VADD_OPTIONS, spec);
  return new Command(spec, out, readBoolean);
}

const VSIM_OPTIONS = /* @__PURE__ */ defineOptions([
  ['WITHSCORES', flag],
  ['WITHATTRIBS', flag],
  ['COUNT', oneInteger],
  ['EPSILON', oneDouble],
  ['EF', oneInteger],
  ['FILTER', oneText],
  ['FILTER-EF', oneInteger],
  ['TRUTH', flag],
  ['NOTHREAD', flag],
]);

/** VSIM */
export function vsim(spec: CommandSpec, key: Key, query: VsimQuery, options?: VsimOptions): Command {
  const out: Arg[] = [text(key, spec, 'key')];
  if (typeof query === 'object' && query !== null && 'ELE' in query) {
    refuseUnknown(query, ['ELE'], spec);
    out.push('ELE', data(query.ELE, spec, 'ELE'));
  } else pushVector(out, query, spec);
  if (options !== undefined) pushOptions(out, options, VSIM_OPTIONS, spec);
  const scores = has(options, 'WITHSCORES');
  const read = has(options, 'WITHATTRIBS')
    ? scores
      ? readSimilarAttributed
      : readAttributed
    : scores
      ? readSimilar
      : readTexts;
  return new Command<unknown>(spec, out, read);
}
