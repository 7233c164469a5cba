import { Observable, Subscription, type Subscriber } from 'rxjs';
import { dateOf, type Clock } from '../connection/clock';
import { ConnectionError } from '../errors';
import type { ClusterNode } from '../topology/node';
import type { Topology } from '../topology/topology';
import { keyOf } from './channel-name';
import { isNotice, type Notice } from './notices';

/** What the messages of all masters are taken from. */
export interface MastersParts<T> {
  readonly topology: Topology;
  readonly clock: Clock;
  readonly isClosed: () => boolean;
  /** whether it carries notices */
  readonly gaps: boolean;
  readonly messagesOf: (node: ClusterNode) => Observable<T>;
}

/**
 * The same messages of all masters, those that become one included. What such a master has told before it was subscribed to is missed, and a
 * gap says so: it begins when the last view was asked for by which all slots were at masters that were subscribed to.
 */
export function messagesOfMasters<T>({ topology, clock, isClosed, gaps, messagesOf }: MastersParts<T>): Observable<T> {
  return new Observable((subscriber) => {
    const current = new Map<ClusterNode, Subscription>();
    const beganAt = clock.now();
    /** Since when messages of a master may be missed that is not known yet, on the clock, ms; undefined before there were masters. */
    let from: number | undefined;
    const look = (): void => {
      const masters = servingOf(topology.masters);
      for (const [node, subscription] of current) {
        if (masters.has(node)) continue;
        subscription.unsubscribe();
        current.delete(node);
      }
      for (const node of masters) {
        if (current.has(node)) continue;
        const own = new Subscription();
        current.set(node, own);
        const next =
          gaps && from !== undefined
            ? behindGap(subscriber, { node, from, clock })
            : (item: T) => subscriber.next(item);
        own.add(
          messagesOf(node).subscribe({
            next,
            error: (error: unknown) => subscriber.error(error),
            complete: () => isClosed() && subscriber.complete(),
          }),
        );
      }
      if (masters.size > 0 && !topology.isIncomplete) from = Math.max(beganAt, topology.viewedAt);
    };
    subscriber.add(topology.changes$.subscribe({ next: look, complete: () => subscriber.complete() }));
    subscriber.add(() => {
      for (const subscription of current.values()) subscription.unsubscribe();
    });
    look();
  });
}

/** Without those whose replica has slots: it has taken their place, and they repeat what it tells. */
function servingOf(all: readonly ClusterNode[]): Set<ClusterNode> {
  const masters = new Set(all);
  return new Set(all.filter(({ replicas }) => !replicas.some((replica) => masters.has(replica))));
}

interface Joining {
  readonly node: ClusterNode;
  readonly from: number;
  readonly clock: Clock;
}

/** Has a gap go before the first confirmation of each name. */
function behindGap<T>(subscriber: Subscriber<T>, { node, from, clock }: Joining): (item: T) => void {
  const told = new Set<string>();
  return (item) => {
    if (isNotice(item) && item.type === 'subscribed') {
      const { channel, pattern } = item as Notice<string | Buffer>;
      const key = keyOf((channel ?? pattern)!);
      if (!told.has(key)) {
        const reason = new ConnectionError(`${node.name} has become a master of the cluster`);
        subscriber.next({ ...item, type: 'gap', from: dateOf(from), to: dateOf(clock.now()), reason });
      }
      told.add(key);
    }
    subscriber.next(item);
  };
}
