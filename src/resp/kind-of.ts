import { Attribute, ErrorFrame, Push } from './frames';
import { isBytes } from './is-bytes';

/** What kind of thing a value is, for messages: never the value itself, which may be a secret. */
export function kindOf(value: unknown): string {
  switch (typeof value) {
    case 'object':
      return kindOfObject(value);
    case 'undefined':
      return 'undefined';
    case 'number':
      return kindOfNumber(value);
    default:
      return `a ${typeof value}`;
  }
}

function kindOfObject(value: object | null): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : `an array of ${value.length}`;
  if (value instanceof Map) return 'a map';
  if (isBytes(value)) return 'bytes';
  if (value instanceof ErrorFrame) return `the error ${value.kind}`;
  if (value instanceof Push) return 'a push';
  if (value instanceof Attribute) return 'an attribute';
  return `an object (${value.constructor?.name ?? 'no prototype'})`;
}

function kindOfNumber(value: number): string {
  if (Number.isSafeInteger(value) || !Number.isFinite(value))
    return Number.isFinite(value) ? 'a number' : String(value);
  return Number.isInteger(value) ? 'a number beyond ±2^53' : 'a fraction';
}
