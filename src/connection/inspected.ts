import { blockingWait } from '../commands/blocking-wait';
import { isGroup } from '../commands/group';
import type { Request } from '../commands/request';
import { statementOf } from '../commands/secrets';
import type { Backlog } from './backlog';
import type { Connection } from './connection';
import type { ConnectionState } from './connection-state';
import { timeFor } from './time-for';

/** A command that is not answered yet. */
export interface InspectedCommand {
  /** its name, `GET` */
  readonly command: string;
  /** as a log may show it: its keys, and `?` for all else; cut off where it is long */
  readonly statement: string;
  /** it waits to be written, or was written and is not answered */
  readonly stage: 'queued' | 'in flight';
  /**
   * for how long its time has been running, ms: since it was called, for one that waits at the server since that has it. The time for which
   * the event loop was blocked before it could be written is left out. Undefined where it has no limit: then its begin is not kept
   */
  readonly age: number | undefined;
  /** it waits at the server on purpose, as BLPOP does */
  readonly isBlocking: boolean;
  /** how often it has failed and was to be sent again */
  readonly failures: number;
}

/** One connection of a client. */
export interface InspectedLink {
  /** what it carries: the client's commands, messages of channels, or what a caller does on a connection that is lent */
  readonly role: 'commands' | 'messages' | 'lease';
  /** the server that was dialled last, `localhost:6379` */
  readonly address: string;
  readonly state: ConnectionState['kind'];
  /** what is being done to make it, for people; undefined where nothing is */
  readonly doing: string | undefined;
  /** for how long it has been ready, ms; undefined while it is not */
  readonly readyFor: number | undefined;
  /** for how long the server has not been heard of, ms; undefined before the first byte */
  readonly silentFor: number | undefined;
  readonly protocol: 2 | 3 | undefined;
  /** what the server says of itself; undefined where it does not */
  readonly server: { readonly version?: string | undefined; readonly role?: string | undefined } | undefined;
  /** the number of the connection at the server, as in CLIENT LIST */
  readonly id: number | undefined;
  readonly database: number;
  /** commands that wait to be written */
  readonly queued: number;
  /** commands that were written and are not answered */
  readonly inFlight: number;
  /** commands that have failed and are sent again, after a delay or once the connection is there */
  readonly toRepeat: number;
  /** bytes that were read since the connection was made */
  readonly bytesRead: number;
  /** the socket takes nothing more for now: the server, or the way to it, is slower than what is sent */
  readonly isFull: boolean;
  /** the command that was called first of those that are not answered */
  readonly oldest: InspectedCommand | undefined;
}

/** What a connection is doing now. It costs no command anything: all of it is there anyway. */
export function inspectedLink(
  connection: Connection,
  role: InspectedLink['role'],
  blockingGrace: number,
): InspectedLink {
  const { line, clock, session, server, address, doing } = connection;
  const { link, queued, pending } = line;
  const now = clock.now();
  const state = connection.state$.value.kind;
  const isReady = state === 'ready';
  const known = isReady ? server : undefined;
  const inFlight = link?.owed.length ?? 0;
  const oldest = line.oldest();
  return {
    role,
    address,
    state,
    doing,
    readyFor: isReady ? now - connection.readyAt : undefined,
    silentFor: link === undefined || link.heardAt === 0 ? undefined : now - link.heardAt,
    protocol: link?.protocol,
    server: known && { version: known.version, role: known.role },
    id: known?.id,
    database: session.database,
    queued,
    inFlight,
    toRepeat: Math.max(0, pending - queued - inFlight),
    bytesRead: link?.bytesRead ?? 0,
    isFull: link?.outgoing.isFull ?? false,
    oldest: oldest && inspectedCommand(oldest.request, oldest.stage, now, blockingGrace),
  };
}

/** A request as it may be shown. */
export function inspectedCommand(
  request: Request,
  stage: InspectedCommand['stage'],
  now: number,
  blockingGrace: number,
): InspectedCommand {
  const { command, deadline, attempt } = request;
  const limit = timeFor(request, blockingGrace);
  return {
    command: command.spec.name,
    statement: statementOf(isGroup(command) ? command.commands : [command], { hidden: '?', values: false }),
    stage,
    // Requests are not stamped: what is kept is when their time is up.
    age: deadline === 0 || limit === Infinity ? undefined : Math.max(0, now - (deadline - limit)),
    isBlocking: blockingWait(command) !== undefined,
    failures: attempt,
  };
}

/** The request that was called first of those that are owed or wait; those whose observers have left do not wait. */
export function oldestOf(
  owed: Iterable<Request>,
  backlog: Backlog,
): { readonly request: Request; readonly stage: InspectedCommand['stage'] } | undefined {
  // A reply that is not wanted any more is waited for by all behind it.
  for (const request of owed) return { request, stage: 'in flight' };
  const first = backlog.oldest();
  return first && { request: first, stage: 'queued' };
}
