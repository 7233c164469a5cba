import { defer, ignoreElements, take, type Observable } from 'rxjs';
import type { ClusterCore } from './cluster-core';
import { ClusterLender, leavingWithSlot } from './cluster-lender';
import { WaitingPlaces } from './cluster-waiting';
import { Reply, type ReplySource } from './commands/reply';
import { plainContext } from './commands/request-context';
import { inScheduledContext, type Clock } from './connection/clock';
import type { Connection } from './connection/connection';
import { ConnectionLender } from './connection-lender';
import { BlockingExecutor } from './leases/blocking-executor';
import { LeasePool } from './leases/lease-pool';
import { NodeLeases } from './leases/node-leases';
import type { Control } from './leases/unblocking';
import type { ClusterNode } from './topology/node';
import { tellsOfMove } from './topology/redirects';

/** How long closing waits at most for what is pending, ms. */
export const LONGEST_END = 30_000;

/** The connections to the nodes of a cluster that are lent: to users, to `watch`, and to commands that wait at a server. */
export class ClusterLeases {
  readonly pools: NodeLeases;
  readonly lender: ClusterLender;
  readonly blocking: BlockingExecutor;
  readonly control: Control;
  private readonly lenders = new WeakMap<ClusterNode, ConnectionLender>();
  /** The clock of what is lent. */
  private readonly clock: Clock;
  /** What the client itself has to say is sent so. */
  private readonly context: ReplySource;

  constructor(private readonly core: ClusterCore) {
    const { topology, telemetry, resolved, clock, source, router, wrap, report, closedError, ending, freshness } = core;
    this.pools = new NodeLeases((node, made) => telemetry.lending(this.poolOf(node, made), resolved.leases));
    this.clock = resolved.asyncContext ? inScheduledContext(clock) : clock;
    const context = { ...source, ...plainContext, executor: router, commandTimeout: source.commandTimeout };
    this.context = context;
    this.control = {
      open: () => undefined,
      ask: (command) => Reply.from(context, command),
      send: (command) => Reply.from({ ...context, retry: source.retry }, command),
    };
    this.lender = new ClusterLender({
      topology,
      clock: this.clock,
      acquireTimeout: resolved.leases.acquireTimeout,
      lenderOf: (node) => this.lenderOf(node),
      followed: (outcome$, report) => telemetry.followWatch(outcome$, report, core.place),
      tell: core.tell,
      askedOf: (error, by) => router.askedOf(error, by),
    });
    const places = new WaitingPlaces(topology, router);
    this.blocking = new BlockingExecutor({
      pool: (request) => this.pools.poolOf(places.nodeOf(request)),
      clock,
      control: this.control,
      controlOf: (connection) => this.controlBy(this.pools.nodeOf(connection)),
      reroutes: (request, error) => places.reroutes(request, error),
      followsKeys: tellsOfMove,
      executorOf: (connection) => core.executorOf(connection),
      wrap: (executor) => freshness.noting(wrap(executor)),
      isClosed: () => core.isClosing || ending.hasBegun,
      closedError,
      what: 'the client',
      longestEnd: Math.min(resolved.commandTimeout, LONGEST_END),
      waitsFor: 'it waited for a connection of its own',
      tell: report,
    });
    topology.changes$.subscribe(() => {
      if (!core.isClosing) this.pools.retire((node) => topology.nodes.has(node.name), closedError);
    });
  }

  private poolOf(node: ClusterNode, made: (connection: Connection) => void): LeasePool {
    const { core } = this;
    return new LeasePool({
      make: () => {
        const connection = core.make(node.address, 'lease', {}, { session: core.session.copy(), once: true });
        made(connection);
        return connection;
      },
      clock: core.clock,
      limits: core.resolved.leases,
      maxOption: 'leases.max',
    });
  }

  /** What lends connections to one node. */
  lenderOf(node: ClusterNode): ConnectionLender {
    let own = this.lenders.get(node);
    if (own !== undefined) return own;
    const { core } = this;
    const { ending, freshness, telemetry, place } = core;
    own = new ConnectionLender({
      clock: this.clock,
      ending,
      pool: () => this.pools.poolOf(core.topology.nodes.get(node.name) ?? node),
      executorOf: (lease) => freshness.noting(core.executorOf(lease, telemetry.follow(place))),
      bareExecutorOf: (lease) =>
        freshness.noting(
          leavingWithSlot(core.executorOf(lease, telemetry.followWatched(place)), () => core.topology.stale$.next()),
        ),
      followWatch: (outcome$, report) => telemetry.followWatch(outcome$, report, place),
      tell: core.tell,
    });
    this.lenders.set(node, own);
    return own;
  }

  /** What ends a wait at a node. */
  private controlBy(node: ClusterNode | undefined): Control {
    if (node === undefined) return this.control;
    const { connection } = node;
    const context = { ...this.context, executor: connection };
    return {
      open: () => connection.open(),
      ask: (command) =>
        defer(() =>
          connection.state$.value.kind === 'ready' ? connection.line.sendAhead(command) : Reply.from(context, command),
        ),
      send: (command) => this.control.send(command),
    };
  }

  /** Lends nothing more. @returns completes when no command waits at a server any more */
  end(): Observable<never> {
    this.pools.end(this.core.closedError);
    return this.blocking.end().pipe(take(1), ignoreElements());
  }

  /** Lends nothing more, and waits for nothing. */
  stop(): void {
    this.pools.end(this.core.closedError);
    this.blocking.stop();
  }

  close(): Observable<void> {
    return this.pools.close(this.core.closedError, (lease) => this.blocking.isEnding(lease));
  }
}
