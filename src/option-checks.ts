import { kindOf } from './resp/kind-of';

/** What a timer of the platform can wait, ms. */
export const LONGEST_TIMER = 2 ** 31 - 1;

/** @throws TypeError unless it is a number of milliseconds that a timer can wait, or Infinity */
export function duration(name: string, value: unknown): void {
  if (value !== Infinity) inRange(name, value, 1, LONGEST_TIMER, ', or Infinity');
}

/** Written as `{ … }`, and no instance of anything. */
export function isPlainObject(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

/**
 * Options of a method, among which there are none but those that are known.
 * @param wanted what the method takes, for the message
 * @throws TypeError that names what is wrong
 */
export function onlyKnown<T extends object>(
  method: string,
  given: T,
  known: readonly string[],
  wanted = 'options were expected',
): T {
  if (typeof given !== 'object' || (given as unknown) === null || Array.isArray(given))
    throw new TypeError(`${method}: ${wanted}, got ${kindOf(given)}`);
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown === undefined) return given;
  const are = known.length === 1 ? 'is' : 'are';
  throw new TypeError(`${method}: there is no option '${unknown}'; known ${are} ${known.join(', ')}`);
}

/** @throws TypeError unless it is of that type */
export function is(type: 'boolean' | 'function' | 'object', name: string, value: unknown, orElse = ''): void {
  if (typeof value !== type || value === null) {
    const wanted = `${type === 'object' ? 'an' : 'a'} ${type}${orElse}`;
    throw new TypeError(`The option '${name}' is ${wanted}, got ${kindOf(value)}`);
  }
}

/** @throws TypeError unless it is a string, or not given */
export function text(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'string') {
    throw new TypeError(`The option '${name}' is a string, got ${kindOf(value)}`);
  }
}

/** @throws TypeError unless it is a text that the system takes as it is, or not given; it ends an address at a NUL */
export function address(name: string, value: unknown): void {
  text(name, value);
  if (value === '') throw new TypeError(`The option '${name}' is not to be empty`);
  if (typeof value === 'string' && value.includes('\0'))
    throw new TypeError(`The option '${name}' holds a NUL character`);
}

/** @throws TypeError unless it is a whole number in that range; Infinity is one where the range has no end */
export function wholeNumber(
  name: string,
  value: unknown,
  least: number,
  most = Number.MAX_SAFE_INTEGER,
  orElse = '',
): void {
  inRange(name, value, least, most, orElse);
  if (value !== Infinity && !Number.isInteger(value)) {
    throw new TypeError(`The option '${name}' is a whole number, got ${String(value)}`);
  }
}

/**
 * @param orElse what else is allowed, for the message
 * @throws TypeError unless it is a number in that range
 */
export function inRange(name: string, value: unknown, least: number, most = Infinity, orElse = ''): void {
  if (typeof value !== 'number' || !(value >= least && value <= most)) {
    const got = typeof value === 'number' ? String(value) : kindOf(value);
    throw new TypeError(`The option '${name}' is a number from ${least} to ${most}${orElse}, got ${got}`);
  }
}
