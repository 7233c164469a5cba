import type { Completion } from '../connection/completion';
import { LONGEST_TIMER, inRange } from '../option-checks';

/** What a job does with its worker. */
export interface JobOwner {
  ack(): Completion;
  fail(error: unknown, delay: number | undefined): Completion;
}

/**
 * A job that this worker has until `ack` or `fail`. No other worker gets it meanwhile, as long as this process answers.
 *
 * @typeParam S what payloads come as: `string`, or `Buffer` on `redis.bytes`
 */
export class Job<S extends string | Buffer = string> {
  readonly #owner: JobOwner;
  #aborting: AbortController | undefined;
  #reason: Error | undefined;

  /** @internal */
  constructor(
    owner: JobOwner,
    /** what `push` gave; it stays the same in each attempt */
    readonly id: string,
    readonly payload: S,
    /** which attempt this is, from 1. A worker that died in the middle of one has made one as well */
    readonly attempt: number,
  ) {
    this.#owner = owner;
  }

  /**
   * The job is done: it is removed. It is hot, can be awaited, and is sent again until it is answered. Where the job was taken back
   * meanwhile, because this process was silent for longer than its lease, nothing is removed, and it is done again. Only the first of
   * `ack` and `fail` counts; another gives the outcome of that.
   * @throws DisconnectedError when the client is closed: the job is done again
   * @throws ReplyError when the server refuses the command
   * @example
   * queue.jobs({ concurrency: 8 }).pipe(mergeMap((job) => handle(job.payload).pipe(concatMap(() => job.ack())))).subscribe();
   */
  ack(): Completion {
    return this.#owner.ack();
  }

  /**
   * The attempt has failed: the job is tried again after a delay, or is dead where that was the last attempt. It is hot, and can be awaited.
   * @param error what the `backoff` of the queue is told
   * @param options `delay`: ms until the next attempt, in place of what `backoff` says
   * @throws TypeError when the delay is none, and otherwise as `ack`
   * @example
   * await job.fail(error, { delay: 60_000 });
   */
  fail(error?: unknown, options: { readonly delay?: number | undefined } = {}): Completion {
    const { delay } = options;
    if (delay !== undefined) inRange('delay', delay, 0, LONGEST_TIMER);
    return this.#owner.fail(error, delay);
  }

  /** Aborted when the job is no longer this worker's: it was taken back, or the worker has ended before the job. */
  get signal(): AbortSignal {
    this.#aborting ??= new AbortController();
    if (this.#reason !== undefined) this.#aborting.abort(this.#reason);
    return this.#aborting.signal;
  }

  /** @internal */
  taken(reason: Error): void {
    this.#reason ??= reason;
    this.#aborting?.abort(this.#reason);
  }
}

/** What has become of a job in `work`. */
export type QueueEvent<S extends string | Buffer = string, R = unknown> =
  /** it is done and removed; `value` is the last that the handler gave */
  | { readonly type: 'done'; readonly job: Job<S>; readonly value: R | undefined }
  /** the attempt has failed; the next one is due in `delay` ms */
  | { readonly type: 'failed'; readonly job: Job<S>; readonly error: unknown; readonly delay: number }
  /** the last attempt has failed */
  | { readonly type: 'dead'; readonly job: Job<S>; readonly error: unknown }
  /**
   * it is done again, by any worker, and its handler is left: this worker was silent for longer than its lease, or has ended before the job
   * was done, or before the server has answered that it was
   */
  | { readonly type: 'lost'; readonly job: Job<S> }
  /** jobs of a worker that died: so many wait again, so many have had their last attempt */
  | { readonly type: 'recovered'; readonly waiting: number; readonly dead: number };
