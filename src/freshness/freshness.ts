import { filter, type Observable } from 'rxjs';
import type { Command } from '../commands/command';
import { bytesOfPrefix, isBinary } from '../commands/prefix-bytes';
import type { ReplySource } from '../commands/reply';
import type { Executor } from '../commands/request-context';
import type { Connection } from '../connection/connection';
import { asItIs, type Wrap } from '../connection/wrapping';
import type { Ending } from '../demand/ending';
import type { ResolvedOptions } from '../options';
import { isBytes } from '../resp/is-bytes';
import { textOfBytes } from '../resp/strings';
import { Cache } from './cache';
import { ClientCache } from './client-cache';
import { LiveQueries } from './live-queries';
import { nameOf } from './names';
import { Silence } from './silence';
import { Tracker, type TrackingMode } from './tracker';

/** What keeps values true on one connection: its tracking, its cache where it has one, and its live queries. */
//  invalidations ──▶ Tracker ──▶ Cache         reads are answered from memory
//                            └─▶ LiveQueries   reads are made again
export class Freshness {
  /** Answers reads of the connection from memory; without a cache executors are as they are. */
  readonly around: Wrap;
  /** Notes what is written on other connections of the same client. */
  readonly noting: Wrap;
  readonly cache: ClientCache;

  private readonly kept: Cache | undefined;
  private tracker: Tracker | undefined;
  private queries: LiveQueries | undefined;
  private readonly silence: Silence;

  /**
   * @param isUsers whether the user's own CLIENT TRACKING was sent on the present link
   * @param executor makes what sends the reads of live queries
   */
  constructor(
    private readonly connection: Connection,
    private readonly options: Pick<ResolvedOptions, 'cache' | 'prefix' | 'readTimeout'>,
    private readonly isUsers: () => boolean,
    private readonly executor: () => Executor,
    private readonly ending: Ending,
  ) {
    const { cache, readTimeout } = options;
    const ended$ = connection.state$.pipe(filter(({ kind }) => kind === 'closed'));
    const isNeeded = () => (this.kept?.store.count ?? 0) + (this.queries?.size ?? 0) > 0;
    this.silence = new Silence(connection, cache?.staleAfter ?? readTimeout, isNeeded, () => this.kept?.silent());
    this.kept = cache && this.makeCache(cache);
    this.cache = new ClientCache(this.kept, connection.clock, ended$);
    this.around = this.kept === undefined ? asItIs : (executor) => this.kept!.around(executor);
    this.noting = this.kept === undefined ? asItIs : (executor) => this.kept!.noting(executor);
    ended$.subscribe(() => {
      this.silence.stop();
      this.kept?.end();
    });
  }

  /** How much is kept, by name: all of it is 0 when nothing is observed and nothing was read. */
  get holdings(): ReadonlyMap<string, number> {
    return new Map([
      ['entries of the cache', this.kept?.store.count ?? 0],
      ['keys of the cache', this.kept?.store.keys ?? 0],
      ['writes that the cache waits for', this.kept?.writesUnderWay ?? 0],
      ['live queries', this.queries?.size ?? 0],
      ['keys of live queries', this.queries?.keys ?? 0],
    ]);
  }

  /** The value of a query, now and whenever it has changed. */
  live(source: ReplySource, commands: unknown, options: unknown): Observable<unknown> {
    const { connection, ending } = this;
    this.queries ??= new LiveQueries({
      connection,
      tracker: this.tracking,
      executor: this.executor(),
      ending,
      isTold: this.isTold,
      onFirst: () => this.silence.watch(),
    });
    return this.queries.observe(source, commands, options);
  }

  /** Made when it is first wanted: without it a connection has one resident less. */
  private get tracking(): Tracker {
    return (this.tracker ??= new Tracker(this.connection, this.mode, this.isUsers));
  }

  private get mode(): TrackingMode {
    const { cache, prefix } = this.options;
    if (cache?.mode !== 'broadcast') return { kind: cache?.mode ?? 'optin', prefixes: [] };
    const keys = cache.keys as readonly (string | Uint8Array)[];
    const own = keys.length === 0 && prefix !== '' ? [''] : keys;
    return { kind: 'broadcast', prefixes: own.map((key) => withPrefix(prefix, key)) };
  }

  /** The server tells of changes of a key. */
  private readonly isTold = (name: string): boolean => {
    const { kind, prefixes } = this.mode;
    return kind !== 'broadcast' || prefixes.length === 0 || prefixes.some((prefix) => name.startsWith(nameOf(prefix)));
  };

  private makeCache(options: NonNullable<ResolvedOptions['cache']>): Cache {
    const { connection } = this;
    return new Cache({
      options,
      tracker: this.tracking,
      clock: connection.clock,
      isWanted: this.wantedKeys(options.keys),
      onFirst: () => this.silence.watch(),
      onRefused: (error) => connection.events$.next({ connection: 'commands', type: 'error', error }),
    });
  }

  private wantedKeys(keys: NonNullable<ResolvedOptions['cache']>['keys']): (name: string) => boolean {
    const { prefix } = this.options;
    const own = isBinary(prefix) ? textOfBytes(bytesOfPrefix(prefix)) : prefix;
    if (typeof keys === 'function') return (name) => keys(name.slice(own.length));
    if (keys.length === 0) return () => true;
    const prefixes = keys.map((key) => nameOf(withPrefix(prefix, key)));
    return (name) => prefixes.some((one) => name.startsWith(one));
  }
}

function withPrefix(prefix: string, key: string | Uint8Array): string | Uint8Array {
  if (!isBinary(prefix) && !isBytes(key)) return prefix + key;
  return Buffer.concat([bytesOfPrefix(prefix), isBytes(key) ? key : Buffer.from(key)]);
}

/** Whether a user's own commands on a new connection turn tracking on. */
export function turnsTrackingOn(commands: readonly Command[]): boolean {
  return commands.some(({ spec }) => spec.effect === 'tracking');
}
