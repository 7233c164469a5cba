import type { RedisError } from '../errors';

export const QUEUED = { type: 'queued' } as const;

/** What happens to a request before it is settled. Only what follows a request is told: see `ReplyObserver.happened`. */
export type Happening =
  /** it waits for a connection, or for the node of its slot */
  | typeof QUEUED
  /** it was handed to a socket; `link` is the same object as long as that lives, `peer` is its other end */
  | {
      readonly type: 'written';
      readonly link: object;
      readonly peer: { readonly address: string; readonly port: number } | undefined;
    }
  /** it has failed and is sent again: because it may be, or because another server was the right one */
  | { readonly type: 'retry' | 'redirect'; readonly error: RedisError; readonly attempt: number };
