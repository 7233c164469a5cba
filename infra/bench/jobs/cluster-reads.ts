import type { ClientName } from '../clients';
import { connectCluster } from '../clients/clusters';
import { awaitInTurns } from '../clients/promise-client';
import { MANY } from '../data';
import type { Job, Metrics } from './job';
import { prepareThroughput } from './throughput';

/** @returns what measures once: GETs of keys in turn, which lie in many slots, or MGETs of all of them */
export async function prepareClusterReads(
  client: ClientName,
  url: string,
  { command, inFlight, seconds }: Extract<Job, { kind: 'cluster' }>,
): Promise<() => Promise<Metrics>> {
  const calls = await connectCluster(client, url);
  let turn = 0;
  const get = (): PromiseLike<unknown> => calls.get(MANY[turn++ % MANY.length]!);
  const call = command === 'get' ? get : () => calls.mget(MANY);
  return prepareThroughput({ inFlight, seconds, run: (total) => awaitInTurns(call, inFlight, total) });
}
