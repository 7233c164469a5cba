// What the types of scans allow and what they refuse: `tsc --noEmit` is the test.

import { firstValueFrom, of, type Observable } from 'rxjs';
import type {
  DedicatedConnection,
  PullStream,
  Redis,
  RedisCommands,
  RedisPool,
  RedisView,
  ScanStreamOptions,
  Scored,
} from 'rxjs-redis';
import type { Equal } from './equal';

declare const redis: Redis;
declare const bytes: RedisView<Buffer>;
declare const pool: RedisPool;
declare const anywhere: RedisCommands;
declare const someTimes: boolean;

function is<T>() {
  return <V>(_value: V, _same: Equal<V, T>): void => undefined;
}

/** Batches have the types of their commands. */
export async function batches(): Promise<void> {
  is<PullStream<string[]>>()(redis.scanStream(), true);
  is<PullStream<string[]>>()(redis.scanStream({ MATCH: 'a*', COUNT: 10, TYPE: 'hash', unique: true }), true);
  is<PullStream<string[]>>()(redis.sscanStream('k', { unique: 1_000 }), true);
  is<PullStream<[field: string, value: string][]>>()(redis.hscanStream('k'), true);
  is<PullStream<[field: string, value: string][]>>()(redis.hscanStream('k', { COUNT: 5, NOVALUES: false }), true);
  is<PullStream<string[]>>()(redis.hscanStream('k', { NOVALUES: true }), true);
  is<PullStream<string[] | [field: string, value: string][]>>()(redis.hscanStream('k', { NOVALUES: someTimes }), true);
  is<PullStream<Scored[]>>()(redis.zscanStream('k', { MATCH: 'a*' }), true);
  is<PullStream<string[]>>()(redis.zscanStream('k', { NOSCORES: true }), true);

  is<PullStream<Buffer[]>>()(bytes.scanStream(), true);
  is<PullStream<[field: Buffer, value: Buffer][]>>()(bytes.hscanStream(Buffer.of(1)), true);
  is<PullStream<Scored<Buffer>[]>>()(bytes.zscanStream('k'), true);
  is<PullStream<Buffer[]>>()(pool.bytes.scanStream(), true);
  is<PullStream<string[]>>()(anywhere.scanStream(), true);
  is<Observable<string[]>>()(redis.scanStream().pipe(), true);
  const observable: Observable<string[]> = redis.scanStream();
  const iterable: AsyncIterable<string[]> = redis.scanStream();
  for await (const keys of redis.scanStream()) is<string[]>()(keys, true);
  for await (const fields of bytes.hscanStream('k')) {
    for (const [field, value] of fields) is<Buffer[]>()([field, value], true);
  }
  is<string[]>()(await firstValueFrom(redis.scanStream()), true);
  void [observable, iterable];
}

/** Work gives the stream its values, and gets batches of the command's own type. */
export function work(connection: DedicatedConnection): void {
  is<PullStream<number>>()(redis.scanStream({ project: (keys) => redis.unlink(keys) }), true);
  is<PullStream<number>>()(redis.scanStream({ project: async (keys, index) => (await redis.exists(keys)) + index, concurrency: 4 }), true); // prettier-ignore
  is<PullStream<string>>()(redis.scanStream({ MATCH: 'a*', project: (keys) => keys }), true);
  redis.scanStream({ project: (keys) => (is<string[]>()(keys, true), of(1)) });
  redis.hscanStream('k', { project: (fields) => (is<[field: string, value: string][]>()(fields, true), of(1)) });
  redis.hscanStream('k', { NOVALUES: true, project: (fields) => (is<string[]>()(fields, true), of(1)) });
  redis.zscanStream('k', { project: (members) => (is<Scored[]>()(members, true), of(1)) });
  redis.zscanStream('k', { NOSCORES: true, project: (members) => (is<string[]>()(members, true), of(1)) });
  bytes.sscanStream('k', { project: (members) => (is<Buffer[]>()(members, true), of(1)) });
  is<PullStream<string>>()(connection.hscanStream('k', { project: ([first]) => first ?? [] }), true);
}

/** Options may be undefined, and are readonly. */
export function options(signal: AbortSignal | undefined): void {
  const given: ScanStreamOptions = { MATCH: undefined, COUNT: undefined, TYPE: undefined, unique: undefined, signal };
  redis.scanStream(given);
  redis.scanStream({ ...given, project: undefined, concurrency: undefined });
  redis.scanStream(undefined);
  redis.scanStream({ ...given, project: () => [], concurrency: undefined });
  // @ts-expect-error options are spelt as the command spells them
  redis.scanStream({ match: 'a*' });
  // @ts-expect-error SCAN has no NOVALUES
  redis.scanStream({ NOVALUES: true });
  // @ts-expect-error HSCAN has no TYPE
  redis.hscanStream('k', { TYPE: 'hash' });
  // @ts-expect-error a key is wanted
  redis.sscanStream({ COUNT: 1 });
  // @ts-expect-error a number is wanted
  redis.scanStream({ COUNT: '10' });
  // @ts-expect-error there is nothing whose concurrency is limited
  redis.scanStream({ concurrency: 2 });
  // @ts-expect-error work gives an Observable, a Promise or a list
  redis.scanStream({ project: (keys) => keys.length });
  // @ts-expect-error a signal is wanted, not what makes one
  redis.scanStream({ signal: new AbortController() });
}
