import { ReplyError } from 'rxjs-redis';
import type { Command } from 'rxjs-redis/commands';
import type { RawSession } from './raw-session';

/** How a call ended: with a value, or with what the server had against it. */
export type Outcome = { readonly value: unknown } | { readonly refused: string };

/** Sends a command; whatever is no answer of the server, an unreadable reply first of all, is thrown. */
export async function outcomeOf(session: RawSession, command: Command): Promise<Outcome> {
  try {
    return { value: plain(await session.run(command)) };
  } catch (error) {
    if (error instanceof ReplyError) return { refused: error.message };
    throw error;
  }
}

/** The same value from either surface: Buffers as text, Maps as records, bigints as text. */
export function plain(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return value.toString();
  if (typeof value === 'bigint') return `${value}n`;
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Error) return `error: ${value.message}`;
  if (value instanceof Map) {
    return Object.fromEntries([...value].map(([name, inner]) => [String(plain(name)), plain(inner)]));
  }
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
  }
  return value;
}

/** What kind of value it is, for values that differ from call to call: lists count by their first element. */
export function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shapeOf(value[0])];
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, shapeOf(inner)]));
  }
  return value === null ? 'null' : typeof value;
}
