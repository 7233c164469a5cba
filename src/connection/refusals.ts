import type { Request } from '../commands/request';
import { DisconnectedError, ReplyError, TimeoutError, remade, type RedisError } from '../errors';
import { factsOf, whyNot } from './failures';

/**
 * The connection is closed, or closing.
 * @param request undefined for what is no command
 * @param cause why it was closed; undefined where its user has closed it
 * @param what for a lease, which is not made again: whether it was ever ready; `pool` for what is wanted of a pool
 */
export function tooLate(
  request: Request | undefined,
  cause: RedisError | undefined,
  what: 'unready' | 'lost' | 'pool' | 'client' = 'client',
): DisconnectedError {
  const ended = what === 'lost' ? 'the dedicated connection was lost' : 'the client gave up';
  const why = cause === undefined ? CLOSED[what] : `${ended}: ${cause.message}`;
  // Not repeatable: sending it again would fail in the same way.
  if (request === undefined) return new DisconnectedError(`Nothing can be sent: ${why}`, { cause, repeatable: false });
  const facts = factsOf(request);
  facts.repeatable = false;
  facts.cause = cause ?? request.past?.failure;
  return new DisconnectedError(`${facts.command} ${FATES[facts.delivery]}: ${why}`, facts);
}

/** The error of a request that was lost with one connection after the other: unsent, it may fare better on a further one. */
export function lostInTurn(request: Request, error: RedisError): RedisError {
  return error.delivery === 'unsent'
    ? new DisconnectedError(error.message, factsOf(request, 'unsent', error.cause))
    : error;
}

const GIVEN_BACK = 'the dedicated connection was given back, or the client closed';

/** Why nothing can be sent, where nothing was lost. */
const CLOSED = {
  client: 'the client is closed',
  pool: 'the pool is closed',
  unready: GIVEN_BACK,
  lost: GIVEN_BACK,
};

/** What became of a request that waited for a connection in vain. */
const FATES = {
  unsent: 'was not sent',
  unknown: 'was sent, may have run, and is not sent again',
  answered: 'was refused, and is not sent again',
};

/** There is no connection, and as many commands wait for one as may. */
export function noRoom(
  request: Request,
  offlineQueue: number,
  address: string,
  cause: RedisError | undefined,
): DisconnectedError {
  const { name } = request.command.spec;
  const waiting = offlineQueue === 0 ? 'nothing may wait' : `${offlineQueue} commands already wait`;
  const message = `${name} was not sent: ${address} is out of reach and ${waiting}`;
  return new DisconnectedError(message, factsOf(request, undefined, cause));
}

/** The error of a request that waited for a connection where every further attempt would fail. */
export function hopeless(request: Request, error: RedisError): RedisError {
  const facts = factsOf(request, undefined, error);
  facts.repeatable = false;
  return remade(error, `${facts.command} ${FATES[facts.delivery]}: ${error.message}`, facts);
}

/**
 * The connection was not ready in time, ms.
 * @param lastError why the last attempt failed, so many ms ago
 * @param doing what is being done now, for people
 */
export function notReached(
  address: string,
  limit: number,
  lastError: RedisError | undefined,
  age: number,
  doing: string | undefined,
): TimeoutError {
  const why = whyNot(doing, lastError && `${lastError.message} (${age} ms ago)`);
  return new TimeoutError(`${address} could not be reached within ${limit} ms${why}`, { cause: lastError });
}

/** Whether the server would answer in the same way again. */
export function isFinal(error: RedisError): boolean {
  return error instanceof ReplyError && !error.repeatable;
}
