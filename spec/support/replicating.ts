import type { Redis } from 'rxjs-redis';
import { eventually } from './clients';

/**
 * Resolves once a server follows its master, and all replicas of that get what it writes. The link of a replica may stand up to a second before
 * that: a master that has not noticed yet that a first copy is through misses what the replica acknowledges then.
 */
export async function untilReplicating(replica: Redis, master: Redis): Promise<void> {
  const info = (of: Redis) => of.call<string>('INFO', 'replication');
  await eventually(
    () => info(replica),
    (said) => said.includes('master_link_status:up'),
  );
  const isAcknowledged = async (): Promise<boolean> => {
    const replicas = Number(/connected_slaves:(\d+)/.exec(await info(master))?.[1]);
    return (await acknowledgers(master, replicas)) === replicas;
  };
  await eventually(isAcknowledged, (is) => is);
}

/** How many replicas have something that a connection has written. */
function acknowledgers(master: Redis, replicas: number): PromiseLike<number> {
  return master.dedicated(async (connection) => {
    await connection.publish('replicating', '');
    return connection.wait(replicas, 1_000);
  });
}
