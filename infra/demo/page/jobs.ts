import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import {
  auditTime,
  catchError,
  EMPTY,
  exhaustMap,
  from,
  ignoreElements,
  map,
  merge,
  mergeMap,
  of,
  share,
  startWith,
  Subject,
  takeUntil,
  tap,
  throwError,
  timer,
  type Observable,
} from 'rxjs';
import type { Job, Queue, QueueCounts } from 'rxjs-redis';
import { InjectRedis } from 'rxjs-redis/nestjs';
import type { Client } from '../place';
import { Journal } from './journal';
import { Lanes, type LanesPicture } from './lanes';
import { STAGE, type Stage } from './stage';

export const WORKERS = 3;

/** How often a job comes by itself, how often the queue is counted, and for how long changes travel together, ms. */
const PUSH_INTERVAL = 900;
const COUNT_INTERVAL = 500;
const TOGETHER = 50;

/** A job takes from 500 to 1500 ms, so many times as long on a slow worker, and one in so many fails at first. */
const WORK = { shortest: 500, longest: 1500, slowness: 6, failing: 6 };

/** What a window is told of the queue. `counts` is what the queue itself said last, and when, ms since the epoch. */
export interface JobsPicture extends LanesPicture {
  readonly counts: (QueueCounts & { readonly at: number }) | undefined;
  /** jobs that the server was asked to take, and of these the ones of which no answer says whether it did */
  readonly pushed: number;
  readonly unanswered: number;
}

/** What lies in the queue for a job. */
interface Task {
  readonly number: number;
  /** ms */
  readonly length: number;
  readonly failsFirst: boolean;
}

/** A queue and its workers, which work while there is a window. */
@Injectable()
export class Jobs implements OnModuleDestroy {
  readonly picture$: Observable<JobsPicture>;
  readonly #queue: Queue;
  readonly #lanes = new Lanes(WORKERS);
  readonly #changed$ = new Subject<void>();
  readonly #slow = new Set<number>();
  readonly #ended$ = new Subject<void>();
  #counts: JobsPicture['counts'];
  #pushed = 0;
  #unanswered = 0;

  constructor(
    @InjectRedis('workers') redis: Client,
    @Inject(STAGE) { space }: Stage,
    @Inject(Journal) private readonly journal: Journal,
  ) {
    this.#queue = redis.queue(space.jobs, { backoff: 1000, lease: 10_000, drainTimeout: 0 });
    const life$ = merge(
      ...Array.from({ length: WORKERS }, (_, worker) => this.#work(worker)),
      timer(0, PUSH_INTERVAL).pipe(exhaustMap(() => this.push(1))),
      timer(0, COUNT_INTERVAL).pipe(exhaustMap(() => this.#count())),
    ).pipe(ignoreElements(), takeUntil(this.#ended$));
    this.picture$ = merge(life$, this.#changed$).pipe(
      auditTime(TOGETHER),
      startWith(undefined),
      map(() => this.picture()),
      share(),
    );
  }

  picture(): JobsPicture {
    return {
      ...this.#lanes.picture((worker) => this.#slow.has(worker)),
      counts: this.#counts,
      pushed: this.#pushed,
      unanswered: this.#unanswered,
    };
  }

  /** Puts so many jobs in; where no answer comes it is not known whether they are, and they are not put in again. */
  push(count: number): Observable<never> {
    const tasks = Array.from({ length: count }, () => this.#task());
    return from(this.#queue.push(tasks.map((task) => JSON.stringify(task)))).pipe(
      tap(() => tasks.forEach(({ number }) => this.#lanes.pushed(number))),
      catchError(() => {
        this.#unanswered += count;
        return EMPTY;
      }),
      tap({ finalize: () => this.#changed$.next() }),
      ignoreElements(),
    );
  }

  slow(worker: number, isSlow: boolean): void {
    if (isSlow) this.#slow.add(worker);
    else this.#slow.delete(worker);
    const how = isSlow ? `takes ${WORK.slowness} times as long from its next job on` : 'works as fast as before';
    this.journal.write({ kind: 'strain', text: `worker ${worker + 1} ${how}` });
    this.#changed$.next();
  }

  async onModuleDestroy(): Promise<void> {
    this.#ended$.next();
    await this.#queue.close();
  }

  #task(): Task {
    const number = ++this.#pushed;
    const length = Math.round(WORK.shortest + Math.random() * (WORK.longest - WORK.shortest));
    return { number, length, failsFirst: number % WORK.failing === 0 };
  }

  #work(worker: number): Observable<unknown> {
    const events$ = this.#queue.work((job) => this.#handle(job, worker));
    return events$.pipe(
      tap((event) => {
        if (event.type === 'recovered') return;
        const { attempt } = event.job;
        const { number } = taskOf(event.job);
        if (event.type === 'done') this.#lanes.done(number, worker, attempt);
        else if (event.type === 'failed') this.#lanes.failed(number, attempt);
        else if (event.type === 'dead') this.#lanes.dead(number);
        else this.#lanes.lost(number, worker, attempt);
        this.#changed$.next();
      }),
    );
  }

  #handle(job: Job, worker: number): Observable<unknown> {
    const { number, length, failsFirst } = taskOf(job);
    this.#lanes.taken(number, worker, job.attempt);
    this.#changed$.next();
    return timer(this.#slow.has(worker) ? length * WORK.slowness : length).pipe(
      mergeMap(() =>
        failsFirst && job.attempt === 1 ? throwError(() => new Error(`job ${number} fails at first`)) : of(number),
      ),
    );
  }

  #count(): Observable<unknown> {
    return from(this.#queue.counts()).pipe(
      tap((counts) => {
        this.#counts = { ...counts, at: Date.now() };
        this.#changed$.next();
      }),
      // The state of the client says why.
      catchError(() => EMPTY),
    );
  }
}

function taskOf(job: Job): Task {
  return JSON.parse(job.payload) as Task;
}
