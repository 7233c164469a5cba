import type { RedisError } from '../index';
import { DisconnectedError } from '../index';
import type { Callback } from './arguments';

/** A reply in the form that ioredis gives: HGETALL is an object, all else comes as RESP2 has it. */
export function shaped(name: string, reply: unknown): unknown {
  if (name !== 'hgetall' || !Array.isArray(reply)) return reply;
  const fields: Record<string, unknown> = {};
  for (let i = 0; i < reply.length; i += 2) {
    // A field may be called __proto__.
    Object.defineProperty(fields, String(reply[i]), {
      value: reply[i + 1],
      configurable: true,
      enumerable: true,
      writable: true,
    });
  }
  return fields;
}

/** Texts in place of the bytes of a reply. */
export function inText(reply: unknown): unknown {
  if (Buffer.isBuffer(reply)) return reply.toString();
  return Array.isArray(reply) ? reply.map(inText) : reply;
}

/** Bytes in place of the texts of a reply, as of `OK`, which is no value and never comes as bytes. */
export function inBuffers(reply: unknown): unknown {
  if (typeof reply === 'string') return Buffer.from(reply);
  return Array.isArray(reply) ? reply.map(inBuffers) : reply;
}

/** What programs that know ioredis look for when a client is closed. */
const CLOSED = 'Connection is closed.';

/** An error as those programs expect it: what a closed client refuses has ioredis's words, and the client's error as its cause. */
export function asKnown(error: unknown): Error {
  if (error instanceof DisconnectedError) return new Error(CLOSED, { cause: error });
  return error as RedisError;
}

/** The Promise of a reply, which tells the callback as well. With a callback, a Promise that rejects and is not looked at is no error. */
export function told<T>(promise: Promise<T>, callback: Callback<T> | undefined): Promise<T> {
  if (callback === undefined) return promise;
  promise.then(
    (reply) => callback(null, reply),
    (error: Error) => callback(error),
  );
  return promise;
}
