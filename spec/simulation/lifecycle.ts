import { Completion } from '../../src/connection/completion';
import type { Connection } from '../../src/connection/connection';
import { GRAIN, type Circumstances } from './sent';

/** How long closing waits where commands have no limit, ms. */
const LONGEST_CLOSE = 30_000;

/** Opens, closes and destroys the client as `Redis` does, and sees to it that each comes to its end in time. */
export class Lifecycle {
  /** when the client was first told to end, and by when it has to be closed */
  closing: { readonly at: number; readonly by: number; done: boolean } | undefined;
  /** How many wait for the client to be ready. */
  connecting = 0;

  constructor(
    private readonly connection: Connection,
    private readonly around: Circumstances,
    /** until when somebody waited for anything; undefined where nobody can say */
    private readonly busyUntil: (since: number) => number | undefined,
  ) {}

  connect(): void {
    const { journal } = this.around;
    const end = (outcome: string) => {
      journal.note('connected', outcome);
      this.connecting--;
    };
    this.connecting++;
    new Completion(this.connection.connect()).subscribe({ complete: () => end('yes'), error: () => end('no') });
  }

  close(): void {
    const { journal, settings, timeline } = this.around;
    const limit = Math.min(settings.commandTimeout, LONGEST_CLOSE);
    const { heldUp } = timeline;
    const at = timeline.now();
    const closing = { at, by: at + limit + GRAIN, done: false };
    this.closing ??= closing;
    timeline.touched = true;
    journal.note('close');
    new Completion(this.connection.close()).subscribe({
      complete: () => {
        closing.done = true;
        journal.note('closed');
        const late = timeline.now() - closing.by - (timeline.heldUp - heldUp);
        if (late > 0) journal.fail(`close() took ${late} ms more than it may`);
        const idle = timeline.now() - (this.busyUntil(at) ?? Infinity);
        if (idle > GRAIN) journal.fail(`close() waited for ${idle} ms for nothing`);
      },
      error: (error: unknown) => journal.fail(`close() failed: ${String(error)}`),
    });
  }

  destroy(): void {
    const { journal, timeline } = this.around;
    timeline.touched = true;
    journal.note('destroy');
    this.closing ??= { at: timeline.now(), by: timeline.now(), done: true };
    this.connection.destroy();
  }
}
