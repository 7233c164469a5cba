// Every expression here takes time in proportion to the text: no two of its parts can match the same digits.
const DOUBLE = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i;
const INTEGER = /^[+-]?\d+$/;
/** Some C libraries add what a NaN is made of. */
const NOT_A_NUMBER = /^-?nan(?:\(\w*\))?$/i;
const EXPONENT = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/;

/** A number where that is exact, otherwise a bigint. */
export function exactInteger(exact: bigint): number | bigint {
  const number = Number(exact);
  return Number.isSafeInteger(number) ? number : exact;
}

/** The integer that a text spells; undefined where it spells none. */
export function parseInteger(text: string): bigint | undefined {
  return INTEGER.test(text) ? BigInt(text) : undefined;
}

/** The double that a text spells as servers do, `inf` and `nan` included; undefined where it spells none. */
export function parseDouble(text: string): number | undefined {
  if (DOUBLE.test(text)) return Number(text);
  switch (text.toLowerCase()) {
    case 'inf':
    case '+inf':
      return Infinity;
    case '-inf':
      return -Infinity;
    default:
      return NOT_A_NUMBER.test(text) ? NaN : undefined;
  }
}

/**
 * A number as it travels: plain decimal digits, as few as give the same double again; `inf` and `-inf` for the infinities.
 * @example
 * formatNumber(1e21); // '1000000000000000000000'
 */
export function formatNumber(value: number | bigint): string {
  if (typeof value === 'bigint' || (value | 0) === value) return String(value);
  const size = Math.abs(value);
  // Elsewhere JavaScript writes an exponent.
  if ((size >= 1e-6 && size < 1e21) || size === 0) return String(value);
  if (size === Infinity) return value > 0 ? 'inf' : '-inf';
  return withoutExponent(String(value));
}

function withoutExponent(text: string): string {
  const parts = EXPONENT.exec(text);
  if (parts === null) return text; // NaN
  const [, sign = '', first = '', rest = '', exponent] = parts;
  const digits = first + rest;
  const point = Number(exponent) + 1;
  return point > 0 ? sign + digits.padEnd(point, '0') : `${sign}0.${'0'.repeat(-point)}${digits}`;
}
