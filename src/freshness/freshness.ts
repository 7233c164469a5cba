import { filter, type Observable } from 'rxjs';
import type { Key } from '../commands/arguments';
import type { Awaitable } from '../commands/awaitable';
import type { Command } from '../commands/command';
import type { ReplySource } from '../commands/reply';
import type { Executor } from '../commands/request-context';
import type { Connection } from '../connection/connection';
import { asItIs, type Wrap } from '../connection/wrapping';
import type { Ending } from '../demand/ending';
import type { ResolvedOptions } from '../options';
import { Cache } from './cache';
import { ClientCache } from './client-cache';
import { queryOf, valuesOf } from './live-queries';
import { ReadThrough, type Loader } from './read-through';
import type { CachedOptions } from './read-through-options';
import { TrackedConnection } from './tracked-connection';
import { wantedKeys } from './tracked-keys';

/** What keeps the values of a client of one server true: the tracking of its connection, its cache where it has one, and its live queries. */
export class Freshness {
  /** Answers reads of the connection from memory; without a cache executors are as they are. */
  readonly around: Wrap;
  /** Notes what is written on other connections of the same client. */
  readonly noting: Wrap;
  readonly cache: ClientCache;

  private readonly kept: Cache | undefined;
  private readonly tracked: TrackedConnection;
  private readonly readThrough: ReadThrough;

  /**
   * @param isUsers whether the user's own CLIENT TRACKING was sent on the present link
   * @param executor makes what sends the reads of live queries
   */
  constructor(
    connection: Connection,
    options: Pick<ResolvedOptions, 'cache' | 'prefix' | 'readTimeout'>,
    isUsers: () => boolean,
    executor: () => Executor,
    private readonly ending: Ending,
  ) {
    const { clock, events$ } = connection;
    const { cache, prefix } = options;
    const ended$ = connection.state$.pipe(filter(({ kind }) => kind === 'closed'));
    const home = new TrackedConnection({ connection, options, isUsers, executor, cache: () => this.kept });
    this.tracked = home;
    if (cache !== undefined) {
      const kept = (this.kept = new Cache({
        options: cache,
        home,
        clock,
        isWanted: wantedKeys(cache, prefix),
        onRefused: (error) => events$.next({ connection: 'commands', type: 'error', error }),
      }));
      const hold = kept.follows(home);
      ended$.subscribe(() => {
        kept.end();
        hold.unsubscribe();
      });
    }
    this.cache = new ClientCache(this.kept, clock, ended$);
    this.around = this.kept?.around ?? asItIs;
    this.noting = this.kept?.noting ?? asItIs;
    this.readThrough = new ReadThrough(clock);
  }

  /** How much is kept, by name: all of it is 0 when nothing is observed and nothing was read. */
  get holdings(): ReadonlyMap<string, number> {
    const { kept, tracked, readThrough } = this;
    return new Map([
      ['entries of the cache', kept?.store.count ?? 0],
      ['keys of the cache', kept?.store.keys ?? 0],
      ['writes that the cache waits for', kept?.writesUnderWay ?? 0],
      ['live queries', tracked.queryCount],
      ['keys of live queries', tracked.queriedKeys],
      ['loaders', readThrough.size],
    ]);
  }

  /** The value of a query, now and whenever it has changed. */
  live(source: ReplySource, commands: unknown, options: unknown): Observable<unknown> {
    const query = queryOf(source, commands, options);
    return valuesOf(query, this.tracked.answers(query), this.ending);
  }

  /** A value that is read through the server, and loaded where that does not have it. */
  cached<T>(source: ReplySource, key: Key, loader: Loader<T>, options: CachedOptions<T>): Awaitable<T> {
    return this.readThrough.cached(source, key, loader, options);
  }
}

/** Whether a user's own commands on a new connection turn tracking on. */
export function turnsTrackingOn(commands: readonly Command[]): boolean {
  return commands.some(({ spec }) => spec.effect === 'tracking');
}
