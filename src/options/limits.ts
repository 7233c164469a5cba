import { isPlainObject, wholeNumber } from '../option-checks';
import { kindOf } from '../resp/kind-of';
import { MOST_ELEMENTS, defaultLimits, type DecoderLimits, type ReplyLimits } from '../resp/limits';
import { withoutUndefined } from './without-undefined';

/** @throws TypeError that names the limit and what was expected */
export function limitsOf(given: ReplyLimits | undefined): DecoderLimits {
  if (given !== undefined && !isPlainObject(given)) {
    throw new TypeError(`The option 'limits' is an object, got ${kindOf(given)}`);
  }
  const limits = { ...defaultLimits, ...withoutUndefined(given ?? {}) };
  for (const key of Object.keys(limits)) {
    if (!Object.hasOwn(defaultLimits, key)) throw new TypeError(`There is no option 'limits.${key}'`);
  }
  // With less the reply to HELLO could not be read.
  wholeNumber('limits.line', limits.line, 1024, Infinity);
  wholeNumber('limits.bulk', limits.bulk, 1024, Infinity);
  wholeNumber('limits.depth', limits.depth, 8, Infinity);
  wholeNumber('limits.elements', limits.elements, 1024, MOST_ELEMENTS);
  return limits;
}
