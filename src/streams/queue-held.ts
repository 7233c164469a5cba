import {
  Subject,
  Subscription,
  defer,
  from,
  isObservable,
  merge,
  mergeMap,
  of,
  retry,
  tap,
  throwError,
  timer,
} from 'rxjs';
import type { Observable, ObservableInput } from 'rxjs';
import { lrem } from '../commands/generated/builders';
import type { Command } from '../commands/command';
import { Completion } from '../connection/completion';
import { Job, type QueueEvent } from './queue-job';
import { written, type Entry, type QueueKeys } from './queue-keys';
import { delayAfter, mayPass } from './outage';
import { fail } from './queue-scripts';
import type { QueueTransport, WorkerLimits } from './queue-transport';

/** A job that this worker has. */
interface Held<S extends string | Buffer> {
  readonly entry: Entry;
  readonly job: Job<S>;
  readonly work: Subscription;
  /** its end has been sent */
  settled: Completion | undefined;
}

/** What the jobs of a worker need of it. */
export interface HeldParts<S extends string | Buffer> {
  readonly keys: QueueKeys;
  readonly worker: string;
  readonly limits: WorkerLimits;
  readonly transport: QueueTransport;
  readonly payloadOf: (bytes: Buffer) => S;
  /** does a job; undefined where its user does */
  readonly handle: ((job: Job<S>) => unknown) | undefined;
  /** an answer is under way that may name a job which has ended meanwhile */
  readonly isAsking: () => boolean;
  /** there is room for another job: the end of one is sent */
  readonly freed: () => void;
  /** the end of a job is answered */
  readonly settled: (event: QueueEvent<S>) => void;
  /** the server refuses the end of a job, or the client is closed */
  readonly refused: (error: unknown) => void;
}

/** The jobs that a worker has: from when they are taken until their end is answered. */
export class HeldJobs<S extends string | Buffer> {
  private readonly held = new Map<string, Held<S>>();
  /** The ends of jobs that wait to be sent again wait no longer. */
  private readonly allGone$ = new Subject<void>();
  /** What has ended while an answer is under way that may name it once more. */
  private readonly ended = new Set<string>();

  constructor(private readonly parts: HeldParts<S>) {}

  /** All of them, by their ids. */
  get ids(): string[] {
    return [...this.held.keys()];
  }

  get size(): number {
    return this.held.size;
  }

  /** Those that are worked on. */
  get active(): string[] {
    return this.ids.filter((id) => this.held.get(id)!.settled === undefined);
  }

  /** Those whose end is sent and not answered. */
  get settling(): string[] {
    return this.ids.filter((id) => this.held.get(id)!.settled !== undefined);
  }

  /** It is one of them, or has been while the answer that names it was under way. */
  has(entry: Entry): boolean {
    return this.held.has(entry.id) || this.ended.has(nameOf(entry));
  }

  /** Begins a job; without something that does it, hands it out. */
  begin(entry: Entry): Job<S> {
    const { payloadOf, handle } = this.parts;
    const owner = {
      ack: () => this.ack(held),
      fail: (error: unknown, delay: number | undefined) => this.fail(held, error, delay),
    };
    const job = new Job(owner, entry.id, payloadOf(entry.payload), entry.tries + 1);
    const held: Held<S> = { entry, job, work: new Subscription(), settled: undefined };
    this.held.set(entry.id, held);
    if (handle !== undefined) this.run(held, handle);
    return job;
  }

  /** Answers that could name what has ended are all there. */
  forget(): void {
    this.ended.clear();
  }

  /** The server has given a job to others: the job, unless its end is on its way. */
  lose(id: string): Job<S> | undefined {
    const held = this.held.get(id);
    if (held === undefined || held.settled !== undefined) return undefined;
    this.letGo(held, 'the lease of its worker was over, and it was taken back');
    return held.job;
  }

  /** Nothing is done any more: the jobs that were worked on. The ends of others are still sent until they are answered. */
  letRunningGo(why: string): readonly Job<S>[] {
    return [...this.held.values()].filter(({ settled }) => settled === undefined).map((held) => this.letGo(held, why));
  }

  /** Nothing is done any more, and no end is sent again: the jobs that have not ended, as far as is known. */
  letAllGo(why: string): readonly Job<S>[] {
    const jobs = [...this.held.values()].map((held) => this.letGo(held, why));
    this.allGone$.next();
    return jobs;
  }

  private letGo(held: Held<S>, why: string): Job<S> {
    this.held.delete(held.entry.id);
    held.work.unsubscribe();
    if (held.settled === undefined) held.job.taken(new Error(`The job is no longer this worker's: ${why}`));
    return held.job;
  }

  private run(held: Held<S>, handle: (job: Job<S>) => unknown): void {
    let value: unknown;
    const running = defer(() => valuesOf(handle(held.job))).subscribe({
      next: (result) => (value = result),
      error: (error: unknown) => void this.fail(held, error, undefined),
      complete: () => void this.ack(held, value),
    });
    held.work.add(running);
  }

  private ack(held: Held<S>, value?: unknown): Completion {
    return this.settle(held, () => [this.removal(held.entry), { type: 'done', job: held.job, value }]);
  }

  private fail(held: Held<S>, error: unknown, given: number | undefined): Completion {
    return this.settle(held, () => {
      const { keys, worker, limits } = this.parts;
      const { entry, job } = held;
      const { attempt } = job;
      const delay = attempt >= limits.attempts ? false : (given ?? limits.delayAfter(attempt, error));
      const again = written(entry.id, attempt, entry.payload);
      if (delay !== false) {
        return [fail(keys, worker, entry.whole, again, delay), { type: 'failed', job, error, delay }];
      }
      const end = limits.deadLetter ? fail(keys, worker, entry.whole, again, undefined) : this.removal(entry);
      return [end, { type: 'dead', job, error }];
    });
  }

  private removal({ whole }: Entry): Command {
    const { keys, worker } = this.parts;
    return lrem(keys.ownedBy(worker), 1, whole);
  }

  /** Sends the end of a job until it is answered. */
  private settle(held: Held<S>, endOf: () => [Command, QueueEvent<S>]): Completion {
    if (held.settled !== undefined) return held.settled;
    // It was taken back, or given back.
    if (!this.isHeld(held)) return (held.settled = new Completion([]));
    const { transport, freed, settled, refused } = this.parts;
    const { clock } = transport;
    held.settled = PENDING;
    const [command, event] = endOf();
    const sent$ = defer(() => transport.send(command)).pipe(
      retry({
        delay: (error: unknown, count) =>
          mayPass(error) && this.isHeld(held)
            ? merge(timer(delayAfter(count), clock), this.allGone$.pipe(mergeMap(() => throwError(() => error))))
            : throwError(() => error),
      }),
      tap({
        complete: () => {
          this.over(held);
          settled(event);
        },
        error: (error: unknown) => {
          this.over(held);
          refused(error);
        },
      }),
    );
    held.settled = new Completion(sent$);
    freed();
    return held.settled;
  }

  private isHeld(held: Held<S>): boolean {
    return this.held.get(held.entry.id) === held;
  }

  private over(held: Held<S>): void {
    if (!this.isHeld(held)) return;
    this.held.delete(held.entry.id);
    if (this.parts.isAsking()) this.ended.add(nameOf(held.entry));
  }
}

/** While the end of a job is being sent. */
const PENDING = new Completion([]);

function nameOf({ id, tries }: Entry): string {
  return `${id}:${tries}`;
}

/** A Promise and an Observable are waited for; anything else is a value, a text and an array too. */
function valuesOf(given: unknown): Observable<unknown> {
  const isAwaited = typeof (given as { then?: unknown } | null | undefined)?.then === 'function';
  return isObservable(given) || isAwaited ? from(given as ObservableInput<unknown>) : of(given);
}
