import type { Observable } from 'rxjs';
import { EMPTY, Subscription, merge, tap, throwError, timer } from 'rxjs';
import type { Clock } from '../connection/clock';
import type { Connection } from '../connection/connection';
import type { Send } from '../connection/resident';
import type { ReplyError } from '../errors';
import { Removals } from './removals';
import { Subscriptions, type SubscriptionKind } from './subscriptions';
import type { Loss } from './topic';

/** A server that refuses subscriptions for the moment is asked again after so long, ms. */
const REFUSED_FOR = 100;

/** What subscriptions are reconciled with. */
export interface ReconcilerParts {
  readonly clock: Clock;
  /** how long refusals of a subscription that the server has taken away are put up with, ms */
  readonly commandTimeout: number;
  /** the connection for messages, where there is one */
  readonly carrier: () => Connection | undefined;
  /** told when the server has taken a name away, or refuses one for the moment */
  readonly onTaken: () => void;
  /** told when nothing that was asked for is unconfirmed any more */
  readonly onConfirmed: () => void;
}

/**
 * Makes the subscriptions at the server the same as those that have Observers: at once on a new link, and once a tick on one that is there,
 * so that leaving and joining within a tick costs nothing.
 */
//  schedule ──the next write──▶ reconcile ──▶ SUBSCRIBE, UNSUBSCRIBE ──▶ settled
//     ▲                                          └─refused for the moment─▶ in 100 ms ──┐
//     └──────────────────────────────────────────────────────────────────────────────┘
export class Reconciler {
  readonly of: Readonly<Record<SubscriptionKind, Subscriptions>>;
  readonly all: readonly Subscriptions[];
  private readonly removals: Removals;
  private isScheduled = false;
  /** The server refuses subscriptions for the moment, and is asked again in a while. */
  private asksLater = false;
  /** In RESP2: the connection has left its channels, because it is to sign in anew. */
  private suspended = false;
  /** What is on its way to the server on the present link. */
  private asking = new Subscription();

  constructor(private readonly parts: ReconcilerParts) {
    const now = (): number => parts.clock.now();
    const taken = (key: string, send: Send): void => this.removals.taken(key, send);
    const shard = new Subscriptions('shard', now, () => this.bySlot, taken);
    this.of = { channel: new Subscriptions('channel', now), pattern: new Subscriptions('pattern', now), shard };
    this.all = Object.values(this.of);
    this.removals = new Removals(shard, parts.clock, parts.commandTimeout);
  }

  get wanted(): boolean {
    return this.all.some(({ wanted }) => wanted);
  }

  get listening(): boolean {
    return this.all.some(({ listening }) => listening);
  }

  get unconfirmed(): boolean {
    return this.suspended || this.all.some(({ unconfirmed }) => unconfirmed);
  }

  /** Something may be different from what the server has, and can be sent. */
  get isDue(): boolean {
    return this.isScheduled && !this.suspended;
  }

  schedule(): void {
    const carrier = this.parts.carrier();
    if (carrier === undefined) return;
    this.isScheduled = true;
    // A connection that is being made restores its subscriptions itself.
    if (carrier.state$.value.kind === 'ready') carrier.line.scheduleFlush();
  }

  /** Asks for what has changed, by a link that is there. */
  write(send: Send): void {
    this.isScheduled = false;
    // A loss on the way is mended by what restores the connection.
    this.asking.add(this.reconcileInTime(send).subscribe({ error: () => undefined }));
    // Messages do not wait for UNSUBSCRIBE.
    if (!this.unconfirmed) this.parts.onConfirmed();
  }

  /** Asks for all that is wanted, by a new link. */
  restore(send: Send): Observable<unknown> {
    this.forget();
    // When subscriptions are refused for the moment, the connection is made anew after growing delays, unless it is for one slot alone.
    return this.reconcile(send, (error) => {
      const isOneSlots = error.kind === 'CLUSTERDOWN' && error.command === 'SSUBSCRIBE';
      return isOneSlots ? this.askInAWhile() : throwError(() => error);
    });
  }

  /** Leaves all names, for a while. */
  suspend(send: Send, loss: Loss): Observable<unknown> {
    this.suspended = true;
    for (const subscriptions of this.all) subscriptions.lose(loss);
    // First, because channels that were asked for and not sent may still have to be left.
    const left = this.all.map((subscriptions) => subscriptions.leave(send));
    this.stopAsking();
    return merge(...left);
  }

  resume(send: Send): Observable<unknown> {
    this.forget();
    return this.reconcileInTime(send);
  }

  /** The server has taken a shard channel away. */
  removed(key: string, loss: Loss, send: Send): void {
    // What is wanted is asked for again behind new credentials anyway.
    if (this.suspended) return;
    this.removals.removed(key, loss, send);
    this.parts.onTaken();
  }

  lost(loss: Loss): void {
    // A link that is signing in would take SSUBSCRIBE before AUTH.
    this.removals.forget();
    for (const subscriptions of this.all) subscriptions.lost(loss);
  }

  /** Ends the messages of all Observers. */
  end(error: unknown): void {
    this.forget();
    for (const subscriptions of this.all) subscriptions.end(error);
  }

  /** What was asked for has been answered. */
  settled(): void {
    if (this.all.some(({ changes }) => changes)) this.schedule();
    if (!this.unconfirmed) this.parts.onConfirmed();
  }

  /** Reconciles on the same link. Names that are refused for the moment are asked for again in a while. */
  private reconcileInTime(send: Send): Observable<unknown> {
    return this.reconcile(send, () => this.askInAWhile()).pipe(tap({ complete: () => this.settled() }));
  }

  private askInAWhile(): Observable<never> {
    this.parts.onTaken();
    // One question asks for all names.
    if (this.asksLater) return EMPTY;
    const again = () => {
      this.asksLater = false;
      for (const subscriptions of this.all) subscriptions.askForRefused();
      this.schedule();
    };
    this.asksLater = true;
    this.asking.add(timer(REFUSED_FOR, this.parts.clock).subscribe(again));
    return EMPTY;
  }

  private reconcile(send: Send, onMomentary: (error: ReplyError) => Observable<never>): Observable<unknown> {
    return merge(...this.all.map((subscriptions) => subscriptions.reconcile(send, onMomentary)));
  }

  /** The link is lost: SUBSCRIBEs that wait, or are to be repeated, must not be sent on the next one. */
  private forget(): void {
    this.suspended = false;
    this.stopAsking();
    for (const subscriptions of this.all) subscriptions.forget();
  }

  /** Drops SUBSCRIBEs that wait, or are to be repeated. */
  private stopAsking(): void {
    this.asksLater = false;
    this.asking.unsubscribe();
    this.asking = new Subscription();
    this.removals.forget();
  }

  /** Only a cluster refuses names of several slots in one command; a server that does not say what it is may be one. */
  private get bySlot(): boolean {
    const mode = this.parts.carrier()?.server?.mode;
    return mode === undefined || mode === 'cluster';
  }
}
