import { randomUUID } from 'node:crypto';
import type { ConnectionOptions } from 'bullmq';

/** Adds so many jobs to a queue of BullMQ, and has them done by one worker, no more than `atOnce` at the same time. */
export async function doJobs(connection: ConnectionOptions, jobs: number, atOnce: number): Promise<void> {
  const { Queue, Worker } = await import('bullmq');
  const name = randomUUID();
  const queue = new Queue(name, { connection });
  const worker = new Worker(name, () => Promise.resolve(), { connection, concurrency: atOnce });
  const done = new Promise<void>((resolve, reject) => {
    let left = jobs;
    worker.on('completed', () => --left === 0 && resolve());
    worker.on('error', reject);
  });
  await queue.addBulk(Array.from({ length: jobs }, (_, n) => ({ name: 'job', data: { n } })));
  await done;
  await worker.close();
  await queue.obliterate({ force: true });
  await queue.close();
}
