import { EMPTY, Observable, Subject, defer, forkJoin, map, tap, type ObservableInput, type Subscriber } from 'rxjs';
import { LastValue, type Awaitable } from '../commands/awaitable';
import { data, type Key } from '../commands/arguments';
import type { Arg, Command } from '../commands/command';
import { llen, lpush, lrange, zcard } from '../commands/generated/builders';
import { applyPrefix } from '../commands/prefix';
import { Reply, type ReplySource } from '../commands/reply';
import type { Executor } from '../commands/request-context';
import { inContext } from '../connection/async-context';
import { backoff } from '../connection/backoff';
import type { Clock } from '../connection/clock';
import { Completion } from '../connection/completion';
import { answerOf } from '../connection/retry';
import { BufferedIterator } from '../demand/buffered-iterator';
import type { Ending } from '../demand/ending';
import { abortedBy, checkedSignal, type SignalOption } from '../demand/stream-options';
import { LONGEST_TIMER, inRange, is, isPlainObject, wholeNumber } from '../option-checks';
import type { BackoffOptions } from '../options';
import { isBytes } from '../resp/is-bytes';
import { kindOf } from '../resp/kind-of';
import type { Job, QueueEvent } from './queue-job';
import { QueueKeys, entryOf, newId, written } from './queue-keys';
import { pushLater, redrive } from './queue-scripts';
import { QueueWorker, type AfterWait, type QueueTransport, type WorkerLimits, type WorkerTask } from './queue-worker';

/** How the jobs of a queue are treated; all processes that work on a queue should say the same. Durations are milliseconds. */
export interface QueueOptions {
  /** how long a worker may be silent before its jobs are taken back; 30 000 unless told otherwise, at least 1 000. It is renewed every second, or three times in it */
  readonly lease?: number | undefined;
  /** how often a job is tried at most, also by workers that died; 3 unless told otherwise, Infinity for any number */
  readonly attempts?: number | undefined;
  /**
   * the delay before the next attempt: a number, or how it grows (1 000 at first, twice as much each time, 60 000 at most, less up to a
   * quarter that chance decides), or a function that decides; false ends the attempts
   */
  readonly backoff?: number | Omit<BackoffOptions, 'maxAttempts'> | QueueBackoff | undefined;
  /** jobs whose attempts have all failed are kept; true unless told otherwise */
  readonly deadLetter?: boolean | undefined;
  /** how long what runs may go on once a worker takes no more; 10 000 unless told otherwise */
  readonly drainTimeout?: number | undefined;
}

/** Decides how long the next attempt waits, ms, or false for none. `attempt` counts those that have failed. */
export type QueueBackoff = (attempt: number, error: unknown) => number | false;

/** How much is taken from a queue at once. */
export interface WorkerOptions extends SignalOption {
  /** how many jobs a worker has at the same time; 1 unless told otherwise */
  readonly concurrency?: number | undefined;
}

/** When a job is due. */
export interface PushOptions {
  /** ms from now, on the clock of the server */
  readonly delay?: number | undefined;
}

/** How many there are. */
export interface QueueCounts {
  /** jobs that a worker may take */
  readonly waiting: number;
  /** jobs that are due later, those that are tried again among them */
  readonly delayed: number;
  /** jobs whose attempts have all failed */
  readonly dead: number;
  /** workers; the jobs that they have are counted nowhere */
  readonly workers: number;
}

/** A job whose attempts have all failed. */
export interface DeadJob<S extends string | Buffer = string> {
  readonly id: string;
  readonly payload: S;
  /** how often it was tried */
  readonly attempts: number;
}

/** What a queue needs of its client. */
export interface QueueParts {
  readonly source: ReplySource;
  /** carries a command that waits at the server, and tells when that is over */
  readonly waiting: (command: Command, after: AfterWait) => Executor;
  readonly ending: Ending;
  readonly clock: Clock;
}

const OPTIONS = ['lease', 'attempts', 'backoff', 'deadLetter', 'drainTimeout'];
const BACKOFF = { initialDelay: 1_000, factor: 2, maxDelay: 60_000, jitter: 0.25 };
const MOST_WORK = 100_000;

/**
 * Jobs in a list, each of which is done at least once: what a worker takes lies in a list of its own until it is acknowledged, and goes back
 * when the worker dies. Made by `redis.queue`.
 *
 * @typeParam S what payloads come as: `string`, or `Buffer` on `redis.bytes`
 */
export class Queue<S extends string | Buffer = string> {
  readonly #parts: QueueParts;
  readonly #keys: QueueKeys;
  readonly #limits: Omit<WorkerLimits, 'concurrency'>;
  readonly #workers = new Set<QueueWorker<S>>();

  /** @internal */
  constructor(parts: QueueParts, name: Key, options: QueueOptions = {}) {
    this.#parts = parts;
    this.#keys = new QueueKeys(checkedName(name));
    this.#limits = limitsOf(options);
  }

  /**
   * Puts jobs in, in their order, behind those that wait. It is cold, and can be awaited. As every RPUSH it is not sent a second time when its
   * connection is lost: the error then has the `delivery` `'unknown'`, and pushing once more may put the job in twice.
   * @param payloads one or several; texts, numbers, bytes
   * @param options `delay`: ms until they are due, for a worker has to be there then
   * @returns their ids; each subscription puts in others
   * @throws TypeError when a payload or an option is wrong
   * @example
   * await queue.push(JSON.stringify({ to: 'ann' }));
   * await queue.push(['a', 'b'], { delay: 60_000 });
   */
  push(payloads: Arg | readonly Arg[], options: PushOptions = {}): Awaitable<readonly string[]> {
    const all = (Array.isArray(payloads) ? payloads : [payloads]) as readonly Arg[];
    const { spec } = lpush(this.#keys.waiting, '');
    if (all.length === 0) throw new TypeError('push: at least one payload was expected, got an empty array');
    for (const payload of all) checkedPayload(() => data(payload, spec, 'payload'), payload);
    const { delay = 0 } = checkedOptions('push', options, ['delay']);
    inRange('delay', delay, 0, Number.MAX_SAFE_INTEGER);
    const pushed$ = defer(() => {
      const ids = all.map(newId);
      const jobs = all.map((payload, at) => written(ids[at]!, 0, payload));
      const command = delay > 0 ? pushLater(this.#keys, Math.ceil(delay), jobs) : lpush(this.#keys.waiting, jobs);
      return Reply.from(this.#parts.source, command as Command<number>).pipe(map(() => ids as readonly string[]));
    });
    return new LastValue(pushed$.pipe(inContext())) as Awaitable<readonly string[]>;
  }

  /**
   * Jobs as they are taken: no more than `concurrency` at a time, until each is settled by its `ack` or `fail`. Each subscription, and each
   * loop, is a worker of its own. A loop takes a job when it asks for one, and no sooner.
   *
   * When it is left, jobs that were not emitted go back at once; the others may be settled for `drainTimeout` ms, and then go back.
   * @returns jobs. It completes on `close()` of the queue or the client, and errors with a RedisError when that is destroyed or the server
   * refuses the commands, and with the `reason` of an aborted `signal`
   * @throws TypeError that names the option, when one is wrong
   * @example
   * for await (const job of queue.jobs()) {
   *   await handle(job.payload);
   *   await job.ack();
   * }
   */
  jobs(options: WorkerOptions = {}): JobStream<S> {
    const { concurrency, signal } = checkedWork('jobs', options);
    return new JobStream<S>(
      (wanted, asked$) => this.#taken(concurrency, signal, undefined, wanted, asked$) as Observable<Job<S>>,
    );
  }

  /**
   * Does jobs: calls the handler with each, `concurrency` of them at the same time. What the handler gives is waited for where it is an
   * Observable or a Promise; then the job is acknowledged. One that fails is tried again after `backoff`, and is dead after `attempts`.
   *
   * When it is left, what runs may finish for `drainTimeout` ms; all else goes back at once. What has not finished by then is left and goes
   * back. `close()` of the queue does the same and can be awaited; do that before the client is closed.
   * @returns what has become of each job. It ends as that of `jobs` does; errors of the handler do not end it
   * @throws TypeError that names the argument or option, when one is wrong
   * @example
   * queue.work((job) => send(JSON.parse(job.payload)), { concurrency: 16 }).subscribe();
   */
  work<R>(
    handler: (job: Job<S>) => ObservableInput<R> | R,
    options: WorkerOptions = {},
  ): Observable<QueueEvent<S, Result<R>>> {
    if (typeof handler !== 'function') throw new TypeError(`work: a function was expected, got ${kindOf(handler)}`);
    const { concurrency, signal } = checkedWork('work', options);
    return this.#taken(concurrency, signal, handler, () => Infinity, EMPTY) as Observable<QueueEvent<S, Result<R>>>;
  }

  /**
   * Ends the workers of this object: they take nothing more, and their streams complete when what runs has finished, after `drainTimeout` ms
   * at the most. Emits `undefined` once and completes then. It is hot, and can be awaited.
   * @example
   * process.on('SIGTERM', () => queue.close().then(() => redis.close()));
   */
  close(): Completion {
    const ended = [...this.#workers].map((worker) => {
      worker.stop();
      return worker.drained$;
    });
    return new Completion(ended.length === 0 ? EMPTY : forkJoin(ended));
  }

  /** How many jobs and workers there are. It is cold, and can be awaited. */
  counts(): Awaitable<QueueCounts> {
    const { waiting, delayed, dead, workers } = this.#keys;
    const ask = (command: Command<number>): Observable<number> => this.#reply(command);
    const counts$ = forkJoin({
      waiting: ask(llen(waiting)),
      delayed: ask(zcard(delayed)),
      dead: ask(llen(dead)),
      workers: ask(zcard(workers)),
    });
    return new LastValue(counts$) as Awaitable<QueueCounts>;
  }

  /**
   * The jobs whose attempts have all failed, the oldest first. It is cold, and can be awaited.
   * @param count how many at the most; 100 unless told otherwise
   */
  dead(count = 100): Awaitable<readonly DeadJob<S>[]> {
    wholeNumber('count', count, 1);
    const jobs$ = this.#reply(lrange(this.#keys.dead, -count, -1) as Command<unknown>).pipe(
      map((jobs) =>
        (jobs as Buffer[]).reverse().map((job) => {
          const { id, tries, payload } = entryOf(job);
          return { id, payload: this.#payload(payload), attempts: tries };
        }),
      ),
    );
    return new LastValue(jobs$) as Awaitable<readonly DeadJob<S>[]>;
  }

  /** Has all dead jobs wait again, as if they had never been tried. It is cold, can be awaited, and gives how many there were. */
  redrive(): Reply<number> {
    return this.#reply(redrive(this.#keys));
  }

  /** @internal */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return 'Queue';
  }

  readonly #payload = (bytes: Buffer): S => (this.#parts.source.bytes ? bytes : bytes.toString()) as S;

  #reply<T>(command: Command<T>): Reply<T> {
    return Reply.from({ ...this.#parts.source, bytes: true }, command);
  }

  #taken(
    concurrency: number,
    signal: AbortSignal | undefined,
    handler: ((job: Job<S>) => unknown) | undefined,
    wanted: () => number,
    asked$: Observable<unknown>,
  ): Observable<Job<S> | QueueEvent<S>> {
    const { ending } = this.#parts;
    const limits = { ...this.#limits, concurrency };
    const taken$ = new Observable((observer: Subscriber<Job<S> | QueueEvent<S>>) => {
      const task: WorkerTask<S> = { payloadOf: this.#payload, handler, wanted, observer };
      const worker = new QueueWorker(this.#keys, limits, this.#transport(), task);
      this.#workers.add(worker);
      worker.drained$.subscribe(() => this.#workers.delete(worker));
      observer.add(asked$.subscribe(() => worker.goOn()));
      observer.add(() => worker.stop());
      worker.begin();
    });
    return taken$.pipe(ending.ends(), abortedBy(signal), inContext());
  }

  #transport(): QueueTransport {
    const { source, waiting, ending, clock } = this.#parts;
    const own = { ...source, bytes: true, limitsBlocking: false, onUndelivered: undefined };
    return {
      clock,
      closing$: ending.lastCall$,
      send: (command) => Reply.from({ ...own, idempotent: true }, command),
      wait: (command, after) => Reply.from({ ...own, idempotent: false, executor: waiting(command, after) }, command),
      prefixed: (command) => applyPrefix(command, source.prefix),
    };
  }
}

/** What a Promise or an Observable gives; anything else is itself. */
type Result<R> = R extends PromiseLike<infer T> ? T : R;

/** Jobs as they are taken: a cold Observable, and what `for await` takes. Each subscription, and each loop, is a worker of its own. */
export class JobStream<S extends string | Buffer = string> extends Observable<Job<S>> implements AsyncIterable<Job<S>> {
  readonly #taken: (wanted: () => number, asked$: Observable<unknown>) => Observable<Job<S>>;

  /** @internal */
  constructor(taken: (wanted: () => number, asked$: Observable<unknown>) => Observable<Job<S>>) {
    super((subscriber) => taken(() => Infinity, EMPTY).subscribe(subscriber));
    this.#taken = taken;
  }

  /** Takes a job when one is asked for. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Job<S>> {
    const asked$ = new Subject<void>();
    let asked = 0;
    const jobs$ = this.#taken(() => asked, asked$).pipe(tap(() => asked--));
    const jobs = new BufferedIterator(jobs$, Infinity);
    const iterator: AsyncIterableIterator<Job<S>> = {
      [Symbol.asyncIterator]: () => iterator,
      next: () => {
        asked++;
        const next = jobs.next();
        asked$.next();
        return next;
      },
      return: () => jobs.return(),
      throw: (error: Error) => jobs.throw(error),
    };
    return iterator;
  }
}

/** @throws TypeError unless it is a text or bytes, and names something */
function checkedName(name: unknown): Key {
  if (typeof name !== 'string' && !isBytes(name))
    throw new TypeError(`queue: a name is a string or bytes, got ${kindOf(name)}`);
  if (name.length === 0) throw new TypeError('queue: the name is not to be empty');
  // It would be no hash tag of a cluster.
  if (name[0] === '}' || name[0] === 0x7d) throw new TypeError("queue: the name is not to begin with '}'");
  return name;
}

function checkedPayload(check: () => unknown, payload: unknown): void {
  try {
    check();
  } catch {
    throw new TypeError(`push: a payload is a string, a number, a bigint or bytes, got ${kindOf(payload)}`);
  }
}

/** @throws TypeError that names the option and what was expected */
function limitsOf(options: QueueOptions): Omit<WorkerLimits, 'concurrency'> {
  const given = checkedOptions('queue', options, OPTIONS);
  const { lease = 30_000, attempts = 3, backoff: delays, deadLetter = true, drainTimeout = 10_000 } = given;
  inRange('lease', lease, 1_000, LONGEST_TIMER);
  wholeNumber('attempts', attempts, 1, Infinity);
  is('boolean', 'deadLetter', deadLetter);
  inRange('drainTimeout', drainTimeout, 0, LONGEST_TIMER);
  return { lease: Math.ceil(lease), attempts, deadLetter, drainTimeout, delayAfter: delaysOf(delays) };
}

function delaysOf(given: QueueOptions['backoff']): WorkerLimits['delayAfter'] {
  if (typeof given === 'function') return (attempt, error) => answerOf(() => given(attempt, error));
  if (typeof given === 'number') {
    inRange('backoff', given, 0, LONGEST_TIMER);
    return () => given;
  }
  if (given !== undefined && !isPlainObject(given)) {
    throw new TypeError(`The option 'backoff' is a number, an object or a function, got ${kindOf(given)}`);
  }
  const delays = { ...BACKOFF };
  for (const [name, value] of Object.entries(given ?? {})) {
    if (!Object.hasOwn(BACKOFF, name)) throw new TypeError(`There is no option 'backoff.${name}'`);
    if (value !== undefined) delays[name as keyof typeof BACKOFF] = value as number;
  }
  inRange('backoff.initialDelay', delays.initialDelay, 0, LONGEST_TIMER);
  inRange('backoff.factor', delays.factor, 1);
  inRange('backoff.maxDelay', delays.maxDelay, 0, LONGEST_TIMER);
  inRange('backoff.jitter', delays.jitter, 0, 1);
  return (attempt) => backoff({ ...delays, maxAttempts: Infinity }, attempt);
}

function checkedWork(method: string, options: WorkerOptions): { concurrency: number; signal: AbortSignal | undefined } {
  const { concurrency = 1, signal } = checkedOptions(method, options, ['concurrency', 'signal']);
  wholeNumber('concurrency', concurrency, 1, MOST_WORK);
  return { concurrency, signal: checkedSignal(signal) };
}

function checkedOptions<T extends object>(method: string, options: T, known: readonly string[]): T {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError(`${method}: options were expected, got ${kindOf(options)}`);
  }
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new TypeError(`${method}: there is no option '${unknown}'; known are ${known.join(', ')}`);
  }
  return options;
}
