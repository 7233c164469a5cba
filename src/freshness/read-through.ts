import type { Observable } from 'rxjs';
import {
  EMPTY,
  catchError,
  concat,
  concatMap,
  defer,
  firstValueFrom,
  from,
  isObservable,
  last,
  map,
  of,
  share,
  ReplaySubject,
  tap,
  throwError,
  timer,
} from 'rxjs';
import { Awaitable } from '../commands/awaitable';
import type { Key } from '../commands/arguments';
import { evalshaOrEval } from '../commands/evalsha-or-eval';
import { get, set } from '../commands/generated/builders';
import { Reply, type ReplySource } from '../commands/reply';
import { dateOf, type Clock } from '../connection/clock';
import { SerializationError, type RedisError } from '../errors';
import { idOf } from './names';
import { cachedOptionsOf, type CachedOptions, type ResolvedCached } from './read-through-options';

/** Gives what belongs under a key where the server has nothing: a value, or an Observable, whose last value counts, or a Promise of one. */
export type Loader<T> = () => Observable<T> | PromiseLike<T> | T;

/** How often a value is looked for that another process loads, ms. */
const LOOK_AGAIN = 50;

const RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";

/** What is stored: when it expires, in ms since 1970, how long loading took, ms, and the value as the serializer writes it. */
const STORED = /^(\d+) (\d+) ([^]*)$/;

interface Stored {
  readonly expiresAt: number;
  readonly took: number;
  readonly text: string;
}

/** A value that is read through the server: a cold Observable of one value, which can be awaited. */
class Cached<T> extends Awaitable<T> {
  private promise: Promise<T> | undefined;

  constructor(value$: Observable<T>) {
    super((subscriber) => value$.subscribe(subscriber));
  }

  protected outcome(): Promise<T> {
    return (this.promise ??= firstValueFrom(this));
  }
}

/** Values that are loaded where the server does not have them: one loader at a time for a key in this process, and where it is wanted in all. */
//  GET ──there──▶ emitted ──soon over, by chance──▶ loaded in the background
//    └──not there──▶ [lock] ──▶ loader ──▶ SET PX ──▶ emitted
export class ReadThrough {
  private readonly loads = new Map<string, Observable<unknown>>();

  constructor(private readonly clock: Clock) {}

  /** How many loaders are under way. */
  get size(): number {
    return this.loads.size;
  }

  /** @throws TypeError when an argument is wrong */
  cached<T>(given: ReplySource, key: Key, loader: Loader<T>, options: CachedOptions<T>): Awaitable<T> {
    const own = cachedOptionsOf(loader, options);
    const source: ReplySource = { ...given, bytes: false };
    const id = `${source.prefix} ${idOf(get(key), false)}`;
    const load = (isEarly: boolean) => this.shared(id, () => this.loaded(source, key, loader, own, isEarly));
    return new Cached<T>(
      defer(() => this.stored(source, key)).pipe(
        concatMap((stored) => {
          const value = stored && this.read(source, stored, own);
          if (value === undefined) return load(false);
          if (this.isSoonOver(stored!, own))
            load(true).subscribe({ error: (error: RedisError) => source.report?.(error) });
          return of(value.value);
        }),
      ),
    );
  }

  /** One load for all that want the same key. */
  private shared<T>(id: string, load: () => Observable<T>): Observable<T> {
    return defer(() => {
      const underWay = this.loads.get(id) as Observable<T> | undefined;
      if (underWay !== undefined) return underWay;
      const load$ = defer(load).pipe(
        tap({ finalize: () => this.loads.delete(id) }),
        share({ connector: () => new ReplaySubject<T>(1) }),
      );
      this.loads.set(id, load$);
      return load$;
    });
  }

  private stored(source: ReplySource, key: Key): Observable<Stored | undefined> {
    return Reply.from(source, get(key)).pipe(
      map((text) => {
        const [, expiresAt, took, value] = STORED.exec(text ?? '') ?? [];
        return value === undefined ? undefined : { expiresAt: Number(expiresAt), took: Number(took), text: value };
      }),
    );
  }

  private loaded<T>(
    source: ReplySource,
    key: Key,
    loader: Loader<T>,
    options: ResolvedCached<T>,
    isEarly: boolean,
  ): Observable<T> {
    const load$ = defer(() => {
      const begun = this.clock.now();
      return valueOf(loader).pipe(
        concatMap((value) => {
          if ((value === null || value === undefined) && !options.nulls) return of(value);
          return concat(this.store(source, key, value, this.clock.now() - begun, options), of(value));
        }),
      );
    });
    return options.lock === undefined ? load$ : this.locked(source, key, options, options.lock, load$, isEarly);
  }

  private store<T>(
    source: ReplySource,
    key: Key,
    value: T,
    took: number,
    options: ResolvedCached<T>,
  ): Observable<never> {
    const { ttl, jitter, serializer } = options;
    const lasts = Math.max(1, Math.round(ttl * (1 - jitter * Math.random())));
    let text: string;
    try {
      text = serializer.serialize(value);
      if (typeof text !== 'string') throw new TypeError('the serializer gave no text');
    } catch (cause) {
      throw new SerializationError('The value that was loaded cannot be written', { cause });
    }
    const stored = `${this.now() + lasts} ${Math.ceil(took)} ${text}`;
    return Reply.from(source, set(key, stored, { PX: lasts })).pipe(concatMap(() => EMPTY));
  }

  private read<T>(source: ReplySource, { text }: Stored, { serializer }: ResolvedCached<T>): { value: T } | undefined {
    try {
      return { value: serializer.deserialize(text) };
    } catch (cause) {
      // Perhaps another version of the program has written it: it is loaded anew.
      source.report?.(new SerializationError('A stored value cannot be read, and is loaded anew', { cause }));
      return undefined;
    }
  }

  /** XFetch: the nearer its end and the longer loading takes, the likelier; so one of many callers loads it before it is gone. */
  private isSoonOver({ expiresAt, took }: Stored, { beta }: ResolvedCached<unknown>): boolean {
    return beta > 0 && this.now() - Math.max(1, took) * beta * Math.log(Math.random()) >= expiresAt;
  }

  /** Loads with a lock that all processes respect; the others look for the value until it is there, or the lock is free. */
  private locked<T>(
    source: ReplySource,
    key: Key,
    options: ResolvedCached<T>,
    lock: number,
    load$: Observable<T>,
    isEarly: boolean,
  ): Observable<T> {
    const name = typeof key === 'string' ? `${key}:lock` : Buffer.concat([key, Buffer.from(':lock')]);
    const token = `${Math.random().toString(36).slice(2)}${Math.random().toString(36).slice(2)}`;
    const release$ = defer(() => Reply.from(source, evalshaOrEval(RELEASE, [name], [token]))).pipe(
      catchError(() => EMPTY), // it ends by itself
      concatMap(() => EMPTY),
    );
    const look$: Observable<T> = defer(() =>
      Reply.from({ ...source, cache: false }, set(name, token, { NX: true, PX: lock })),
    ).pipe(
      concatMap((got) => this.stored({ ...source, cache: false }, key).pipe(map((stored) => ({ got, stored })))),
      concatMap(({ got, stored }) => {
        const value = stored && this.read(source, stored, options);
        if (got === null && isEarly) return EMPTY; // another process does it
        if (got === null)
          return value === undefined ? timer(LOOK_AGAIN, this.clock).pipe(concatMap(() => look$)) : of(value.value);
        const done$ = value === undefined || isEarly ? load$ : of(value.value);
        return concat(done$, release$).pipe(
          catchError((error: unknown) =>
            concat(
              release$,
              throwError(() => error),
            ),
          ),
        );
      }),
    );
    return look$;
  }

  private now(): number {
    return dateOf(this.clock.now()).getTime();
  }
}

function valueOf<T>(loader: Loader<T>): Observable<T> {
  const given = loader();
  if (isObservable(given)) return given.pipe(last());
  const { then } = (given ?? {}) as Partial<PromiseLike<T>>;
  return typeof then === 'function' ? from(given as PromiseLike<T>) : of(given as T);
}
