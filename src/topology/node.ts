import { Subscription } from 'rxjs';
import { ping } from '../commands/generated/connection';
import { Request, type ReplyObserver } from '../commands/request';
import { plainContext, type Executor } from '../commands/request-context';
import type { Clock } from '../connection/clock';
import type { Connection } from '../connection/connection';
import type { Detour } from '../connection/detour';
import type { Link } from '../connection/link';
import { DisconnectedError, ReplyError, TimeoutError, type RedisError } from '../errors';
import type { ServerAddress } from '../options/addresses';
import { Replication } from './replication';

/** What a connection to a node is for: what masters do, or reading from a replica. */
export type LinkRole = 'master' | 'replica';

/** Makes the connection to a node. */
export type ConnectNode = (
  address: ServerAddress,
  role: LinkRole,
  detour: Detour,
) => { readonly connection: Connection; readonly executor: Executor };

/** What a node is told by. */
export interface NodeOwner {
  readonly clock: Clock;
  readonly connect: ConnectNode;
  readonly detourOf: (node: ClusterNode, role: LinkRole) => Detour;
  /** a connection of the node has another state */
  readonly changed: (node: ClusterNode, role: LinkRole) => void;
}

/** One address of a cluster, and the connections to it: one for what masters do, one to read from it as a replica. */
export class ClusterNode {
  /** Its id in the cluster; empty until a view has told it. */
  id = '';
  /** Its host as the cluster calls it, before `natMap`: what it names without a host has the same. */
  host: string;
  /** A view is being asked of it. */
  isAsked = false;
  /** It has answered that no view can be asked of it. */
  refusal: RedisError | undefined;
  /** Its replicas, as the last view tells; none where it is no master. */
  replicas: readonly ClusterNode[] = [];
  /** Where it is, as it says itself; undefined where it does not, or was not asked. */
  zone: string | undefined;
  /** How long it takes to answer, ms; Infinity where that was not measured. */
  distance = Infinity;
  /** The last view names it, and as what. */
  role: LinkRole | undefined;
  /** There is no link, and the last attempt has failed. */
  isLost = false;
  /** There is no link to read from it, and the last attempt has failed; or it has none to its master. */
  isReaderLost = false;
  /** Those of its connections that owe replies and are silent. */
  readonly silent = new Set<Connection>();
  /** Since when it was known to be silent, on the clock, ms; it has not been heard since, and its connections may be gone by now. */
  silentAt: number | undefined;
  readonly connection: Connection;
  readonly executor: Executor;
  private reading: { readonly connection: Connection; readonly executor: Executor } | undefined;
  private replication: Replication | undefined;
  private master: ClusterNode | undefined;
  /** The barrier that was sent last, and what waits for it. */
  private barrier: Barrier | undefined;
  private readonly following = new Subscription();
  private hasEnded = false;

  constructor(
    /** `host:port`, by which nodes are told apart */
    readonly name: string,
    readonly address: ServerAddress,
    private readonly owner: NodeOwner,
  ) {
    this.host = address.host;
    const { connection, executor } = owner.connect(address, 'master', owner.detourOf(this, 'master'));
    this.connection = connection;
    this.executor = executor;
    this.following.add(connection.state$.subscribe(({ kind }) => this.follow(kind)));
  }

  private follow(kind: string): void {
    if (kind === 'ready') this.isLost = false;
    if (kind === 'reconnecting') this.isLost = true;
    if (!this.hasEnded) this.owner.changed(this, 'master');
  }

  /** It is silent while it owes replies. */
  get isSuspected(): boolean {
    return this.silent.size > 0;
  }

  /** The link is ready: it can be asked without making one. */
  get isReady(): boolean {
    return this.connection.state$.value.kind === 'ready';
  }

  /** Why its connections are left where the cluster does without it. */
  get leaving(): RedisError {
    if (this.silentAt === undefined) return new DisconnectedError(`${this.name} has left the cluster`);
    return new TimeoutError(`${this.name} was silent, and the cluster has another node in its place`);
  }

  /** Why there is no link. */
  get error(): RedisError | undefined {
    const { value } = this.connection.state$;
    return value.kind === 'reconnecting' || value.kind === 'closed' ? value.error : undefined;
  }

  /** The connection that reads from it as a replica, made with the first use. */
  get reader(): { readonly connection: Connection; readonly executor: Executor } {
    if (this.reading !== undefined) return this.reading;
    const made = (this.reading = this.owner.connect(this.address, 'replica', this.owner.detourOf(this, 'replica')));
    const { connection } = made;
    const follow = (): void => this.followReader(connection);
    this.replication = new Replication(connection, this.owner.clock, follow);
    this.following.add(connection.state$.subscribe(follow));
    return made;
  }

  private followReader({ state$, line }: Connection): void {
    const { kind } = state$.value;
    if (kind === 'ready') {
      this.isReaderLost = !this.replication!.isLinked;
      this.replication!.askAgain();
      line.handOver();
    }
    if (kind === 'reconnecting') this.isReaderLost = true;
    if (!this.hasEnded) this.owner.changed(this, 'replica');
  }

  /** A view tells whose replica it is; undefined where it is a master. */
  follows(master: ClusterNode | undefined): void {
    if (this.master !== master && master !== undefined) this.replication?.doubt();
    this.master = master;
  }

  /** The connection that reads from it, if it was ever used. */
  get readerIfMade(): Connection | undefined {
    return this.reading?.connection;
  }

  /** Its connections. */
  get connections(): readonly Connection[] {
    return this.reading === undefined ? [this.connection] : [this.connection, this.reading.connection];
  }

  /** How many requests of callers it has to answer. */
  get pending(): number {
    return this.connections.reduce((sum, { line }) => sum + line.pending - handshakeOf(line.link), 0);
  }

  /** What is another's waits for its answers. */
  get isAwaited(): boolean {
    return this.barrier?.isOver === false;
  }

  /** Calls back once everything that was sent to it as a master until now is answered, or has left it; at once where nothing is pending. */
  whenAnswered(done: () => void): void {
    const { line } = this.connection;
    if (line.pending === 0) {
      done();
      return;
    }
    const { barrier } = this;
    if (barrier !== undefined && !barrier.isOver && line.isLatest(barrier.request)) {
      barrier.waiting.push(done);
      return;
    }
    const next = (this.barrier = new Barrier(done));
    this.connection.line.requests$.next(next.request);
  }

  /** A request has left it, for there is no link. @returns whether it was a barrier, which is over now */
  left(request: Request): boolean {
    if (!barriers.has(request)) return false;
    request.fail(undefined as never);
    return true;
  }

  /** Whether a request is one of the client's own, which goes nowhere else. */
  static isBarrier(request: Request): boolean {
    return barriers.has(request);
  }

  /** Ends its connections at once. */
  destroy(): void {
    this.hasEnded = true;
    for (const connection of this.connections) connection.destroy();
    this.following.unsubscribe();
  }
}

/** How many requests of a link are those of its handshake. */
function handshakeOf(link: Link | undefined): number {
  return link?.inHandshake === true ? link.pending : 0;
}

const barriers = new WeakSet<Request>();

/** A server that refuses everything for the moment has not answered what stands before it either. */
const behindOthers = {
  ...plainContext,
  retry: (_attempt: number, error: RedisError) => error instanceof ReplyError && error.repeatable && AGAIN,
};
/** How long it waits then, ms. */
const AGAIN = 50;

/** A request of the client's own behind all others: when it is answered, so are they. */
class Barrier implements ReplyObserver<unknown> {
  readonly waiting: (() => void)[];
  readonly request: Request;
  isOver = false;

  constructor(done: () => void) {
    this.waiting = [done];
    this.request = new Request(ping(), behindOthers, this);
    barriers.add(this.request);
  }

  get closed(): boolean {
    return this.isOver;
  }

  next(): void {
    this.over();
  }

  error(): void {
    this.over();
  }

  complete(): void {
    this.over();
  }

  add(): void {
    // it never leaves
  }

  private over(): void {
    if (this.isOver) return;
    this.isOver = true;
    for (const done of this.waiting.splice(0)) done();
  }
}
