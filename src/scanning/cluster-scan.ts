import { EMPTY, catchError, defer, ignoreElements, mergeMap, throwError, timer, type Observable } from 'rxjs';
import type { Command } from '../commands/command';
import { clusterNodes } from '../commands/generated/cluster';
import type { ClusterNode as ToldNode } from '../commands/types';
import type { Clock } from '../connection/clock';
import { isFinal } from '../connection/refusals';
import type { ValueSource } from '../demand/pulling';
import { ConnectionError, RedisError } from '../errors';
import type { Pager } from './scan';

/** The nodes of a cluster, as a scan needs them. */
export interface ScannedCluster {
  readonly clock: Clock;
  /** how long nodes may be out of reach, ms */
  readonly patience: number;
  /** asks some node */
  ask<T>(command: Command<T>): Observable<T>;
  /** what asks the node with an id, by which its pages come; undefined where it is not known, and a view is asked for */
  pagerOf(id: string): Pager | undefined;
  /** what asks the node that has the keys of a command, for its pages */
  pagerFor(command: Command<unknown>): Pager;
}

/** After a failure the next attempt is so much later, ms. */
const AGAIN = 100;

/** The slots that a node has, and where those go that are being moved away. */
interface Holdings {
  readonly slots: ReadonlySet<number>;
  readonly leaving: ReadonlyMap<number, string>;
  readonly coming: ReadonlySet<number>;
}

/**
 * Walks over the keys of all masters, one after the other. A slot is done with when its node has had it during the whole walk over that
 * node. One that has moved meanwhile is walked over again at its new node; one that is being moved, at both ends, the one that it leaves
 * first. So a key that is there all the time comes at least once, whatever moves.
 */
//  nodes to walk over ─▶ what it holds ─▶ pages … ─▶ what it holds ─▶ slots that are done with ─▶ the next node
//        ▲                                                              │ others
//        └──────────────────────────────────────────────────────────────┘
export class ClusterScan<E> implements ValueSource<readonly E[]> {
  isDone = false;
  private readonly done = new Set<number>();
  /** Slots whose keys were walked over at the node that they are leaving, and where they go. */
  private readonly left = new Map<number, string>();
  private queue: string[] = [];
  private current:
    { readonly id: string; readonly scan: ValueSource<readonly E[]>; readonly before: Holdings } | undefined;
  private hasBegun = false;
  private failingSince: number | undefined;

  constructor(
    private readonly cluster: ScannedCluster,
    private readonly scanOf: (pager: Pager) => ValueSource<readonly E[]>,
  ) {}

  next(): Observable<readonly E[]> {
    return defer(() => this.step()).pipe(catchError((error: unknown) => this.failed(error)));
  }

  private step(): Observable<readonly E[]> {
    const { current } = this;
    if (current === undefined) return this.begin();
    if (!current.scan.isDone) return current.scan.next();
    return this.asked(current.id).pipe(
      mergeMap((nodes) => {
        this.finish(current.id, current.before, holdingsOf(nodes, current.id));
        return EMPTY;
      }),
    );
  }

  private begin(): Observable<readonly E[]> {
    const id = this.queue.shift();
    if (id === undefined) return this.choose();
    const pager = this.cluster.pagerOf(id);
    if (pager === undefined) return this.unknown(id);
    return this.asked(id).pipe(
      mergeMap((nodes) => {
        this.current = { id, scan: this.scanOf(pager), before: holdingsOf(nodes, id) };
        return EMPTY;
      }),
    );
  }

  /** Finds the nodes that have slots which are not done with. */
  private choose(): Observable<never> {
    return this.cluster.ask(clusterNodes()).pipe(
      mergeMap((nodes) => {
        const wanted = new Set<string>();
        for (const { id, slots, flags } of nodes) {
          if (!flags.includes('master')) continue;
          for (const [from, to] of slots) {
            for (let slot = from; slot <= to; slot++) if (!this.done.has(slot)) wanted.add(this.left.get(slot) ?? id);
          }
        }
        this.isDone = wanted.size === 0 && this.hasBegun;
        this.hasBegun = true;
        this.queue = [...wanted];
        return EMPTY;
      }),
    );
  }

  private asked(id: string): Observable<readonly ToldNode[]> {
    const pager = this.cluster.pagerOf(id);
    return pager === undefined ? throwError(() => notKnown(id)) : pager.ask(clusterNodes());
  }

  private finish(id: string, before: Holdings, after: Holdings): void {
    this.current = undefined;
    this.failingSince = undefined;
    for (const slot of before.slots) {
      if (!after.slots.has(slot)) continue;
      const goesTo = before.leaving.get(slot) ?? after.leaving.get(slot);
      if (goesTo === undefined) this.done.add(slot);
      else if (!this.done.has(slot)) this.left.set(slot, goesTo);
    }
    // Both ends of what is being moved were walked over, in the order in which keys move.
    for (const slot of [...before.coming, ...before.slots]) if (this.left.get(slot) === id) this.done.add(slot);
  }

  /** A node has joined that no view has named yet. One that is only about to get its first slot is named once it has that. */
  private unknown(id: string): Observable<never> {
    return [...this.left.values()].includes(id) ? this.pause() : this.failed(notKnown(id));
  }

  /** A node is gone, or does not answer: what it has not been walked over for is found where it is now. */
  private failed(error: unknown): Observable<never> {
    const { clock, patience } = this.cluster;
    const now = clock.now();
    this.failingSince ??= now;
    const isOver = now - this.failingSince >= patience;
    if (!(error instanceof RedisError) || isFinal(error) || isOver) return throwError(() => error);
    this.current = undefined;
    this.queue = [];
    this.hasBegun = false;
    return this.pause();
  }

  private pause(): Observable<never> {
    return timer(AGAIN, this.cluster.clock).pipe(ignoreElements());
  }
}

function notKnown(id: string): ConnectionError {
  return new ConnectionError(`The node ${id} has slots of the cluster, and it is not known yet where it is`);
}

function holdingsOf(nodes: readonly ToldNode[], id: string): Holdings {
  const slots = new Set<number>();
  const leaving = new Map<number, string>();
  const coming = new Set<number>();
  const own = nodes.find((node) => node.id === id);
  for (const [from, to] of own?.slots ?? []) for (let slot = from; slot <= to; slot++) slots.add(slot);
  for (const { slot, direction, node } of own?.moving ?? []) {
    if (direction === 'migrating') leaving.set(slot, node);
    else coming.add(slot);
  }
  return { slots, leaving, coming };
}
