import { filter, type Observable } from 'rxjs';
import { blockingWait } from '../commands/blocking-wait';
import type { Request } from '../commands/request';
import type { Executor } from '../commands/request-context';
import type { Connection } from '../connection/connection';
import { TimeoutError, type ReplyError } from '../errors';
import type { ResolvedOptions } from '../options';
import type { Cache } from './cache';
import type { Home } from './cache-entry';
import { LiveQueries } from './live-queries';
import type { Answer, Query } from './live-query';
import { Silence } from './silence';
import { isTold, modeOf } from './tracked-keys';
import { Tracker } from './tracker';

/** What a connection is tracked with. */
export interface TrackedConnectionParts {
  readonly connection: Connection;
  readonly options: Pick<ResolvedOptions, 'cache' | 'prefix' | 'readTimeout'>;
  /** whether the user's own CLIENT TRACKING was sent on the present link */
  readonly isUsers: () => boolean;
  /** makes what sends the reads of live queries */
  readonly executor: () => Executor;
  /** what keeps what is read there */
  readonly cache: () => Cache | undefined;
  /** whether an error tells that keys are at another server for the moment */
  readonly isElsewhere?: (error: ReplyError) => boolean;
}

/** A connection whose server tells of changes: its tracking, the live queries on it, and how long it may be silent. */
//  invalidations ──▶ Tracker ──▶ Cache         reads are answered from memory
//                            └─▶ LiveQueries   reads are made again
export class TrackedConnection implements Home {
  private tracking: Tracker | undefined;
  private queries: LiveQueries | undefined;
  private readonly silence: Silence;

  constructor(private readonly parts: TrackedConnectionParts) {
    const { connection, options, cache } = parts;
    const isNeeded = () => (cache()?.store.count ?? 0) + this.queryCount > 0;
    const limit = (): number => boundOf(options, this.queryCount > 0);
    this.silence = new Silence(connection, limit, isNeeded, (isSure) => {
      cache()?.dropOf(this);
      if (isSure && this.queryCount > 0) this.leave(limit());
    });
    connection.state$.pipe(filter(({ kind }) => kind === 'closed')).subscribe(() => this.silence.stop());
  }

  /** Made when it is first wanted: without it a connection has one resident less. */
  get tracker(): Tracker {
    return (this.tracking ??= this.newTracker());
  }

  private newTracker(): Tracker {
    const { connection, options, isUsers } = this.parts;
    return new Tracker(connection, modeOf(options), isUsers);
  }

  readonly watch = (): void => this.silence.watch();

  /** Nothing but another link shows what a live query is now. */
  private leave(limit: number): void {
    const { line, clock } = this.parts.connection;
    const { link } = line;
    const oldest = link?.owed.peek();
    // A command that may take longer than others is left to the link's own limits.
    if (link === undefined || (oldest !== undefined && mayTakeLong(oldest))) return;
    const { bytesRead } = link;
    const silent = new TimeoutError(`The server was silent for ${limit} ms, and live queries may show old values`);
    clock.afterInput(() => link.bytesRead === bytesRead && link.lose(silent));
  }

  /** How many live queries there are. */
  get queryCount(): number {
    return this.queries?.size ?? 0;
  }

  /** How many keys they read. */
  get queriedKeys(): number {
    return this.queries?.keys ?? 0;
  }

  /** The answers to a query, now and whenever it has changed. */
  answers(query: Query): Observable<Answer> {
    const { connection, executor, isElsewhere = () => false } = this.parts;
    const { tracker, silence } = this;
    this.queries ??= new LiveQueries({
      connection,
      tracker,
      executor: executor(),
      isElsewhere,
      isTold: (name) => isTold(tracker.mode, name),
      onFirst: () => {
        silence.stop();
        silence.watch();
      },
    });
    return this.queries.answers(query);
  }
}

/**
 * How old a value may be that is kept of a connection, ms.
 * @param isLive there are live queries
 */
export function boundOf(
  { cache, readTimeout }: Pick<ResolvedOptions, 'cache' | 'readTimeout'>,
  isLive: boolean,
): number {
  const staleAfter = cache?.staleAfter ?? readTimeout;
  return isLive ? Math.min(staleAfter, readTimeout) : staleAfter;
}

function mayTakeLong({ command, context }: Request): boolean {
  return context.linkLimits !== undefined || blockingWait(command) !== undefined;
}
