import {
  BehaviorSubject,
  type Observable,
  Subject,
  defer,
  distinctUntilChanged,
  filter,
  forkJoin,
  from,
  ignoreElements,
  map,
  merge,
  mergeMap,
  of,
  startWith,
  switchMap,
  take,
  takeWhile,
  throwError,
  timeout,
  toArray,
  type ObservableInput,
} from 'rxjs';
import { ClusterLender, leavingWithSlot, slotOfKey, tellsOfMove } from './cluster-lender';
import { scannedCluster } from './cluster-scanning';
import { ClusterView, NodeView } from './cluster-view';
import { LastValue, type Awaitable } from './commands/awaitable';
import type { Key } from './commands/arguments';
import { readonly as asReplica } from './commands/generated/cluster';
import type { Command } from './commands/command';
import { Reply, type ReplySource } from './commands/reply';
import type { Request } from './commands/request';
import { plainContext, type Executor } from './commands/request-context';
import { inContext } from './connection/async-context';
import { inScheduledContext, type Clock } from './connection/clock';
import { Completion } from './connection/completion';
import { Connection } from './connection/connection';
import type { ConnectionEvent, ConnectionState } from './connection/connection-state';
import { tooLate } from './connection/refusals';
import { Session } from './connection/session';
import { shielded } from './connection/shielded';
import { clockOf, stageOf, type Role } from './connection/stage';
import { wrapping, wrappingAll } from './connection/wrapping';
import { ConnectionLender, checkedWork } from './connection-lender';
import type { ConnectionParts } from './connection/connection-parts';
import type { DedicatedConnection } from './dedicated-connection';
import { Ending } from './demand/ending';
import { ReplyError, TimeoutError, type RedisError } from './errors';
import { ReadThrough } from './freshness/read-through';
import { ScriptRegistry } from './groups/scripts';
import { LatestError, inShort, inspect, type Inspection } from './inspection';
import { BlockingExecutor } from './leases/blocking-executor';
import { LeasePool } from './leases/lease-pool';
import { NodeLeases } from './leases/node-leases';
import type { Control } from './leases/unblocking';
import { isPlainObject } from './option-checks';
import { resolveCluster, type RedisClusterOptions, type ResolvedOptions, type ServerAddress } from './options';
import { ClusterMessages } from './pubsub/cluster-messages';
import { Notifications } from './pubsub/notifications';
import { readingsOf } from './readings';
import { replySource } from './reply-source';
import { kindOf } from './resp/kind-of';
import { tellChannelsOf } from './telemetry/channels';
import type { FailedAttempt, Place } from './telemetry/following';
import { telemetryOf } from './telemetry/telemetry';
import { Discovery } from './topology/discovery';
import type { ClusterNode, ConnectNode } from './topology/node';
import { Readers } from './topology/readers';
import { Router } from './topology/router';
import { slotOfCommand } from './topology/slots-of';
import { Topology } from './topology/topology';
import { warnUnreachable } from './unreachable-warning';

/** One node of a cluster, as the client knows it. */
export interface NodeOfCluster {
  /** `host:port`, as this client reaches it */
  readonly address: string;
  /** its id in the cluster; empty where that is not known */
  readonly id: string;
  /** what it was when a node was asked the last time */
  readonly role: 'master' | 'replica';
  /** the address of its master, where it is a replica */
  readonly master?: string;
  /** how many slots it has */
  readonly slots: number;
  /** what the connection to it is doing */
  readonly state: ConnectionState['kind'];
}

/** Which nodes `each` takes. */
export type NodeRole = 'masters' | 'replicas' | 'all';

/** How long closing waits at most for what is pending, ms. */
const LONGEST_END = 30_000;

/** Each node would have to be tracked by itself. */
const NO_LIVE = {
  live: () => {
    throw new TypeError('live: there are no live queries on a cluster yet');
  },
};

/**
 * A client of a cluster of Redis or Valkey servers, with the commands and subscriptions of one server: each command goes to the node that
 * has the slot of its keys. Slots that move, nodes that fail and their replicas are followed, and the calls to one slot keep their order.
 * Nothing is opened before the first use or `connect()`.
 *
 * @example
 * const cluster = new RedisCluster({ nodes: ['localhost:7000', 'localhost:7001'] });
 * await cluster.set('k', 'v');
 * await cluster.mget('a', 'b', 'c'); // keys of several slots: asked in parts, in the order of the keys
 */
export class RedisCluster extends ClusterView {
  /** What the client is doing: `ready` once it is known which node has which slots and one of them is there; `closed` last. */
  readonly state$: Observable<ConnectionState>;
  /** What happens to the connections, and the errors of forgotten replies. No process ends when nothing listens. */
  readonly events$: Observable<ConnectionEvent>;
  /** The nodes: now, and again when one of them, its role, its slots or its connection has changed. */
  readonly nodes$: Observable<readonly NodeOfCluster[]>;

  private readonly topology: Topology;
  private readonly discovery: Discovery;
  private readonly source: ReplySource;
  private readonly leases: NodeLeases;
  private readonly lender: ClusterLender;
  private readonly blocking: BlockingExecutor;
  private readonly messages: ClusterMessages;
  private readonly ending: Ending;
  private readonly current$: BehaviorSubject<ConnectionState>;
  private readonly told$: Subject<ConnectionEvent>;
  private readonly clock: Clock;
  private readonly resolved: ResolvedOptions;
  private readonly address: string;
  private readonly viewOf: (node: ClusterNode) => NodeView;
  private readonly look: () => Inspection;
  private readonly unobserve: () => void;
  /** Whether the client is being closed, or has ended. */
  private readonly life: { isClosing: boolean };
  private readonly begin: () => void;

  /** @throws TypeError when an option is wrong; the message never holds a password */
  constructor(options: RedisClusterOptions) {
    const { seeds, reads, zone, translate, others: resolved } = resolveCluster(options);
    const stage = stageOf(options);
    const clock = clockOf(stage);
    const telemetry = telemetryOf(resolved, () => clock);
    const wraps = { verify: resolved.verify, asyncContext: telemetry.asyncContext };
    const address = seeds.map(({ host, port }) => `${host}:${port}`).join(', ');
    const session = new Session(resolved.database, resolved.clientName);
    const lastError = new LatestError(clock);
    const told$ = new Subject<ConnectionEvent>();
    const attempts$ = new Subject<FailedAttempt>();
    const current$ = new BehaviorSubject<ConnectionState>({ kind: 'idle' });
    const tell = (event: ConnectionEvent): void => {
      lastError.note(event);
      if (event.type === 'reconnecting') attempts$.next(event);
      told$.next(event);
    };
    let isWarned = false;
    const warn = (error: RedisError): void => {
      if (isWarned || told$.observed || current$.observed) return;
      isWarned = true;
      warnUnreachable(address, error, 'cluster.state$ or cluster.events$');
    };
    const make = (to: ServerAddress, role: Role, own: Partial<ResolvedOptions>, parts: ConnectionParts): Connection => {
      const connection = new Connection(
        { ...resolved, ...to, path: undefined, ...own },
        { ...stage.partsFor(role), ...parts, ...telemetry.parts },
      );
      stage.made(connection, role);
      tellChannelsOf(connection, resolved, role);
      telemetry.made(connection, role);
      return connection;
    };
    const readingFrom = { onConnect: () => [asReplica(), ...resolved.onConnect()] };
    const connect: ConnectNode = (to, role, detour) => {
      const own = role === 'replica' ? readingFrom : {};
      const connection = make(to, 'commands', own, { session, detour });
      connection.events$.subscribe(tell);
      return { connection, executor: wrapping(connection, wraps)(connection) };
    };
    const life = { isClosing: false };
    const isClosed = (): boolean => life.isClosing;
    /** The client is used for the first time. */
    const begin = (): void => {
      if (life.isClosing || current$.value.kind !== 'idle') return;
      current$.next({ kind: 'connecting' });
      discovery.want();
    };
    const router = new Router({
      topology: () => topology,
      readers: () => readers,
      clock,
      translate,
      isClosed,
    });
    const topology: Topology = new Topology({
      clock,
      connect,
      detourOf: (node, role) => router.detourOf(node, role),
      submit: (request) => router.submit(request),
      offlineQueue: resolved.offlineQueue,
      blockingGrace: resolved.blockingGrace,
    });
    const readers = new Readers(topology, zone);
    const discovery = new Discovery({ topology, clock, seeds, translate, failed: warn });
    const elsewhere: Place = {
      isReady: () => current$.value.kind === 'ready',
      name: () => address,
      database: () => session.database,
      attempts$,
    };
    const wrap = wrappingAll(wraps, telemetry.follow(elsewhere));
    const opening: Executor = {
      submit: (request) => {
        if (life.isClosing) request.fail(tooLate(request, undefined));
        else router.submit(request);
      },
    };
    const source = {
      ...replySource(resolved, wrap(opening), (error) => tell({ connection: 'commands', type: 'error', error })),
      reads,
    };
    const closedError = (request?: Request): RedisError => tooLate(request, undefined);
    const leases = new NodeLeases((node, made) =>
      telemetry.lending(
        new LeasePool({
          make: () => {
            const connection = make(node.address, 'lease', {}, { session: session.copy(), once: true });
            made(connection);
            return connection;
          },
          clock,
          limits: resolved.leases,
          maxOption: 'leases.max',
        }),
        resolved.leases,
      ),
    );
    const ending = new Ending();
    const bareExecutorOf = (connection: Connection) => wrapping(connection, wraps)(connection);
    const lenders = new WeakMap<ClusterNode, ConnectionLender>();
    const moved = (): void => topology.stale$.next();
    const scheduled = resolved.asyncContext ? inScheduledContext(clock) : clock;
    const lenderOf = (node: ClusterNode): ConnectionLender => {
      let own = lenders.get(node);
      if (own !== undefined) return own;
      own = new ConnectionLender({
        clock: scheduled,
        ending,
        pool: () => leases.poolOf(node),
        executorOf: (lease) => wrapping(lease, wraps, telemetry.follow(elsewhere))(lease),
        bareExecutorOf: (lease) => leavingWithSlot(bareExecutorOf(lease), moved),
        followWatch: (outcome$, report) => telemetry.followWatch(outcome$, report, elsewhere),
        tell,
      });
      lenders.set(node, own);
      return own;
    };
    const lender = new ClusterLender({
      topology,
      clock: scheduled,
      acquireTimeout: resolved.leases.acquireTimeout,
      lenderOf,
      followed: (outcome$, report) => telemetry.followWatch(outcome$, report, elsewhere),
      tell,
    });
    const context = { ...source, ...plainContext, executor: router, commandTimeout: source.commandTimeout };
    const control: Control = {
      open: () => undefined,
      ask: (command) => Reply.from(context, command),
      send: (command) => Reply.from({ ...context, retry: source.retry }, command),
    };
    const blocking = new BlockingExecutor({
      pool: (request) => leases.poolOf(ownerOf(topology, request)),
      clock,
      control,
      controlOf: (connection) => controlBy(leases.nodeOf(connection), control, context),
      reroutes: (request, error) => reroute(topology, request, error),
      executorOf: bareExecutorOf,
      wrap,
      isClosed: () => life.isClosing || ending.hasBegun,
      closedError,
      what: 'the client',
      longestEnd: Math.min(resolved.commandTimeout, LONGEST_END),
      waitsFor: 'it waited for a connection of its own',
      tell: (error) => tell({ connection: 'commands', type: 'error', error }),
    });
    const messages = new ClusterMessages({
      topology,
      clock,
      options: resolved,
      session,
      state$: current$,
      tell,
      submit: (request) => router.submit(request),
      isClosed,
      closedError,
      open: () => begin(),
      moved: (slot, address, by) => router.learn(slot, address, by),
      openCarrier: (to, endpoint) =>
        make(to, 'messages', {}, { carriesMessages: true, session, ...(endpoint !== undefined && { endpoint }) }),
      wrap,
    });
    const asked = new WeakMap<ClusterNode, Notifications>();
    const askedOf = (node: ClusterNode): Notifications => {
      const own = asked.get(node) ?? new Notifications({ ...whole, line: node.connection.line }, sendAt(node));
      asked.set(node, own);
      return own;
    };
    const whole = {
      events$: told$,
      get closed() {
        return isClosed();
      },
    };
    const sendAt = (node: ClusterNode) => {
      const executor: Executor = { submit: (request) => router.submitAt(node.executor, request) };
      return <T>(command: Command<T>) => Reply.from({ ...source, executor }, command);
    };
    // Each master tells of its own keys alone.
    const notifications: Pick<Notifications, 'ensure'> = {
      ensure: (needs, anew) =>
        defer(() => forkJoin(topology.masters.map((node) => askedOf(node).ensure(needs, anew)))).pipe(
          map((told) => told.some((wasTold) => wasTold)),
        ),
    };
    const scripts = new ScriptRegistry();
    const readThrough = new ReadThrough(clock);
    super({
      source,
      publisher: messages.publisher,
      blocking,
      last: control,
      pubsub: messages,
      notifications,
      freshness: { ...NO_LIVE, cached: (...given) => readThrough.cached(...given) },
      lender,
      scripts,
      ending,
      links: { kind: 'several' },
      cluster: (from) => scannedCluster(topology, router, clock, from),
      handling: telemetry.handling,
      onDrop: telemetry.onDrop,
    });
    this.life = life;
    this.begin = begin;
    this.topology = topology;
    this.discovery = discovery;
    this.source = source;
    this.leases = leases;
    this.lender = lender;
    this.blocking = blocking;
    this.messages = messages;
    this.ending = ending;
    this.current$ = current$;
    this.told$ = told$;
    this.clock = clock;
    this.resolved = resolved;
    this.address = address;
    topology.changes$.subscribe(() => this.changed());
    topology.stale$.pipe(take(1)).subscribe(begin);
    this.viewOf = (node) => {
      const executor: Executor = {
        submit: (request) => router.submitAt(node.role === 'replica' ? node.reader.executor : node.executor, request),
      };
      const { connection } = node;
      return new NodeView(
        {
          source: { ...source, executor: wrap(executor) },
          publisher: executor,
          blocking,
          last: control,
          lender: lenderOf(node),
          scripts,
          ending,
          links: { kind: 'successive', current: () => connection.state$.value },
        },
        node.name,
      );
    };
    this.look = () =>
      inspect({
        kind: 'RedisCluster',
        address,
        state: () => current$.value.kind,
        connections: () => [
          ...[...topology.nodes.values()].flatMap(({ connections }) =>
            connections.map((one) => ['commands', one] as const),
          ),
          ...messages.carriers.map((carrier) => ['messages', carrier] as const),
        ],
        leases: () => leases,
        blocking,
        blockingGrace: resolved.blockingGrace,
        clock,
        lastError,
        pubsub: messages,
        offlineQueue: resolved.offlineQueue,
      });
    this.unobserve = telemetry.observe(() =>
      readingsOf(
        [...[...topology.nodes.values()].flatMap(({ connections }) => connections), ...messages.carriers],
        leases,
        messages,
      ),
    );
    this.state$ = current$.pipe(
      takeWhile(({ kind }) => kind !== 'closed', true),
      inContext(),
    );
    this.events$ = told$.pipe(shielded(), inContext());
    this.nodes$ = defer(() => topology.changes$.pipe(startWith(undefined))).pipe(
      map(() => this.seen()),
      distinctUntilChanged((one, other) => JSON.stringify(one) === JSON.stringify(other)),
      shielded(),
      inContext(),
    );
  }

  /** The nodes as they are known now; none before the first use. */
  get nodes(): readonly NodeOfCluster[] {
    return this.seen();
  }

  private seen(): readonly NodeOfCluster[] {
    const { topology } = this;
    const counts = topology.slotsByOwner();
    const masters = new Map<ClusterNode, ClusterNode>();
    for (const master of counts.keys()) for (const replica of master.replicas) masters.set(replica, master);
    return [...topology.nodes.values()].flatMap((node): NodeOfCluster[] => {
      const slots = counts.get(node) ?? 0;
      if (node.role === undefined && slots === 0) return [];
      const role = slots > 0 ? 'master' : (node.role ?? 'master');
      const master = role === 'replica' ? masters.get(node)?.name : undefined;
      const connection = role === 'replica' ? (node.readerIfMade ?? node.connection) : node.connection;
      return [
        {
          address: node.name,
          id: node.id,
          role,
          ...(master !== undefined && { master }),
          slots,
          state: connection.state$.value.kind,
        },
      ];
    });
  }

  /** Nodes have come, gone, or changed their states. */
  private changed(): void {
    const { topology, current$, leases } = this;
    if (this.life.isClosing) return;
    leases.retire(
      (node) => topology.nodes.has(node.name),
      () => tooLate(undefined, undefined),
    );
    const ready = [...topology.nodes.values()].find(({ isReady }) => isReady);
    const { kind } = current$.value;
    if (topology.epoch !== undefined && ready !== undefined) {
      const state = ready.connection.state$.value;
      if (kind !== 'ready' && state.kind === 'ready') current$.next(state);
    } else if (kind === 'ready' || kind === 'connecting') {
      const lost = [...topology.nodes.values()].map(({ connection }) => connection.state$.value);
      const last = lost.find((state) => state.kind === 'reconnecting');
      if (last !== undefined && lost.every(({ kind: one }) => one !== 'ready' && one !== 'connecting'))
        current$.next(last);
    }
  }

  /**
   * Finds out which nodes there are and opens the connections to all masters; emits `undefined` once and completes when they are ready. It
   * is hot: it begins at once, whether anything subscribes or not. It can be awaited.
   * @throws AuthenticationError when the credentials are refused
   * @throws DisconnectedError when the client is closed
   * @throws TimeoutError when they are not ready within `commandTimeout` ms; the client goes on trying
   */
  connect(): Completion {
    const { topology, clock, address } = this;
    const { commandTimeout } = this.resolved;
    const known$ = defer(() => {
      if (this.life.isClosing) throw tooLate(undefined, undefined);
      this.begin();
      return topology.changes$.pipe(
        startWith(undefined),
        map(() => {
          if (this.life.isClosing) throw tooLate(undefined, undefined);
          if (topology.hopeless !== undefined) throw topology.hopeless;
          return topology.masters;
        }),
        filter((masters) => topology.epoch !== undefined && masters.length > 0),
        take(1),
      );
    });
    const ready$ = known$.pipe(switchMap((masters) => forkJoin(masters.map(({ connection }) => connection.connect()))));
    const late = () => new TimeoutError(`The cluster at ${address} could not be reached within ${commandTimeout} ms`);
    const limited$ =
      commandTimeout === Infinity
        ? ready$
        : ready$.pipe(timeout({ each: commandTimeout, with: () => throwError(late), scheduler: clock }));
    return new Completion(limited$.pipe(map(() => undefined)));
  }

  /** The address of the node that has the slot of a key, `host:port`; undefined where that is not known yet. */
  nodeFor(key: Key): string | undefined {
    return this.topology.ownerOf(slotOfKey(key, this.source.prefix))?.name;
  }

  /**
   * The commands of one node, which are sent to that and to no other: for what is about one server. Commands with keys of other nodes are
   * refused by it.
   * @param node its address as `nodes` and `nodeFor` tell it, `host:port`; or its id
   * @throws TypeError when there is no such node
   * @example
   * await cluster.on('127.0.0.1:7000').info('memory');
   */
  on(node: string | NodeOfCluster): NodeView {
    const wanted = typeof node === 'string' ? node.toLowerCase() : node.address;
    for (const one of this.topology.nodes.values()) {
      if (one.name === wanted || (one.id !== '' && one.id === wanted)) return this.viewOf(one);
    }
    throw new TypeError(
      `on: the cluster has no node ${JSON.stringify(wanted)}; known are ${[...this.topology.nodes.keys()].join(', ') || 'none yet'}`,
    );
  }

  /**
   * Does the same on several nodes, at the same time.
   * @param role which ones: all masters, all replicas, or all nodes
   * @param work what is done on each; it gets the commands of the node
   * @returns the last values of the works, in the order of the nodes; it fails with the first that fails
   * @throws TypeError when an argument is wrong
   * @example
   * const infos = await cluster.each('masters', (node) => node.info('memory'));
   */
  each<T>(role: NodeRole, work: (node: NodeView) => ObservableInput<T>): Awaitable<T[]> {
    if (role !== 'masters' && role !== 'replicas' && role !== 'all')
      throw new TypeError(`each: 'masters', 'replicas' or 'all' was expected, got ${kindOf(role)}`);
    if (typeof work !== 'function') throw new TypeError(`each: a function was expected, got ${kindOf(work)}`);
    const all$ = this.known().pipe(
      map(() => this.seen().filter((node) => role === 'all' || `${node.role}s` === role)),
      mergeMap((nodes) => {
        const works = nodes.map((node) => defer(() => from(work(this.on(node)))));
        return works.length === 0 ? of([]) : forkJoin(works);
      }),
    );
    return new LastValue(all$) as Awaitable<T[]>;
  }

  /** Emits once it is known which nodes there are. */
  private known(): Observable<unknown> {
    return defer(() => {
      this.begin();
      return this.topology.changes$.pipe(
        startWith(undefined),
        filter(() => this.topology.epoch !== undefined || this.life.isClosing),
        take(1),
        toArray(),
      );
    });
  }

  /**
   * Lends a connection to the node that has the slot of a key, for commands that would disturb others on a shared one: WATCH, MULTI and
   * EXEC by hand. What `dedicated` of one server promises holds here too; it is not followed where its slot moves.
   * @param where the key
   * @throws TypeError when an argument is wrong
   * @throws TimeoutError when no connection is free within `leases.acquireTimeout` ms
   * @example
   * await cluster.dedicated({ key: 'user:1' }, (connection) => connection.watch('user:1'));
   */
  dedicated<T>(where: { readonly key: Key }, work: (connection: DedicatedConnection) => PromiseLike<T>): Awaitable<T>;
  dedicated<T>(
    where: { readonly key: Key },
    work: (connection: DedicatedConnection) => ObservableInput<T>,
  ): Awaitable<T, T | undefined>;
  dedicated<T>(
    where: { readonly key: Key },
    work: (connection: DedicatedConnection) => ObservableInput<T>,
  ): Awaitable<T, T | undefined> {
    if (!isPlainObject(where) || (where as { key?: unknown }).key === undefined)
      throw new TypeError(`dedicated: { key } was expected, which says the node, got ${kindOf(where)}`);
    const slot = slotOfKey(where.key, this.source.prefix);
    const checked = checkedWork('dedicated', work);
    return new LastValue(this.lender.atSlot(slot).lend(this.source, ({ dedicated }) => from(checked(dedicated))));
  }

  /**
   * Closes the client: lets pending replies arrive, then completes all streams, closes the connections, emits `undefined` once and completes.
   * It is hot: it begins at once, whether anything subscribes or not. It can be awaited. Later commands are refused. Commands that wait for
   * a node which is out of reach are not waited for.
   */
  close(): Completion {
    const { ending, blocking, topology, leases, messages } = this;
    ending.close();
    const closedError = (): RedisError => tooLate(undefined, undefined);
    leases.end(closedError);
    const unblocked$ = blocking.end().pipe(take(1), ignoreElements());
    const rest = [unblocked$, messages.arrived(), ending.finished()].filter((one) => one !== undefined);
    const closing$ = merge(...rest).pipe(
      toArray(),
      mergeMap(() => {
        this.life.isClosing = true;
        this.discovery.end();
        topology.failHeld((request) => tooLate(request, undefined));
        const nodes = [...topology.nodes.values()].flatMap(({ connections }) => connections.map((one) => one.close()));
        return forkJoin([...nodes, leases.close(closedError, (lease) => blocking.isEnding(lease)), of(undefined)]);
      }),
    );
    const limit = Math.min(this.resolved.commandTimeout, LONGEST_END);
    const limited$ = closing$.pipe(
      timeout({ first: limit, with: () => of(undefined), scheduler: this.clock }),
      toArray(),
    );
    const closed = new Completion(limited$);
    closed.subscribe({ next: () => this.end(), error: () => this.end() });
    return closed;
  }

  /** Closes the connections at once: pending commands and all streams of values error with a DisconnectedError. */
  destroy(): Completion {
    const error = tooLate(undefined, undefined);
    this.ending.destroy(error);
    this.messages.destroy(error);
    this.leases.end(() => error);
    this.blocking.stop();
    this.end();
    return new Completion([]);
  }

  private end(): void {
    this.life.isClosing = true;
    if (this.current$.value.kind === 'closed') return;
    this.unobserve();
    this.discovery.end();
    this.leases.destroy(() => tooLate(undefined, undefined));
    this.current$.next({ kind: 'closed' });
    this.topology.end((request) => tooLate(request, undefined));
    this.messages.end();
    this.told$.complete();
  }

  /**
   * What the client is doing now, as plain data and, by `toString()`, as lines for people. Of commands it shows the keys and no other
   * argument. It is put together when it is asked for.
   */
  inspect(): Inspection {
    return this.look();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** What a log shows of a client: no option, because some are secrets. */
  override toJSON(): { address: string; state: ConnectionState['kind'] } {
    return { address: this.address, state: this.current$.value.kind };
  }

  /** @internal */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return inShort(this.look());
  }
}

/** The node that a command waits at; errors where none can be reached now. */
function ownerOf(topology: Topology, { command, past }: Request): ClusterNode {
  const slot = slotOfCommand(command);
  if (typeof slot !== 'number')
    throw new TypeError(`${command.spec.name}: its keys are in several slots of the cluster`);
  const asked = past?.asking === true ? asking.get(past) : undefined;
  const owner = asked ?? topology.ownerOf(slot);
  if (owner === undefined || owner.isLost) {
    topology.stale$.next();
    throw new TimeoutError(`No node of the cluster that has slot ${slot} can be reached`, {
      command: command.spec.name,
    });
  }
  return owner;
}

/** Where commands wait that are asked of a node which does not own their slot yet. */
const asking = new WeakMap<object, ClusterNode>();

/** How long a command that waits at a server waits until it is sent to another, ms. */
const REROUTE = 50;

/** A command that waits at a server goes on at another where its slot has moved, or its node is gone. */
function reroute(topology: Topology, request: Request, error: RedisError): number | undefined {
  const isGone =
    error instanceof TimeoutError && error.delivery === 'unsent' && error.command === request.command.spec.name;
  const isUnblocked = error instanceof ReplyError && error.message.startsWith('UNBLOCKED force unblock');
  if (!isGone && !isUnblocked && !tellsOfMove(error)) return undefined;
  topology.stale$.next();
  if (error instanceof ReplyError) request.tried(error, 'redirect');
  return REROUTE;
}

/** What ends a wait at the node that a connection leads to. */
function controlBy(node: ClusterNode | undefined, control: Control, context: ReplySource): Control {
  if (node === undefined) return control;
  const { connection } = node;
  return {
    open: () => connection.open(),
    ask: (command) =>
      defer(() =>
        connection.state$.value.kind === 'ready'
          ? connection.line.sendAhead(command)
          : Reply.from({ ...context, executor: connection }, command),
      ),
    send: (command) => control.send(command),
  };
}
