import { AsyncSubject, Subscription, type Observable, type Subscriber } from 'rxjs';
import { randomUUID } from 'node:crypto';
import { blmove, brpoplpush } from '../commands/generated/builders';
import type { Command } from '../commands/command';
import { captured } from '../connection/async-context';
import { HeldJobs } from './queue-held';
import type { Job, QueueEvent } from './queue-job';
import { entryOf, type Entry, type QueueKeys } from './queue-keys';
import { delayAfter, mayPass } from './outage';
import { leave, takeBack, tend, type Tended } from './queue-scripts';
import type { AfterWait, QueueTransport, WorkerLimits } from './queue-transport';
import { isCommandUnknown } from './refused';

/** What a worker does with its jobs. */
export interface WorkerTask<S extends string | Buffer> {
  readonly payloadOf: (bytes: Buffer) => S;
  /** undefined where the jobs themselves are emitted */
  readonly handler: ((job: Job<S>) => unknown) | undefined;
  /** how many more jobs are wanted */
  readonly wanted: () => number;
  readonly observer: Subscriber<Job<S> | QueueEvent<S>>;
}

/** A worker renews its lease, and looks what is due and which workers are dead, that often, ms. */
const BEAT = 1_000;
/** So long a command waits at the server for a job, ms: it may outlive its connection by as much. */
const WAIT = 1_000;
/** So much longer than `drainTimeout` a worker takes for its last word to a server that does not answer, ms. */
const LAST_WORD = 1_000;

/** Takes jobs while there is room for them, sees to their end, and gives back what it has not begun. */
//  working ──stop──▶ draining ──nothing runs, or its time is up──▶ gone
//     └────────────────┴──the client is closed──▶ gone
export class QueueWorker<S extends string | Buffer> {
  readonly drained$ = new AsyncSubject<void>();
  private readonly id = randomUUID();
  private readonly held: HeldJobs<S>;
  private state: 'working' | 'draining' | 'gone' = 'working';
  private readonly under = new Subscription();
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

  constructor(
    private readonly keys: QueueKeys,
    private readonly limits: WorkerLimits,
    private readonly transport: QueueTransport,
    private readonly task: WorkerTask<S>,
  ) {
    const { payloadOf, handler } = task;
    const inCallersContext = captured();
    this.held = new HeldJobs({
      keys,
      worker: this.id,
      limits,
      transport,
      payloadOf,
      handle: handler && ((job) => inCallersContext(() => handler(job))),
      isAsking: () => this.isTending || this.isWaiting,
      freed: () => {
        // At the end of the tick, so that many that end at once are made up for at once.
        if (!this.isWaiting) transport.clock.nextTick(() => this.goOn());
      },
      settled: (event) => this.settled(event),
      refused: (error) => {
        if (this.state === 'working') task.observer.error(error);
        this.proceed();
      },
    });
  }

  begin(): void {
    this.under.add(this.transport.holds({ finish: () => this.leaveAtOnce(), abandon: () => this.destroyed() }));
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
    const { lease } = this.limits;
    const { active: held, settling } = this.held;
    const limit = this.room - (this.isWaiting ? 1 : 0);
    const sentAt = this.now;
    this.send(tend(this.keys, { worker: this.id, lease, limit, held, settling })).subscribe({
      next: (tended) => {
        this.leasedUntil = sentAt + lease;
        this.tended(tended, limit - held.length);
      },
      error: (error: unknown) => {
        this.isTending = false;
        this.retryAfter(error);
      },
    });
  }

  private get now(): number {
    return this.transport.clock.now();
  }

  /** How many jobs it may have. */
  private get room(): number {
    if (this.state !== 'working') return 0;
    return Math.min(this.limits.concurrency, this.held.active.length + this.task.wanted());
  }

  private tended({ jobs, lost, dead, nextDue = Infinity }: Tended, free: number): void {
    this.failures = 0;
    for (const id of lost) {
      const job = this.held.lose(id);
      if (job !== undefined) this.tell({ type: 'lost', job });
    }
    // Otherwise they may have been taken back already, and the next answer tells whether they were.
    if (this.state !== 'working' || this.now < this.leasedUntil) for (const entry of jobs) this.take(entry);
    else this.isTendDue = true;
    for (const worker of dead) if (worker !== this.id) this.takeBack(worker);
    this.isTending = false;
    this.forget();
    this.proceed();
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
    return this.held.active.length + (this.isWaiting ? 1 : 0) < this.room;
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
        // As with the jobs that an answer brings.
        if (job !== null && this.now < this.leasedUntil) this.take(entryOf(job as unknown as Buffer));
        this.forget();
        if (job === null) this.wait();
        else this.goOn();
      },
      error: (error: unknown) => {
        this.isWaiting = false;
        if (this.knowsBlmove && isCommandUnknown(error)) {
          this.knowsBlmove = false;
          this.wait();
        } else this.retryAfter(error);
      },
    });
  }

  private waited(control: Parameters<AfterWait>[0], isCertain: boolean): Observable<unknown> | undefined {
    this.isWaiting = false;
    if (!isCertain) this.strayUntil = this.now + WAIT + BEAT;
    if (this.state === 'gone') return control.send(this.transport.prefixed(this.lastLeave()));
    this.proceed();
    return undefined;
  }

  /** Answers that named what has ended are all there. */
  private forget(): void {
    if (!this.isTending && !this.isWaiting) this.held.forget();
  }

  private retryAfter(error: unknown): void {
    if (this.state === 'gone') return;
    if (mayPass(error)) {
      this.beatIn(delayAfter(++this.failures));
      this.proceed();
    } else if (this.state === 'working') this.task.observer.error(error);
    else this.gone();
  }

  private take(entry: Entry): void {
    if (this.held.has(entry)) return;
    if (this.state !== 'working') {
      this.hasUnstarted = true;
      return;
    }
    // A stray for which there is no room is told again.
    if (this.held.active.length >= this.limits.concurrency) return;
    const job = this.held.begin(entry);
    if (this.task.handler === undefined) this.task.observer.next(job);
  }

  private settled(event: QueueEvent<S>): void {
    // It is due sooner than the next beat.
    if (event.type === 'failed' && event.delay < BEAT) {
      if (this.isTending) this.isTendDue = true;
      else this.beatIn(event.delay);
    }
    this.tell(event);
    this.proceed();
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
    const { drainTimeout } = this.limits;
    if (this.held.size > 0) this.under.add(clock.schedule(() => this.abandon(), drainTimeout));
    this.under.add(clock.schedule(() => this.giveUp(), drainTimeout + LAST_WORD));
    this.waiting.unsubscribe();
    this.proceed();
  }

  private abandon(): void {
    this.tellLost(this.held.letRunningGo('the worker has ended before it was done'));
    this.hasUnstarted = true;
    this.proceed();
  }

  /** Gives back what has not begun, and ends once nothing runs. */
  private proceed(): void {
    if (this.state !== 'draining' || this.isTending || this.isWaiting || this.isLeaving) return;
    const { clock } = this.transport;
    const stray = this.strayUntil - this.now;
    const isLast = this.held.size === 0 && stray <= 0;
    if (!isLast && !this.hasUnstarted) {
      if (this.held.size === 0) this.under.add(clock.schedule(() => this.proceed(), Math.ceil(stray)));
      return;
    }
    this.isLeaving = true;
    this.beat.unsubscribe();
    const { ids } = this.held;
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
        if (!mayPass(error)) this.gone();
        else this.under.add(clock.schedule(() => this.proceed(), delayAfter(++this.failures)));
      },
    });
  }

  /** The server is away: others take back what is left when the lease is over, or sooner if the last word still gets through. */
  private giveUp(): void {
    this.state = 'gone';
    this.tellLost(this.held.letAllGo('the worker has ended, and the server has not answered'));
    if (!this.isLeaving && !this.isWaiting) this.send(this.lastLeave()).subscribe({ error: () => undefined });
    this.gone();
  }

  private tellLost(jobs: readonly Job<S>[]): void {
    for (const job of jobs) this.tell({ type: 'lost', job });
  }

  /** The client is about to be closed: nothing can be acknowledged later, so all goes back. */
  private leaveAtOnce(): void {
    if (this.state === 'gone') return;
    this.state = 'gone';
    this.tellLost(this.held.letRunningGo('the client is closed'));
    this.held.letAllGo('the client is closed');
    if (this.isWaiting) this.waiting.unsubscribe();
    else this.send(this.lastLeave()).subscribe({ error: () => undefined });
    this.gone();
  }

  /** Nothing can be sent any more: others take back what is left. */
  private destroyed(): void {
    if (this.state === 'gone') return;
    this.held.letAllGo('the client is destroyed');
    this.gone();
  }

  private lastLeave(): Command<number> {
    const isLast = this.now >= this.strayUntil;
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
