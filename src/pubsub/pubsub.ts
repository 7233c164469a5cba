import { EMPTY, Observable, Subscription, catchError, takeUntil, timer } from 'rxjs';
import { call } from '../commands/call';
import type { Executor } from '../commands/request-context';
import { inContext } from '../connection/async-context';
import type { Clock } from '../connection/clock';
import type { Connection } from '../connection/connection';
import type { ConnectionState } from '../connection/connection-state';
import type { Multicast } from '../connection/multicast';
import type { Resident, Send } from '../connection/resident';
import { ConnectionError, ProtocolError, ReplyError, type RedisError } from '../errors';
import { isBinary } from '../resp/binary-names';
import type { Push } from '../resp/frames';
import { keyOf, keyOfAsked, type ChannelName } from './channel-name';
import { HeldMessages, type Holding } from './held-messages';
import { withNotices, type Notice } from './notices';
import { Reconciler } from './reconciler';
import type { NoticeWith } from './subscribe-options';
import type { SubscriptionKind } from './subscriptions';
import { type Item, type Message, type Topic } from './topic';

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
  private readonly reconciler: Reconciler;
  /** Observers of bytes. */
  private bytesWanted = 0;
  /** Names were asked for that text cannot express, so confirmations are decoded as bytes. */
  private askedInBytes = false;
  private carrier: Connection | undefined;
  /** The reply that told of the wrong server. The carrier is made anew once the commands have a new link. */
  private wrongServer: ReplyError | undefined;
  private protocol: 2 | 3 | undefined;
  private leaving: Subscription | undefined;
  /** What the messages end with when the client does, where they do not complete. */
  private endsWith: RedisError | undefined;
  private readonly idle: number;
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
    this.held = new HeldMessages(main, commandTimeout);
    this.reconciler = new Reconciler({
      clock: main.clock,
      commandTimeout,
      carrier: () => this.carrier,
      onTaken: () => onTaken?.(),
      onConfirmed: () => this.held.letOut(),
    });
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
      if (kind === undefined || kind === 'reconnecting' || !this.reconciler.unconfirmed) {
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
    const { reconciler } = this;
    const subscriptions = reconciler.of[kind];
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
          reconciler.schedule();
        });
      }
      this.main.open();
      if (this.carrier === undefined) this.open();
      reconciler.schedule();
    });
    // Which of them it emits, `gaps` and `messagesOf` tell.
    return messages$.pipe(inContext()) as Observable<never>;
  }

  /** How many channels, patterns and shard channels have Observers. */
  get observed(): number {
    return this.reconciler.all.reduce((sum, { observed }) => sum + observed, 0);
  }

  /** How many names are observed of each kind. */
  get counts(): Readonly<Record<SubscriptionKind, number>> {
    const { channel, pattern, shard } = this.reconciler.of;
    return { channel: channel.observed, pattern: pattern.observed, shard: shard.observed };
  }

  /** What is kept of subscriptions, by kind; all of it is 0 when nothing is observed and the server has confirmed that. */
  get holdings(): ReadonlyMap<string, number> {
    const holdings = new Map([
      ['messages to be published', this.held.count],
      ['Observers of bytes', this.bytesWanted],
    ]);
    for (const { kind, size } of this.reconciler.all) holdings.set(`names of the kind ${kind}`, size);
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
    return this.reconciler.listening;
  }

  /** Completes when the messages that the server has sent so far have come, or will not come; undefined where none can come. */
  arrived(): Observable<unknown> | undefined {
    const { carrier } = this;
    if (!this.reconciler.wanted || carrier?.state$.value.kind !== 'ready') return undefined;
    const fence = carrier.line.sendAhead(call('PING')).pipe(catchError(() => EMPTY));
    return fence.pipe(takeUntil(timer(LONGEST_ARRIVAL, carrier.clock)));
  }

  /** The client is about to end at once: then messages end with an error, and do not complete as when it is closed. */
  destroy(error: RedisError): void {
    this.endsWith = error;
  }

  lost(reason: RedisError, servedUntil: number): void {
    // Where nothing was heard, nothing was confirmed either.
    this.reconciler.lost({ from: servedUntil, reason });
  }

  restore(send: Send, protocol: 2 | 3): Observable<unknown> {
    this.protocol = protocol;
    return this.reconciler.restore(send);
  }

  suspend(send: Send): Observable<unknown> {
    if (this.protocol === 3) return EMPTY;
    const reason = new ConnectionError('The channels were left to sign in anew');
    return this.reconciler.suspend(send, { from: this.servedUntil ?? 0, reason });
  }

  resume(send: Send): Observable<unknown> {
    return this.protocol === 3 ? EMPTY : this.reconciler.resume(send);
  }

  beforeWrite(): void {
    const { carrier, reconciler } = this;
    if (!reconciler.isDue || carrier?.state$.value.kind !== 'ready') return;
    reconciler.write((command) => carrier.line.sendAhead(command));
    this.lingerOrStay();
  }

  // Hot: once per message.
  receive({ kind, items }: Push): void {
    const [, first, second, third] = items as Item[];
    switch (kind) {
      case 'message':
        this.reconciler.of.channel.get(keyOf(first!))?.deliver('message', first!, undefined, second!);
        return;
      case 'pmessage':
        this.reconciler.of.pattern.get(keyOf(first!))?.deliver('pmessage', second!, first, third!);
        return;
      case 'smessage':
        this.reconciler.of.shard.get(keyOf(first!))?.deliver('smessage', first!, undefined, second!);
        return;
      case 'sunsubscribe': {
        const { carrier } = this;
        // It names no channel where nothing was left.
        if (carrier === undefined || items[1] === null) return;
        const reason = new ConnectionError('The server has taken the shard channel away');
        const loss = { from: this.servedUntil ?? 0, reason };
        this.reconciler.removed(keyOf(first!), loss, (command) => carrier.line.sendAhead(command));
      }
    }
  }

  /** The connection by which messages come; undefined where there is none. */
  get carrying(): Connection | undefined {
    return this.carrier;
  }

  /** What is observed of a shard channel, and known of its subscription. */
  shardTopic(name: ChannelName): Topic | undefined {
    return this.reconciler.of.shard.get(keyOfAsked(name));
  }

  /** Until when the server surely served the present link, on the clock; undefined where there is none. */
  get servedUntil(): number | undefined {
    return this.carrier?.line.link?.servedUntil;
  }

  /** The server is gone for good: leaves the carrier. Its Observers are told nothing. */
  leave(): void {
    const { carrier } = this;
    this.carrier = undefined;
    carrier?.destroy();
  }

  /** Subscriptions that have no Observer are ended some time after the last one has left. */
  private leaveIdleIn(delay: number): void {
    if (delay <= 0) this.leaveIdle();
    else if (this.idling.closed) this.idling = this.main.clock.schedule(() => this.leaveIdle(), delay);
  }

  private leaveIdle(): void {
    this.idling = Subscription.EMPTY;
    const now = this.main.clock.now();
    const next = Math.min(...this.reconciler.all.map((subscriptions) => subscriptions.leaveIdle(now)));
    if (next < Infinity) this.leaveIdleIn(next - now);
    this.reconciler.schedule();
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
      this.reconciler.schedule(); // Observers may have come or gone while the subscriptions were restored
      this.reconciler.settled();
    }
    if (state.kind === 'reconnecting') {
      this.held.letOut();
      if (!this.reconciler.wanted) this.close(undefined);
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
    this.leaving?.unsubscribe();
    this.idling.unsubscribe();
    this.askedInBytes = false;
    this.reconciler.end(error);
    this.held.letOut();
  }

  /** The carrier is closed some time after the last Observer has left. */
  private lingerOrStay(): void {
    this.leaving?.unsubscribe();
    this.leaving = undefined;
    const { carrier } = this;
    if (this.reconciler.wanted || carrier === undefined) return;
    this.leaving = timer(LINGER, carrier.clock).subscribe(() => {
      if (!this.reconciler.wanted) this.close(undefined);
    });
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
