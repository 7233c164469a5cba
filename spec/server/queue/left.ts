import type { Redis } from 'rxjs-redis';
import { eventually } from '../../support/clients';

/** What a queue has left at the server: keys, and what is in them but for leases. */
export async function keysLeft(redis: Redis): Promise<string[]> {
  return (await redis.keys('*queue:{*')).sort();
}

/** Resolves once nothing of any queue is left. */
export async function untilNothingIsLeft(redis: Redis): Promise<void> {
  await eventually(
    () => keysLeft(redis),
    (keys) => keys.length === 0,
  );
}

/** The jobs that all workers have, as texts. */
export async function jobsOfWorkers(redis: Redis): Promise<string[]> {
  const keys = await redis.keys('*queue:{*}:worker:*');
  const lists = await Promise.all(keys.map((key) => redis.lrange(key, 0, -1)));
  return lists.flat();
}

/** How many connections wait at the server for a job. */
export async function waitingAtServer(redis: Redis): Promise<number> {
  const list = await redis.call<string>('CLIENT LIST');
  return list.split('\n').filter((line) => /cmd=(blmove|brpoplpush)\b/.test(line) && /flags=\w*b/.test(line)).length;
}
