import { EMPTY, Observable, catchError, concat, defer, finalize, map, mergeMap, of, throwError } from 'rxjs';
import type { Command } from '../commands/command';
import type { Clock } from '../connection/clock';
import { inContext } from '../connection/async-context';
import type { Ending } from '../demand/ending';
import { ProgressStream } from '../demand/progress-stream';
import { pull } from '../demand/pulling';
import { abortedBy } from '../demand/stream-options';
import { ConnectionError, DisconnectedError, RedisError, TimeoutError } from '../errors';
import { kindOf } from '../resp/kind-of';
import { batchesOf, type Batches, type Pulled } from './batches';
import { checkSource, loadSettings, type LoadFailure, type LoadOptions, type LoadProgress } from './load-options';
import { Outage } from './outage';

/** What a bulk write needs of its client. */
export interface LoadParts {
  readonly send: (commands: readonly Command[]) => Observable<readonly unknown[]>;
  /**
   * A command that a pipeline takes.
   * @param place what it is called in an error
   * @throws TypeError when it is none
   */
  readonly checked: (given: unknown, place: string) => Command;
  readonly ending: Ending;
  readonly clock: Clock;
}

/** What was lost so often with its connection, without an answer, is not sent again. */
const MOST_LOSSES = 3;

/**
 * A bulk write: see `load` of the client.
 * @throws TypeError that names what is wrong, before anything is read or sent
 */
export function load<T>(
  parts: LoadParts,
  source: Pulled<T>,
  toCommands: (item: T, index: number) => Command | readonly Command[],
  options: LoadOptions = {},
): ProgressStream<LoadProgress<T>> {
  checkSource(source);
  if (typeof toCommands !== 'function') {
    throw new TypeError(`load: a function that gives commands was expected, got ${kindOf(toCommands)}`);
  }
  const { concurrency, batch, failures, signal } = loadSettings(options);
  const progress$ = new Observable<LoadProgress<T>>((subscriber) => {
    const batches = batchesOf(source, batch, parts.clock);
    const loading = new Loading<T>(parts, batches, toCommands, failures);
    const work = { method: 'load', project: (items: readonly T[]) => loading.write(items), concurrency };
    const written$ = pull(() => batches, work, undefined) as Observable<LoadProgress<T>>;
    return concat(
      written$,
      defer(() => loading.end()),
    )
      .pipe(
        parts.ending.ends(),
        finalize(() => batches.leave()),
      )
      .subscribe(subscriber);
  });
  // It never completes without a value.
  return new ProgressStream(progress$.pipe(abortedBy(signal), inContext()), (_before, next) => next);
}

/** An item with those of its commands that are still to be answered. */
interface Entry<T> {
  readonly item: T;
  readonly commands: readonly Command[];
  /** the first command that is to be sent */
  from: number;
  /** how often the connection was lost before it was answered */
  losses: number;
}

/** What became of one command. */
type Fate =
  | { readonly kind: 'done' }
  /** it did not run, or running twice is the same as once */
  | { readonly kind: 'again'; readonly error: RedisError; readonly wasLost: boolean }
  | { readonly kind: 'failed'; readonly error: RedisError };

const DONE: Fate = { kind: 'done' };

/** One bulk write. */
//  items ──▶ commands ──▶ one pipeline ──▶ answered: done or failed
//                            ▲                │ refused for the moment, not sent, or lost and harmless
//                            └───── delay ────┘
class Loading<T> {
  /** Completes when input has been read. */
  private readonly turn$ = new Observable<never>((subscriber) => {
    this.parts.clock.afterInput(() => subscriber.complete());
  });
  private index = 0;
  private done = 0;
  private failed = 0;
  private failures: readonly LoadFailure<T>[] = [];
  private readonly newFailures: LoadFailure<T>[] = [];
  private readonly begun: number;
  /** Why nothing more can be sent. */
  private stopped: DisconnectedError | undefined;

  constructor(
    private readonly parts: LoadParts,
    private readonly batches: Batches<T>,
    private readonly toCommands: (item: T, index: number) => Command | readonly Command[],
    private readonly mostFailures: number,
  ) {
    this.begun = parts.clock.now();
  }

  /** Emits how far the whole is when these items are done or have failed. */
  write(items: readonly T[]): Observable<LoadProgress<T>> {
    const entries: Entry<T>[] = [];
    for (const item of items) {
      const commands = this.commandsOf(item);
      if (commands !== undefined) entries.push({ item, commands, from: 0, losses: 0 });
    }
    return concat(
      this.send(entries, new Outage(this.parts.clock)),
      defer(() => of(this.progress(false))),
    );
  }

  /** Emits what has become of the whole, and errors where the client could send no more. */
  end(): Observable<LoadProgress<T>> {
    const { stopped } = this;
    if (stopped === undefined) return of(this.progress(true));
    return concat(
      of(this.progress(false)),
      throwError(() => stopped),
    );
  }

  private progress(isComplete: boolean): LoadProgress<T> {
    const { done, failed } = this;
    const seconds = (this.parts.clock.now() - this.begun) / 1000;
    const perSecond = seconds > 0 ? (done + failed) / seconds : 0;
    if (this.newFailures.length > 0) this.failures = [...this.failures, ...this.newFailures.splice(0)];
    return { done, failed, perSecond, failures: this.failures, isComplete };
  }

  /** Undefined where there are none: the item has failed, or needs nothing. */
  private commandsOf(item: T): readonly Command[] | undefined {
    const place = `load: the command of item ${this.index}`;
    try {
      const given: unknown = this.toCommands(item, this.index++);
      const list: readonly unknown[] = Array.isArray(given) ? given : [given];
      const commands = list.map((command) => this.parts.checked(command, place));
      if (commands.length > 0) return commands;
      this.done++;
    } catch (error) {
      this.fail(item, error);
    }
    return undefined;
  }

  private fail(item: T, error: unknown): void {
    this.failed++;
    if (this.failures.length + this.newFailures.length < this.mostFailures) this.newFailures.push({ item, error });
  }

  /** Completes when all have been answered. */
  private send(entries: readonly Entry<T>[], outage: Outage): Observable<never> {
    // Nothing of the server's is waited for, and the event loop is to go on all the same.
    if (entries.length === 0) return this.turn$;
    const commands = entries.flatMap(({ commands: all, from }) => all.slice(from));
    return this.parts.send(commands).pipe(
      map((values) => values.map(fateOfValue)),
      catchError((error: unknown) => this.fatesOf(error, commands)),
      mergeMap((fates) => {
        const left = this.settle(entries, fates);
        if (left.length === 0) return EMPTY;
        return concat(
          outage.pause(),
          defer(() => this.send(left, outage)),
        );
      }),
    );
  }

  /** What became of the commands of a pipeline that failed; nothing where the client can send no more. */
  private fatesOf(error: unknown, commands: readonly Command[]): Observable<readonly Fate[]> {
    if (error instanceof DisconnectedError && !error.repeatable) {
      // What is on its way is waited for, and nothing more is read.
      this.stopped = error;
      this.batches.leave();
      return EMPTY;
    }
    const isLost =
      error instanceof ConnectionError || error instanceof TimeoutError || error instanceof DisconnectedError;
    if (!isLost) return throwError(() => error);
    return of(commands.map((command, index) => fateAfter(error, command, index)));
  }

  /** @returns what is to be sent once more */
  private settle(entries: readonly Entry<T>[], fates: readonly Fate[]): Entry<T>[] {
    const left: Entry<T>[] = [];
    let at = 0;
    for (const entry of entries) {
      const { commands, from } = entry;
      const own = fates.slice(at, (at += commands.length - from));
      const first = own.findIndex(({ kind }) => kind !== 'done');
      if (first < 0) this.done++;
      else if (this.goesOn(entry, own, first)) left.push(entry);
    }
    return left;
  }

  /** Whether an item is sent again, from a command on; otherwise it has failed. What has run behind that command runs twice. */
  private goesOn(entry: Entry<T>, own: readonly Fate[], first: number): boolean {
    const fate = own[first]!;
    const { commands, from, item } = entry;
    const isHarmless = own.every(
      ({ kind }, index) => index <= first || kind !== 'done' || isHarmlessTwice(commands[from + index]!),
    );
    const failed = own.find(({ kind }) => kind === 'failed') ?? (isHarmless ? undefined : fate);
    if (fate.kind === 'again' && failed === undefined) {
      if (fate.wasLost) entry.losses++;
      if (entry.losses < MOST_LOSSES) {
        entry.from += first;
        return true;
      }
    }
    const error = failed ?? fate;
    this.fail(item, error.kind === 'done' ? undefined : error.error);
    return false;
  }
}

function fateOfValue(value: unknown): Fate {
  if (!(value instanceof RedisError)) return DONE;
  return value.repeatable ? { kind: 'again', error: value, wasLost: false } : { kind: 'failed', error: value };
}

/** What became of one command of a pipeline that was lost. */
function fateAfter(error: RedisError, command: Command, index: number): Fate {
  const { results = [], deliveries = [] } = error.group ?? {};
  if (index < results.length) return fateOfValue(results[index]);
  const isUnsent = (deliveries[index] ?? error.delivery) === 'unsent';
  if (isUnsent || isHarmlessTwice(command)) return { kind: 'again', error, wasLost: !isUnsent };
  return { kind: 'failed', error };
}

function isHarmlessTwice({ replay }: Command): boolean {
  return replay === 'read' || replay === 'same';
}
