/**
 * How far a command got when it failed: never written to a socket, written without an answer (it may have run), or
 * answered by the server. One that was written more than once has been answered only where each time was.
 */
export type Delivery = 'unsent' | 'unknown' | 'answered';

/** How far the members of a group of commands had come when the group failed. */
export interface GroupFate {
  /** what the first members were answered, in order; an error reply stands in its place as a ReplyError */
  readonly results: readonly unknown[];
  /** how far each member got */
  readonly deliveries: readonly Delivery[];
  /** with `failFast`: whose error it is, from 0 */
  readonly index?: number;
}

/** The error of one command among several. */
export interface CommandError {
  /** which command it was, from 0 */
  readonly index: number;
  /** its name, `INCR` */
  readonly command: string;
  readonly error: ReplyError;
}

/** Characters of a message; what a server says may be as long as it likes. */
const LONGEST_MESSAGE = 4096;

/** A text for people: what goes beyond so many characters is cut off, and an ellipsis says so. */
export function shortened(text: string, most = LONGEST_MESSAGE): string {
  return text.length <= most ? text : `${apart(text.slice(0, most - 1))}…`;
}

/** A copy of a piece of a text: the piece itself would keep the whole text in memory. */
export function apart(piece: string): string {
  return Buffer.from(piece).toString();
}

/** Facts that an error carries beside its message. */
export interface ErrorFacts {
  readonly delivery?: Delivery;
  readonly repeatable?: boolean;
  /** the command's name, `GET`, never its arguments */
  readonly command?: string | undefined;
  readonly cause?: unknown;
  /** of a group of commands */
  readonly group?: GroupFate | undefined;
  /** of a transaction that was discarded */
  readonly causes?: readonly CommandError[] | undefined;
}

/** The base of all errors that the client makes; `code` is stable and meant for programs, `message` for people, cut off after 4 096 characters. */
export abstract class RedisError extends Error {
  abstract readonly code: string;
  /** The name of its class, also where a bundler has shortened that. */
  override name: string = 'RedisError';
  readonly delivery: Delivery;
  /** Whether the same command may be sent again without harm: it did not run, or running twice is the same as once. */
  readonly repeatable: boolean;
  readonly command: string | undefined;
  /** How far the members came, where the error is that of a group of commands. */
  declare readonly group?: GroupFate;

  constructor(
    message: string,
    { delivery = 'unsent', repeatable = delivery === 'unsent', command, cause, group }: ErrorFacts = {},
  ) {
    super(shortened(message), cause === undefined ? undefined : { cause });
    this.delivery = delivery;
    this.repeatable = repeatable;
    this.command = command;
    if (group !== undefined) this.group = group;
  }

  /** What the members of a group of commands were answered, in order; an error reply stands in its place. Undefined for a single command. */
  get results(): readonly unknown[] | undefined {
    return this.group?.results;
  }
}

/** The link broke, or could not be made. */
export class ConnectionError extends RedisError {
  override name: string = 'ConnectionError';
  readonly code = 'CONNECTION';
}

/** A limit in milliseconds ran out. */
export class TimeoutError extends RedisError {
  override name: string = 'TimeoutError';
  readonly code = 'TIMEOUT';
}

/** The peer broke the rules of RESP, and the connection is gone; or it answered with what the command never promises. */
export class ProtocolError extends RedisError {
  override name: string = 'ProtocolError';
  readonly code = 'PROTOCOL';
}

/** The client is closed, or its queue for commands issued while disconnected is full. */
export class DisconnectedError extends RedisError {
  override name: string = 'DisconnectedError';
  readonly code = 'DISCONNECTED';
}

const LONGEST_KIND = 64;

/** A reader of messages is slower than they come, and its buffer is full: what came then is lost, and so its stream ends. */
export class OverflowError extends RedisError {
  override name: string = 'OverflowError';
  readonly code = 'OVERFLOW';

  /** @param size how many messages were waiting */
  constructor(size: number) {
    const waiting = size === 1 ? 'a message was waiting' : `${size} messages were waiting`;
    super(`A message is lost, for ${waiting} already: what reads them is too slow, or the option 'buffer' too small`, {
      delivery: 'answered',
      repeatable: true,
    });
  }
}

/** The server is not set up for what was asked of it, or does not say. */
export class ConfigurationError extends RedisError {
  override name: string = 'ConfigurationError';
  readonly code = 'CONFIGURATION';
}

/** A value cannot be written as text, or text cannot be read as a value; the `cause` says why. */
export class SerializationError extends RedisError {
  override name: string = 'SerializationError';
  readonly code = 'SERIALIZATION';
}

/** The server answered with an error. */
export class ReplyError extends RedisError {
  override name: string = 'ReplyError';
  readonly code: string = 'REPLY';
  /** the server's own word for it: `WRONGTYPE`, `NOSCRIPT`, `ERR` */
  readonly kind: string;
  /** why a transaction was discarded, kind `EXECABORT`: the commands that the server refused before EXEC, and their errors */
  declare readonly causes?: readonly CommandError[];

  constructor(message: string, kind: string, facts?: ErrorFacts) {
    super(message, { delivery: 'answered', ...facts });
    this.kind = apart(shortened(kind, LONGEST_KIND));
    if (facts?.causes !== undefined) this.causes = facts.causes;
  }
}

/** The server refused the user name or password. */
export class AuthenticationError extends ReplyError {
  override name: string = 'AuthenticationError';
  override readonly code = 'AUTHENTICATION';
}

/** An error of the same class and kind with another message and other facts. */
export function remade(error: RedisError, message: string, facts: ErrorFacts): RedisError {
  if (error instanceof AuthenticationError) return new AuthenticationError(message, error.kind, facts);
  if (error instanceof ReplyError) return new ReplyError(message, error.kind, { causes: error.causes, ...facts });
  if (error instanceof ProtocolError) return new ProtocolError(message, facts);
  return new ConnectionError(message, facts);
}
