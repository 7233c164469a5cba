// Handles the entries of a stream as one of several workers, notes each in a set, and tells when it has handled the first.
import { Redis } from '../../../src';

const [url, group] = process.argv.slice(2) as [string, string];
const redis = new Redis(url);
let isTold = false;

redis
  .consume('jobs', { group, concurrency: 8, claimIdle: 300 }, async ({ id }) => {
    await redis.sadd('handled', id);
    if (!isTold) {
      isTold = true;
      console.log('working');
    }
  })
  .subscribe({ error: (error: unknown) => console.error(error) });
