import { delay, firstValueFrom, forkJoin } from 'rxjs';
import { Redis } from '../../../src/index';

// Reads values through the server when it is told to, under locks, and prints them. How often one was loaded is its value.

async function main(url: string): Promise<void> {
  const redis = new Redis(url);
  await redis.ping();
  console.log('ready');
  await redis.blpop('go', 0);
  const keys = Array.from({ length: 20 }, (_, id) => `k:${id}`);
  const load = (key: string) => redis.incr(`loads:${key}`).pipe(delay(20));
  const read = (key: string) => redis.cached(key, () => load(key), { ttl: 60_000, lock: true });
  console.log(JSON.stringify(await firstValueFrom(forkJoin(keys.map(read)))));
  await redis.close();
}

void main(process.argv[2]!);
