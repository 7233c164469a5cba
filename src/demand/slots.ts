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

/** Values of one key. */
interface Line<T> {
  readonly key: unknown;
  readonly waiting: Ring<T>;
  isBusy: boolean;
  isGoingOn: boolean;
}

/** Works on so many values at the same time. A value that waits for another with the same key takes a slot as well. */
//  given ──▶ [waiting for a slot] ──▶ [waiting for its key] ──▶ worked on ──▶ done or failed
//                                          └──cut──▶ neither
export class Slots<T> {
  private taken = 0;
  /** Values that came when there was no slot: what was asked for twice, because the first answer was late. */
  private readonly surplus = new Ring<T>();
  private isTakingSurplus = false;
  /** What is followed and can be left. */
  private readonly followed = new Subscription();
  private readonly lines = new Map<unknown, Line<T>>();
  private isCut = false;

  constructor(private readonly parts: SlotsParts<T>) {}

  /** How many more values may be given. A value that is given all the same waits for a slot. */
  get free(): number {
    return this.parts.size - this.taken;
  }

  get isIdle(): boolean {
    return this.taken === 0;
  }

  // Hot: once per value.
  give(value: T): void {
    if (this.taken < this.parts.size) this.take(value);
    else this.surplus.push(value);
  }

  private take(value: T): void {
    const { keyOf } = this.parts;
    this.taken++;
    if (keyOf === undefined) this.work(value, undefined);
    else this.lineUp(value, keyOf);
  }

  /** Works on nothing any more, and tells nothing of what it worked on. */
  cut(): void {
    this.isCut = true;
    this.taken = 0;
    this.lines.clear();
    this.followed.unsubscribe();
  }

  private lineUp(value: T, keyOf: (value: T) => unknown): void {
    let key: unknown;
    try {
      key = keyOf(value);
    } catch (error) {
      this.fail(value, undefined, error);
      return;
    }
    let line = this.lines.get(key);
    if (line === undefined) {
      this.lines.set(key, (line = { key, waiting: new Ring(), isBusy: false, isGoingOn: false }));
    }
    line.waiting.push(value);
    this.goOn(line);
  }

  /** A loop, because work may be done before it returns. */
  private goOn(line: Line<T>): void {
    if (line.isGoingOn) return;
    line.isGoingOn = true;
    while (!line.isBusy && line.waiting.length > 0 && !this.isCut) {
      line.isBusy = true;
      this.work(line.waiting.shift()!, line);
    }
    line.isGoingOn = false;
    if (!line.isBusy && line.waiting.length === 0) this.lines.delete(line.key);
  }

  // Hot: once per value. A Promise costs two closures, and what is done at once none.
  private work(value: T, line: Line<T> | undefined): void {
    let given: unknown;
    try {
      given = this.parts.work(value);
      if (isPromise(given)) {
        given.then(
          () => this.succeed(value, line),
          (error: unknown) => this.fail(value, line, error),
        );
        return;
      }
      if (isFollowed(given)) {
        this.follow(given, value, line);
        return;
      }
    } catch (error) {
      this.fail(value, line, error);
      return;
    }
    this.succeed(value, line);
  }

  private follow(given: ObservableInput<unknown>, value: T, line: Line<T> | undefined): void {
    const values: Observable<unknown> = from(given);
    this.followed.add(
      values.subscribe({
        complete: () => this.succeed(value, line),
        error: (error: unknown) => this.fail(value, line, error),
      }),
    );
  }

  private succeed(value: T, line: Line<T> | undefined): void {
    if (this.isCut) return;
    this.parts.done(value);
    this.leave(line);
  }

  private fail(value: T, line: Line<T> | undefined, error: unknown): void {
    if (this.isCut) return;
    this.parts.failed(value, error);
    this.leave(line);
  }

  private leave(line: Line<T> | undefined): void {
    this.taken--;
    if (line !== undefined) {
      line.isBusy = false;
      this.goOn(line);
    }
    if (this.surplus.length > 0) this.takeSurplus();
  }

  /** A loop, because work may be done before it returns. */
  private takeSurplus(): void {
    if (this.isTakingSurplus) return;
    this.isTakingSurplus = true;
    while (this.taken < this.parts.size && this.surplus.length > 0 && !this.isCut) this.take(this.surplus.shift()!);
    this.isTakingSurplus = false;
  }
}

/** A Promise that is an Observable as well is followed as that, because it can be left. */
function isPromise(given: unknown): given is PromiseLike<unknown> {
  const { then, subscribe } = (given ?? {}) as { readonly then?: unknown; readonly subscribe?: unknown };
  return typeof then === 'function' && typeof subscribe !== 'function';
}

/** Something that does its work as it is followed. */
export function isFollowed(given: unknown): given is ObservableInput<unknown> {
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
