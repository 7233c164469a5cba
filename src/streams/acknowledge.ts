import { Subscription, catchError, concat, defer, ignoreElements, map, mergeMap, type Observable } from 'rxjs';
import type { Command } from '../commands/command';
import { xack, xackdel, xdel } from '../commands/generated/builders';
import type { Clock } from '../connection/clock';
import type { ConsumeSettings } from './consume-options';
import { Outage } from './outage';
import { isCommandUnknown } from './refused';

/** How many entries one command acknowledges at the most. */
const MOST = 1_000;

/** So many are not kept waiting for others. */
const ENOUGH = 256;

/** How long the first waits for others at the most, ms. */
const LINGER = 2;

/** What acknowledging needs. */
export interface AcknowledgeParts {
  /** sends what does no harm twice, also while the client is being closed */
  readonly settle: <T>(command: Command<T>) => Observable<T>;
  readonly clock: Clock;
  readonly acknowledged: (ids: readonly string[]) => void;
  readonly failed: (error: unknown) => void;
}

/** Acknowledges entries in batches: while a batch is on its way the next one gathers. */
//  added ──▶ waiting ──enough, or long enough, and the last batch answered──▶ on their way ──▶ acknowledged
//               ▲                                                       │ outage
//               └───────────────────────delay───────────────────────────┘
export class Acknowledge {
  private waiting: string[] = [];
  private underWay: readonly string[] = [];
  private timer: Subscription | undefined;
  private readonly outage: Outage;
  private readonly sent = new Subscription();
  /** The server knows XACKDEL, as far as is known. */
  private hasXackdel = true;

  constructor(
    private readonly settings: ConsumeSettings,
    private readonly parts: AcknowledgeParts,
  ) {
    this.outage = new Outage(parts.clock);
  }

  get isIdle(): boolean {
    return this.waiting.length === 0 && this.underWay.length === 0;
  }

  add(id: string): void {
    if (this.sent.closed) return;
    this.waiting.push(id);
    this.sendSoon();
  }

  private sendSoon(): void {
    if (this.underWay.length > 0 || this.waiting.length === 0) return;
    if (this.waiting.length >= ENOUGH) this.send();
    else this.timer ??= this.parts.clock.schedule(() => this.send(), LINGER);
  }

  /** Sends nothing more. */
  stop(): void {
    this.waiting = [];
    this.underWay = [];
    this.timer?.unsubscribe();
    this.sent.unsubscribe();
  }

  private send(): void {
    this.timer?.unsubscribe();
    this.timer = undefined;
    if (this.waiting.length === 0 || this.sent.closed) return;
    const ids = (this.underWay = this.waiting.slice(0, MOST));
    this.waiting = this.waiting.slice(MOST);
    this.sent.add(
      this.acknowledged(ids).subscribe({
        error: (error: unknown) => {
          this.stop();
          this.parts.failed(error);
        },
        complete: () => {
          this.underWay = [];
          this.parts.acknowledged(ids);
          this.sendSoon();
        },
      }),
    );
  }

  /** Completes when they are. */
  private acknowledged(ids: readonly string[]): Observable<never> {
    return this.command(ids).pipe(
      ignoreElements(),
      catchError((error: unknown) =>
        concat(
          this.outage.after(error),
          defer(() => this.acknowledged(ids)),
        ),
      ),
    );
  }

  private command(ids: readonly string[]): Observable<unknown> {
    const { stream, group, deletes } = this.settings;
    const { settle } = this.parts;
    if (!deletes) return settle(xack(stream, group, ids));
    if (!this.hasXackdel) {
      return settle(xack(stream, group, ids)).pipe(mergeMap(() => settle(xdel(stream, ids))));
    }
    return settle(xackdel(stream, group, ids)).pipe(
      map(() => undefined),
      catchError((error: unknown) => {
        if (!isCommandUnknown(error)) throw error;
        this.hasXackdel = false;
        return this.command(ids);
      }),
    );
  }
}
