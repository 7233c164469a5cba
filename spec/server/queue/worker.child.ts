// Works on a queue until it is killed: notes each job in a set when it is done. The job `long` has no end.
import { setTimeout } from 'node:timers/promises';
import { NEVER } from 'rxjs';
import { Redis } from 'rxjs-redis';

const [url = '', name = '', concurrency = '1'] = process.argv.slice(2);
const redis = new Redis({ url, reconnect: { initialDelay: 5, maxDelay: 20 } });

async function handle(payload: string): Promise<void> {
  await setTimeout(Math.random() * 5);
  await redis.sadd('handled', payload);
  await setTimeout(Math.random() * 5);
}

function begin(): typeof NEVER {
  console.log('begun');
  return NEVER;
}

redis
  .queue(name, { lease: 1_000, attempts: Infinity, backoff: 1 })
  .work<unknown>((job) => (job.payload === 'long' ? begin() : handle(job.payload)), {
    concurrency: Number(concurrency),
  })
  .subscribe({
    next: ({ type }) => type === 'lost' && console.log(type),
    error: (error: Error) => console.log(`ended: ${error.message}`),
  });
void redis.connect().then(() => console.log('ready'));
