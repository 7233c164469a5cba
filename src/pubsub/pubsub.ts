import { EMPTY, Observable, Subscription, merge, throwError, timer } from 'rxjs';
import type { Connection, ConnectionState } from '../connection/connection';
import { AuthenticationError, type ReplyError } from '../errors';
import type { Push } from '../resp/frames';
import type { Send } from '../connection/greeter';
import { Subscriptions, type SubscriptionKind } from './subscriptions';
import type { Message, Topic } from './topic';

/** How long it takes until a server that subscribes nobody for the moment is asked again, ms. */
const REFUSED_FOR = 100;

/**
 * Many Observers, one subscription at the server per channel or pattern, restored whenever the connection is.
 *
 * In RESP3 messages share the connection of the commands. In RESP2 a subscribed connection takes no commands, so messages get one
 * of their own, opened when it is first needed.
 */
//  push ──▶ kind ──▶ Map of topics ──▶ the topic's subscribers     (never a filter per subscriber)
export class PubSub {
  private readonly subscriptions = {
    channel: new Subscriptions('channel'),
    pattern: new Subscriptions('pattern'),
    shard: new Subscriptions('shard'),
  };
  private readonly all = Object.values(this.subscriptions);
  private bytesObservers = 0;
  private reconcileScheduled = false;
  /** What is on its way to the server on the present link. */
  private reconciling = new Subscription();
  /** The connection of its own that RESP2 needs. */
  private own: Connection | undefined;

  constructor(
    private readonly shared: Connection,
    private readonly openOwn: () => Connection,
  ) {
    this.attach(shared, (protocol) => protocol === 3);
    shared.state$.subscribe((state) => this.follow(state));
  }

  /** The messages of channels, patterns or shard channels; the first Observer subscribes, the last one to leave unsubscribes. */
  messages(kind: SubscriptionKind, names: readonly string[]): Observable<Message> {
    return this.observe(kind, names, (topic) => topic.strings);
  }

  /** The same with `data` as bytes. */
  messagesAsBytes(kind: SubscriptionKind, names: readonly string[]): Observable<Message<Buffer>> {
    const messages = this.observe(kind, names, (topic) => topic.bytes);
    return new Observable((subscriber) => {
      this.countBytesObservers(1);
      subscriber.add(() => this.countBytesObservers(-1));
      subscriber.add(messages.subscribe(subscriber));
    });
  }

  private observe<M>(
    kind: SubscriptionKind,
    names: readonly string[],
    messagesOf: (topic: Topic) => Observable<M>,
  ): Observable<M> {
    const subscriptions = this.subscriptions[kind];
    return new Observable((subscriber) => {
      if (this.shared.closed) {
        subscriber.error(this.shared.closedError());
        return;
      }
      for (const name of new Set(names)) {
        const topic = subscriptions.topic(name);
        messagesOf(topic).subscribe(subscriber);
        subscriber.add(() => {
          subscriptions.release(topic);
          this.scheduleReconcile();
        });
      }
      this.shared.open();
      this.scheduleReconcile();
    });
  }

  /** Messages come through this connection, which subscribes again whenever it is made anew. */
  private attach(connection: Connection, carries: (protocol: 2 | 3) => boolean): void {
    connection.multiplexer.incoming.pushes$.subscribe((push) => this.receive(push));
    connection.multiplexer.incoming.pushesAsBytes = this.bytesObservers > 0;
    connection.multiplexer.beforeFlush = () => {
      if (this.reconcileScheduled) this.reconcileBeforeFlush(connection);
    };
    connection.multiplexer.listening = () => {
      const { value: state } = connection.state$;
      return state.kind === 'ready' && carries(state.protocol) && this.wanted;
    };
    connection.greeter.restorers.push({
      restore: (send, protocol) => {
        if (!carries(protocol)) {
          if (this.own === undefined) this.forget();
          return EMPTY;
        }
        if (connection === this.shared) this.dropOwn(); // RESP3 is back: two that restore would undo each other's work
        this.forget();
        // Refused for the moment, the connection is made anew after a delay that grows.
        return this.reconcile(send, (error) => throwError(() => error));
      },
      suspend: (send) => merge(...this.all.map((subscriptions) => subscriptions.leave(send))),
      resume: (send) => {
        this.forget();
        return this.reconcileInTime(connection, send);
      },
    });
    // Who came or went while the subscriptions were restored.
    connection.state$.subscribe(({ kind }) => {
      if (kind === 'ready') this.scheduleReconcile();
    });
  }

  private follow(state: ConnectionState): void {
    // Whoever waits for messages is told as whoever waits for replies is.
    if (state.kind === 'reconnecting' && state.error instanceof AuthenticationError) {
      this.dropOwn(); // it may be subscribed still, and nobody would unsubscribe
      this.end(state.error);
    }
    if (state.kind === 'closed') {
      this.dropOwn();
      this.end(state.error);
    }
  }

  private end(error: unknown): void {
    this.forget(); // nobody is left for whom it would be asked again
    for (const subscriptions of this.all) subscriptions.end(error);
  }

  private dropOwn(): void {
    const { own } = this;
    this.own = undefined;
    own?.destroy();
  }

  /** Once per tick, so that who leaves and joins within one costs nothing. */
  private scheduleReconcile(): void {
    const carrier = this.carrier();
    if (carrier?.state$.value.kind !== 'ready') return; // what restores the connection sees to it
    this.reconcileScheduled = true;
    carrier.multiplexer.scheduleFlush();
  }

  /** Ahead of the commands of the tick: who subscribes and then publishes gets the message. */
  private reconcileBeforeFlush(connection: Connection): void {
    if (connection !== this.carrier() || connection.state$.value.kind !== 'ready') return;
    this.reconcileScheduled = false;
    const send: Send = (command) => connection.multiplexer.greet(command);
    // A loss on the way is mended by what restores the connection.
    this.reconciling.add(this.reconcileInTime(connection, send).subscribe({ error: () => undefined }));
  }

  /** What is refused for the moment is asked for again on the same link. */
  private reconcileInTime(connection: Connection, send: Send): Observable<unknown> {
    return this.reconcile(send, () => {
      this.reconcileLater(connection);
      return EMPTY;
    });
  }

  /** The server subscribes nobody for the moment. */
  private reconcileLater(connection: Connection): void {
    this.reconciling.add(timer(REFUSED_FOR, connection.clock).subscribe(() => this.scheduleReconcile()));
  }

  private reconcile(send: Send, onMomentary: (error: ReplyError) => Observable<never>): Observable<unknown> {
    return merge(...this.all.map((subscriptions) => subscriptions.reconcile(send, onMomentary)));
  }

  /** What was asked for on a lost link and still waits, or is to be asked again, must not be sent on the next one. */
  private forget(): void {
    this.reconciling.unsubscribe();
    this.reconciling = new Subscription();
    for (const subscriptions of this.all) subscriptions.forget();
  }

  private get wanted(): boolean {
    return this.all.some(({ wanted }) => wanted);
  }

  private carrier(): Connection | undefined {
    const { value: state } = this.shared.state$;
    // What RESP2 has opened goes on while the shared one is made anew.
    if (this.own === undefined && state.kind !== 'ready') return this.shared;
    if (state.kind === 'ready' && state.protocol === 3) return this.shared;
    if (this.own === undefined && this.wanted) {
      const own = (this.own = this.openOwn());
      this.attach(own, () => true);
      // One client has one stream of events, and what is wrong with either connection is to be heard there.
      own.events$.subscribe((event) => {
        if (event.type === 'error') this.shared.events$.next(event);
      });
      own.state$.subscribe((state) => {
        if (this.own !== own) return;
        if (state.kind === 'reconnecting' && state.error instanceof AuthenticationError) this.end(state.error);
        if (state.kind !== 'closed') return;
        this.own = undefined;
        this.end(state.error);
      });
      own.open();
    }
    return this.own;
  }

  private countBytesObservers(change: number): void {
    this.bytesObservers += change;
    for (const connection of [this.shared, this.own]) {
      if (connection !== undefined) connection.multiplexer.incoming.pushesAsBytes = this.bytesObservers > 0;
    }
  }

  // Hot: once per message.
  private receive(push: Push): void {
    const { items } = push;
    const { channel, pattern, shard } = this.subscriptions;
    switch (typeof items[0] === 'string' ? items[0] : push.kind) {
      case 'message':
        channel.get(text(items[1]))?.deliver('message', text(items[1]), items[2] as string | Uint8Array);
        return;
      case 'pmessage':
        pattern.get(text(items[1]))?.deliver('pmessage', text(items[2]), items[3] as string | Uint8Array);
        return;
      case 'smessage':
        shard.get(text(items[1]))?.deliver('smessage', text(items[1]), items[2] as string | Uint8Array);
        return;
    }
  }
}

function text(item: unknown): string {
  return typeof item === 'string' ? item : String(item);
}
