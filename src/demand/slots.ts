import { from, Subscription, type Observable, type ObservableInput } from 'rxjs';
import { Ring } from '../connection/ring';

/** What becomes of values that are worked on. */
export interface SlotsParts<T> {
  /** how many values there may be at the same time */
  readonly size: number;
  /** what is done with a value: an Observable, a Promise or an iterator is followed to its end; with anything else it is done */
  readonly work: (value: T) => unknown;
  /** values with the same key are worked on one after another; undefined where their order does not matter */
  readonly keyOf: ((value: T) => unknown) | undefined;
  readonly done: (value: T) => void;
  readonly failed: (value: T, error: unknown) => void;
}

/** A value that is worked on. */
interface Running {
  isOver: boolean;
  subscription: Subscription | undefined;
}

/** Values of one key. */
interface Line<T> {
  readonly waiting: Ring<T>;
  isBusy: boolean;
  isGoingOn: boolean;
}

/** Works on so many values at the same time. A value that waits for another with the same key takes a slot as well. */
//  given ──▶ [waiting for its key] ──▶ worked on ──▶ done or failed
//                                          └──cut──▶ neither
export class Slots<T> {
  private taken = 0;
  private readonly running = new Set<Running>();
  private readonly lines = new Map<unknown, Line<T>>();
  private isCut = false;

  constructor(private readonly parts: SlotsParts<T>) {}

  /** How many more values may be given. */
  get free(): number {
    return Math.max(0, this.parts.size - this.taken);
  }

  get isIdle(): boolean {
    return this.taken === 0;
  }

  give(value: T): void {
    const { keyOf } = this.parts;
    this.taken++;
    if (keyOf === undefined) {
      this.work(value, () => this.taken--);
      return;
    }
    let key: unknown;
    try {
      key = keyOf(value);
    } catch (error) {
      this.taken--;
      this.parts.failed(value, error);
      return;
    }
    let line = this.lines.get(key);
    if (line === undefined) {
      this.lines.set(key, (line = { waiting: new Ring(), isBusy: false, isGoingOn: false }));
    }
    line.waiting.push(value);
    this.goOn(key, line);
  }

  /** Works on nothing any more, and tells nothing of what it worked on. */
  cut(): void {
    this.isCut = true;
    this.taken = 0;
    this.lines.clear();
    for (const running of [...this.running]) {
      running.isOver = true;
      running.subscription?.unsubscribe();
    }
    this.running.clear();
  }

  /** A loop, because work may be done before it returns. */
  private goOn(key: unknown, line: Line<T>): void {
    if (line.isGoingOn) return;
    line.isGoingOn = true;
    while (!line.isBusy && line.waiting.length > 0 && !this.isCut) {
      line.isBusy = true;
      this.work(line.waiting.shift()!, () => {
        this.taken--;
        line.isBusy = false;
        if (line.waiting.length === 0) this.lines.delete(key);
        else this.goOn(key, line);
      });
    }
    line.isGoingOn = false;
  }

  private work(value: T, over: () => void): void {
    const { work, done, failed } = this.parts;
    const running: Running = { isOver: false, subscription: undefined };
    const end = (tell: () => void): void => {
      if (running.isOver) return;
      running.isOver = true;
      this.running.delete(running);
      tell();
      over();
    };
    const succeed = (): void => end(() => done(value));
    const fail = (error: unknown): void => end(() => failed(value, error));
    let given: unknown;
    try {
      given = work(value);
      if (isPromise(given)) {
        this.running.add(running);
        given.then(succeed, fail);
      } else if (isFollowed(given)) {
        this.running.add(running);
        running.subscription = new Subscription();
        running.subscription.add(this.follow(given, succeed, fail));
      } else {
        succeed();
      }
    } catch (error) {
      fail(error);
    }
  }

  private follow(given: ObservableInput<unknown>, complete: () => void, error: (error: unknown) => void): Subscription {
    const values: Observable<unknown> = from(given);
    return values.subscribe({ complete, error });
  }
}

/** A Promise that is an Observable as well is followed as that, because it can be left. */
function isPromise(given: unknown): given is PromiseLike<unknown> {
  const { then, subscribe } = (given ?? {}) as { readonly then?: unknown; readonly subscribe?: unknown };
  return typeof then === 'function' && typeof subscribe !== 'function';
}

/** Something that does its work as it is followed. */
function isFollowed(given: unknown): given is ObservableInput<unknown> {
  if (typeof given !== 'object' || given === null) return false;
  const {
    subscribe,
    next,
    [Symbol.asyncIterator]: iterator,
  } = given as {
    readonly subscribe?: unknown;
    readonly next?: unknown;
    readonly [Symbol.asyncIterator]?: unknown;
  };
  return typeof subscribe === 'function' || typeof iterator === 'function' || typeof next === 'function';
}
