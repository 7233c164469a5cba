import {
  Observable,
  Subject,
  Subscription,
  defer,
  map,
  merge,
  startWith,
  take,
  filter,
  type BehaviorSubject,
} from 'rxjs';
import type { Request } from '../commands/request';
import type { Executor } from '../commands/request-context';
import { dateOf, type Clock } from '../connection/clock';
import type { Connection } from '../connection/connection';
import type { ConnectionEvent, ConnectionState } from '../connection/connection-state';
import type { Session } from '../connection/session';
import type { Endpoint } from '../connection/socket';
import { timeFor } from '../connection/time-for';
import { ConnectionError, ReplyError, type DisconnectedError, type RedisError } from '../errors';
import type { ResolvedOptions, ServerAddress } from '../options';
import { hashSlot } from '../resp/hash-slot';
import { ErrorFrame } from '../resp/frames';
import type { ClusterNode } from '../topology/node';
import { delayOfHop, verdictOf } from '../topology/redirects';
import type { Topology } from '../topology/topology';
import { keyOf, keyOfAsked, type ChannelName } from './channel-name';
import { meansKeyspace } from './keyspace';
import { merged } from './merged';
import { messagesOfMasters } from './messages-of-masters';
import { isNotice } from './notices';
import { PubSub, type Main } from './pubsub';
import type { NoticeWith } from './subscribe-options';
import type { SubscriptionKind } from './subscriptions';
import type { Message, Topic } from './topic';

/** What the messages of a cluster go by. */
export interface ClusterMessagesParts {
  readonly topology: Topology;
  readonly clock: Clock;
  readonly options: ResolvedOptions;
  readonly session: Session;
  readonly state$: BehaviorSubject<ConnectionState>;
  readonly tell: (event: ConnectionEvent) => void;
  readonly submit: (request: Request) => void;
  readonly isClosed: () => boolean;
  readonly closedError: (request?: Request) => RedisError;
  /** has it found out which nodes there are */
  readonly open: () => void;
  /** notes where a slot is that a node has named */
  readonly moved: (slot: number, address: string, by: ClusterNode) => void;
  /** makes a connection for messages: to a node, or to what is told for each link */
  readonly openCarrier: (to: ServerAddress, endpoint?: () => Observable<Endpoint>) => Connection;
  readonly wrap: (executor: Executor) => Executor;
}

/** How long a message that is published waits at most for subscriptions that were made before it, ms. */
const LONGEST = 1_000;

/**
 * The messages of a cluster. Those of channels and patterns reach every node, so they come from one, and from another once that is gone.
 * Those of shard channels come from the node that has their slot. Keyspace events are told by each master of its own keys alone.
 */
//  channel, pattern ──▶ PubSub at one node
//  shard channel ─────▶ PubSub at the owner of its slot ──moved──▶ PubSub at the next owner, behind a gap
//  keyspace event ────▶ PubSub at every master, behind a gap at one that has become a master
export class ClusterMessages {
  private readonly ordinary: PubSub;
  private readonly byNode = new Map<ClusterNode, PubSub>();
  private readonly open = new Set<Connection>();
  /** The nodes that carriers lead to. */
  private readonly sources = new Map<Connection, ClusterNode>();
  /** The node that the ordinary messages come from. */
  private source: ClusterNode | undefined;
  private endsWith: RedisError | undefined;
  readonly publisher: Executor;

  constructor(private readonly parts: ClusterMessagesParts) {
    const { topology, options, wrap } = parts;
    this.ordinary = new PubSub(this.mainOf(), () => this.anyCarrier(), options, wrap);
    this.publisher = this.ordinary.publisher;
    topology.changes$.subscribe(() => this.follow());
    topology.waited.push(() => this.sources.values());
  }

  /** The connections that carry messages. */
  get carriers(): readonly Connection[] {
    return [...this.open];
  }

  get clock(): Clock {
    return this.parts.clock;
  }

  get database(): number {
    return this.parts.session.database;
  }

  get counts(): PubSub['counts'] {
    const all = [this.ordinary, ...this.byNode.values()].map(({ counts }) => counts);
    const sum = (kind: SubscriptionKind): number => all.reduce((total, counts) => total + counts[kind], 0);
    return { channel: sum('channel'), pattern: sum('pattern'), shard: sum('shard') };
  }

  get observed(): number {
    const { channel, pattern, shard } = this.counts;
    return channel + pattern + shard;
  }

  messages<G extends boolean = false>(
    kind: SubscriptionKind,
    names: readonly ChannelName[],
    gaps?: G,
  ): Observable<Message | NoticeWith<G, string>> {
    return this.from(kind, names, gaps === true, (pubsub, own) => pubsub.messages(kind, own, gaps));
  }

  messagesAsBytes<G extends boolean = false>(
    kind: SubscriptionKind,
    names: readonly ChannelName[],
    gaps?: G,
  ): Observable<Message<Buffer> | NoticeWith<G, Buffer>> {
    return this.from(kind, names, gaps === true, (pubsub, own) => pubsub.messagesAsBytes(kind, own, gaps));
  }

  private from<T>(
    kind: SubscriptionKind,
    names: readonly ChannelName[],
    gaps: boolean,
    of: (pubsub: PubSub, names: readonly ChannelName[]) => Observable<T>,
  ): Observable<T> {
    if (kind === 'shard') {
      // As within one command, a name that is given twice is one.
      const own = new Map(names.map((name) => [keyOfAsked(name), name]));
      return merged([...own.values()].map((name) => this.followed(name, gaps, (pubsub) => of(pubsub, [name]))));
    }
    const isOfMasters = (name: ChannelName) => isKeyspace(name) || (kind === 'pattern' && meansKeyspace(keyOf(name)));
    const events = names.filter(isOfMasters);
    if (events.length === 0) return of(this.ordinary, names);
    const others = names.filter((name) => !isOfMasters(name));
    const { topology, clock, isClosed, open } = this.parts;
    const own$ = defer(() => {
      open();
      return messagesOfMasters({
        topology,
        clock,
        isClosed,
        gaps,
        messagesOf: (node) => of(this.pubsubOf(node), events),
      });
    });
    return others.length === 0 ? own$ : merge(own$, of(this.ordinary, others));
  }

  /** The messages of a shard channel, wherever its slot is. */
  private followed<T>(name: ChannelName, gaps: boolean, of: (pubsub: PubSub) => Observable<T>): Observable<T> {
    const { topology, clock, isClosed } = this.parts;
    const slot = hashSlot(name);
    return new Observable((subscriber) => {
      let current: Subscription | undefined;
      let at: ClusterNode | undefined;
      /** What is known there. */
      let topic: Topic | undefined;
      /** Since when messages may be missed, and why; undefined where they are not. */
      let lost: { from: number; reason: RedisError } | undefined;
      let wasTold = false;
      /** How often in a row nodes have refused it, and until when it waits because of that. */
      let hops = 0;
      let refusedAt = -Infinity;
      let notBefore = 0;
      const next = (item: T): void => {
        if (gaps && isNotice(item) && item.type === 'subscribed') {
          if (lost !== undefined && wasTold) {
            const { from, reason } = lost;
            subscriber.next({ ...item, type: 'gap', from: dateOf(from), to: dateOf(clock.now()), reason });
          }
          lost = undefined;
          wasTold = true;
        }
        subscriber.next(item);
      };
      const leave = (reason: RedisError): void => {
        lost ??= { from: topic?.loss?.from ?? this.servedUntil(at) ?? clock.now(), reason };
        current?.unsubscribe();
        current = at = topic = undefined;
      };
      const look = (): void => {
        const owner = topology.ownerOf(slot);
        if (owner === at || owner === undefined || isClosed() || subscriber.closed) return;
        if (clock.now() < notBefore) return;
        // A node that is lost is left only for another.
        if (at !== undefined) leave(new ConnectionError(`The slot of the shard channel is not at ${at.name} any more`));
        at = owner;
        const own = (current = new Subscription());
        const pubsub = this.pubsubOf(owner);
        own.add(
          of(pubsub).subscribe({
            next,
            error: (error: RedisError) => {
              if (current !== own && current !== undefined) return;
              const now = clock.now();
              hops = now - refusedAt > QUIET ? 1 : hops + 1;
              refusedAt = now;
              notBefore = now + delayOfHop(hops);
              if (!this.isElsewhere(error, slot, owner)) subscriber.error(error);
              else {
                leave(error);
                again();
              }
            },
            complete: () => subscriber.complete(),
          }),
        );
        if (at === owner) topic = pubsub.shardTopic(name);
      };
      let waiting = Subscription.EMPTY;
      const again = (): void => {
        waiting.unsubscribe();
        look();
        if (at === undefined && !subscriber.closed) waiting = clock.schedule(again, AGAIN);
      };
      subscriber.add(topology.changes$.subscribe(look));
      subscriber.add(() => {
        current?.unsubscribe();
        waiting.unsubscribe();
      });
      this.parts.open();
      look();
    });
  }

  private servedUntil(node: ClusterNode | undefined): number | undefined {
    const pubsub = node && this.byNode.get(node);
    return pubsub?.servedUntil;
  }

  /** Whether the refusal of a subscription tells that the slot is elsewhere; then it is known where. */
  private isElsewhere(error: RedisError, slot: number, node: ClusterNode): boolean {
    if (this.parts.isClosed() || this.endsWith !== undefined) return false;
    if (error instanceof ReplyError) {
      const verdict = verdictOf(new ErrorFrame(error.message));
      if (verdict === undefined) return false;
      if (verdict.kind === 'moved' && verdict.slot === slot) this.parts.moved(slot, verdict.address, node);
      else this.parts.topology.stale$.next();
      return true;
    }
    this.parts.topology.stale$.next();
    return !(error.code === 'AUTHENTICATION');
  }

  private pubsubOf(node: ClusterNode): PubSub {
    let pubsub = this.byNode.get(node);
    if (pubsub === undefined) {
      const { topology, wrap } = this.parts;
      pubsub = new PubSub(
        this.mainOf(),
        () => {
          const carrier = this.parts.openCarrier(node.address);
          this.sources.set(carrier, node);
          return this.noted(carrier);
        },
        // A channel that is taken away is looked for at once, and not asked for here again and again.
        { commandTimeout: 0, onTaken: () => topology.stale$.next() },
        wrap,
      );
      this.byNode.set(node, pubsub);
    }
    return pubsub;
  }

  private anyCarrier(): Connection {
    const { host, port } = this.parts.options;
    const carrier: Connection = this.parts.openCarrier({ host, port }, () => this.anyEndpoint(carrier));
    return this.noted(carrier);
  }

  private noted(carrier: Connection): Connection {
    const { topology } = this.parts;
    this.open.add(carrier);
    carrier.state$.subscribe(({ kind }) => {
      const node = this.sources.get(carrier);
      if (kind === 'reconnecting' && node !== undefined) topology.doubt(node);
      // The node may have left while the link was made.
      if (kind === 'ready') this.follow();
      if (kind !== 'closed') return;
      this.open.delete(carrier);
      this.sources.delete(carrier);
    });
    return carrier;
  }

  /** Where the ordinary messages come from: a node that is there, drawn so that clients do not all listen to the same one. */
  private anyEndpoint(carrier: Connection): Observable<Endpoint> {
    const { topology, options } = this.parts;
    return defer(() => {
      this.parts.open();
      return topology.changes$.pipe(
        startWith(undefined),
        map(() => {
          const there = [...topology.nodes.values()].filter((node) => !node.isLost && node.role !== undefined);
          const others = there.filter((node) => node !== this.source);
          const eligible = others.length > 0 ? others : there;
          return eligible[Math.floor(Math.random() * eligible.length)];
        }),
        filter((node) => node !== undefined),
        take(1),
        map((node) => {
          this.source = node;
          this.sources.set(carrier, node);
          return { ...options, ...node.address, path: undefined };
        }),
      );
    });
  }

  /** Nodes have come or gone. */
  private follow(): void {
    const { topology } = this.parts;
    const { source } = this;
    if (source !== undefined && topology.nodes.get(source.name) !== source) {
      for (const carrier of this.open) {
        if (carrier.address !== source.name || carrier.line.link === undefined) continue;
        this.source = undefined;
        carrier.line.link.lose(new ConnectionError(`${source.name} has left the cluster`));
      }
    }
    for (const [node, pubsub] of this.byNode) {
      if (topology.nodes.get(node.name) === node) continue;
      this.byNode.delete(node);
      pubsub.leave();
    }
  }

  /** Completes when the messages that were sent so far have come. */
  arrived(): Observable<unknown> | undefined {
    const all = [this.ordinary, ...this.byNode.values()].flatMap((pubsub) => pubsub.arrived() ?? []);
    return all.length === 0 ? undefined : merge(...all);
  }

  destroy(error: RedisError): void {
    this.endsWith = error;
    for (const pubsub of [this.ordinary, ...this.byNode.values()]) pubsub.destroy(error);
  }

  /** The client has ended. */
  end(): void {
    for (const carrier of [...this.open]) carrier.destroy();
  }

  /** What stands for the connection of commands. */
  private mainOf(): Main {
    const { clock, options, session, state$, tell, submit, isClosed, closedError, open, topology } = this.parts;
    const events$ = new Subject<ConnectionEvent>();
    events$.subscribe(tell);
    const held = new Map<Request, Subscription>();
    const letOut = (request: Request): void => {
      const timer = held.get(request);
      if (timer === undefined) return;
      held.delete(request);
      timer.unsubscribe();
      submit(request);
    };
    return {
      clock,
      session,
      state$,
      events$,
      get closed() {
        return isClosed() || state$.value.kind === 'closed';
      },
      get wasReady() {
        return topology.epoch !== undefined;
      },
      closedError: (request) => closedError(request) as DisconnectedError,
      open,
      submit,
      submitHeld: (request, longest) => {
        const limit = timeFor(request, options.blockingGrace);
        if (request.deadline === 0 && limit !== Infinity) request.deadline = Math.ceil(clock.now() + limit);
        held.set(
          request,
          clock.schedule(() => letOut(request), Math.min(longest, LONGEST)),
        );
      },
      line: {
        release: (requests) => {
          for (const request of requests) letOut(request);
        },
      },
    };
  }
}

/** How long it is waited until it is looked again for where a shard channel is, ms. */
const AGAIN = 20;
/** A refusal so long behind another is not one of a row any more, ms. */
const QUIET = 1_000;

/** Whether a name is one of keyspace events, which each master tells of its own keys. */
function isKeyspace(name: ChannelName): boolean {
  return /^__key(space|event)@/.test(keyOf(name));
}
