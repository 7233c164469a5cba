import { from, type Observable } from 'rxjs';
import type { Redis } from '../../src/redis';
import { complainOf } from './sign-in';
import { GRAIN, type Circumstances, type Sent } from './sent';

/** How long closing waits where commands have no limit, ms. */
const LONGEST_CLOSE = 30_000;

/** How the client was told to end, for the first time. */
interface Closing {
  readonly at: number;
  /** by when it has to be closed */
  readonly by: number;
  /** how many commands had been submitted */
  readonly submitted: number;
  /** there was a connection, or one was being made */
  readonly linked: boolean;
  done: boolean;
}

/** What the life of a client depends on. */
interface Knowledge {
  /** how many commands have been submitted */
  submitted(): number;
  /** until when somebody waited for anything; undefined where nobody can say */
  busyUntil(since: number): number | undefined;
}

/** Opens, closes and destroys the client, and sees to it that each comes to its end in time, and not before. */
export class Lifecycle {
  closing: Closing | undefined;
  /** How many wait for the client to be ready. */
  connecting = 0;
  /** when something last happened to a connection */
  private troubledAt = -1;
  private destroyed = false;
  /** It was destroyed when it had not ended yet. */
  endedAtOnce = false;

  constructor(
    private readonly redis: Redis,
    private readonly around: Circumstances,
    private readonly knowledge: Knowledge,
  ) {
    redis.events$.subscribe(({ type }) => {
      if (type === 'error') this.troubledAt = around.timeline.now();
    });
  }

  /** Nothing more is to be expected of the client. */
  get over(): boolean {
    return this.closing !== undefined || this.redis.toJSON().state === 'closed';
  }

  /** The client has been told to close, and nothing keeps it from waiting for a reply to this command. */
  owes({ order }: Sent): boolean {
    const { closing } = this;
    if (closing === undefined || this.destroyed || !closing.linked || this.troubledAt >= closing.at) return false;
    // Its last millisecond is nobody's: the client's times need not be whole.
    return order < closing.submitted && this.around.timeline.now() < closing.by - GRAIN - 1;
  }

  connect(): void {
    const { journal, timeline } = this.around;
    const end = (outcome: string) => {
      journal.note('connected', outcome);
      this.connecting--;
    };
    timeline.touched = true;
    this.connecting++;
    const at = timeline.now();
    const wasOver = this.over;
    const connected = () => {
      end('yes');
      if (wasOver) journal.fail('connect() was taken by a client that is closed');
    };
    const failed = (error: unknown) => {
      end('no');
      const complaint = complainOf(error, timeline.now() - at, this.around);
      if (complaint !== undefined) journal.fail(complaint);
    };
    this.redis.connect().subscribe({ complete: connected, error: failed });
  }

  close(): void {
    this.end(() => this.redis.close());
  }

  /** As `await using` does. */
  dispose(): void {
    this.end(() => from(this.redis[Symbol.asyncDispose]()));
  }

  destroy(): void {
    const { journal, timeline } = this.around;
    timeline.touched = true;
    journal.note('destroy');
    this.destroyed = true;
    if (this.redis.toJSON().state !== 'closed') this.endedAtOnce = true;
    const at = timeline.now();
    this.closing ??= { at, by: at, submitted: this.knowledge.submitted(), linked: false, done: true };
    let done = false;
    this.redis.destroy().subscribe({ complete: () => (done = true) });
    if (!done) journal.fail('destroy() has not come to its end');
  }

  private end(close: () => Observable<unknown>): void {
    const { journal, settings, timeline } = this.around;
    const { heldUp } = timeline;
    const at = timeline.now();
    const { state } = this.redis.toJSON();
    const closing: Closing = {
      at,
      by: at + Math.min(settings.commandTimeout, LONGEST_CLOSE) + GRAIN,
      submitted: this.knowledge.submitted(),
      linked: state === 'ready' || state === 'connecting',
      done: false,
    };
    this.closing ??= closing;
    timeline.touched = true;
    journal.note('close');
    close().subscribe({
      complete: () => {
        closing.done = true;
        journal.note('closed');
        const { state } = this.redis.toJSON();
        if (state !== 'closed') journal.fail(`close() came to its end although the client is ${state}`);
        const late = timeline.now() - closing.by - (timeline.heldUp - heldUp);
        if (late > 0) journal.fail(`close() took ${late} ms more than it may`);
        const idle = timeline.now() - (this.knowledge.busyUntil(at) ?? Infinity);
        if (idle > GRAIN) journal.fail(`close() waited for ${idle} ms for nothing`);
      },
      error: (error: unknown) => journal.fail(`close() failed: ${String(error)}`),
    });
  }
}
