import { defer, ignoreElements, take, type Observable } from 'rxjs';
import type { ClusterCore } from './cluster-core';
import { ClusterLender, leavingWithSlot, tellsOfMove } from './cluster-lender';
import { Reply, type ReplySource } from './commands/reply';
import type { Request } from './commands/request';
import { plainContext } from './commands/request-context';
import { inScheduledContext, type Clock } from './connection/clock';
import type { Connection } from './connection/connection';
import { ConnectionLender } from './connection-lender';
import type { Ending } from './demand/ending';
import { ReplyError, TimeoutError, type RedisError } from './errors';
import { BlockingExecutor } from './leases/blocking-executor';
import { LeasePool } from './leases/lease-pool';
import { NodeLeases } from './leases/node-leases';
import type { Control } from './leases/unblocking';
import type { ClusterNode } from './topology/node';
import { slotOfCommand } from './topology/slots-of';
import type { Topology } from './topology/topology';

/** How long closing waits at most for what is pending, ms. */
export const LONGEST_END = 30_000;

/** How long a command that waits at a server waits until it is sent to another, ms. */
const REROUTE = 50;

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

  /** @param ending how streams end with the client */
  constructor(
    private readonly core: ClusterCore,
    private readonly ending: Ending,
  ) {
    const { topology, telemetry, resolved, clock, source, router, wrap, report, closedError } = core;
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
    });
    this.blocking = new BlockingExecutor({
      pool: (request) => this.pools.poolOf(ownerOf(topology, request)),
      clock,
      control: this.control,
      controlOf: (connection) => this.controlBy(this.pools.nodeOf(connection)),
      reroutes: (request, error) => reroute(topology, request, error),
      executorOf: (connection) => core.executorOf(connection),
      wrap,
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
    const { core, ending } = this;
    const { telemetry, place } = core;
    own = new ConnectionLender({
      clock: this.clock,
      ending,
      pool: () => this.pools.poolOf(node),
      executorOf: (lease) => core.executorOf(lease, telemetry.follow(place)),
      bareExecutorOf: (lease) => leavingWithSlot(core.executorOf(lease), () => core.topology.stale$.next()),
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

/** The node that a command waits at; errors where none can be reached now. */
function ownerOf(topology: Topology, { command }: Request): ClusterNode {
  const slot = slotOfCommand(command);
  if (typeof slot !== 'number')
    throw new TypeError(`${command.spec.name}: its keys are in several slots of the cluster`);
  const owner = topology.ownerOf(slot);
  if (owner === undefined || owner.isLost) {
    topology.stale$.next();
    throw new TimeoutError(`No node of the cluster that has slot ${slot} can be reached`, {
      command: command.spec.name,
    });
  }
  return owner;
}

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
