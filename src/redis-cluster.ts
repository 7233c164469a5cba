import {
  type Observable,
  defer,
  forkJoin,
  from,
  map,
  merge,
  mergeMap,
  of,
  takeWhile,
  timeout,
  toArray,
  type ObservableInput,
} from 'rxjs';
import { ClusterCore } from './cluster-core';
import { ClusterLeases, LONGEST_END } from './cluster-leases';
import { slotOfKey } from './cluster-lender';
import { changingNodesOf, nodesOf, type NodeOfCluster, type NodeRole } from './cluster-nodes';
import { ClusterNotifications } from './cluster-notifications';
import { scannedCluster } from './cluster-scanning';
import { ClusterView, NodeView } from './cluster-view';
import { LastValue, type Awaitable } from './commands/awaitable';
import type { Key } from './commands/arguments';
import { inContext } from './connection/async-context';
import { Completion } from './connection/completion';
import { keptFor, type ProcessReferences } from './connection/process-references';
import type { Connection } from './connection/connection';
import type { ConnectionEvent, ConnectionState } from './connection/connection-state';
import { shielded } from './connection/shielded';
import { checkedWork } from './connection-lender';
import type { DedicatedConnection } from './dedicated-connection';
import type { ClientCache } from './freshness/client-cache';
import { ScriptRegistry } from './groups/scripts';
import { inShort, inspect, isWaitedFor, type Inspection } from './inspection';
import { isPlainObject } from './option-checks';
import type { RedisClusterOptions } from './options';
import { ClusterMessages } from './pubsub/cluster-messages';
import { readingsOf } from './readings';
import { kindOf } from './resp/kind-of';
import type { ClusterNode } from './topology/node';

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
  /** What is kept in memory, where the option `cache` is on: its figures, and `clear()`. */
  readonly cache: ClientCache;

  private readonly core: ClusterCore;
  private readonly references: ProcessReferences | undefined;
  private readonly leases: ClusterLeases;
  private readonly messages: ClusterMessages;
  private readonly viewOf: (node: ClusterNode) => NodeView;
  private readonly look: () => Inspection;
  private readonly unobserve: () => void;

  /** @throws TypeError when an option is wrong; the message never holds a password */
  constructor(options: RedisClusterOptions) {
    const core = new ClusterCore(options);
    const {
      address,
      clock,
      ending,
      freshness,
      resolved,
      router,
      session,
      source,
      state$,
      telemetry,
      tell,
      topology,
      wrap,
    } = core;
    const leases = new ClusterLeases(core);
    const { blocking, control, lender, pools } = leases;
    topology.waited.push(() => pools.inUse);
    const messages = new ClusterMessages({
      topology,
      clock,
      options: resolved,
      session,
      state$,
      tell,
      submit: (request) => router.submit(request),
      isClosed: () => core.isClosing,
      closedError: core.closedError,
      open: () => core.begin(),
      moved: (slot, to, by) => router.learn(slot, to, by),
      openCarrier: (to, endpoint) =>
        core.make(to, 'messages', {}, { carriesMessages: true, session, ...(endpoint !== undefined && { endpoint }) }),
      wrap,
    });
    const shared = { blocking, last: control, scripts: new ScriptRegistry(), ending };
    super({
      ...shared,
      source,
      publisher: messages.publisher,
      pubsub: messages,
      notifications: new ClusterNotifications(core),
      freshness,
      lender,
      links: { kind: 'several' },
      cluster: (from) => scannedCluster(topology, router, clock, from),
      handling: telemetry.handling,
      onDrop: telemetry.onDrop,
    });
    this.core = core;
    this.references = clock.references;
    this.leases = leases;
    this.messages = messages;
    this.cache = freshness.cache;
    this.viewOf = (node) => {
      const executor = freshness.noting(wrap(core.executorAt(node)));
      const { address, name } = node;
      return new NodeView(
        {
          ...shared,
          source: { ...source, executor },
          publisher: executor,
          lender: leases.lenderOf(node),
          links: { kind: 'successive', current: () => topology.nodeAt(address).connection.state$.value },
        },
        name,
      );
    };
    const toNodes = (): Connection[] => [...topology.nodes.values()].flatMap(({ connections }) => connections);
    this.look = () =>
      inspect({
        kind: 'RedisCluster',
        address,
        state: () => state$.value.kind,
        connections: () => [
          ...toNodes().map((one) => ['commands', one] as const),
          ...messages.carriers.map((carrier) => ['messages', carrier] as const),
        ],
        leases: () => pools,
        blocking,
        blockingGrace: resolved.blockingGrace,
        clock,
        lastError: core.lastError,
        pubsub: messages,
        spread: topology.fences,
        offlineQueue: resolved.offlineQueue,
      });
    this.unobserve = telemetry.observe(() => {
      const cache = resolved.cache && this.cache;
      return readingsOf([...toNodes(), ...messages.carriers], {
        leases: pools,
        pubsub: messages,
        spread: topology.fences,
        cache,
      });
    });
    this.state$ = state$.pipe(
      takeWhile(({ kind }) => kind !== 'closed', true),
      inContext(),
    );
    this.events$ = core.events$.pipe(shielded(), inContext());
    this.nodes$ = changingNodesOf(topology);
  }

  /** The nodes as they are known now; none before the first use. */
  get nodes(): readonly NodeOfCluster[] {
    return nodesOf(this.core.topology);
  }

  /**
   * Finds out which nodes there are and opens the connections to all masters; emits `undefined` once and completes when they are ready. It
   * is hot: it begins at once, whether anything subscribes or not. It can be awaited.
   * @throws AuthenticationError when the credentials are refused
   * @throws DisconnectedError when the client is closed
   * @throws TimeoutError when they are not ready within `commandTimeout` ms; the client goes on trying
   */
  connect(): Completion {
    return new Completion(keptFor(this.references, this.core.connect()));
  }

  /** The address of the node that has the slot of a key, `host:port`; undefined where that is not known yet. */
  nodeFor(key: Key): string | undefined {
    const { topology, source } = this.core;
    return topology.ownerOf(slotOfKey(key, source.prefix))?.name;
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
    const { nodes } = this.core.topology;
    const wanted = typeof node === 'string' ? node.toLowerCase() : node.address;
    for (const one of nodes.values()) {
      if (one.name === wanted || (one.id !== '' && one.id === wanted)) return this.viewOf(one);
    }
    throw new TypeError(
      `on: the cluster has no node ${JSON.stringify(wanted)}; known are ${[...nodes.keys()].join(', ') || 'none yet'}`,
    );
  }

  /**
   * Does the same on several nodes, at the same time.
   * @param role which ones: all masters, all replicas, or all nodes
   * @param work what is done on each; it gets the commands of the node
   * @returns the last values of the works, in the order of the nodes; it fails with the first that fails
   * @throws TypeError when an argument is wrong
   * @throws DisconnectedError when the client is closed
   * @throws TimeoutError when no node has told which nodes there are within `commandTimeout` ms
   * @example
   * const infos = await cluster.each('masters', (node) => node.info('memory'));
   */
  each<T>(role: NodeRole, work: (node: NodeView) => ObservableInput<T>): Awaitable<T[]> {
    if (role !== 'masters' && role !== 'replicas' && role !== 'all')
      throw new TypeError(`each: 'masters', 'replicas' or 'all' was expected, got ${kindOf(role)}`);
    if (typeof work !== 'function') throw new TypeError(`each: a function was expected, got ${kindOf(work)}`);
    const all$ = this.core.known().pipe(
      map(() => this.nodes.filter((node) => role === 'all' || `${node.role}s` === role)),
      mergeMap((nodes) => {
        const works = nodes.map((node) => defer(() => from(work(this.on(node)))));
        return works.length === 0 ? of([]) : forkJoin(works);
      }),
    );
    return new LastValue(all$) as Awaitable<T[]>;
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
    const { source } = this.core;
    const lender = this.leases.lender.atSlot(slotOfKey(where.key, source.prefix));
    const checked = checkedWork('dedicated', work);
    return new LastValue(lender.lend(source, ({ dedicated }) => from(checked(dedicated))));
  }

  /**
   * Closes the client: lets pending replies arrive, then completes all streams, closes the connections, emits `undefined` once and completes.
   * It is hot: it begins at once, whether anything subscribes or not. It can be awaited. Later commands are refused. Commands that wait for
   * a node which is out of reach are not waited for.
   */
  close(): Completion {
    this.ref();
    const { core, leases, messages } = this;
    const { ending } = core;
    ending.close();
    const rest = [leases.end(), messages.arrived(), ending.finished()].filter((one) => one !== undefined);
    const closing$ = merge(...rest).pipe(
      toArray(),
      mergeMap(() => forkJoin([...core.close(), leases.close(), of(undefined)])),
    );
    const limit = Math.min(core.resolved.commandTimeout, LONGEST_END);
    const limited$ = closing$.pipe(
      timeout({ first: limit, with: () => of(undefined), scheduler: core.clock }),
      toArray(),
    );
    const closed = new Completion(limited$);
    closed.subscribe({ next: () => this.end(), error: () => this.end() });
    return closed;
  }

  /** Closes the connections at once: pending commands and all streams of values error with a DisconnectedError. */
  destroy(): Completion {
    const error = this.core.closedError();
    // Before what gives connections back, so that no caller who waits gets one.
    this.leases.pools.end(this.core.closedError);
    this.core.ending.destroy(error);
    this.messages.destroy(error);
    this.leases.stop();
    this.end();
    return new Completion([]);
  }

  private end(): void {
    const { core, leases, messages } = this;
    core.isClosing = true;
    if (core.state$.value.kind === 'closed') return;
    this.unobserve();
    this.ref();
    leases.pools.destroy(core.closedError);
    core.end();
    messages.end();
    core.events$.complete();
  }

  /** Lets the process end while the client is open, as `unref()` of `Redis` does. */
  unref(): this {
    this.references?.unref(() => isWaitedFor(this.look()));
    return this;
  }

  /** The client keeps the process alive until it is closed, as it does without `unref()`. */
  ref(): this {
    this.references?.ref();
    return this;
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
    const { address, state$ } = this.core;
    return { address, state: state$.value.kind };
  }

  /** @internal */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return inShort(this.look());
  }
}
