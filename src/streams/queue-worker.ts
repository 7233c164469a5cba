import { AsyncSubject, Subscription, defer, from, isObservable, of, retry, tap, throwError, timer } from 'rxjs';
import type { Observable, ObservableInput, Subscriber } from 'rxjs';
import { randomUUID } from 'node:crypto';
import { blmove, brpoplpush, lrem } from '../commands/generated/builders';
import type { Command } from '../commands/command';
import { captured } from '../connection/async-context';
import type { Clock } from '../connection/clock';
import { Completion } from '../connection/completion';
import { RedisError, ReplyError } from '../errors';
import { Job, type QueueEvent } from './queue-job';
import { entryOf, written, type Entry, type QueueKeys } from './queue-keys';
import { fail, leave, takeBack, tend, type Tended } from './queue-scripts';

/** What sends for a worker. */
export interface QueueTransport {
  readonly clock: Clock;
  /** emits when the client is about to be closed: what is sent then is still answered */
  readonly closing$: Observable<unknown>;
  /** sends what may be sent twice */
  send<T>(command: Command<T>): Observable<T>;
  /** sends what waits at the server, on a connection of its own */
  wait<T>(command: Command<T>, after: AfterWait): Observable<T>;
  /** the same command with the prefix of the client */
  prefixed<T>(command: Command<T>): Command<T>;
}

/**
 * Told when what waited at the server is over.
 * @param control sends also while the client is being closed
 * @param isCertain false where its connection ended while it was owed: the server may still run it
 * @returns what the end of the client is to wait for
 */
export type AfterWait = (
  control: { send<T>(command: Command<T>): Observable<T> },
  isCertain: boolean,
) => Observable<unknown> | undefined;

/** What is wanted of a worker; times in ms. */
export interface WorkerLimits {
  readonly concurrency: number;
  readonly lease: number;
  readonly drainTimeout: number;
  readonly attempts: number;
  readonly deadLetter: boolean;
  /** the delay before the next attempt; false for none */
  readonly delayAfter: (attempt: number, error: unknown) => number | false;
}

/** What a worker does with its jobs. */
export interface WorkerTask<S extends string | Buffer> {
  readonly payloadOf: (bytes: Buffer) => S;
  /** undefined where the jobs themselves are emitted */
  readonly handler: ((job: Job<S>) => unknown) | undefined;
  /** how many more jobs are wanted */
  readonly wanted: () => number;
  readonly observer: Subscriber<Job<S> | QueueEvent<S>>;
}

/** A job that this worker has. */
interface Held<S extends string | Buffer> {
  readonly entry: Entry;
  readonly job: Job<S>;
  readonly work: Subscription;
  /** its end has been sent */
  settled: Completion | undefined;
}

/** A worker renews its lease, and looks what is due and which workers are dead, that often, ms. */
const BEAT = 1_000;
/** So long a command waits at the server for a job, ms: it may outlive its connection by as much. */
const WAIT = 1_000;
/** Delays before what has failed is tried again, ms: the first, and the longest. */
const FIRST_DELAY = 20;
const LONGEST_DELAY = 1_000;

/** Takes jobs while there is room for them, sees to their end, and gives back what it has not begun. */
//  working ──stop──▶ draining ──nothing runs, or its time is up──▶ gone
//     └────────────────┴──the client is closed──▶ gone
export class QueueWorker<S extends string | Buffer> {
  readonly drained$ = new AsyncSubject<void>();
  private readonly id = randomUUID();
  private readonly held = new Map<string, Held<S>>();
  /** What has ended while an answer is under way that may name it once more. */
  private readonly ended = new Set<string>();
  private state: 'working' | 'draining' | 'gone' = 'working';
  private readonly under = new Subscription();
  private readonly inCallersContext = captured();
  private beat = Subscription.EMPTY;
  private isTending = false;
  private isTendDue = false;
  private waiting = Subscription.EMPTY;
  private isWaiting = false;
  /** There is no BLMOVE before 6.2. */
  private knowsBlmove = true;
  private failures = 0;
  /** The lease holds until then at least, on the clock, ms. */
  private leasedUntil = 0;
  /** Until then a command that was lost may bring one more job, on the clock, ms. */
  private strayUntil = 0;
  private hasUnstarted = false;
  private isLeaving = false;
  /** Leaving is given up then, on the clock, ms. */
  private leavesUntil = Infinity;

  constructor(
    private readonly keys: QueueKeys,
    private readonly limits: WorkerLimits,
    private readonly transport: QueueTransport,
    private readonly task: WorkerTask<S>,
  ) {}

  begin(): void {
    this.under.add(this.transport.closing$.subscribe(() => this.leaveAtOnce()));
    this.goOn();
  }

  /** Renews the lease, and takes jobs where there is room. */
  goOn(): void {
    // Behind its last word it would be known again.
    if (this.state === 'gone' || this.isLeaving) return;
    if (this.isTending) {
      this.isTendDue = true;
      return;
    }
    this.isTending = true;
    this.isTendDue = false;
    this.beat.unsubscribe();
    const { id: worker, limits } = this;
    const held = this.active.map(({ entry }) => entry.id);
    const settling = [...this.held.values()]
      .filter(({ settled }) => settled !== undefined)
      .map(({ entry }) => entry.id);
    const limit = this.room - (this.isWaiting ? 1 : 0);
    const { clock } = this.transport;
    const sentAt = clock.now();
    this.send(tend(this.keys, { worker, lease: limits.lease, limit, held, settling })).subscribe({
      next: (tended) => {
        this.leasedUntil = sentAt + limits.lease;
        this.tended(tended, limit - held.length);
      },
      error: (error: unknown) => {
        this.isTending = false;
        this.retryAfter(error);
      },
    });
  }

  /** The jobs that are worked on. */
  private get active(): Held<S>[] {
    return [...this.held.values()].filter(({ settled }) => settled === undefined);
  }

  /** How many jobs it may have. */
  private get room(): number {
    if (this.state !== 'working') return 0;
    return Math.min(this.limits.concurrency, this.active.length + this.task.wanted());
  }

  private tended({ jobs, lost, dead, nextDue = Infinity }: Tended, free: number): void {
    this.failures = 0;
    for (const id of lost) this.lose(id);
    for (const entry of jobs) this.take(entry);
    for (const worker of dead) if (worker !== this.id) this.takeBack(worker);
    this.isTending = false;
    this.forget();
    if (this.state === 'draining') this.proceed();
    if (this.isTendDue || (free > 0 && jobs.length >= free && this.isShort)) {
      this.goOn();
      return;
    }
    this.beatIn(Math.min(BEAT, this.limits.lease / 3, nextDue));
    this.wait();
  }

  private beatIn(delay: number): void {
    this.beat.unsubscribe();
    if (this.state !== 'gone') this.beat = this.transport.clock.schedule(() => this.goOn(), Math.ceil(delay));
  }

  private takeBack(worker: string): void {
    this.send(takeBack(this.keys, worker, this.limits)).subscribe({
      next: ({ waiting, dead }) => {
        if (waiting + dead === 0) return;
        this.tell({ type: 'recovered', waiting, dead });
        this.goOn();
      },
      error: () => undefined, // the next beat tells the worker again
    });
  }

  /** There is room for another job. */
  private get isShort(): boolean {
    return this.active.length + (this.isWaiting ? 1 : 0) < this.room;
  }

  /** Waits at the server for a job, where there is room for one. */
  private wait(): void {
    if (this.isWaiting || this.isTending || !this.isShort) return;
    const { keys } = this;
    const own = keys.ownedBy(this.id);
    const seconds = WAIT / 1_000;
    const command = this.knowsBlmove
      ? blmove(keys.waiting, own, 'RIGHT', 'LEFT', seconds)
      : brpoplpush(keys.waiting, own, seconds);
    this.isWaiting = true;
    const after: AfterWait = (control, isCertain) => this.waited(control, isCertain);
    this.waiting = this.transport.wait(command, after).subscribe({
      next: (job) => {
        this.isWaiting = false;
        this.forget();
        if (job === null) {
          this.wait();
          return;
        }
        // Otherwise it may have been taken back already, and the next answer tells whether it was.
        if (this.transport.clock.now() < this.leasedUntil) this.take(entryOf(job as unknown as Buffer));
        this.goOn();
      },
      error: (error: unknown) => {
        this.isWaiting = false;
        if (this.knowsBlmove && error instanceof ReplyError && /unknown command/i.test(error.message)) {
          this.knowsBlmove = false;
          this.wait();
        } else this.retryAfter(error);
      },
    });
  }

  private waited(control: Parameters<AfterWait>[0], isCertain: boolean): Observable<unknown> | undefined {
    this.isWaiting = false;
    if (!isCertain) this.strayUntil = this.transport.clock.now() + WAIT + BEAT;
    if (this.state === 'gone') return control.send(this.transport.prefixed(this.lastLeave()));
    if (this.state === 'draining') this.proceed();
    return undefined;
  }

  /** Answers that named what has ended are all there. */
  private forget(): void {
    if (!this.isTending && !this.isWaiting) this.ended.clear();
  }

  private retryAfter(error: unknown): void {
    if (this.state === 'gone') return;
    if (mayPass(error)) {
      this.beatIn(delayOf(++this.failures));
      if (this.state === 'draining') this.proceed();
    } else if (this.state === 'working') this.task.observer.error(error);
    else this.gone();
  }

  private take(entry: Entry): void {
    const { id } = entry;
    if (this.held.has(id) || this.ended.has(nameOf(entry))) return;
    if (this.state !== 'working') {
      this.hasUnstarted = true;
      return;
    }
    // A stray for which there is no room is told again.
    if (this.active.length >= this.limits.concurrency) return;
    const job: Job<S> = new Job(
      { ack: () => this.ack(held), fail: (error, delay) => this.fail(held, error, delay) },
      id,
      this.task.payloadOf(entry.payload),
      entry.tries + 1,
    );
    const held: Held<S> = { entry, job, work: new Subscription(), settled: undefined };
    this.held.set(id, held);
    if (this.task.handler === undefined) this.task.observer.next(job);
    else this.run(held, this.task.handler);
  }

  private run(held: Held<S>, handler: (job: Job<S>) => unknown): void {
    let value: unknown;
    const result$ = defer(() => valuesOf(this.inCallersContext(() => handler(held.job))));
    const running = result$.subscribe({
      next: (result) => (value = result),
      error: (error: unknown) => void this.fail(held, error, undefined),
      complete: () => void this.ack(held, value),
    });
    held.work.add(running);
  }

  private ack(held: Held<S>, value?: unknown): Completion {
    return this.settle(held, () => [lrem(this.keys.ownedBy(this.id), 1, held.entry.whole), { type: 'done', value }]);
  }

  private fail(held: Held<S>, error: unknown, given: number | undefined): Completion {
    return this.settle(held, () => {
      const { id, tries, payload, whole } = held.entry;
      const attempt = tries + 1;
      const isLast = attempt >= this.limits.attempts;
      const delay = isLast ? false : (given ?? this.limits.delayAfter(attempt, error));
      if (delay === false) {
        const { deadLetter } = this.limits;
        const own = this.keys.ownedBy(this.id);
        const again = written(id, attempt, payload);
        const command = deadLetter ? fail(this.keys, this.id, whole, again, undefined) : lrem(own, 1, whole);
        return [command, { type: 'dead', error }];
      }
      const command = fail(this.keys, this.id, whole, written(id, attempt, payload), delay);
      return [command, { type: 'failed', error, delay }];
    });
  }

  /** Sends the end of a job until it is answered. */
  private settle(held: Held<S>, endOf: () => [Command, object]): Completion {
    if (held.settled !== undefined) return held.settled;
    // It was taken back, or given back.
    if (!this.has(held)) return (held.settled = new Completion([]));
    const [command, event] = endOf();
    const { clock } = this.transport;
    const sent$ = defer(() => this.send(command)).pipe(
      retry({
        delay: (error: unknown, count) => (mayPass(error) ? timer(delayOf(count), clock) : throwError(() => error)),
      }),
      tap({
        complete: () => {
          this.over(held);
          if ('delay' in event) this.dueIn(event.delay as number);
          this.tell({ ...event, job: held.job } as QueueEvent<S>);
        },
        error: (error) => {
          this.over(held);
          if (this.state === 'working') this.task.observer.error(error);
        },
      }),
    );
    held.settled = PENDING;
    held.settled = new Completion(sent$);
    if (!this.isWaiting) clock.nextTick(() => this.goOn());
    return held.settled;
  }

  /** A job has been put among the delayed ones. */
  private dueIn(delay: number): void {
    if (delay < BEAT && !this.isTending) this.beatIn(delay);
    else if (delay < BEAT) this.isTendDue = true;
  }

  private has(held: Held<S>): boolean {
    return this.held.get(held.entry.id) === held;
  }

  private over(held: Held<S>): void {
    if (!this.has(held)) return;
    this.held.delete(held.entry.id);
    if (this.isTending || this.isWaiting) this.ended.add(nameOf(held.entry));
    if (this.state === 'draining') this.proceed();
  }

  private lose(id: string): void {
    const held = this.held.get(id);
    if (held === undefined || held.settled !== undefined) return;
    this.letGo(held, 'the lease of its worker was over, and it was taken back');
    this.tell({ type: 'lost', job: held.job });
  }

  private letGo(held: Held<S>, why: string): void {
    this.held.delete(held.entry.id);
    held.work.unsubscribe();
    held.job.taken(new Error(`The job is no longer this worker's: ${why}`));
  }

  /** What the jobs themselves are emitted to is told nothing else. */
  private tell(event: QueueEvent<S>): void {
    if (this.task.handler !== undefined) this.task.observer.next(event);
  }

  /** Takes no more jobs; those that run are waited for. */
  stop(): void {
    if (this.state !== 'working') return;
    this.state = 'draining';
    this.hasUnstarted = this.isTending || this.isWaiting;
    const { clock } = this.transport;
    if (this.held.size > 0) this.under.add(clock.schedule(() => this.abandon(), this.limits.drainTimeout));
    this.waiting.unsubscribe();
    this.proceed();
  }

  private abandon(): void {
    for (const held of this.active) this.letGo(held, 'the worker has ended before it was done');
    this.hasUnstarted = true;
    this.proceed();
  }

  /** Gives back what has not begun, and ends once nothing runs. */
  private proceed(): void {
    if (this.state !== 'draining' || this.isTending || this.isWaiting || this.isLeaving) return;
    const { clock } = this.transport;
    const stray = this.strayUntil - clock.now();
    const isLast = this.held.size === 0 && stray <= 0;
    if (!isLast && !this.hasUnstarted) {
      if (this.held.size === 0) this.under.add(clock.schedule(() => this.proceed(), Math.ceil(stray)));
      return;
    }
    this.isLeaving = true;
    this.beat.unsubscribe();
    if (this.leavesUntil === Infinity && this.held.size === 0) this.leavesUntil = clock.now() + this.limits.lease;
    const ids = [...this.held.keys()];
    this.send(leave(this.keys, this.id, isLast ? 0 : this.limits.lease, ids)).subscribe({
      next: () => {
        this.isLeaving = false;
        this.hasUnstarted = false;
        if (isLast) this.gone();
        else {
          this.goOn();
          this.proceed();
        }
      },
      error: (error: unknown) => {
        this.isLeaving = false;
        // Others take back what is left when the lease is over.
        if (!mayPass(error) || clock.now() > this.leavesUntil) this.gone();
        else this.under.add(clock.schedule(() => this.proceed(), delayOf(++this.failures)));
      },
    });
  }

  /** The client is about to be closed: nothing can be acknowledged later, so all goes back. */
  private leaveAtOnce(): void {
    if (this.state === 'gone') return;
    this.state = 'gone';
    for (const held of this.active) this.letGo(held, 'the client is closed');
    if (this.isWaiting) this.waiting.unsubscribe();
    else this.send(this.lastLeave()).subscribe({ error: () => undefined });
    this.gone();
  }

  private lastLeave(): Command<number> {
    const isLast = this.transport.clock.now() >= this.strayUntil;
    return leave(this.keys, this.id, isLast ? 0 : this.limits.lease, []);
  }

  private gone(): void {
    this.state = 'gone';
    this.beat.unsubscribe();
    this.under.unsubscribe();
    this.task.observer.complete();
    this.drained$.next();
    this.drained$.complete();
  }

  private send<T>(command: Command<T>): Observable<T> {
    return this.transport.send(command);
  }
}

/** While the end of a job is being sent. */
const PENDING = new Completion([]);

function nameOf({ id, tries }: Entry): string {
  return `${id}:${tries}`;
}

function delayOf(count: number): number {
  return Math.min(FIRST_DELAY * 2 ** (count - 1), LONGEST_DELAY);
}

/** A Promise and an Observable are waited for; anything else is a value, a text and an array too. */
function valuesOf(given: unknown): Observable<unknown> {
  const isAwaited = typeof (given as { then?: unknown } | null | undefined)?.then === 'function';
  return isObservable(given) || isAwaited ? from(given as ObservableInput<unknown>) : of(given);
}

/** The words of servers for what passes: they write nothing for now, or have become replicas. In old ones they stand inside the error of a script. */
const PASSES = /\b(OOM|MISCONF|NOREPLICAS|READONLY|MASTERDOWN|LOADING|BUSY|TRYAGAIN|CLUSTERDOWN|UNBLOCKED|NOSCRIPT)\b/;

/** Whether the same may be sent again later: the connection was lost, or the server refused it for the moment. */
function mayPass(error: unknown): boolean {
  if (!(error instanceof RedisError)) return false;
  if (error.repeatable) return true;
  if (error instanceof ReplyError)
    return error.code === 'REPLY' && (PASSES.test(error.kind) || PASSES.test(error.message));
  return error.delivery !== 'unsent';
}
