import type * as RxjsRedis from '../../../src/index';
import { loadOurs } from '../clients/installed';
import type { Job, Metrics } from './job';

type ObserversJob = Extract<Job, { kind: 'observers' }>;

const CHANNEL = 'bench:observed';
/** Small numbers are repeated, so that a measurement sees at least so many Observers. */
const OBSERVERS_IN_ALL = 20_000;

/**
 * Prepares a client with a subscription that stays, so that no Observer of its channel waits for the server.
 * @returns what measures once: Observers that join, get a message and leave, of one channel or each of its own
 */
export async function prepareObservers(url: string, { count, of }: ObserversJob): Promise<() => Promise<Metrics>> {
  const redis = new (loadOurs<typeof RxjsRedis>().Redis)(url);
  await new Promise<void>((resolve) => {
    redis.subscribe(CHANNEL).subscribe(() => resolve());
    void publishTo(redis, CHANNEL);
  });
  const names = Array.from({ length: count }, (_, n) => (of === 'channels' ? `${CHANNEL}:${n}` : CHANNEL));
  const last = names.at(-1)!;
  const measure = async (): Promise<Metrics> => {
    const rounds = Math.max(1, Math.round(OBSERVERS_IN_ALL / count));
    const start = performance.now();
    for (let round = 0; round < rounds; round++) await joinAndLeave(redis, names, last);
    return { microseconds: ((performance.now() - start) * 1000) / (rounds * count) };
  };
  await measure(); // warms up
  return measure;
}

/** A message reaches all Observers of the last channel; where each has a channel of its own, the server has all of them then. */
async function joinAndLeave(redis: RxjsRedis.Redis, names: readonly string[], last: string): Promise<void> {
  let waiting = names.filter((name) => name === last).length;
  await new Promise<void>((resolve) => {
    const subscriptions = names.map((name) =>
      redis.subscribe(name).subscribe(() => {
        if (--waiting > 0) return;
        for (const subscription of subscriptions) subscription.unsubscribe();
        resolve();
      }),
    );
    void publishTo(redis, last);
  });
}

/** A message waits for subscriptions for a second, and on a slow machine many take longer: it is sent until one has it. */
async function publishTo(redis: RxjsRedis.Redis, channel: string): Promise<void> {
  while ((await redis.publish(channel, 'message')) === 0);
}
