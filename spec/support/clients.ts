import { filter, firstValueFrom, type Observable } from 'rxjs';
import { Redis, RedisPool, type ConnectionState, type RedisOptions, type RedisPoolOptions } from 'rxjs-redis';
import { PATIENCE } from './until';

/** Makes clients for the specs of a file and destroys them after each. */
export function useClients(): (options: string | RedisOptions) => Redis {
  const clients: Redis[] = [];
  afterEach(() => Promise.all(clients.splice(0).map((redis) => redis.destroy())));
  return (options) => {
    const redis = typeof options === 'string' ? new Redis(options) : new Redis(options);
    clients.push(redis);
    return redis;
  };
}

/** Makes pools for the specs of a file and destroys them after each. */
export function usePools(): (options: RedisPoolOptions) => RedisPool {
  const pools: RedisPool[] = [];
  afterEach(() => Promise.all(pools.splice(0).map((pool) => pool.destroy())));
  return (options) => {
    const pool = new RedisPool(options);
    pools.push(pool);
    return pool;
  };
}

/** Resolves when the client is in that state, now or later. */
export function reaches(redis: Redis, kind: ConnectionState['kind']): Promise<ConnectionState> {
  return firstValueFrom(redis.state$.pipe(filter((state) => state.kind === kind)));
}

/** What an Observable has emitted so far, and how it ended. */
export function record<T>(source: Observable<T>): { values: T[]; ended: 'complete' | Error | undefined; stop(): void } {
  const recorded = {
    values: [] as T[],
    ended: undefined as 'complete' | Error | undefined,
    stop: () => subscription.unsubscribe(),
  };
  const subscription = source.subscribe({
    next: (value) => recorded.values.push(value),
    error: (error: Error) => (recorded.ended = error),
    complete: () => (recorded.ended = 'complete'),
  });
  return recorded;
}

/** Asks the server until it answers as wanted: for what a server does in its own time. */
export async function eventually<T>(ask: () => PromiseLike<T>, wanted: (answer: T) => boolean): Promise<T> {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    const answer = await ask();
    if (wanted(answer)) return answer;
    if (Date.now() > deadline) throw new Error(`The server's last answer was ${JSON.stringify(answer)}`);
  }
}
