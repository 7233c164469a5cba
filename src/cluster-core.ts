import {
  BehaviorSubject,
  Subject,
  defer,
  distinctUntilChanged,
  filter,
  forkJoin,
  map,
  startWith,
  switchMap,
  take,
  throwError,
  timeout,
  type Observable,
} from 'rxjs';
import { readonly as asReplica } from './commands/generated/cluster';
import type { Command } from './commands/command';
import { Reply, type ReplySource } from './commands/reply';
import type { Request } from './commands/request';
import type { Executor } from './commands/request-context';
import type { Clock } from './connection/clock';
import type { Connection } from './connection/connection';
import type { ConnectionParts } from './connection/connection-parts';
import type { ConnectionEvent, ConnectionState } from './connection/connection-state';
import { tooLate } from './connection/refusals';
import { Session } from './connection/session';
import { clockOf, stageOf, type Role } from './connection/stage';
import { wrapping, wrappingAll, type Wrap } from './connection/wrapping';
import { makerOf, type MakeConnection } from './connection-maker';
import { Ending } from './demand/ending';
import { TimeoutError, type RedisError } from './errors';
import { ClusterFreshness } from './freshness/cluster-freshness';
import { turnsTrackingOn } from './freshness/freshness';
import { LatestError } from './inspection';
import { resolveCluster, type RedisClusterOptions, type ResolvedOptions, type ServerAddress } from './options';
import { replySource } from './reply-source';
import type { FailedAttempt, Place } from './telemetry/following';
import { telemetryOf, type Telemetry } from './telemetry/telemetry';
import { Discovery } from './topology/discovery';
import { Nearness } from './topology/nearness';
import type { ClusterNode, ConnectNode } from './topology/node';
import { Readers } from './topology/readers';
import { Router } from './topology/router';
import { Topology } from './topology/topology';
import { warnUnreachable } from './unreachable-warning';

/** The nodes of a cluster with the connections to them, what sends commands there, and what the client as a whole is doing. */
export class ClusterCore {
  readonly resolved: ResolvedOptions;
  readonly clock: Clock;
  /** The nodes that are asked first, for people. */
  readonly address: string;
  readonly session: Session;
  readonly telemetry: Telemetry;
  readonly topology: Topology;
  readonly router: Router;
  readonly source: ReplySource;
  readonly lastError: LatestError;
  readonly state$ = new BehaviorSubject<ConnectionState>({ kind: 'idle' });
  readonly events$ = new Subject<ConnectionEvent>();
  /** What is sent before it is known where. */
  readonly place: Place;
  /** Wraps what sends the commands of users. */
  readonly wrap: Wrap;
  readonly freshness: ClusterFreshness;
  /** How streams end with the client. */
  readonly ending = new Ending();
  /** The client is being closed, or has ended. */
  isClosing = false;
  private readonly attempts$ = new Subject<FailedAttempt>();
  private readonly discovery: Discovery;
  private readonly wraps: Parameters<typeof wrapping>[1];
  private readonly maker: MakeConnection;
  private isWarned = false;

  /** @throws TypeError when an option is wrong; the message never holds a password */
  constructor(options: RedisClusterOptions) {
    const { seeds, reads, zone, translate, others: resolved } = resolveCluster(options);
    const stage = stageOf(options);
    const clock = (this.clock = clockOf(stage));
    const address = (this.address = seeds.map(({ host, port }) => `${host}:${port}`).join(', '));
    const session = (this.session = new Session(resolved.database, resolved.clientName));
    const telemetry = (this.telemetry = telemetryOf(resolved, () => clock, address));
    this.resolved = resolved;
    this.maker = makerOf(stage, resolved, telemetry, clock);
    this.lastError = new LatestError(clock);
    this.wraps = { verify: resolved.verify, asyncContext: telemetry.asyncContext };
    this.place = {
      isReady: () => this.state$.value.kind === 'ready',
      name: () => address,
      database: () => session.database,
      attempts$: this.attempts$,
    };
    this.wrap = wrappingAll(this.wraps, telemetry.follow(this.place));
    this.freshness = new ClusterFreshness({
      topology: () => topology,
      clock,
      options: resolved,
      ending: this.ending,
      ended$: this.state$.pipe(filter(({ kind }) => kind === 'closed')),
      begin: () => this.begin(),
      hasten: () => this.discovery.hasten(),
      report: this.report,
      pinned: (executor) => ({ submit: (request) => router.submitAt(executor, request) }),
    });
    const router: Router = (this.router = new Router({
      topology: () => topology,
      readers: () => readers,
      clock,
      translate,
      isClosed: () => this.isClosing,
    }));
    const topology = (this.topology = new Topology({
      clock,
      connect: this.connectNode,
      detourOf: (node, role) => router.detourOf(node, role),
      submit: (request) => router.submit(request),
      moved: (slots) => this.freshness.moved(slots),
      offlineQueue: resolved.offlineQueue,
      blockingGrace: resolved.blockingGrace,
    }));
    const readers = new Readers(topology, new Nearness(clock), zone);
    this.discovery = new Discovery({
      topology,
      clock,
      seeds,
      translate,
      staleAfter: () => this.freshness.staleAfter,
      failed: (error) => this.warn(error),
    });
    const opening: Executor = {
      submit: (request) => {
        if (this.isClosing) request.fail(this.closedError(request));
        else router.submit(request);
      },
    };
    const { freshness } = this;
    const follow = telemetry.follow(this.place);
    const keeping =
      resolved.cache === undefined ? this.wrap : wrappingAll(this.wraps, (one) => freshness.around(follow(one)));
    this.source = { ...replySource(resolved, keeping(opening), this.report), reads };
    stage.knowsBy?.(topology);
    topology.changes$.subscribe(() => this.changed());
    topology.stale$.pipe(take(1)).subscribe(() => this.begin());
  }

  /** Makes a connection to a node. */
  make(to: ServerAddress, role: Role, own: Partial<ResolvedOptions>, parts: ConnectionParts): Connection {
    return this.maker(role, { ...to, path: undefined, ...own }, parts);
  }

  private readonly connectNode: ConnectNode = (to, role, detour) => {
    const { resolved, session } = this;
    let isUsers = false;
    const onConnect = (): readonly Command[] => {
      const own = resolved.onConnect();
      isUsers = turnsTrackingOn(own);
      return role === 'replica' ? [asReplica(), ...own] : own;
    };
    const connection = this.make(to, 'commands', { onConnect }, { session, detour });
    connection.events$.subscribe(this.tell);
    const executor = this.executorOf(connection);
    const isMaster = role === 'master';
    return { connection, executor: isMaster ? this.freshness.at(connection, executor, () => isUsers) : executor };
  };

  /** What sends on a connection; what is sent is followed where that is wanted. */
  executorOf(connection: Connection, follow?: Wrap): Executor {
    return wrapping(connection, this.wraps, follow)(connection);
  }

  /** What sends to the node at an address, whatever becomes of that. A node that was away has other connections when it is back. */
  executorAt({ address }: ClusterNode): Executor {
    return {
      submit: (request) => {
        if (this.isClosing) {
          request.fail(this.closedError(request));
          return;
        }
        const node = this.topology.nodeAt(address);
        this.router.submitAt(node.role === 'replica' ? node.reader.executor : node.executor, request);
      },
    };
  }

  /** Sends the client's own commands to a node. */
  sendAt(node: ClusterNode): <T>(command: Command<T>) => Reply<T> {
    const executor: Executor = { submit: (request) => this.router.submitAt(node.executor, request) };
    return (command) => Reply.from({ ...this.source, executor }, command);
  }

  readonly tell = (event: ConnectionEvent): void => {
    this.lastError.note(event);
    if (event.type === 'reconnecting') this.attempts$.next(event);
    this.events$.next(event);
  };

  /** Tells of an error that no caller gets. */
  readonly report = (error: RedisError): void => this.tell({ connection: 'commands', type: 'error', error });

  private warn(error: RedisError): void {
    if (this.isWarned || this.events$.observed || this.state$.observed) return;
    this.isWarned = true;
    warnUnreachable(this.address, error, 'cluster.state$ or cluster.events$');
  }

  /** The error of what is sent to a client that has ended. */
  readonly closedError = (request?: Request): RedisError => tooLate(request, undefined);

  /** The client is used for the first time. */
  begin(): void {
    if (this.isClosing || this.state$.value.kind !== 'idle') return;
    this.state$.next({ kind: 'connecting' });
    this.discovery.want();
  }

  /** Nodes have come, gone, or changed their states. */
  private changed(): void {
    const { topology, state$ } = this;
    if (this.isClosing) return;
    const states = [...topology.nodes.values()].map(({ connection }) => connection.state$.value);
    const ready = states.find(({ kind }) => kind === 'ready');
    const { value } = state$;
    if (topology.epoch !== undefined && ready !== undefined) {
      if (value.kind !== 'ready') state$.next(ready);
      return;
    }
    const lost = states.filter((state) => state.kind === 'reconnecting');
    const last = lost.reduce((one, other) => (other.attempt > one.attempt ? other : one), lost[0]!);
    if (last === undefined || value.kind === 'idle') return;
    const isOut = states.every(({ kind }) => kind !== 'ready' && kind !== 'connecting');
    // Nodes take their attempts at different times: what is told is how often the one that tried most has.
    if (value.kind === 'reconnecting' ? last.attempt > value.attempt : isOut) state$.next(last);
  }

  /** The masters, once they are known, and whenever they are others. */
  private mastersAsKnown(): Observable<readonly ClusterNode[]> {
    const { topology } = this;
    return defer(() => {
      if (this.isClosing) throw this.closedError();
      this.begin();
      return topology.changes$.pipe(
        startWith(undefined),
        map(() => {
          if (this.isClosing) throw this.closedError();
          if (topology.hopeless !== undefined) throw topology.hopeless;
          return topology.masters;
        }),
        filter((masters) => topology.epoch !== undefined && masters.length > 0),
        distinctUntilChanged<ClusterNode[]>(areSame),
      );
    });
  }

  /** The first value, within the time that a command has. */
  private inTime<T>(source$: Observable<T>): Observable<T> {
    const { address, clock } = this;
    const { commandTimeout } = this.resolved;
    const late = () => new TimeoutError(`The cluster at ${address} could not be reached within ${commandTimeout} ms`);
    if (commandTimeout === Infinity) return source$.pipe(take(1));
    return source$.pipe(take(1), timeout({ first: commandTimeout, with: () => throwError(late), scheduler: clock }));
  }

  /** Emits once it is known which nodes there are. */
  known(): Observable<unknown> {
    return this.inTime(this.mastersAsKnown());
  }

  /** Emits when all masters are known and the connections to them are ready. Those that are replaced meanwhile are not waited for. */
  connect(): Observable<undefined> {
    const ready$ = this.mastersAsKnown().pipe(
      switchMap((masters) => forkJoin(masters.map(({ connection }) => connection.connect()))),
    );
    return this.inTime(ready$).pipe(map(() => undefined));
  }

  /** Nothing is asked or held any more. @returns the closing of the connections to nodes */
  close(): Observable<unknown>[] {
    this.isClosing = true;
    this.discovery.end();
    this.topology.fences.fail(this.closedError);
    return [...this.topology.nodes.values()].flatMap(({ connections }) => connections.map((one) => one.close()));
  }

  /** Ends all connections to nodes. */
  end(): void {
    this.isClosing = true;
    this.discovery.end();
    this.state$.next({ kind: 'closed' });
    this.topology.end(this.closedError);
  }
}

function areSame(some: readonly unknown[], others: readonly unknown[]): boolean {
  return some.length === others.length && some.every((one, index) => one === others[index]);
}
