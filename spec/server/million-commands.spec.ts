import { firstValueFrom, from, map, mergeMap, range, reduce, type Observable } from 'rxjs';
import type { Redis } from 'rxjs-redis';
import { startProxy, type Proxy } from '../../infra/proxy';
import { bundleOf, loadBundle } from '../support/bundled';
import { useServer } from '../support/server';

const COMMANDS = 1_000_000;
/** Commands of one spec: few enough that no machine is so slow that Jest takes them for hanging. */
const SLICE = 100_000;
const IN_FLIGHT = 500;
const KEYS = 1_000;
const MAX_LENGTH = 10_000;

/** A generator of numbers that are the same in every run (mulberry32). */
function random(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Issues commands of random kinds and sizes, and says of each reply whether it is the one that the command must have. */
class Workload {
  private readonly chance = random(1);
  private readonly material = Buffer.from(Array.from({ length: 1 << 20 }, () => this.chance() * 256));
  /** What the server holds when it comes to the command that is issued next: commands of one connection run in order. */
  private readonly stored = new Map<string, Buffer>();

  constructor(private readonly redis: Redis) {}

  next(n: number): Observable<boolean> {
    const key = `key:${Math.floor(this.chance() * KEYS)}`;
    const kind = this.chance();
    if (kind < 0.4) return this.set(key);
    if (kind < 0.8) return this.get(key);
    if (kind < 0.9) return this.redis.echo(`echo ${n}`).pipe(map((reply) => reply === `echo ${n}`));
    return this.redis.strlen(key).pipe(map(this.expect(this.stored.get(key)?.length ?? 0)));
  }

  private set(key: string): Observable<boolean> {
    const length = Math.floor(this.chance() * (MAX_LENGTH + 1));
    const start = Math.floor(this.chance() * (this.material.length - length));
    const value = this.material.subarray(start, start + length);
    this.stored.set(key, value);
    return this.redis.set(key, value).pipe(map(this.expect('OK')));
  }

  private get(key: string): Observable<boolean> {
    const expected = this.stored.get(key);
    return this.redis.bytes
      .get(key)
      .pipe(map((reply) => (expected === undefined ? reply === null : reply?.equals(expected) === true)));
  }

  private expect<T>(expected: T): (reply: unknown) => boolean {
    return (reply) => reply === expected;
  }
}

describe('A million commands with values of 0 to 10 000 bytes, cut at random on the way', () => {
  const server = useServer();
  let proxy: Proxy;
  let redis: Redis;
  let workload: Workload;
  beforeAll(async () => {
    proxy = await startProxy({ target: server() });
    proxy.chunk('random', 7);
    // Without the counters of coverage, which take most of the time.
    const bundled = loadBundle<{ readonly Redis: typeof Redis }>(await bundleOf('src/index.ts'));
    redis = new bundled.Redis({ url: proxy.url(), reconnect: false });
    workload = new Workload(redis);
  });
  afterAll(async () => {
    await redis?.destroy();
    await proxy?.stop();
  });

  it.each(Array.from({ length: COMMANDS / SLICE }, (_, slice) => slice * SLICE))(
    'each get their own reply, from the one behind %i',
    async (first) => {
      const before = bytes();
      const counts$ = range(first, SLICE).pipe(
        mergeMap((n) => from(workload.next(n)), IN_FLIGHT),
        reduce((counts, right) => ({ right: counts.right + Number(right), all: counts.all + 1 }), { right: 0, all: 0 }),
      );
      expect(await firstValueFrom(counts$)).toStrictEqual({ right: SLICE, all: SLICE });
      expect(bytes() - before).toBeGreaterThan(SLICE * 0.75 * (MAX_LENGTH / 2));
      expect(proxy.connections.total).toBe(1);
    },
  );

  const bytes = (): number => proxy.bytes.toServer + proxy.bytes.toClient;
});
