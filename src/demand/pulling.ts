import { Observable, from, type ObservableInput, type Subscriber } from 'rxjs';
import { captured } from '../connection/async-context';
import { kindOf } from '../resp/kind-of';

/** Gives values one after another, each when it is asked for. It is made anew for every subscription. */
export interface ValueSource<T> {
  /** No more values come. */
  readonly isDone: boolean;
  /** why, where that is an error that is not to end the work that is being done */
  readonly lateError?: { readonly error: unknown } | undefined;
  /** Emits the next value and completes; without one, it is asked again. It is not asked before it has completed. */
  next(): Observable<T>;
}

/** What is done with each value before the next is asked for. */
export interface Work<T, R> {
  /** the method that it was given to, for errors */
  readonly method: string;
  readonly project: (value: T, index: number) => ObservableInput<R>;
  /** how many values are worked on at the same time */
  readonly concurrency: number;
}

/** Whether whatever comes of a value is wanted. */
export interface Demand {
  isWanted(): boolean;
  /** emits when it may be wanted again */
  readonly wanted$: Observable<unknown>;
}

/**
 * The values of a source, or what work makes of them. A value is asked for when the Observers have taken the last, when there is room for
 * one more to be worked on, and when it is wanted.
 */
export function pull<T, R>(
  open: () => ValueSource<T>,
  work: Work<T, R> | undefined,
  demand: Demand | undefined,
): Observable<T | R> {
  return new Observable((subscriber) => {
    const pulling = new Pulling(open(), work, demand, subscriber);
    if (demand !== undefined) subscriber.add(demand.wanted$.subscribe(() => pulling.goOn()));
    pulling.goOn();
  });
}

/** One subscription to what is pulled. */
//  asking ──value──▶ working, if there is work ──▶ emitted
//    ▲                 │ room for more, and wanted      │ wanted
//    └─────────────────┴────────────────────────────────┘
class Pulling<T, R> {
  private isAsking = false;
  /** How many values are worked on. */
  private working = 0;
  private index = 0;
  private isGoingOn = false;
  private readonly inCallersContext = captured();

  constructor(
    private readonly source: ValueSource<T>,
    private readonly work: Work<T, R> | undefined,
    private readonly demand: Demand | undefined,
    private readonly subscriber: Subscriber<T | R>,
  ) {}

  /** Asks for values as they are wanted. A loop, because a value may come before `ask` returns, and its Observer may call this again. */
  goOn(): void {
    if (this.isGoingOn) return;
    this.isGoingOn = true;
    while (this.hasRoom) this.ask();
    this.isGoingOn = false;
    if (!this.source.isDone || this.isAsking || this.working > 0) return;
    const { lateError } = this.source;
    if (lateError === undefined) this.subscriber.complete();
    else this.subscriber.error(lateError.error);
  }

  private get hasRoom(): boolean {
    const { work, working, source, demand } = this;
    if (this.isAsking || source.isDone || this.subscriber.closed) return false;
    return (work === undefined || working < work.concurrency) && (demand?.isWanted() ?? true);
  }

  private ask(): void {
    this.isAsking = true;
    this.follow(
      this.source.next(),
      (value) => this.take(value),
      () => (this.isAsking = false),
    );
  }

  private take(value: T): void {
    const { work } = this;
    if (work === undefined) {
      this.subscriber.next(value);
      return;
    }
    this.working++;
    this.follow(
      this.worked(work, value),
      (result) => this.subscriber.next(result),
      () => this.working--,
    );
  }

  private worked({ method, project }: Work<T, R>, value: T): Observable<R> {
    return new Observable((subscriber) => {
      const given = this.inCallersContext(() => project(value, this.index++));
      return resultsOf(method, "'project'", given).subscribe(subscriber);
    });
  }

  private follow<V>(values: Observable<V>, next: (value: V) => void, done: () => void): void {
    const subscription = values.subscribe({
      next,
      error: (error: unknown) => this.subscriber.error(error),
      complete: () => {
        done();
        this.goOn();
      },
    });
    this.subscriber.add(subscription);
  }
}

/** @throws TypeError for what is no stream, and for a text: RxJS would take that for a list of letters */
export function resultsOf<R>(method: string, what: string, given: ObservableInput<R>): Observable<R> {
  try {
    if (typeof given !== 'string') return from(given);
  } catch {
    // It is no stream.
  }
  throw new TypeError(`${method}: ${what} gave ${kindOf(given)}, and an Observable or a Promise was expected`);
}
