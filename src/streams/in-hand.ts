import { Subscription, type Observable } from 'rxjs';
import type { Command } from '../commands/command';
import { xclaim } from '../commands/generated/builders';
import type { Clock } from '../connection/clock';
import type { ConsumerSettings } from './consume-options';

/** How many entries are kept from others by one command. */
const AT_ONCE = 1_000;

/** The longest time between two commands that keep entries, ms. */
const LONGEST = 5_000;

/** What keeping entries needs. */
export interface InHandParts {
  /** sends what does no harm twice, also while the client is being closed */
  readonly settle: <T>(command: Command<T>) => Observable<T>;
  readonly clock: Clock;
}

/**
 * The entries that a consumer is handling or has not yet acknowledged, and those that have failed a short time ago. Those in hand are kept from
 * becoming idle, for others would take them over.
 */
export class InHand {
  /** Since when they are surely not idle, by their ids. */
  private readonly entries = new Map<string, number>();
  /** When they have failed, by their ids, the oldest first. */
  private readonly failed = new Map<string, number>();
  private readonly keeping = new Subscription();
  private readonly interval: number;

  constructor(
    private readonly settings: ConsumerSettings,
    private readonly parts: InHandParts,
  ) {
    this.interval = Math.min(Math.max(1, settings.claimIdle / 3), LONGEST);
    if (settings.claimIdle < Infinity) this.keepLater();
  }

  has(id: string): boolean {
    return this.entries.has(id);
  }

  /** It is in hand, or has failed so short a time ago that it is not idle yet. */
  knows(id: string): boolean {
    return this.entries.has(id) || this.failed.has(id);
  }

  add(id: string, now: number): void {
    if (this.failed.size > 0) this.failed.delete(id);
    this.entries.set(id, now);
  }

  delete(id: string): void {
    this.entries.delete(id);
  }

  /** It stays pending until it is idle. */
  leave(id: string): void {
    this.entries.delete(id);
    this.failed.delete(id);
    this.failed.set(id, this.parts.clock.now());
  }

  /** Forgets failures whose entries may be idle by now. */
  forgetFailures(): void {
    const { claimIdle } = this.settings;
    const now = this.parts.clock.now();
    for (const [id, at] of this.failed) {
      if (now - at < claimIdle) return;
      this.failed.delete(id);
    }
  }

  stop(): void {
    this.keeping.unsubscribe();
  }

  private keepLater(): void {
    const timer = this.parts.clock.schedule(() => {
      this.keeping.remove(timer);
      this.keep();
      this.keepLater();
    }, this.interval);
    this.keeping.add(timer);
  }

  private keep(): void {
    const { settings, parts, interval } = this;
    const { stream, group, consumer, claimIdle } = settings;
    const now = parts.clock.now();
    const ids = [...this.entries].filter(([, since]) => now - since >= interval).map(([id]) => id);
    for (let from = 0; from < ids.length; from += AT_ONCE) {
      const some = ids.slice(from, from + AT_ONCE);
      for (const id of some) this.entries.set(id, now);
      // One that another consumer has taken over a short time ago is not taken back.
      const kept$ = parts.settle(xclaim(stream, group, consumer, Math.floor(claimIdle / 6), some, { JUSTID: true }));
      // Where it fails, the next one comes soon enough.
      this.keeping.add(kept$.subscribe({ error: () => undefined }));
    }
  }
}
