// What the server says, one character per byte.

export function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}

export function integer(number: number): string {
  return `:${number}\r\n`;
}

export function simple(text: string): string {
  return `+${text}\r\n`;
}

export function error(text: string): string {
  return `-${text}\r\n`;
}

export function nothing(protocol: 2 | 3): string {
  return protocol === 3 ? '_\r\n' : '$-1\r\n';
}

export function array(items: readonly string[]): string {
  return `*${items.length}\r\n${items.join('')}`;
}

/** An array where RESP2 has no better word. */
export function map(protocol: 2 | 3, pairs: readonly (readonly [string, string])[]): string {
  const items = pairs.flat().join('');
  return protocol === 3 ? `%${pairs.length}\r\n${items}` : `*${pairs.length * 2}\r\n${items}`;
}

export function push(protocol: 2 | 3, items: readonly string[]): string {
  return `${protocol === 3 ? '>' : '*'}${items.length}\r\n${items.join('')}`;
}

/** The bytes of a text in UTF-8, one character per byte, as the server has it. */
export function toBytes(text: string): string {
  return Buffer.from(text).toString('latin1');
}
