import type { Connection } from './connection/connection';
import type { CacheStats } from './freshness/cache';
import type { PoolStats } from './leases/lease-lists';
import type { Readings } from './telemetry/metrics';

/** What is read, of a client that has it. */
interface Sources {
  /** connections that are lent; `count` is how many pools they are of, where there may be several */
  readonly leases:
    { readonly stats: PoolStats; readonly connections: Iterable<Connection>; readonly count?: number } | undefined;
  readonly pubsub?: { readonly observed: number };
  readonly spread?: { readonly queued: number };
  readonly cache?: { readonly stats: CacheStats } | undefined;
}

/** What a client has right now, for its metrics. */
export function readingsOf(shared: readonly Connection[], { leases, pubsub, spread, cache }: Sources): Readings {
  let queued = spread?.queued ?? 0;
  let inFlight = 0;
  for (const { line } of [...shared, ...(leases?.connections ?? [])]) {
    const written = line.link?.owed.length ?? 0;
    inFlight += written;
    queued += line.pending - written;
  }
  const { active = 0, idle = 0, waiting = 0 } = leases?.stats ?? {};
  const subscriptions = pubsub?.observed ?? 0;
  return { queued, inFlight, leased: active, idle, waiting, subscriptions, pools: leases?.count ?? 1, ...cache?.stats };
}
