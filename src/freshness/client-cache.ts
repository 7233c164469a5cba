import { Observable, type Subscription } from 'rxjs';
import { inBackground, type Clock } from '../connection/clock';
import type { Cache, CacheStats } from './cache';

/** How often `stats$` looks for changes, ms. */
const PERIOD = 1_000;

const NOTHING: CacheStats = { hits: 0, misses: 0, invalidations: 0, evictions: 0, entries: 0, bytes: 0 };

/** The cache of a client, as its user sees it: `redis.cache`. Without the option `cache` it is empty, and stays so. */
export class ClientCache {
  readonly #cache: Cache | undefined;
  readonly #clock: Clock;
  readonly #ended$: Observable<unknown>;

  /** @internal */
  constructor(cache: Cache | undefined, clock: Clock, ended$: Observable<unknown>) {
    this.#cache = cache;
    this.#clock = clock;
    this.#ended$ = ended$;
  }

  /** What the cache has done so far, and what it holds. */
  get stats(): CacheStats {
    return this.#cache?.stats ?? NOTHING;
  }

  /** The same: now, and again when it has changed, once a second at most. Completes when the client is closed. */
  get stats$(): Observable<CacheStats> {
    return new Observable((subscriber) => {
      let last: CacheStats | undefined;
      let timer: Subscription | undefined;
      const look = () => {
        const { stats } = this;
        if (last === undefined || isOther(last, stats)) subscriber.next((last = stats));
        if (!subscriber.closed) timer = inBackground(this.#clock.schedule(look, PERIOD));
      };
      subscriber.add(() => timer?.unsubscribe());
      look();
      subscriber.add(this.#ended$.subscribe(() => subscriber.complete()));
    });
  }

  /** Drops all that is kept. */
  clear(): void {
    this.#cache?.clear();
  }
}

function isOther(one: CacheStats, other: CacheStats): boolean {
  return (Object.keys(one) as (keyof CacheStats)[]).some((name) => one[name] !== other[name]);
}
