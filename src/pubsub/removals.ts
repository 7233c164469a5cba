import { Subscription } from 'rxjs';
import { backoff } from '../connection/backoff';
import type { Clock } from '../connection/clock';
import type { Send } from '../connection/resident';
import type { ReplyError } from '../errors';
import type { Subscriptions } from './subscriptions';

/** How the server is asked again for what it has taken away, ms. */
const AGAIN = { initialDelay: 100, maxDelay: 2_000, factor: 2, jitter: 0.25, maxAttempts: Infinity };

/**
 * Shard subscriptions that a server has taken away by itself, for the slot has moved. They are asked for again, with growing delays;
 * Observers are told of the refusal when it has lasted for `commandTimeout`.
 */
export class Removals {
  private waiting = new Subscription();

  /** @param patience how long refusals are put up with, ms */
  constructor(
    private readonly subscriptions: Subscriptions,
    private readonly clock: Clock,
    private readonly patience: number,
  ) {}

  removed(key: string, send: Send): void {
    if (this.subscriptions.removed(key)) this.askLater(key, send, 1, this.clock.now() + this.patience);
  }

  /** The link is gone: what restores the next one asks for all. */
  forget(): void {
    this.waiting.unsubscribe();
    this.waiting = new Subscription();
  }

  private askLater(key: string, send: Send, attempt: number, until: number): void {
    const { subscriptions, clock, waiting } = this;
    const onRefused = (error: ReplyError): void => {
      if (clock.now() >= until) subscriptions.refuse(key, error);
      else this.askLater(key, send, attempt + 1, until);
    };
    const ask = (): void => {
      // Its Observers may have left meanwhile.
      if (!subscriptions.taken.has(key)) return;
      waiting.add(subscriptions.askAgain(key, send, onRefused).subscribe({ error: () => undefined }));
    };
    waiting.add(clock.schedule(ask, backoff(AGAIN, attempt)));
  }
}
