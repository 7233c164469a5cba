import { defer, distinctUntilChanged, filter, finalize, map, startWith, switchMap, type Observable } from 'rxjs';
import type { Key } from '../commands/arguments';
import type { Awaitable } from '../commands/awaitable';
import type { ReplySource } from '../commands/reply';
import type { Executor } from '../commands/request-context';
import type { Clock } from '../connection/clock';
import type { Connection } from '../connection/connection';
import { asItIs, type Wrap } from '../connection/wrapping';
import type { Ending } from '../demand/ending';
import type { RedisError } from '../errors';
import type { ResolvedOptions } from '../options';
import { tellsOfMove } from '../topology/redirects';
import { oneSlotOf } from '../topology/refused';
import type { Topology } from '../topology/topology';
import { Cache } from './cache';
import { ClientCache } from './client-cache';
import { queryOf, valuesOf } from './live-queries';
import { sameAnswer } from './live-query';
import { ReadThrough, type Loader } from './read-through';
import type { CachedOptions } from './read-through-options';
import { TrackedConnection, boundOf } from './tracked-connection';
import { wantedKeys } from './tracked-keys';
import { KeptRead } from './tracked-read';

/** What keeps the values of a cluster true. */
export interface ClusterFreshnessParts {
  readonly topology: () => Topology;
  readonly clock: Clock;
  readonly options: ResolvedOptions;
  readonly ending: Ending;
  /** emits when the client has ended */
  readonly ended$: Observable<unknown>;
  /** has it found out which nodes there are */
  readonly begin: () => void;
  /** told that moved slots are to be noticed sooner, or may be noticed later */
  readonly hasten: () => void;
  /** told that a server does not track */
  readonly report: (error: RedisError) => void;
  /** sends to a node, whatever becomes of that */
  readonly pinned: (executor: Executor) => Executor;
}

/** What keeps values true on a cluster: one cache, and the tracking and the live queries of each connection to a master. */
//  read ──▶ cache ──▶ Router ──▶ the slot's owner, which tells of changes
//  the slot moves ──▶ what was read of it is dropped; its live queries go on at the next owner
export class ClusterFreshness {
  readonly around: Wrap;
  readonly noting: Wrap;
  readonly cache: ClientCache;
  private readonly kept: Cache | undefined;
  private readonly tracked = new WeakMap<Connection, TrackedConnection>();
  private readonly readThrough: ReadThrough;
  /** How many Observers live queries have. */
  private observers = 0;

  constructor(private readonly parts: ClusterFreshnessParts) {
    const { clock, options, ended$, report } = parts;
    const { cache, prefix } = options;
    this.kept =
      cache &&
      new Cache({ options: cache, home: undefined, clock, isWanted: wantedKeys(cache, prefix), onRefused: report });
    this.cache = new ClientCache(this.kept, clock, ended$);
    this.around = this.kept?.around ?? asItIs;
    this.noting = this.kept?.noting ?? asItIs;
    this.readThrough = new ReadThrough(clock);
    ended$.subscribe(() => this.kept?.end());
  }

  /**
   * What sends to a master. What is read there is told of.
   * @param isUsers whether the user's own CLIENT TRACKING was sent on the present link
   */
  at(connection: Connection, executor: Executor, isUsers: () => boolean): Executor {
    const { kept, parts } = this;
    const { options, pinned, topology } = parts;
    const home = new TrackedConnection({
      connection,
      options,
      isUsers,
      executor: () => pinned(executor),
      cache: () => kept,
      isElsewhere: (error) => {
        if (!tellsOfMove(error)) return false;
        topology().stale$.next();
        return true;
      },
    });
    this.tracked.set(connection, home);
    if (kept === undefined) return executor;
    const hold = kept.follows(home);
    connection.state$.subscribe(({ kind }) => kind === 'closed' && hold.unsubscribe());
    return {
      submit: (request) => {
        const { command, past } = request;
        if (command instanceof KeptRead) request.command = command.at(home, past?.asking === true);
        executor.submit(request);
      },
    };
  }

  /** How long it may go unnoticed that a slot has moved, ms. */
  get staleAfter(): number {
    const { options } = this.parts;
    const isLive = this.observers > 0;
    return isLive || options.cache !== undefined ? boundOf(options, isLive) : Infinity;
  }

  /** Slots have moved. */
  moved(slots: readonly number[]): void {
    this.kept?.moved(slots);
  }

  /**
   * The value of a query, now and whenever it has changed, or its slot has moved.
   * @throws TypeError where its keys are in several slots
   */
  live(source: ReplySource, commands: unknown, options: unknown): Observable<unknown> {
    const query = queryOf(source, commands, options);
    const slot = oneSlotOf('live', query.commands);
    const { ending } = this.parts;
    const answers$ = this.ownerOf(slot).pipe(switchMap((home) => home.answers(query)));
    return valuesOf(query, query.distinct ? answers$.pipe(distinctUntilChanged(sameAnswer)) : answers$, ending);
  }

  private ownerOf(slot: number): Observable<TrackedConnection> {
    return defer(() => {
      const { begin, hasten, topology } = this.parts;
      begin();
      if (this.observers++ === 0) hasten();
      return topology().changes$.pipe(
        startWith(undefined),
        map(() => topology().ownerOf(slot)),
        filter((node) => node !== undefined),
        distinctUntilChanged(),
        map(({ connection }) => this.tracked.get(connection)!),
        finalize(() => this.observers--),
      );
    });
  }

  /** A value that is read through the server, and loaded where that does not have it. */
  cached<T>(source: ReplySource, key: Key, loader: Loader<T>, options: CachedOptions<T>): Awaitable<T> {
    return this.readThrough.cached(source, key, loader, options);
  }
}
