import type { JobPlaces } from '../job-desk';
import type { Doing, Worker } from '../jobs';
import type { Link } from '../link';
import type { Arrival, Rule, Scene } from './rule';
import { complaintOfEnd } from './stream-ends';
import { StuckAtReplica } from './stuck-at-replica';

/** A limit is noticed so late at the most, ms. */
const LATE = 20;

/** A job, and what has become of it. */
interface Known {
  isDone: boolean;
  /** its last attempt has failed */
  isDead: boolean;
  isForgotten: boolean;
  /** when it last went from a worker to where others take it: back, for a later attempt */
  movedAt: number;
  readonly doings: Set<Doing>;
}

/**
 * Every job is done at least once and removed when that is so, or its last attempt has failed, or it is still there. No two workers do it at
 * the same time, unless it was taken from the one that had it, which does not befall a worker that can say that it lives. A worker does no
 * more at the same time than it may, and leaves nothing behind.
 */
export class JobRule implements Rule {
  private readonly jobs = new Map<number, Known>();
  private readonly workers: Worker[] = [];
  /** when each worker was left, or failed */
  private readonly endedAt = new Map<Worker, number>();
  /** since when nothing befalls the client */
  private calmAt = Infinity;
  private hasRested = false;

  private readonly replica: StuckAtReplica;

  constructor(private readonly scene: Scene) {
    this.replica = new StuckAtReplica(scene.settings);
  }

  arriving(_: Link, arrival: Arrival): undefined {
    this.replica.arriving(arrival);
  }

  private get now(): number {
    return this.scene.timeline.now();
  }

  jobAdded(number: number): void {
    const facts = { isDone: false, isDead: false, isForgotten: false, movedAt: -1 };
    this.jobs.set(number, { ...facts, doings: new Set() });
  }

  jobsForgotten(): void {
    for (const job of this.jobs.values()) job.isForgotten = true;
  }

  jobRemoved(number: number): void {
    const { isDone, isDead } = this.jobs.get(number)!;
    if (!isDone && !isDead) this.fail(`job ${number} was acknowledged and not done`);
  }

  jobsMoved(numbers: readonly number[], why: 'leave' | 'takeBack'): void {
    for (const number of numbers) {
      const job = this.jobs.get(number)!;
      job.movedAt = this.now;
      this.scene.journal.count(why === 'leave' ? 'job given back' : 'job taken back');
      for (const { worker, begunAt } of job.doings)
        if (begunAt >= this.calmAt && worker.outcome === undefined)
          this.failFor(worker, `does job ${number}, which was ${why === 'leave' ? 'given' : 'taken'} back`);
    }
  }

  jobsDied(numbers: readonly number[]): void {
    for (const number of numbers) this.jobs.get(number)!.isDead = true;
  }

  workerAsked(worker: Worker): void {
    this.workers.push(worker);
  }

  doingBegun(doing: Doing): void {
    const { worker, number, attempt } = doing;
    const { item, outcome, doings } = worker;
    const job = this.jobs.get(number)!;
    if (outcome !== undefined) this.failFor(worker, `begins job ${number} although it has ended`);
    if (doings.size > item.concurrency) this.failFor(worker, `does ${doings.size} jobs at the same time`);
    if (attempt > item.attempts) this.failFor(worker, `does job ${number} for the ${attempt}th time`);
    for (const other of job.doings) {
      if (other.worker === worker) this.failFor(worker, `does job ${number} twice at the same time`);
      else if (job.movedAt < other.begunAt && !job.isForgotten)
        this.failFor(worker, `does job ${number} beside worker ${other.worker.id}, which has it`);
    }
    job.doings.add(doing);
  }

  doingEnded(doing: Doing): void {
    const { worker, number, attempt, outcome } = doing;
    const job = this.jobs.get(number)!;
    job.doings.delete(doing);
    if (outcome !== 'left') this.checkDrained(doing);
    if (outcome === 'done') job.isDone = true;
    else if (outcome === 'failed') job.isDead ||= attempt >= worker.item.attempts;
    else this.checkLeft(doing, job);
  }

  /** A worker that was left does what it has for as long as it may, and no longer. */
  private checkDrained({ worker, number }: Doing): void {
    const endedAt = this.endedAt.get(worker) ?? Infinity;
    // Before that, the process may have been kept busy meanwhile.
    if (endedAt >= this.calmAt && this.now > endedAt + worker.item.drainTimeout + LATE)
      this.failFor(worker, `went on with job ${number} for ${this.now - endedAt} ms when it was left`);
  }

  /** What is being done is left only with the client, when it was taken from its worker, or has taken as long as it may. */
  private checkLeft({ worker, number, begunAt }: Doing, { movedAt, isForgotten }: Known): void {
    const drained = this.now - (this.endedAt.get(worker) ?? Infinity);
    if (this.scene.around.over() || isForgotten || movedAt >= begunAt || drained >= worker.item.drainTimeout) return;
    this.failFor(worker, `was doing job ${number} and was cut off`);
  }

  jobLost(worker: Worker, number: number): void {
    const { doings } = this.jobs.get(number)!;
    for (const doing of doings)
      if (doing.worker === worker) this.failFor(worker, `has lost job ${number} and goes on with it`);
  }

  workerEnded(worker: Worker): void {
    this.endedAt.set(worker, this.now);
    const complaint = complaintOfEnd(worker.outcome, false, this.scene);
    if (complaint !== undefined) this.failFor(worker, complaint);
  }

  jobsCalmed(): void {
    this.calmAt = this.now;
  }

  jobsRested(places: JobPlaces): void {
    const living = this.workers.filter(({ outcome }) => outcome === undefined);
    if (living.length === 0 || this.replica.isStuck) return;
    this.hasRested = true;
    this.scene.journal.count('queue at rest');
    if (places.workers !== living.length) this.fail(`the queue knows ${places.workers} workers, not ${living.length}`);
    for (const [number, { isDone, isDead, isForgotten }] of this.jobs) {
      const place = places.of(number);
      if (place !== undefined && place !== 'dead') this.fail(`job ${number} is ${place}, although there are workers`);
      if (place === undefined && !isDone && !isDead && !isForgotten) this.fail(`job ${number} is lost`);
    }
  }

  jobsConcluded(places: JobPlaces): void {
    for (const [number, { isDone, isDead, isForgotten, doings }] of this.jobs) {
      for (const { worker } of doings) this.failFor(worker, `does job ${number} although all is over`);
      if (places.of(number) === undefined && !isDone && !isDead && !isForgotten) this.fail(`job ${number} is lost`);
    }
    if (!this.hasRested) return;
    this.scene.journal.count('queue drained');
    if (places.taken > 0) this.fail(`workers have drained, and left ${places.taken} jobs in their lists`);
    if (places.workers > 0) this.fail(`${places.workers} workers have drained, and are still known`);
  }

  private failFor({ id }: Worker, violation: string): void {
    this.fail(`worker ${id} ${violation}`);
  }

  private fail(violation: string): void {
    this.scene.journal.fail(violation);
  }
}
