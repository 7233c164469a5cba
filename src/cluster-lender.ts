import { type Observable, defer, filter, first, map, mergeMap, of, startWith, throwError, timeout } from 'rxjs';
import type { Command } from './commands/command';
import { applyPrefix } from './commands/prefix';
import { get } from './commands/generated/builders';
import { PassingObserver } from './commands/passing-observer';
import type { Key } from './commands/arguments';
import type { ReplySource } from './commands/reply';
import type { ReplyObserver } from './commands/request';
import type { Executor } from './commands/request-context';
import type { Clock } from './connection/clock';
import type { WatchEvent } from './connection/connection-state';
import type { ConnectionLender } from './connection-lender';
import type { DedicatedConnection } from './dedicated-connection';
import { DisconnectedError, RedisError, TimeoutError } from './errors';
import { KnownTypes } from './groups/known-types';
import type { Lender, Lent, WatchReport } from './groups/watch';
import { hashSlot, slotOf } from './resp/hash-slot';
import { AskingExecutor } from './topology/asking-executor';
import type { ClusterNode } from './topology/node';
import { tellsOfMove } from './topology/redirects';
import { oneSlotOf } from './topology/refused';
import { slotOfCommand } from './topology/slots-of';
import type { Topology } from './topology/topology';

/** What lends connections to the nodes of a cluster. */
export interface ClusterLenderParts {
  readonly topology: Topology;
  readonly clock: Clock;
  /** how long a connection is waited for, ms */
  readonly acquireTimeout: number;
  readonly lenderOf: (node: ClusterNode) => ConnectionLender;
  readonly followed: <T>(outcome$: Observable<T>, report: () => WatchReport) => Observable<T>;
  readonly tell: (event: WatchEvent) => void;
  /** the node that ASK names; undefined for other errors */
  readonly askedOf: (error: RedisError, by: ClusterNode) => ClusterNode | undefined;
}

/** A node that may have the keys, and what has named it. */
interface Asked {
  readonly node: ClusterNode;
  readonly error: RedisError;
}

/** Lends connections to the node that has the slot of a key, to users and to `watch`. */
export class ClusterLender implements Lender<DedicatedConnection> {
  readonly clock: Clock;
  /** Where the next attempt to watch goes in place of the owner. */
  private asked: Asked | undefined;

  /**
   * @param slot whose node is lent connections to; undefined for that of the first slot
   * @param types what watched keys were, whatever their slots
   */
  constructor(
    private readonly parts: ClusterLenderParts,
    private readonly slot = 0,
    readonly types = new KnownTypes(),
  ) {
    this.clock = parts.clock;
  }

  of(what: string, commands: readonly Command[], prefix: string): ClusterLender {
    const sent = commands.map((command) => applyPrefix(command, prefix));
    const keyed = sent.filter((command) => slotOfCommand(command) !== undefined);
    return this.atSlot(oneSlotOf(what, keyed));
  }

  /** The same for the node that has a slot. */
  atSlot(slot: number): ClusterLender {
    return new ClusterLender(this.parts, slot, this.types);
  }

  /** The node that has the slot, once it is known and can be reached. */
  node(): Observable<ClusterNode> {
    const { topology, acquireTimeout } = this.parts;
    const late = () =>
      new TimeoutError(
        `No node of the cluster that has slot ${this.slot} could be reached within ${acquireTimeout} ms`,
      );
    const node$ = topology.changes$.pipe(
      startWith(undefined),
      map(() => topology.ownerOf(this.slot)),
      filter((node) => node !== undefined && !node.isLost && topology.fenceOf(this.slot) === undefined),
      first(),
      map((node) => node!),
    );
    return defer(() => {
      if (topology.epoch === undefined) topology.stale$.next();
      if (acquireTimeout === Infinity) return node$;
      return node$.pipe(timeout({ first: acquireTimeout, with: () => throwError(late), scheduler: this.clock }));
    });
  }

  lend<T>(
    view: ReplySource,
    work: (lent: Lent<DedicatedConnection>) => Observable<T>,
    watching = false,
  ): Observable<T> {
    if (!watching) return this.node().pipe(mergeMap((node) => this.parts.lenderOf(node).lend(view, work)));
    return defer(() => {
      const { asked } = this;
      this.asked = undefined;
      const node$ = asked === undefined ? this.node() : of(asked.node);
      return node$.pipe(
        mergeMap((node) =>
          this.parts.lenderOf(node).lend(view, work, true, (executor) => this.following(executor, node, asked)),
        ),
      );
    });
  }

  /** What watches goes on at the node that ASK names: there behind ASKING. */
  private following(executor: Executor, node: ClusterNode, asked: Asked | undefined): Executor {
    const inner = asked === undefined ? executor : new AskingExecutor(executor, asked.error);
    const noted = ({ cause }: RedisError): void => {
      const named = cause instanceof RedisError ? this.parts.askedOf(cause, node) : undefined;
      if (named !== undefined) this.asked = { node: named, error: cause as RedisError };
    };
    return {
      submit: (request) => {
        request.observeBy((observer) => new Noting(observer, noted));
        inner.submit(request);
      },
    };
  }

  pause(delay: number): Observable<unknown> {
    return this.node().pipe(mergeMap((node) => this.parts.lenderOf(node).pause(delay)));
  }

  followed<T>(outcome$: Observable<T>, report: () => WatchReport): Observable<T> {
    return this.parts.followed(outcome$, report);
  }

  tell(event: WatchEvent): void {
    this.parts.tell(event);
  }
}

/** The slot of a key, with the prefix of the client. */
export function slotOfKey(key: Key, prefix: string): number {
  return prefix === '' ? hashSlot(key) : slotOf(applyPrefix(get(key), prefix).args[0]!);
}

/** What watches begins anew at another node where this one does not have the slot any more: as if its connection were lost. */
export function leavingWithSlot(executor: Executor, moved: (error: RedisError) => void): Executor {
  return {
    submit: (request) => {
      request.observeBy((observer) => new Leaving(observer, moved));
      executor.submit(request);
    },
  };
}

class Leaving extends PassingObserver {
  constructor(
    observer: ReplyObserver<unknown>,
    private readonly moved: (error: RedisError) => void,
  ) {
    super(observer);
  }

  override error(error: RedisError): void {
    if (!tellsOfMove(error)) {
      super.error(error);
      return;
    }
    this.moved(error);
    const { message, command } = error;
    super.error(new DisconnectedError(message, { delivery: 'unsent', cause: error, command }));
  }
}

class Noting extends PassingObserver {
  constructor(
    observer: ReplyObserver<unknown>,
    private readonly noted: (error: RedisError) => void,
  ) {
    super(observer);
  }

  override error(error: RedisError): void {
    this.noted(error);
    super.error(error);
  }
}
