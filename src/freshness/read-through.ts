import type { Observable } from 'rxjs';
import {
  EMPTY,
  catchError,
  concat,
  concatMap,
  defer,
  finalize,
  firstValueFrom,
  from,
  isObservable,
  last,
  map,
  of,
  share,
  ReplaySubject,
  tap,
  timer,
} from 'rxjs';
import { Awaitable } from '../commands/awaitable';
import type { Key } from '../commands/arguments';
import { evalshaOrEval } from '../commands/evalsha-or-eval';
import { get, set } from '../commands/generated/builders';
import { Reply, type ReplySource } from '../commands/reply';
import { captured, inContext } from '../connection/async-context';
import { dateOf, type Clock } from '../connection/clock';
import { SerializationError, type RedisError } from '../errors';
import { idOf } from './names';
import { cachedOptionsOf, type CachedOptions, type ResolvedCached } from './read-through-options';

/** Gives what belongs under a key where the server has nothing: a value, or an Observable, whose last value counts, or a Promise of one. */
export type Loader<T> = () => Observable<T> | PromiseLike<T> | T;

/** How often a value is looked for that another process loads, ms. */
const LOOK_AGAIN = 50;

const RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";

/** What a load in the background comes to where another process has the lock. */
const ELSEWHERE = Symbol('loaded elsewhere');
/** As text, so that each caller has an object of its own, and the same as those that read it later; or a value that is not stored. */
type Loaded<T> = { readonly text: string } | { readonly unstored: T } | typeof ELSEWHERE;

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

/** A key beside the value: a process that has set it loads, and all others wait. */
class Lock {
  private readonly name: Key;
  private readonly token = `${Math.random().toString(36).slice(2)}${Math.random().toString(36).slice(2)}`;
  private mayBeHeld = false;

  /** @param lasts how long it stays where its process has died, ms */
  constructor(
    private readonly source: ReplySource,
    key: Key,
    private readonly lasts: number,
  ) {
    this.name = typeof key === 'string' ? `${key}:lock` : Buffer.concat([key, Buffer.from(':lock')]);
  }

  /** Takes it, if it is free. */
  get taken$(): Observable<boolean> {
    const { source, name, token, lasts } = this;
    return defer(() => {
      // Until the reply has come: a caller that leaves before that may have taken it.
      this.mayBeHeld = true;
      return Reply.from(source, set(name, token, { NX: true, PX: lasts }));
    }).pipe(map((answer) => (this.mayBeHeld = answer !== null)));
  }

  /** Gives it back, unless it is another's by now. */
  release(): void {
    if (!this.mayBeHeld) return;
    const { source, name, token } = this;
    Reply.from(source, evalshaOrEval(RELEASE, [name], [token])).subscribe({ error: () => undefined }); // it ends by itself
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
    const value$ = defer(() => {
      const inCallersContext = captured();
      const load = (isEarly: boolean) =>
        this.shared(id, () => this.loaded(source, key, () => inCallersContext(loader), own, isEarly));
      // A caller that has joined a load in the background needs the value, also where another process has the lock.
      const needed = (): Observable<T> =>
        load(false).pipe(concatMap((loaded) => (loaded === ELSEWHERE ? needed() : of(valueOfLoad(loaded, own)))));
      return this.stored(source, key).pipe(
        concatMap((stored) => {
          const value = stored && this.read(source, stored, own);
          if (value === undefined) return needed();
          if (this.isSoonOver(stored!, own))
            load(true).subscribe({ error: (error: RedisError) => source.report?.(error) });
          return of(value.value);
        }),
      );
    });
    return new Cached<T>(value$.pipe(inContext()));
  }

  /** One load for all that want the same key. */
  private shared<T>(id: string, load: () => Observable<Loaded<T>>): Observable<Loaded<T>> {
    return defer(() => {
      const underWay = this.loads.get(id) as Observable<Loaded<T>> | undefined;
      if (underWay !== undefined) return underWay;
      const isOver = (): void => {
        if (this.loads.get(id) === load$) this.loads.delete(id);
      };
      const load$: Observable<Loaded<T>> = defer(load).pipe(
        tap({ next: (value) => value === ELSEWHERE && isOver(), finalize: isOver }),
        share({ connector: () => new ReplaySubject<Loaded<T>>(1) }),
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
  ): Observable<Loaded<T>> {
    const load$ = defer(() => {
      const begun = this.clock.now();
      return valueOf(loader).pipe(
        concatMap((value) => {
          if ((value === null || value === undefined) && !options.nulls) return of({ unstored: value });
          const text = written(value, options);
          return concat(this.store(source, key, text, this.clock.now() - begun, options), of({ text }));
        }),
      );
    });
    return options.lock === undefined ? load$ : this.locked(source, key, options, options.lock, load$, isEarly);
  }

  private store<T>(
    source: ReplySource,
    key: Key,
    text: string,
    took: number,
    options: ResolvedCached<T>,
  ): Observable<never> {
    const { ttl, jitter } = options;
    const lasts = Math.max(1, Math.round(ttl * (1 - jitter * Math.random())));
    const stored = `${this.now() + lasts} ${Math.ceil(took)} ${text}`;
    return Reply.from(source, set(key, stored, { PX: lasts })).pipe(
      catchError((error: RedisError) => {
        source.report?.(error); // the value is there all the same
        return EMPTY;
      }),
      concatMap(() => EMPTY),
    );
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
    given: ReplySource,
    key: Key,
    options: ResolvedCached<T>,
    lasts: number,
    load$: Observable<Loaded<T>>,
    isEarly: boolean,
  ): Observable<Loaded<T>> {
    const source: ReplySource = { ...given, cache: false };
    return defer(() => {
      const lock = new Lock(source, key, lasts);
      const look$: Observable<Loaded<T>> = lock.taken$.pipe(
        concatMap((isTaken) => this.stored(source, key).pipe(map((stored) => ({ isTaken, stored })))),
        concatMap(({ isTaken, stored }) => {
          if (isEarly) return isTaken ? load$ : of(ELSEWHERE);
          if (stored !== undefined && this.read(source, stored, options) !== undefined) return of(stored);
          return isTaken ? load$ : timer(LOOK_AGAIN, this.clock).pipe(concatMap(() => look$));
        }),
      );
      return look$.pipe(finalize(() => lock.release()));
    });
  }

  private now(): number {
    return dateOf(this.clock.now()).getTime();
  }
}

/** @throws SerializationError */
function written<T>(value: T, { serializer }: ResolvedCached<T>): string {
  try {
    const text: unknown = serializer.serialize(value);
    if (typeof text === 'string') return text;
    throw new TypeError('the serializer gave no text');
  } catch (cause) {
    throw new SerializationError('The value that was loaded cannot be written', { cause });
  }
}

/**
 * The value that a caller gets of a load.
 * @throws SerializationError
 */
function valueOfLoad<T>(loaded: Exclude<Loaded<T>, typeof ELSEWHERE>, { serializer }: ResolvedCached<T>): T {
  if ('unstored' in loaded) return loaded.unstored;
  try {
    return serializer.deserialize(loaded.text);
  } catch (cause) {
    throw new SerializationError('The value that was loaded cannot be read again', { cause });
  }
}

function valueOf<T>(loader: Loader<T>): Observable<T> {
  const given = loader();
  if (isObservable(given)) return given.pipe(last());
  const { then } = (given ?? {}) as Partial<PromiseLike<T>>;
  return typeof then === 'function' ? from(given as PromiseLike<T>) : of(given as T);
}
