import type { Subscription } from 'rxjs';
import { backoff } from '../connection/backoff';
import type { Clock } from '../connection/clock';
import type { Send } from '../connection/resident';
import type { ReplyError } from '../errors';
import type { Subscriptions } from './subscriptions';
import type { Loss } from './topic';

/** The delays with which the server is asked again, ms. */
const AGAIN = { initialDelay: 100, maxDelay: 2_000, factor: 2, jitter: 0.25, maxAttempts: Infinity };

/**
 * Shard subscriptions that a server has taken away because the slot has moved. They are asked for again, with growing delays. Observers
 * get the refusal when it has lasted for `commandTimeout`.
 */
export class Removals {
  /** What is under way for each name. */
  private readonly underWay = new Map<string, Subscription>();

  /** @param patience how long refusals are put up with, ms */
  constructor(
    private readonly subscriptions: Subscriptions,
    private readonly clock: Clock,
    private readonly patience: number,
  ) {}

  removed(key: string, loss: Loss, send: Send): void {
    if (this.subscriptions.removed(key, loss)) this.taken(key, send);
  }

  /** The same, found out on a new link. */
  taken(key: string, send: Send): void {
    this.askLater(key, send, 1, this.clock.now() + this.patience);
  }

  /** The link is gone: what restores the next one asks for all. */
  forget(): void {
    for (const subscription of this.underWay.values()) subscription.unsubscribe();
    this.underWay.clear();
  }

  private askLater(key: string, send: Send, attempt: number, until: number): void {
    const { subscriptions, clock } = this;
    const onRefused = (error: ReplyError): void => {
      if (clock.now() < until) this.askLater(key, send, attempt + 1, until);
      else {
        this.underWay.delete(key);
        subscriptions.refuse(key, error);
      }
    };
    const ask = (): void => {
      this.underWay.delete(key);
      // Its Observers may have left meanwhile.
      if (!subscriptions.taken.has(key)) return;
      const asked = subscriptions.askAgain(key, send, onRefused).subscribe({
        error: () => undefined, // a loss is mended by what restores the connection
        complete: () => {
          if (this.underWay.get(key) === asked) this.underWay.delete(key);
        },
      });
      this.follow(key, asked);
    };
    this.follow(key, clock.schedule(ask, Math.min(backoff(AGAIN, attempt), Math.max(0, until - clock.now()))));
  }

  private follow(key: string, subscription: Subscription): void {
    this.underWay.get(key)?.unsubscribe();
    this.underWay.set(key, subscription);
  }
}
