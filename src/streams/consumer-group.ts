import { EMPTY, catchError, concat, defer, ignoreElements, map, mergeMap, of, throwError, type Observable } from 'rxjs';
import type { Command } from '../commands/command';
import { xgroupCreate, xinfoGroups, xinfoStream } from '../commands/generated/builders';
import type { StreamGroup, StreamInfo } from '../commands/replies/types';
import { ReplyError } from '../errors';
import type { ConsumeSettings } from './consume-options';
import { isKeyMissing, isKind } from './refused';
import { BEFORE_ALL, LAST, compareIds } from './stream-ids';
import { nameOf } from './tail-options';

/** The group of a consumer: created where that is wanted, and again where it is lost. */
export class ConsumerGroup {
  isThere: boolean;
  /** How many entries the group had not yet delivered when it was last asked; null where the server does not tell. */
  lag: number | null = null;
  /** Where it begins when it is first created: `$` is made an id once. */
  private begin: string | undefined;
  /** The last id that the group is known to have delivered. */
  private delivered: string | undefined;
  private wasLost = false;

  constructor(
    private readonly settings: ConsumeSettings,
    private readonly send: <T>(command: Command<T>) => Observable<T>,
    private readonly bytes: boolean,
  ) {
    this.isThere = settings.from === undefined;
    this.begin = settings.from === LAST ? undefined : settings.from;
  }

  /** Completes when there is one, and what it has delivered is known. */
  ensure(): Observable<never> {
    const { stream, group } = this.settings;
    return concat(
      this.start().pipe(
        mergeMap((id) => this.send(xgroupCreate(stream, group, id, { MKSTREAM: true }))),
        map(() => undefined),
        catchError((error: unknown) => (isKind(error, 'BUSYGROUP') ? of(undefined) : throwError(() => error))),
        ignoreElements(),
      ),
      defer(() => this.look()),
      defer(() => {
        this.isThere = true;
        return EMPTY;
      }),
    );
  }

  /** There is none any more: after FLUSHALL, for instance. Whether it is to be created once more. */
  lose(): boolean {
    if (this.settings.from === undefined) return false;
    this.isThere = false;
    this.wasLost = true;
    return true;
  }

  /** It has delivered an entry. */
  hasDelivered(id: string): void {
    if (this.delivered === undefined || compareIds(id, this.delivered) > 0) this.delivered = id;
  }

  /** Asks how far it is; nothing where the server does not say. */
  look(): Observable<never> {
    const { stream, group } = this.settings;
    return this.send(xinfoGroups(stream)).pipe(
      map((groups) => {
        const found = (groups as readonly StreamGroup<string | Buffer>[]).find(
          ({ name }) => nameOf(name, true) === nameOf(group, this.bytes),
        );
        if (found === undefined) return;
        this.lag = found.lag ?? null;
        this.hasDelivered(found['last-delivered-id']);
      }),
      catchError((error: unknown) =>
        error instanceof ReplyError && !error.repeatable ? EMPTY : throwError(() => error),
      ),
      ignoreElements(),
    );
  }

  /**
   * Behind which id it is to be created. One that is created once more goes on where the last one was, unless the stream is another one, all of
   * which is new.
   */
  private start(): Observable<string> {
    if (!this.wasLost && this.begin !== undefined) return of(this.begin);
    return this.send(xinfoStream(this.settings.stream) as Command<StreamInfo>).pipe(
      map((info) => info['last-generated-id']),
      catchError((error: unknown) => (isKeyMissing(error) ? of(BEFORE_ALL) : throwError(() => error))),
      map((last) => {
        if (!this.wasLost) return (this.begin = last);
        const { delivered = this.begin ?? BEFORE_ALL } = this;
        if (compareIds(last, delivered) >= 0) return delivered;
        this.delivered = undefined;
        return BEFORE_ALL;
      }),
    );
  }
}
