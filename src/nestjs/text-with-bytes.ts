/** Begins a text that stands for bytes, or for a text that begins like this itself. */
const MARK = '\0';

/** A value as JSON, in which bytes may lie anywhere. */
export function withBytes(value: unknown): string {
  return JSON.stringify(value, function (this: Record<string, unknown>, key, shown: unknown) {
    // A Buffer has become an object by its `toJSON` when it is shown.
    const held = this[key];
    if (held instanceof Uint8Array) return `${MARK}b${Buffer.from(held).toString('base64')}`;
    if (held instanceof ArrayBuffer) return `${MARK}b${Buffer.from(held).toString('base64')}`;
    return typeof shown === 'string' && shown.startsWith(MARK) ? `${MARK}s${shown}` : shown;
  });
}

/** Reads what {@link withBytes} has written. */
export function fromWithBytes(text: string): unknown {
  return JSON.parse(text, (_, value: unknown) => {
    if (typeof value !== 'string' || !value.startsWith(MARK)) return value;
    return value[1] === 'b' ? Buffer.from(value.slice(2), 'base64') : value.slice(2);
  });
}
