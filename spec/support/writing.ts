import type { Redis } from 'rxjs-redis';
import { outcome } from './outcomes';

/** Keys that a client writes, and what has become of them. */
export interface Writing {
  readonly answered: string[];
  /** the messages of the errors */
  readonly failed: string[];
  /** Those of the answered keys that were called for once `isLate` had been true. */
  readonly late: ReadonlySet<string>;
  /** Lets what is under way end. */
  stop(): Promise<void>;
}

/** Writes keys one after the other in so many lanes, until it is told to stop, and says which were answered. */
export function writing(redis: Redis, lanes: number, isLate: () => boolean = () => false): Writing {
  const answered: string[] = [];
  const failed: string[] = [];
  const late = new Set<string>();
  let goesOn = true;
  let next = 0;
  let hasBeenLate = false;
  const lane = async (): Promise<void> => {
    while (goesOn) {
      const key = `written:${next++}`;
      hasBeenLate ||= isLate();
      if (hasBeenLate) late.add(key);
      const ended = await outcome(redis.set(key, 1));
      if ('error' in ended) failed.push(ended.error.message);
      else answered.push(key);
    }
  };
  const all = Array.from({ length: lanes }, lane);
  return {
    answered,
    failed,
    late,
    async stop() {
      goesOn = false;
      await Promise.all(all);
    },
  };
}

/** Those of the keys that are not there. */
export async function lostOf(redis: Redis, keys: readonly string[]): Promise<string[]> {
  const lost: string[] = [];
  for (let at = 0; at < keys.length; at += 5_000) {
    const asked = keys.slice(at, at + 5_000);
    const values = await redis.mget(...asked);
    lost.push(...asked.filter((_, index) => values[index] === null));
  }
  return lost;
}
