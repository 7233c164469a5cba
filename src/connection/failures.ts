import type { Request } from '../commands/request';
import {
  ConnectionError,
  ProtocolError,
  ReplyError,
  TimeoutError,
  type Delivery,
  type ErrorFacts,
  type RedisError,
} from '../errors';
import { safely } from './report-unhandled';

/** How far a request got that is not in flight: it may have run when it was tried before, or been refused. */
export function deliveryOf({ past }: Request): Delivery {
  if (past === undefined) return 'unsent';
  return past.mayHaveRun ? 'unknown' : 'answered';
}

/** What an error says of a request that it ends, and that got so far. */
export function factsOf(request: Request, delivery = deliveryOf(request)): Required<Omit<ErrorFacts, 'cause'>> {
  const { name: command } = request.command.spec;
  return { delivery, command, repeatable: delivery !== 'unknown' || request.repeatable };
}

/** Fails a request, unless nobody waits for it any more. */
export function failSafely(request: Request, error: RedisError): void {
  if (!request.abandoned) safely(() => request.fail(error));
}

/** What the server answered is no RESP. */
export function unreadable(cause: ProtocolError, { command }: Request): ProtocolError {
  const { name } = command.spec;
  return new ProtocolError(`The reply to ${name} is no RESP: ${cause.message}`, {
    delivery: 'unknown',
    repeatable: false,
    command: name,
    cause,
  });
}

/** The link is gone, and no reply has come. */
export function connectionLost(cause: RedisError, request: Request, delivery: Delivery): RedisError {
  const facts = { ...factsOf(request, delivery), cause };
  const fate = delivery === 'unknown' ? 'it may have run' : 'it was not sent';
  const message = `The connection was lost before ${facts.command} was answered, ${fate}: ${cause.message}`;
  return new ConnectionError(message, facts);
}

/** It cannot be tried again as what it was: in another database, or as somebody else, it would be another command. */
export function leftBehind({ past }: Request): RedisError {
  const { failure } = past!;
  if (!failure.repeatable) return failure;
  const { message, delivery, command, cause } = failure;
  const facts = { delivery, command, cause, repeatable: false };
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
