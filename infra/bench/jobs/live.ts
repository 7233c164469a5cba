import type * as Commands from '../../../src/commands';
import type * as RxjsRedis from '../../../src/index';
import { loadOurs } from '../clients/installed';
import type { Job, Metrics } from './job';

type LiveJob = Extract<Job, { kind: 'live' }>;

const KEY = 'bench:live';
/** Small numbers are repeated, so that a measurement sees at least so many values. */
const VALUES_IN_ALL = 100_000;

/**
 * Prepares a live query with so many Observers.
 * @returns what measures once: writes, each until the last Observer has the value
 */
export async function prepareLive(url: string, { count }: LiveJob): Promise<() => Promise<Metrics>> {
  const { get } = loadOurs<typeof Commands>('./commands.cjs');
  const { Redis } = loadOurs<typeof RxjsRedis>();
  const [redis, writer] = [new Redis(url), new Redis(url)];
  let wanted = '0';
  let waiting = count;
  let allHaveIt = (): void => undefined;
  const seen = (value: string | null): void => {
    if (value === wanted && --waiting === 0) allHaveIt();
  };
  const write = async (value: string): Promise<void> => {
    wanted = value;
    waiting = count;
    const all = new Promise<void>((resolve) => (allHaveIt = resolve));
    await writer.set(KEY, value);
    await all;
  };
  await writer.set(KEY, 'before');
  await new Promise<void>((resolve, reject) => {
    let present = 0;
    for (let n = 0; n < count; n++) {
      let isFirst = true;
      redis.live(get(KEY)).subscribe({
        next: (value) => {
          if (!isFirst) return seen(value);
          isFirst = false;
          if (++present === count) resolve();
        },
        error: reject,
      });
    }
  });
  let written = 0;
  const measure = async (): Promise<Metrics> => {
    const rounds = Math.max(1, Math.round(VALUES_IN_ALL / count));
    const start = performance.now();
    for (let round = 0; round < rounds; round++) await write(String(++written));
    return { microseconds: ((performance.now() - start) * 1000) / (rounds * count) };
  };
  await measure(); // warms up
  return measure;
}
