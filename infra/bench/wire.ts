/** A command as it travels. */
export function encode(...parts: readonly string[]): string {
  return `*${parts.length}\r\n${parts.map(bulk).join('')}`;
}

/** A bulk string as it travels. */
export function bulk(text: string): string {
  return `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
}
