import { Observable } from 'rxjs';
import type { Job } from '../../src/streams/queue-job';
import type { SimulatedClient } from './client';
import { QUEUE } from './job-desk';
import type { Journal } from './journal';
import type { Network } from './network';
import type { Pace } from './pace';
import type { WorkerItem } from './plan';
import type { JobEvents } from './rules/job-events';
import type { Server } from './server';
import type { Timeline } from './timeline';
import type { UseOutcome } from './use';

/** How long jobs take to those that do them, and how often they are waited for once more; ms. */
const A_WHILE = 700;
const MOST_WAITS = 250;
/** So long jobs are on their way when their workers leave; ms. */
const UNDER_WAY = 4;

/** One job while a worker does it. */
export interface Doing {
  readonly worker: Worker;
  readonly number: number;
  readonly attempt: number;
  readonly begunAt: number;
  outcome: 'done' | 'failed' | 'left' | undefined;
}

/** Somebody who does the jobs of the queue. */
export class Worker {
  outcome: UseOutcome | undefined;
  /** when it was left: it does what it has, and takes nothing more */
  leftAt = Infinity;
  readonly doings = new Set<Doing>();

  constructor(readonly item: WorkerItem) {}

  get id(): number {
    return this.item.id;
  }
}

/** All who do jobs. */
export class Jobs {
  private readonly all: { readonly worker: Worker; readonly leave: () => void }[] = [];
  /** how often each job has failed */
  private readonly failures = new Map<number, number>();

  constructor(
    private readonly client: () => SimulatedClient,
    private readonly tell: JobEvents,
    private readonly timeline: Timeline,
    private readonly journal: Journal,
    private readonly server: Server,
  ) {}

  get any(): boolean {
    return this.all.length > 0;
  }

  begin(item: WorkerItem): void {
    const { timeline, journal, tell } = this;
    const { lease, attempts, backoff, deadLetter, drainTimeout, concurrency, id } = item;
    const worker = new Worker(item);
    timeline.touched = true;
    journal.note('works', id);
    tell.workerAsked(worker);
    const queue = this.client().redis.queue(QUEUE, { lease, attempts, backoff, deadLetter, drainTimeout });
    const subscription = queue
      .work((job) => this.do(worker, job), { concurrency })
      .subscribe({
        next: (event) => {
          journal.note('job', id, event.type);
          journal.count(`job ${event.type}`);
          if (event.type === 'lost') tell.jobLost(worker, Number(event.job.payload));
        },
        error: (error: unknown) => this.ended(worker, { kind: 'error', error }),
        complete: () => this.ended(worker, { kind: 'value', value: undefined }),
      });
    const leave = () => {
      if (worker.outcome !== undefined) return;
      timeline.touched = true;
      this.ended(worker, { kind: 'left' });
      worker.leftAt = timeline.now();
      subscription.unsubscribe();
    };
    this.all.push({ worker, leave });
    if (item.leaveAfter === 0) leave();
    else if (item.leaveAfter !== undefined) timeline.afterInProcess(item.leaveAfter, leave);
  }

  private do(worker: Worker, job: Job): unknown {
    const { item } = worker;
    const number = Number(job.payload);
    const begunAt = this.timeline.now();
    const doing: Doing = { worker, number, attempt: job.attempt, begunAt, outcome: undefined };
    this.journal.note('does', item.id, number, job.attempt);
    this.journal.count('job begun');
    worker.doings.add(doing);
    this.tell.doingBegun(doing);
    const failure = this.failureOf(item, number);
    return new Observable<never>((subscriber) => {
      const working = this.timeline.thought(item.work[number % item.work.length]!).subscribe(() => {
        this.over(doing, failure === undefined ? 'done' : 'failed');
        if (failure === undefined) subscriber.complete();
        else subscriber.error(failure);
      });
      return () => {
        working.unsubscribe();
        if (doing.outcome === undefined) this.over(doing, 'left');
      };
    });
  }

  private failureOf({ fails }: WorkerItem, number: number): Error | undefined {
    const failures = this.failures.get(number) ?? 0;
    if (number % 3 !== 0 || failures >= fails) return undefined;
    this.failures.set(number, failures + 1);
    return new Error(`job ${number} has failed`);
  }

  private over(doing: Doing, outcome: 'done' | 'failed' | 'left'): void {
    doing.outcome = outcome;
    doing.worker.doings.delete(doing);
    this.journal.note('did', doing.worker.id, doing.number, outcome);
    this.tell.doingEnded(doing);
  }

  private ended(worker: Worker, outcome: UseOutcome): void {
    const { journal } = this;
    const name = outcome.kind === 'error' && outcome.error instanceof Error ? ` ${outcome.error.name}` : '';
    journal.note('worker ends', worker.id, outcome.kind + name);
    journal.count(`work ${outcome.kind}${name}`);
    // One that was left hears nothing more.
    if (worker.outcome !== undefined) journal.fail(`worker ${worker.id} has ended twice`);
    worker.outcome = outcome;
    this.tell.workerEnded(worker);
  }

  /** Nothing is broken any more: what there is to do is done, by those that still work. Then they leave. */
  async calm(pace: Pace, network: Network): Promise<void> {
    const { jobDesk } = this.server;
    for (const { peer } of network.slow) this.server.hangUp(peer);
    await this.catchUp(pace);
    this.tell.jobsCalmed();
    await this.catchUp(pace);
    this.tell.jobsRested(jobDesk);
    // Two leave while they have something to do, one while it waits for that.
    if (this.all.length > 1) this.addJobs();
    await pace.pass(UNDER_WAY);
    this.leaveAll();
    // What comes to those that have left, and still wait at the server, is not theirs.
    this.addJobs();
  }

  private async catchUp(pace: Pace): Promise<void> {
    this.addJobs();
    for (let waits = 0; waits === 0 || (this.isBehind && waits < MOST_WAITS); waits++) {
      await pace.pass(A_WHILE);
      this.server.jobDesk.reap(this.all[0]!.worker.item.attempts);
    }
  }

  private addJobs(): void {
    for (let count = 0; count < 2; count++) this.server.jobDesk.add(0);
  }

  /** Something is to be done that somebody does. */
  private get isBehind(): boolean {
    const { jobDesk } = this.server;
    const living = this.all.filter(({ worker }) => worker.outcome === undefined).length;
    return living > 0 && (!jobDesk.isDone || jobDesk.workers > living);
  }

  leaveAll(): void {
    for (const { leave } of this.all) leave();
  }

  /** All is over, so all have ended, and nothing is left of them at the server. */
  check(): void {
    const { journal, server } = this;
    for (const { worker } of this.all)
      if (worker.outcome === undefined) journal.fail(`worker ${worker.id} has never ended`);
    const { waits } = server.jobDesk;
    if (waits > 0) journal.fail(`${waits} connections wait at the server for jobs that nobody wants`);
    this.tell.jobsConcluded(server.jobDesk);
  }
}
