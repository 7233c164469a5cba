import type { Sent } from './sent';
import type { Answer } from './peer';

/** A request that the client has written to a connection. */
export interface WireRequest {
  readonly words: readonly string[];
  /** the command of the workload that it is; none for what the client sends of its own */
  readonly id: number | undefined;
  readonly sent: Sent | undefined;
  readonly writes: boolean;
  readonly writtenAt: number;
  /** which database it came to */
  database: number | undefined;
  /** it did what it does; it does not when it is refused */
  ran: boolean;
  /** what the server answered */
  answer: Answer | undefined;
  /** all of the answer has reached the client … */
  answered: boolean;
  answeredAt: number;
  /** the answer has come to the client's machine, and the client has not read it yet */
  atHand: () => boolean;
  /** … before the command had settled … */
  inTime: boolean;
  /** … which left the connection while it read what came with it */
  doubtful: boolean;
  /** nothing before it was owed when its connection ended */
  wasOldest: boolean;
  /** in place of its answer came what is not RESP */
  poisoned: boolean;
}

/** A request that the server has answered with an error, and has not run. */
export interface RefusedRequest extends WireRequest {
  answer: Extract<Answer, { readonly error: string }>;
}

export function isRefused(wire: WireRequest): wire is RefusedRequest {
  return wire.answered && wire.answer !== undefined && 'error' in wire.answer;
}

/** The server may wait before it answers. */
export function isBlocking({ sent }: WireRequest): boolean {
  return sent?.item.call === 'blpop';
}
