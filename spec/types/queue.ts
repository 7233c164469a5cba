// What the types of queues allow and what they refuse: `tsc --noEmit` is the test.

import { from, of } from 'rxjs';
import type {
  DeadJob,
  Job,
  JobStream,
  PullStream,
  Queue,
  QueueEvent,
  QueueOptions,
  Redis,
  RedisPool,
  WorkerOptions,
} from 'rxjs-redis';
import type { Equal } from './equal';

declare const redis: Redis;
declare const pool: RedisPool;
declare const options: QueueOptions;
declare const some: WorkerOptions;

function is<T>() {
  return <V>(_value: V, _same: Equal<V, T>): void => undefined;
}

/** Payloads are texts, or Buffers on `redis.bytes`. */
export async function payloads(): Promise<void> {
  is<Queue>()(redis.queue('q'), true);
  is<Queue<string>>()(pool.queue(Buffer.from('q'), options), true);
  is<Queue<Buffer>>()(
    redis.bytes.queue('q', { attempts: Infinity, backoff: { initialDelay: 5 }, lease: undefined }),
    true,
  );
  is<JobStream<Buffer>>()(redis.bytes.queue('q').jobs(some), true);
  for await (const job of redis.queue('q').jobs()) {
    is<Job>()(job, true);
    is<string>()(job.payload, true);
    is<void>()(await job.ack(), true);
    await job.fail(new Error('no'), { delay: 5 });
  }
  is<readonly string[]>()(await redis.queue('q').push(['a', 1, 2n, Buffer.from('b')], { delay: 5 }), true);
  is<readonly DeadJob[]>()(await redis.queue('q').dead(), true);
  is<number>()(await redis.queue('q').redrive(), true);
}

/** The value of an event is what the handler gives. */
export function values(queue: Queue): void {
  is<PullStream<QueueEvent<string, number>>>()(
    queue.work((job) => job.attempt),
    true,
  );
  is<PullStream<QueueEvent<string, number>>>()(
    queue.work(async (job) => Promise.resolve(job.attempt)),
    true,
  );
  is<PullStream<QueueEvent<string, number>>>()(
    queue.work(() => of(1)),
    true,
  );
  is<PullStream<QueueEvent<string, string>>>()(
    queue.work(() => 'text'),
    true,
  );
  is<PullStream<QueueEvent<string, number[]>>>()(
    queue.work(() => [1]),
    true,
  );
  is<PullStream<QueueEvent<string, string | null>>>()(
    queue.work(() => redis.get('k')),
    true,
  );
  queue
    .work(() => from([1]))
    .subscribe((event) => {
      if (event.type === 'done') is<number | undefined>()(event.value, true);
      else if (event.type === 'failed') is<number>()(event.delay, true);
    });
  const backoff = (attempt: number, _error: unknown) => attempt < 5 && attempt * 1_000;
  redis.queue('q', { backoff, deadLetter: false, drainTimeout: 0 });
}

export function refused(queue: Queue): void {
  // @ts-expect-error there is no such option
  redis.queue('q', { retries: 5 });
  // @ts-expect-error an object is no payload
  void queue.push({ to: 'ann' });
  // @ts-expect-error attempts are counted by `attempts`
  redis.queue('q', { backoff: { maxAttempts: 5 } });
}
