// What the types of `tail` and `consume` allow and what they refuse: `tsc --noEmit` is the test.

import { of, type Observable } from 'rxjs';
import type {
  ConsumedEntry,
  ConsumeOptions,
  ConsumeProgress,
  PullStream,
  Redis,
  RedisPool,
  TailEntry,
  TailGap,
  TailItem,
  TailOptions,
} from 'rxjs-redis';
import type { Equal } from './equal';

declare const redis: Redis;
declare const pool: RedisPool;
declare const options: TailOptions;

function is<T>() {
  return <V>(_value: V, _same: Equal<V, T>): void => undefined;
}

/** Items are entries or gaps, told apart by their type. */
export async function items(): Promise<void> {
  is<PullStream<TailItem>>()(redis.tail('s'), true);
  is<PullStream<TailItem>>()(redis.tail(['s', Buffer.of(1)], options), true);
  is<PullStream<TailItem>>()(redis.tail({ s: '0', t: '$' }, { batch: 5, until: '9-0' }), true);
  is<PullStream<TailItem<Buffer>>>()(redis.bytes.tail(new Map([['s', '5-0']])), true);
  is<PullStream<TailItem>>()(pool.withOptions({ retry: false }).tail('s', { from: '0' }), true);
  for await (const item of redis.tail('s', { signal: AbortSignal.timeout(5) })) {
    if (item.type === 'entry') {
      is<TailEntry>()(item, true);
      is<Record<string, string>>()(item.fields, true);
      is<[field: string, value: string][]>()(item.pairs, true);
    } else {
      is<TailGap>()(item, true);
      is<'trimmed' | 'deleted' | 'reset'>()(item.reason, true);
    }
  }
}

/** Work gives the stream its values. */
export function work(): void {
  is<PullStream<number>>()(redis.tail('s', { project: (item) => (is<TailItem>()(item, true), of(1)) }), true);
  is<PullStream<string>>()(redis.bytes.tail('s', { project: ({ stream }) => of(stream.toString()), concurrency: 5 }), true); // prettier-ignore
}

/** A handler gives what it likes. */
export async function consumers(): Promise<void> {
  const group = { group: 'g' } satisfies ConsumeOptions;
  const progress: Observable<ConsumeProgress> = redis.consume('s', group, () => undefined);
  is<ConsumeProgress | undefined>()(await redis.consume('s', group, (entry) => redis.set(entry.id, 'x')), true);
  void redis.consume('s', { ...group, keyOf: ({ fields }) => fields.user }, (entry) =>
    is<ConsumedEntry>()(entry, true),
  );
  void redis.bytes.consume('s', group, ({ fields, deliveries }) => {
    is<Map<Buffer, Buffer>>()(fields, true);
    is<number>()(deliveries, true);
  });
  const deadLetter = (entry: ConsumedEntry, error: unknown) => redis.rpush('dead', entry.id, String(error));
  void pool.consume(
    's',
    { ...group, consumer: 'me', from: '0', claimIdle: 5, maxDeliveries: 3, deadLetter },
    async () => {
      await redis.ping();
    },
  );
  void progress;
}

export function refused(): void {
  // @ts-expect-error a stream has a name
  redis.tail(5);
  // @ts-expect-error there is no such option
  redis.tail('s', { count: 5 });
  // @ts-expect-error an id is a text
  redis.tail('s', { from: 5 });
  // @ts-expect-error a group is needed
  void redis.consume('s', {}, () => undefined);
  // @ts-expect-error a handler is needed
  void redis.consume('s', { group: 'g' });
  // @ts-expect-error there is no such option
  void redis.consume('s', { group: 'g', count: 5 }, () => undefined);
}
