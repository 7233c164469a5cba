/**
 * Whether a value is bytes, of whatever realm: the Uint8Array of another context, as `vm` and test environments make them, is no instance
 * of this one's.
 */
export function isBytes(value: unknown): value is Uint8Array {
  if (value instanceof Uint8Array) return true;
  return ArrayBuffer.isView(value) && (value as Uint8Array)[Symbol.toStringTag] === 'Uint8Array';
}
