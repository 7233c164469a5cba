import type { Group } from '../commands/group';
import type { Request } from '../commands/request';
import {
  ConnectionError,
  ProtocolError,
  ReplyError,
  TimeoutError,
  type Delivery,
  type ErrorFacts,
  type GroupFate,
  type RedisError,
} from '../errors';
import type { Clock } from './clock';
import { guarded } from './guarded';

/** How far a request got that is not in flight: it may have run when it was sent before, or been refused. */
export function deliveryOf({ past }: Request): Delivery {
  if (past === undefined) return 'unsent';
  return past.mayHaveRun ? 'unknown' : 'answered';
}

/** What an error says of a request that it ends, and that got so far. */
export function factsOf(request: Request, delivery = deliveryOf(request)): Required<Omit<ErrorFacts, 'cause' | 'group'>> {
  const { name: command } = request.command.spec;
  return { delivery, command, repeatable: delivery !== 'unknown' || request.repeatable };
}

/** Fails a request, unless its observer has left. */
export function failSafely(request: Request, error: RedisError): void {
  if (!request.abandoned) guarded(() => request.fail(error));
}

/** A request that has been taken out of its line, and what its observer is told. */
export interface Failing {
  readonly request: Request;
  readonly error: RedisError;
}

/** So many observers are told in one turn of the event loop. */
const SLICE = 1_000;

/** Tells the observers of the failures, many of them in slices between which the event loop does other work. */
export function tellFailures(failing: readonly Failing[], clock: Clock, from = 0): void {
  const end = Math.min(failing.length, from + SLICE);
  for (let i = from; i < end; i++) failSafely(failing[i]!.request, failing[i]!.error);
  if (end < failing.length) clock.afterInput(() => tellFailures(failing, clock, end));
}

/**
 * Makes errors without their stacks, which name frames of the event loop alone and cost ten times the rest of the error.
 * @example withoutStacks(() => failing.push(...))
 */
export function withoutStacks<T>(work: () => T): T {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return work();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** What the server answered is no RESP. */
export function unreadable(cause: ProtocolError, request: Request, progress?: GroupProgress): ProtocolError {
  const { name } = request.command.spec;
  return new ProtocolError(`The reply to ${name} is no RESP: ${cause.message}`, {
    delivery: 'unknown',
    repeatable: false,
    command: name,
    cause,
    group: progress && groupFate(progress, request),
  });
}

/** How far the members of a group have come: what they were answered, in order, and how many were written. */
export interface GroupProgress {
  readonly answered: readonly unknown[];
  readonly written: number;
}

/** The link is gone, and no reply has come. */
export function connectionLost(
  cause: RedisError,
  request: Request,
  delivery: Delivery,
  progress?: GroupProgress,
): ConnectionError {
  const facts = { ...factsOf(request, delivery), cause, group: progress && groupFate(progress, request) };
  const fate = delivery === 'unknown' ? 'it may have run' : 'it was not sent';
  const message = `The connection was lost before ${facts.command} was answered, ${fate}: ${cause.message}`;
  return new ConnectionError(message, facts);
}

function groupFate({ answered, written }: GroupProgress, { command }: Request): GroupFate {
  const { members } = command as Group;
  const deliveries = members.map((_, index): Delivery => {
    if (index < answered.length) return 'answered';
    return index < written ? 'unknown' : 'unsent';
  });
  return { results: answered, deliveries };
}

/** The link was lost twice in a row while it owed this reply first: perhaps it is the answer that breaks the link. */
export function lostAgain({ message, cause, command, group }: RedisError, { past }: Request): ConnectionError {
  const why = `${message}; it was lost before with the same command, which is not sent a third time`;
  const before = past?.failure;
  return new ConnectionError(why, { delivery: 'unknown', repeatable: false, command, cause: cause ?? before, group });
}

/** It cannot be repeated as what it was: in another database, or as another user, it would be another command. */
export function leftBehind({ past }: Request): RedisError {
  const { failure } = past!;
  if (!failure.repeatable) return failure;
  const { message, delivery, command, cause, group } = failure;
  const facts = { delivery, command, cause, group, repeatable: false };
  return failure instanceof ReplyError
    ? new ReplyError(message, failure.kind, facts)
    : new ConnectionError(message, facts);
}

/** Its time is up. */
export function timedOut(request: Request, delivery: Delivery, cause?: RedisError): TimeoutError {
  const facts = { ...factsOf(request, delivery), cause };
  const fates = { unsent: 'could not be sent', unknown: 'was sent and not answered', answered: 'was refused' };
  const why = cause === undefined ? '' : `: ${cause.message}`;
  return new TimeoutError(`${facts.command} ${fates[delivery]} within its time${why}`, facts);
}

/** An argument is of no kind that travels. */
export function notEncodable(cause: unknown, { command }: Request): ProtocolError {
  const { name } = command.spec;
  return new ProtocolError(`${name} cannot be encoded: ${String(cause)}`, { command: name, cause, repeatable: false });
}
