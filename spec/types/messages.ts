import {
  resync,
  type Dropped,
  type KeyspaceEvent,
  type Message,
  type MessageStream,
  type Notice,
  type Redis,
  type Snapshot,
} from 'rxjs-redis';
import type { Observable } from 'rxjs';
import type { Equal } from './equal';

declare const redis: Redis;
/** Compiles where the types are the same. */
function same<T extends true>(_same: T): void {
  return undefined;
}

declare const signal: AbortSignal;

// What a stream carries shows in its type: messages alone, unless more was asked for.
same<Equal<ReturnType<typeof plain>, MessageStream<Message>>>(true);
export function plain() {
  return redis.subscribe('a', { signal, buffer: 10 });
}
same<Equal<ReturnType<typeof withGaps>, MessageStream<Message | Notice>>>(true);
export function withGaps() {
  return redis.psubscribe('a*', { gaps: true });
}
same<Equal<ReturnType<typeof inBytes>, MessageStream<Message<Buffer> | Notice<Buffer>>>>(true);
export function inBytes() {
  return redis.bytes.ssubscribe('a', { gaps: true });
}
same<Equal<ReturnType<typeof dropping>, MessageStream<Message, Dropped>>>(true);
export function dropping() {
  return redis.subscribe('a', { overflow: 'drop-oldest' });
}
same<Equal<ReturnType<typeof worked>, MessageStream<number | Notice | Dropped>>>(true);
export function worked() {
  return redis.subscribe('a', {
    gaps: true,
    overflow: 'latest',
    project: ({ data }) => Promise.resolve(data.length),
    concurrency: 2,
  });
}
same<Equal<ReturnType<typeof events>, MessageStream<KeyspaceEvent | Notice>>>(true);
export function events() {
  return redis.keyspace('a*', { gaps: true, events: ['set', 'del'] });
}
same<Equal<ReturnType<typeof synchronised>, Observable<Message | Snapshot<Record<string, string>>>>>(true);
export function synchronised() {
  return redis.subscribe('a', { gaps: true }).pipe(resync(() => redis.hgetall('a')));
}

same<Equal<ReturnType<typeof synchronisedLoop>, MessageStream<Message | Snapshot<number> | Dropped, Dropped>>>(true);
export function synchronisedLoop() {
  const copy = resync(() => redis.dbsize(), { overflow: 'latest' });
  return copy(redis.subscribe('a', { gaps: true }));
}

export async function loops(): Promise<void> {
  for await (const item of dropping()) {
    if (item.type === 'dropped') item.count.toFixed();
    else item.data.toUpperCase();
  }
  withGaps().subscribe((item) => {
    if (item.type === 'gap') item.from.getTime();
    else if (item.type === 'subscribed') item.pattern?.toUpperCase();
    else item.data.toUpperCase();
  });
  events().subscribe((item) => (item.type === undefined ? item.key.toUpperCase() : item.pattern?.toUpperCase()));
}

// @ts-expect-error -- there is no such policy
redis.subscribe('a', { overflow: 'drop' });
// @ts-expect-error -- there is no such option
redis.subscribe('a', { gap: true });
// @ts-expect-error -- `literal` is one of `subscribe` alone
redis.psubscribe('a', { literal: true });
// @ts-expect-error -- what is at once in work needs the work
redis.subscribe('a', { concurrency: 2 });

// @ts-expect-error -- without gaps nothing says when to read a snapshot
redis.subscribe('a').pipe(resync(() => redis.hgetall('a')));
// @ts-expect-error -- as a function as well
resync(() => redis.hgetall('a'))(redis.bytes.subscribe('a'));
redis.bytes
  .subscribe('a', { gaps: true })
  .pipe(resync(() => redis.hgetall('a')))
  .subscribe();
