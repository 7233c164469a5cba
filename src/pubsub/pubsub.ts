import { EMPTY, Observable, Subscription, catchError, merge, takeUntil, tap, throwError, timer } from 'rxjs';
import { call } from '../commands/call';
import type { Executor } from '../commands/request-context';
import { inContext } from '../connection/async-context';
import type { Clock } from '../connection/clock';
import type { Connection } from '../connection/connection';
import type { ConnectionState } from '../connection/connection-state';
import type { Multicast } from '../connection/multicast';
import type { Resident, Send } from '../connection/resident';
import { ConnectionError, ProtocolError, ReplyError, type RedisError } from '../errors';
import type { Push } from '../resp/frames';
import { isBinary, keyOf, keyOfAsked, type ChannelName } from './channel-name';
import { HeldMessages, type Holding } from './held-messages';
import { withNotices, type Notice } from './notices';
import { Removals } from './removals';
import type { NoticeWith } from './subscribe-options';
import { Subscriptions, type SubscriptionKind } from './subscriptions';
import { type Item, type Message, type Topic } from './topic';

/** A server that refuses subscriptions for the moment is asked again after so long, ms. */
const REFUSED_FOR = 100;
/** How long a subscription stays after its last Observer has left, in case another comes, ms. */
const IDLE = 100;
/** How long the connection for messages stays open after the last subscription has ended, ms. */
const LINGER = 5_000;
/** How long closing waits at most for messages that the server has sent, ms. */
const LONGEST_ARRIVAL = 1_000;

/** What the messages of a client go by: the connection of its commands, or what stands for all of them. */
export type Main = Pick<
  Connection,
  'clock' | 'closed' | 'closedError' | 'events$' | 'open' | 'session' | 'state$' | 'submit' | 'wasReady'
> &
  Holding;

/** What the messages of a client need beside their connection. */
export interface PubSubOptions {
  /** how long refusals of a subscription that the server has taken away are put up with, and closing waits for replies, ms */
  readonly commandTimeout: number;
  /** how long a subscription stays after its last Observer has left, in case another comes, ms */
  readonly idle?: number;
  /** told when the server has taken a shard channel away */
  readonly onTaken?: () => void;
}

/**
 * Many Observers, one subscription at the server per channel or pattern, restored whenever the connection is.
 *
 * Messages have a connection of their own, the carrier, opened with the first subscription: a server counts all replies of a subscribed
 * client against a small limit, and in RESP2 such a client takes no other commands.
 */
//  push ──▶ kind ──▶ Map of topics ──▶ the topic's subscribers     (never a filter per subscriber)
export class PubSub implements Resident {
  private readonly subscriptions = {
    channel: new Subscriptions('channel', () => this.main.clock.now()),
    pattern: new Subscriptions('pattern', () => this.main.clock.now()),
    shard: new Subscriptions(
      'shard',
      () => this.main.clock.now(),
      () => this.bySlot,
      (key, send) => this.removals.taken(key, send),
    ),
  };
  private readonly all = Object.values(this.subscriptions);
  private readonly removals: Removals;
  /** Observers of bytes. */
  private bytesWanted = 0;
  /** Names were asked for that text cannot express, so confirmations are decoded as bytes. */
  private askedInBytes = false;
  private reconcileScheduled = false;
  /** The server refuses subscriptions for the moment, and is asked again in a while. */
  private asksLater = false;
  /** In RESP2: the connection has left its channels, because it is to sign in anew. */
  private suspended = false;
  /** What is on its way to the server on the present link. */
  private reconciling = new Subscription();
  private carrier: Connection | undefined;
  /** The reply that told of the wrong server. The carrier is made anew once the commands have a new link. */
  private wrongServer: ReplyError | undefined;
  private protocol: 2 | 3 | undefined;
  private leaving: Subscription | undefined;
  /** What the messages end with when the client does, where they do not complete. */
  private endsWith: RedisError | undefined;
  private readonly idle: number;
  private readonly onTaken: (() => void) | undefined;
  /** The timer of topics whose last Observer has left. */
  private idling = Subscription.EMPTY;
  private readonly held: HeldMessages;

  /** @param wrap what the executors of the main connection are wrapped in */
  constructor(
    private readonly main: Main,
    private readonly openCarrier: () => Connection,
    { commandTimeout, idle = IDLE, onTaken }: PubSubOptions,
    wrap = (executor: Executor) => executor,
  ) {
    this.publisher = wrap(this.publishing);
    this.idle = idle;
    this.onTaken = onTaken;
    this.held = new HeldMessages(main, commandTimeout);
    this.removals = new Removals(this.subscriptions.shard, main.clock, commandTimeout);
    main.state$.subscribe((state) => this.followMain(state));
  }

  /**
   * The messages of channels, patterns or shard channels; the first Observer subscribes, the last one to leave unsubscribes.
   * @param gaps whether it carries notices as well
   */
  messages<G extends boolean = false>(
    kind: SubscriptionKind,
    names: readonly ChannelName[],
    gaps?: G,
  ): Observable<Message | NoticeWith<G, string>> {
    return this.observe(kind, names, false, gaps === true, (topic) => topic.strings);
  }

  /** The same with names and `data` as bytes. */
  messagesAsBytes<G extends boolean = false>(
    kind: SubscriptionKind,
    names: readonly ChannelName[],
    gaps?: G,
  ): Observable<Message<Buffer> | NoticeWith<G, Buffer>> {
    return this.observe(kind, names, true, gaps === true, (topic) => topic.bytes);
  }

  /** Sends what publishes behind the subscriptions that were made before it, so that they get it. */
  readonly publisher: Executor;

  private readonly publishing: Executor = {
    submit: (request) => {
      const kind = this.carrier?.state$.value.kind;
      // Messages that are missed while the carrier is lost are missed anyway.
      if (kind === undefined || kind === 'reconnecting' || !this.unconfirmed) {
        this.held.letOut(); // earlier calls go first
        this.main.submit(request);
      } else {
        this.held.hold(request);
      }
    },
  };

  private observe<M>(
    kind: SubscriptionKind,
    names: readonly ChannelName[],
    asBytes: boolean,
    gaps: boolean,
    messagesOf: (topic: Topic) => Multicast<M>,
  ): Observable<never> {
    const subscriptions = this.subscriptions[kind];
    const messages$ = new Observable<M | Notice<string | Buffer>>((subscriber) => {
      if (this.main.closed) {
        subscriber.error(this.main.closedError());
        return;
      }
      for (const key of new Set(names.map(keyOfAsked))) {
        const topic = subscriptions.topic(key);
        if (isBinary(key)) this.askedInBytes = true;
        this.countBytesWanted(asBytes ? 1 : 0);
        const own$ = messagesOf(topic);
        if (gaps)
          subscriber.add(
            withNotices(subscriber, topic, own$, {
              isPattern: kind === 'pattern',
              asBytes,
              clock: this.main.clock,
            }),
          );
        else own$.subscribe(subscriber);
        subscriber.add(() => {
          this.countBytesWanted(asBytes ? -1 : 0);
          const { idle, main } = this;
          if (subscriptions.release(topic, main.clock.now() + idle)) this.leaveIdleIn(idle);
          this.scheduleReconcile();
        });
      }
      this.main.open();
      if (this.carrier === undefined) this.open();
      this.scheduleReconcile();
    });
    // Which of them it emits, `gaps` and `messagesOf` tell.
    return messages$.pipe(inContext()) as Observable<never>;
  }

  /** How many channels, patterns and shard channels have Observers. */
  get observed(): number {
    return this.all.reduce((sum, { observed }) => sum + observed, 0);
  }

  /** How many names are observed of each kind. */
  get counts(): Readonly<Record<SubscriptionKind, number>> {
    const { channel, pattern, shard } = this.subscriptions;
    return { channel: channel.observed, pattern: pattern.observed, shard: shard.observed };
  }

  /** What is kept of subscriptions, by kind; all of it is 0 when nothing is observed and the server has confirmed that. */
  get holdings(): ReadonlyMap<string, number> {
    const holdings = new Map([
      ['messages to be published', this.held.count],
      ['Observers of bytes', this.bytesWanted],
    ]);
    for (const { kind, size } of this.all) holdings.set(`names of the kind ${kind}`, size);
    return holdings;
  }

  /** The number of the database that the client uses. */
  get database(): number {
    return this.main.session.database;
  }

  get clock(): Clock {
    return this.main.clock;
  }

  get listening(): boolean {
    return this.all.some(({ listening }) => listening);
  }

  /** Completes when the messages that the server has sent so far have come, or will not come; undefined where none can come. */
  arrived(): Observable<unknown> | undefined {
    const { carrier } = this;
    if (!this.wanted || carrier?.state$.value.kind !== 'ready') return undefined;
    const fence = carrier.line.sendAhead(call('PING')).pipe(catchError(() => EMPTY));
    return fence.pipe(takeUntil(timer(LONGEST_ARRIVAL, carrier.clock)));
  }

  /** The client is about to end at once: then messages end with an error, and do not complete as when it is closed. */
  destroy(error: RedisError): void {
    this.endsWith = error;
  }

  lost(reason: RedisError, heardAt: number): void {
    // Where nothing was heard, nothing was confirmed either.
    for (const subscriptions of this.all) subscriptions.lost({ from: heardAt, reason });
  }

  restore(send: Send, protocol: 2 | 3): Observable<unknown> {
    this.protocol = protocol;
    this.forget();
    // When subscriptions are refused for the moment, the connection is made anew after growing delays, unless it is for one slot alone.
    return this.reconcile(send, (error) => {
      const isOneSlots = error.kind === 'CLUSTERDOWN' && error.command === 'SSUBSCRIBE';
      return isOneSlots ? this.askInAWhile() : throwError(() => error);
    });
  }

  suspend(send: Send): Observable<unknown> {
    if (this.protocol === 3) return EMPTY;
    this.suspended = true;
    const loss = { from: this.heardAt, reason: new ConnectionError('The channels were left to sign in anew') };
    for (const subscriptions of this.all) subscriptions.lose(loss);
    // First, because channels that were asked for and not sent may still have to be left.
    const left = this.all.map((subscriptions) => subscriptions.leave(send));
    this.stopAsking();
    return merge(...left);
  }

  resume(send: Send): Observable<unknown> {
    if (this.protocol === 3) return EMPTY;
    this.forget();
    return this.reconcileInTime(send);
  }

  /** Once per tick, so that leaving and joining within one costs nothing. */
  beforeWrite(): void {
    const { carrier } = this;
    if (!this.reconcileScheduled || this.suspended || carrier?.state$.value.kind !== 'ready') return;
    this.reconcileScheduled = false;
    // A loss on the way is mended by what restores the connection.
    const reconciled = this.reconcileInTime((command) => carrier.line.sendAhead(command));
    this.reconciling.add(reconciled.subscribe({ error: () => undefined }));
    // Messages do not wait for UNSUBSCRIBE.
    if (!this.unconfirmed) this.held.letOut();
    this.lingerOrStay();
  }

  // Hot: once per message.
  receive({ kind, items }: Push): void {
    const [, first, second, third] = items as Item[];
    switch (kind) {
      case 'message':
        this.subscriptions.channel.get(keyOf(first!))?.deliver('message', first!, undefined, second!);
        return;
      case 'pmessage':
        this.subscriptions.pattern.get(keyOf(first!))?.deliver('pmessage', second!, first, third!);
        return;
      case 'smessage':
        this.subscriptions.shard.get(keyOf(first!))?.deliver('smessage', first!, undefined, second!);
        return;
      case 'sunsubscribe': {
        const { carrier, suspended } = this;
        // It names no channel where nothing was left. What is wanted is asked for again behind new credentials anyway.
        if (carrier === undefined || suspended || items[1] === null) return;
        const reason = new ConnectionError('The server has taken the shard channel away');
        const loss = { from: this.heardAt, reason };
        this.removals.removed(keyOf(first!), loss, (command) => carrier.line.sendAhead(command));
        this.onTaken?.();
      }
    }
  }

  /** What is observed of a shard channel, and known of its subscription. */
  shardTopic(name: ChannelName): Topic | undefined {
    return this.subscriptions.shard.get(keyOfAsked(name));
  }

  /** When the server last gave a sign of life, on the clock; undefined where there is no link. */
  get lastHeard(): number | undefined {
    return this.carrier?.line.link?.heardAt;
  }

  /** The server is gone for good: leaves the carrier. Its Observers are told nothing. */
  leave(): void {
    const { carrier } = this;
    this.carrier = undefined;
    carrier?.destroy();
  }

  /** When the server last gave a sign of life on the present link, on the clock. */
  private get heardAt(): number {
    return this.carrier?.line.link?.heardAt ?? 0;
  }

  /** Subscriptions that have no Observer are ended some time after the last one has left. */
  private leaveIdleIn(delay: number): void {
    if (delay <= 0) this.leaveIdle();
    else if (this.idling.closed) this.idling = this.main.clock.schedule(() => this.leaveIdle(), delay);
  }

  private leaveIdle(): void {
    this.idling = Subscription.EMPTY;
    const now = this.main.clock.now();
    const next = Math.min(...this.all.map((subscriptions) => subscriptions.leaveIdle(now)));
    if (next < Infinity) this.leaveIdleIn(next - now);
    this.scheduleReconcile();
  }

  private scheduleReconcile(): void {
    if (this.carrier === undefined) return;
    this.reconcileScheduled = true;
    // A connection that is being made restores its subscriptions itself.
    if (this.carrier.state$.value.kind === 'ready') this.carrier.line.scheduleFlush();
  }

  private open(): void {
    const carrier = (this.carrier = this.openCarrier());
    carrier.line.residents.add(this);
    carrier.line.pushesAsBytes = this.takesBytes;
    // One client has one stream of events.
    carrier.events$.subscribe((event) => this.main.events$.next(event));
    carrier.state$.subscribe((state) => this.follow(carrier, state));
    carrier.open();
  }

  private followMain(state: ConnectionState): void {
    if (state.kind === 'closed') this.close(state.error ?? this.endsWith);
    // A server that is the wrong one for commands is the wrong one for messages as well: the carrier goes where commands go.
    if (state.kind === 'reconnecting') this.wrongServer = refusalBehind(state.error) ?? this.wrongServer;
    if (state.kind !== 'ready' || this.wrongServer === undefined) return;
    const cause = this.wrongServer;
    this.wrongServer = undefined;
    const link = this.carrier?.line.link;
    // A link in its handshake may lead to the old server as well.
    if (link?.isOpen === true || link?.inHandshake === true)
      link.lose(new ConnectionError('Messages follow the commands to their server', { cause }));
  }

  private follow(carrier: Connection, state: ConnectionState): void {
    if (carrier !== this.carrier) return;
    if (state.kind === 'ready') {
      this.scheduleReconcile(); // Observers may have come or gone while the subscriptions were restored
      this.settled();
    }
    if (state.kind === 'reconnecting') {
      this.held.letOut();
      if (!this.wanted) this.close(undefined);
      // Subscriptions fail with the same error as commands.
      else if (this.isHopeless(carrier, state.error)) this.close(state.error);
    }
    if (state.kind === 'closed') {
      this.carrier = undefined;
      // A client that is being closed completes its streams, whatever becomes of their connection.
      this.end(this.main.closed ? undefined : state.error);
    }
  }

  /** Whether the carrier cannot be made. A peer that was a Redis to commands may be one again, whatever answers in its place. */
  private isHopeless(carrier: Connection, error: RedisError): boolean {
    return carrier.isHopeless && !(this.main.wasReady && error instanceof ProtocolError);
  }

  /** Leaves the carrier, and ends the messages of all Observers. */
  private close(error: unknown): void {
    const { carrier } = this;
    this.carrier = undefined;
    carrier?.destroy();
    this.end(error);
  }

  private end(error: unknown): void {
    this.forget();
    this.leaving?.unsubscribe();
    this.idling.unsubscribe();
    this.askedInBytes = false;
    for (const subscriptions of this.all) subscriptions.end(error);
    this.held.letOut();
  }

  /** The carrier is closed some time after the last Observer has left. */
  private lingerOrStay(): void {
    this.leaving?.unsubscribe();
    this.leaving = undefined;
    const { carrier } = this;
    if (this.wanted || carrier === undefined) return;
    this.leaving = timer(LINGER, carrier.clock).subscribe(() => {
      if (!this.wanted) this.close(undefined);
    });
  }

  /** Reconciles on the same link. Names that are refused for the moment are asked for again in a while. */
  private reconcileInTime(send: Send): Observable<unknown> {
    return this.reconcile(send, () => this.askInAWhile()).pipe(tap({ complete: () => this.settled() }));
  }

  private askInAWhile(): Observable<never> {
    this.onTaken?.();
    // One question asks for all names.
    if (this.asksLater) return EMPTY;
    const again = () => {
      this.asksLater = false;
      this.scheduleReconcile();
    };
    this.asksLater = true;
    this.reconciling.add(timer(REFUSED_FOR, this.main.clock).subscribe(again));
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
    this.reconciling.unsubscribe();
    this.reconciling = new Subscription();
    this.removals.forget();
  }

  /** What was asked for has been answered. */
  private settled(): void {
    if (!this.asksLater && this.all.some(({ changes }) => changes)) this.scheduleReconcile();
    if (!this.unconfirmed) this.held.letOut();
  }

  private get wanted(): boolean {
    return this.all.some(({ wanted }) => wanted);
  }

  private get unconfirmed(): boolean {
    return this.suspended || this.all.some(({ unconfirmed }) => unconfirmed);
  }

  /** Only a cluster refuses names of several slots in one command; a server that does not say what it is may be one. */
  private get bySlot(): boolean {
    const mode = this.carrier?.server?.mode;
    return mode === undefined || mode === 'cluster';
  }

  private get takesBytes(): boolean {
    return this.bytesWanted > 0 || this.askedInBytes;
  }

  private countBytesWanted(change: number): void {
    this.bytesWanted += change;
    if (this.carrier !== undefined) this.carrier.line.pushesAsBytes = this.takesBytes;
  }
}

/** The reply that caused a link to be left, where the link itself was in order. */
function refusalBehind(error: RedisError): ReplyError | undefined {
  return error instanceof ConnectionError && error.cause instanceof ReplyError ? error.cause : undefined;
}
