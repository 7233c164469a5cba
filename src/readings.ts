import type { Connection } from './connection/connection';
import type { PoolStats } from './leases/lease-lists';
import type { PubSub } from './pubsub/pubsub';
import type { Readings } from './telemetry/metrics';

/** What a client has right now, for its metrics. */
export function readingsOf(
  connections: readonly Connection[],
  leases: { readonly stats: PoolStats } | undefined,
  pubsub?: Pick<PubSub, 'observed'>,
): Readings {
  let queued = 0;
  let inFlight = 0;
  for (const { line } of connections) {
    queued += line.queued;
    inFlight += line.pending - line.queued;
  }
  const { active = 0, idle = 0, waiting = 0 } = leases?.stats ?? {};
  return { queued, inFlight, leased: active, idle, waiting, subscriptions: pubsub?.observed ?? 0 };
}
