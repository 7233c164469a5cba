import { blockingWait } from '../commands/blocking-wait';
import type { Group, GroupProgress } from '../commands/group';
import { toUnreadable } from '../commands/reply-error';
import type { Request } from '../commands/request';
import {
  ConnectionError,
  ProtocolError,
  TimeoutError,
  remade,
  type Delivery,
  type GroupFate,
  type RedisError,
} from '../errors';
import { guarded } from './guarded';

/** `delivery` of a request that is queued or waits to be repeated: it may have run when it was sent before, or been refused, or lost unsent. */
export function deliveryOf({ past }: Request): Delivery {
  if (past === undefined) return 'unsent';
  return past.mayHaveRun ? 'unknown' : past.failure.delivery;
}

/** What an error says of the request that it ends. All errors share one shape, because spreading an object costs more than the error. */
export interface FactsOfRequest {
  readonly delivery: Delivery;
  readonly command: string;
  repeatable: boolean;
  cause: unknown;
  group: GroupFate | undefined;
}

/** What an error says of the request that it ends, which got so far. */
export function factsOf(
  request: Request,
  delivery = deliveryOf(request),
  cause?: unknown,
  bearsRepetition = true,
): FactsOfRequest {
  const repeatable = delivery !== 'unknown' || (bearsRepetition && request.repeatable);
  return { delivery, command: request.command.spec.name, repeatable, cause, group: undefined };
}

/** Fails a request, unless its observer has left. */
export function failSafely(request: Request, error: RedisError): void {
  if (!request.abandoned) guarded(() => request.fail(error));
}

/** The error for a reply that is not RESP, or exceeds a limit. */
export function unreadable(
  cause: ProtocolError,
  request: Request,
  delivery: Delivery,
  progress?: GroupProgress,
): ProtocolError {
  const group = fateOf(request, progress);
  const why = cause.message.includes(' exceeds the limit ') ? 'is too large' : 'is no RESP';
  return toUnreadable(cause, request.command, delivery, { why, group });
}

/** What has become of the members, where the command is a group: also when it was sent before. */
function fateOf({ command, past }: Request, progress: GroupProgress | undefined): GroupFate | undefined {
  if (progress === undefined) return undefined;
  const fate = (command as Group).fateOf(progress);
  if (past?.mayHaveRun !== true) return fate;
  const deliveries = fate.deliveries.map((delivery) => (delivery === 'unsent' ? 'unknown' : delivery));
  return { results: fate.results, deliveries };
}

/** The system's codes for a peer that does not answer. */
const UNHEARD = new Set<unknown>(['ETIMEDOUT', 'EHOSTUNREACH', 'EHOSTDOWN', 'ENETUNREACH', 'ENETDOWN']);

/** Whether the link was left because it was silent. What was sent may then still be on its way, where no reset reaches it. */
function isSilence(cause: RedisError): boolean {
  return cause instanceof TimeoutError || UNHEARD.has((cause.cause as NodeJS.ErrnoException | undefined)?.code);
}

/** The link is gone, and no reply has come. */
export function connectionLost(
  cause: RedisError,
  request: Request,
  delivery: Delivery,
  progress?: GroupProgress,
): ConnectionError {
  // A write that is repeated could run a second time behind later ones, when its first copy comes late.
  const facts = factsOf(request, delivery, cause, !isSilence(cause) || request.bearsLateCopy);
  facts.group = fateOf(request, progress);
  const fate = delivery === 'unknown' ? 'it may have run' : 'it was not sent';
  const message = `The connection was lost before ${facts.command} was answered, ${fate}: ${cause.message}`;
  return new ConnectionError(message, facts);
}

/** The link was lost twice in a row while it owed this reply first: perhaps it is the answer that breaks the link. */
export function lostAgain(
  { message, cause, command, delivery, group }: RedisError,
  { past }: Request,
): ConnectionError {
  const why = `${message}; it was lost before with the same command, which is not sent a third time`;
  const before = past?.failure;
  return new ConnectionError(why, { delivery, repeatable: false, command, cause: cause ?? before, group });
}

/** The request cannot be repeated: in another database, or as another user, it would be another command. */
export function leftBehind({ past }: Request): RedisError {
  const { failure } = past!;
  if (!failure.repeatable) return failure;
  const { message, delivery, command, cause, group } = failure;
  return remade(failure, message, { delivery, command, cause, group, repeatable: false });
}

/** What is known of a request whose time is up. */
interface Lateness {
  /** why it could not be sent */
  readonly cause?: RedisError | undefined;
  /** what was being done to make a link, and for how long */
  readonly doing?: string | undefined;
  readonly progress?: GroupProgress | undefined;
}

/** The time of the request is up. */
export function timedOut(
  request: Request,
  delivery: Delivery,
  { cause, doing, progress }: Lateness = {},
): TimeoutError {
  // Without a cause the request is in flight. The first copy of a write may still run, perhaps behind later ones.
  const facts = factsOf(request, delivery, cause, cause !== undefined || request.bearsLateCopy);
  facts.group = fateOf(request, progress);
  const fates = { unsent: 'could not be sent', unknown: 'was sent and not answered', answered: 'was refused' };
  return new TimeoutError(
    `${facts.command} ${fates[delivery]} within ${limitOf(request)}${whyNot(doing, cause?.message)}`,
    facts,
  );
}

function limitOf({ command, context }: Request): string {
  const hasOwn = !context.limitsBlocking && blockingWait(command) !== undefined;
  return hasOwn ? 'its own wait and blockingGrace' : `${context.commandTimeout} ms (commandTimeout)`;
}

/** The end of a message: what is being done to make a link, and why there is none yet. */
export function whyNot(doing: string | undefined, lastError: string | undefined): string {
  if (doing === undefined) return lastError === undefined ? '' : `: ${lastError}`;
  return lastError === undefined ? `: ${doing}` : `: ${doing}; before that ${lastError}`;
}

/**
 * A command cannot be written: what an argument refers to has changed, or the connection is in a state in which it has no place.
 * @param member which member of a group it belongs to
 */
export function notEncodable(cause: unknown, { command }: Request, member?: number): ProtocolError {
  const { name } = command.spec;
  const of =
    member === undefined
      ? ''
      : `, for its command ${(command as Group).numberOf(member)}, ${(command as Group).members[member]!.spec.name}`;
  const why = `${name} cannot be sent${of}: ${cause instanceof Error ? cause.message : String(cause)}`;
  return new ProtocolError(why, { command: name, cause, repeatable: false });
}

/** The rest of a group cannot be encoded any more, and its first members are written. */
export function unfinished(
  { message, command, cause }: RedisError,
  request: Request,
  progress: GroupProgress,
): ProtocolError {
  return new ProtocolError(message, {
    delivery: 'unknown',
    repeatable: false,
    command,
    cause,
    group: fateOf(request, progress),
  });
}
