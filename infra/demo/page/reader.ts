import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import {
  auditTime,
  catchError,
  concatMap,
  EMPTY,
  forkJoin,
  ignoreElements,
  map,
  merge,
  of,
  range,
  share,
  Subject,
  tap,
  type Observable,
} from 'rxjs';
import type { CacheStats } from 'rxjs-redis';
import { get } from 'rxjs-redis/commands';
import { InjectRedis } from 'rxjs-redis/nestjs';
import type { Client } from '../place';
import { reasonOf } from '../reason';
import { STAGE, type Stage } from './stage';

/** For how long changes travel together, ms. */
const TOGETHER = 50;
/** The note ends by itself, in seconds, after a demo that could not clean up. */
const LIFETIME = 3600;

/** What a window is told of the live query. The numbers count from the beginning of the demo. */
export interface LivePicture {
  /** the value that was emitted last; null where the key is not there, undefined before the first */
  readonly value: string | null | undefined;
  /** writes that the server has confirmed */
  readonly writes: number;
  /** how often the client has read the key from the server */
  readonly reads: number;
  readonly emitted: number;
  /** why it has ended; undefined while it has not */
  readonly refused: string | undefined;
}

/** Where the client tells of each command that it sends. */
const COMMANDS = 'tracing:rxjs-redis:command:start';

/** A client that follows a key which another client writes, and keeps what it reads. */
@Injectable()
export class Reader implements OnApplicationShutdown {
  readonly live$: Observable<LivePicture>;
  readonly cache$: Observable<CacheStats>;
  readonly #changed$ = new Subject<void>();
  #live: LivePicture = { value: undefined, writes: 0, reads: 0, emitted: 0, refused: undefined };

  constructor(
    @InjectRedis('reader') private readonly reader: Client,
    @InjectRedis('page') private readonly writer: Client,
    @Inject(STAGE) private readonly stage: Stage,
  ) {
    const values$ = reader.live(get(stage.space.note)).pipe(
      tap((value) => this.#change({ value, emitted: this.#live.emitted + 1, refused: undefined })),
      catchError((error: unknown) => {
        this.#change({ refused: reasonOf(error) });
        return EMPTY;
      }),
      ignoreElements(),
    );
    // One for all windows, so that an emission is counted once.
    const changes$ = merge(values$, this.#changed$.pipe(auditTime(TOGETHER))).pipe(share());
    this.live$ = merge(changes$, of(undefined)).pipe(map(() => this.#live));
    this.cache$ = reader.cache.stats$;
    subscribe(COMMANDS, this.#noteRead);
  }

  get live(): LivePicture {
    return this.#live;
  }

  /** Has the other client write these texts, one after the other without a pause. */
  write(texts: readonly string[]): Observable<unknown> {
    const { note } = this.stage.space;
    return forkJoin(texts.map((text) => this.writer.setex(note, LIFETIME, text))).pipe(
      tap(() => this.#change({ writes: this.#live.writes + texts.length })),
    );
  }

  /** Reads the latest vital signs so many times in a row: from memory, while they are as they were. */
  read(times: number): Observable<unknown> {
    return range(times).pipe(concatMap(() => this.reader.hgetall(this.stage.space.latest)));
  }

  onApplicationShutdown(): void {
    unsubscribe(COMMANDS, this.#noteRead);
  }

  readonly #noteRead = (message: unknown): void => {
    const { command, args } = message as { readonly command: string; readonly args: readonly string[] };
    if (command === 'GET' && args[0] === this.stage.space.note) this.#change({ reads: this.#live.reads + 1 });
  };

  #change(change: Partial<LivePicture>): void {
    this.#live = { ...this.#live, ...change };
    this.#changed$.next();
  }
}
