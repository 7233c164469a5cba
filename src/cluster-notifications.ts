import { defer, forkJoin, map, type Observable } from 'rxjs';
import type { ClusterCore } from './cluster-core';
import { Notifications, type Needs } from './pubsub/notifications';
import type { ClusterNode } from './topology/node';

/** Whether the masters tell of keyspace events: each tells of its own keys alone. */
export class ClusterNotifications implements Pick<Notifications, 'ensure'> {
  private readonly asked = new WeakMap<ClusterNode, Notifications>();

  constructor(private readonly core: ClusterCore) {}

  ensure(needs: Needs, anew: boolean): Observable<boolean> {
    return defer(() => forkJoin(this.core.topology.masters.map((node) => this.at(node).ensure(needs, anew)))).pipe(
      map((told) => told.some((wasTold) => wasTold)),
    );
  }

  private at(node: ClusterNode): Notifications {
    let own = this.asked.get(node);
    if (own !== undefined) return own;
    const { core } = this;
    const { line } = node.connection;
    const { events$ } = core;
    const asked = {
      events$,
      line,
      get closed() {
        return core.isClosing;
      },
    };
    own = new Notifications(asked, core.sendAt(node));
    this.asked.set(node, own);
    return own;
  }
}
