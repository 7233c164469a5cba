import { EMPTY, Observable, defer, forkJoin, map, type Subscriber } from 'rxjs';
import { LastValue, type Awaitable } from '../commands/awaitable';
import { data, type Key } from '../commands/arguments';
import type { Arg, Command } from '../commands/command';
import { llen, lpush, lrange, zcard } from '../commands/generated/builders';
import { applyPrefix } from '../commands/prefix';
import { Reply, type ReplySource } from '../commands/reply';
import type { Executor } from '../commands/request-context';
import { inContext } from '../connection/async-context';
import type { Clock } from '../connection/clock';
import { Completion } from '../connection/completion';
import type { Ending } from '../demand/ending';
import { PullStream } from '../demand/pull-stream';
import { abortedBy } from '../demand/stream-options';
import { inRange, onlyKnown, wholeNumber } from '../option-checks';
import { kindOf } from '../resp/kind-of';
import { JobStream } from './job-stream';
import type { Job, QueueEvent } from './queue-job';
import { QueueKeys, entryOf, newId, written } from './queue-keys';
import {
  checkedName,
  checkedPayload,
  checkedWork,
  limitsOf,
  type PushOptions,
  type QueueOptions,
  type WorkerOptions,
} from './queue-options';
import { pushLater, redrive } from './queue-scripts';
import type { AfterWait, QueueTransport, WorkerLimits } from './queue-transport';
import { QueueWorker, type WorkerTask } from './queue-worker';

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
   * Puts jobs in, in their order, behind those that wait. It is cold, and can be awaited. As LPUSH it is not sent a second time when its
   * connection is lost: the error then has the `delivery` `'unknown'`, and pushing once more may put the jobs in twice.
   * @param payloads one or several: texts, numbers, bytes
   * @param options `delay`: ms until the jobs are due; a worker makes them wait then
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
    const { delay = 0 } = onlyKnown('push', options, ['delay']);
    inRange('delay', delay, 0, Number.MAX_SAFE_INTEGER);
    const pushed$ = defer(() => {
      const ids = all.map(newId);
      const jobs = all.map((payload, at) => written(ids[at]!, 0, payload));
      const command = delay > 0 ? pushLater(this.#keys, Math.ceil(delay), jobs) : lpush(this.#keys.waiting, jobs);
      return Reply.from(this.#parts.source, command).pipe(map(() => ids as readonly string[]));
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
   * @returns what has become of each job. A loop takes no more jobs while one of these waits for it. It ends as that of `jobs` does; errors of the handler do not end it
   * @throws TypeError that names the argument or option, when one is wrong
   * @example
   * queue.work((job) => send(JSON.parse(job.payload)), { concurrency: 16 }).subscribe();
   */
  work<R>(handler: (job: Job<S>) => R, options: WorkerOptions = {}): PullStream<QueueEvent<S, JobResult<R>>> {
    if (typeof handler !== 'function') throw new TypeError(`work: a function was expected, got ${kindOf(handler)}`);
    const { concurrency, signal } = checkedWork('work', options);
    return new PullStream((demand) => {
      const wanted = () => (demand === undefined || demand.isWanted() ? Infinity : 0);
      return this.#taken(concurrency, signal, handler, wanted, demand?.wanted$ ?? EMPTY) as Observable<
        QueueEvent<S, JobResult<R>>
      >;
    });
  }

  /**
   * Ends the workers of this object: they take nothing more, and their streams complete when what runs has finished, after `drainTimeout` ms
   * at the most, and a second more where the server does not answer. Emits `undefined` once and completes then. It is hot, and can be awaited.
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
      holds: (one) => ending.holds(one),
      send: (command) => Reply.from({ ...own, idempotent: true }, command),
      wait: (command, after) => Reply.from({ ...own, idempotent: false, executor: waiting(command, after) }, command),
      prefixed: (command) => applyPrefix(command, source.prefix),
    };
  }
}

/** What a handler gives in the end: the values of an Observable, that of a Promise; anything else is itself. */
export type JobResult<R> = R extends Observable<infer T> ? T : R extends PromiseLike<infer T> ? T : R;
