// What the types of the package's entry allow and what they refuse, beside the commands: `tsc --noEmit` is the test.

import { defer, firstValueFrom, from, map, of, switchMap, type Observable } from 'rxjs';
import {
  OverflowError,
  Redis,
  Reply,
  ReplyError,
  type Awaitable,
  type Completion,
  type DedicatedConnection,
  type Entry,
  type GeoMatch,
  type Key,
  type Message,
  type MessageStream,
  type RedisCommands,
  type RedisError,
  type RedisView,
  type Scored,
  type SetOptions,
  type ZaddConditions,
} from 'rxjs-redis';
import type * as commands from 'rxjs-redis/commands';
import type { Equal } from './equal';

declare const redis: Redis;

function is<T>() {
  return <V>(_value: V, _same: Equal<V, T>): void => undefined;
}

/** A Reply is all of a Promise. */
export async function replies(): Promise<void> {
  const reply: Promise<string | null> = redis.get('k');
  const caught: Promise<string | number | null> = redis.get('k').catch(() => 1);
  const typed: Promise<string | null> = redis.get('k').catch((error: ReplyError) => error.kind);
  const settled = await Promise.allSettled([redis.get('k'), reply, caught, typed]);
  is<PromiseSettledResult<string | null>>()(settled[0], true);
  is<string | null>()(await redis.get('k').finally(), true);
  is<string | number>()(await redis.incr('n').then(String, (error: Error) => error.message.length), true);
  await redis
    .get('k')
    .catch((error) => is<unknown>()(error, true))
    .finally(() => undefined);

  is<Reply<number>>()(Reply.of(1), true);
  is<Reply<never>>()(Reply.fail(new Error('refused')), true);
  const never: Reply<string> = Reply.fail(new ReplyError('ERR no', 'ERR'));
  is<void>()(never.forget(), true);
  // @ts-expect-error an error is wanted
  void Reply.fail('refused');
  // @ts-expect-error only the client makes replies to commands
  new Reply();
}

/** connect(), close() and destroy() emit undefined and can be awaited. */
export async function completions(): Promise<void> {
  const done: Promise<void>[] = [redis.connect(), redis.close(), redis.destroy()];
  is<void[]>()(await Promise.all(done), true);
  is<Completion>()(redis.connect(), true);
  is<void>()(await firstValueFrom(redis.connect()), true);
  is<Observable<number>>()(redis.connect().pipe(switchMap(() => redis.incr('n'))), true);
}

/** Awaiting a lease gives the last value, which is there for certain where the work is a Promise or a Reply. */
export async function leases(): Promise<void> {
  const many = redis.dedicated(() => of(1, 2));
  is<Awaitable<number, number | undefined>>()(many, true);
  is<number | undefined>()(await many, true);
  is<number>()(await firstValueFrom(many), true);
  is<Observable<string>>()(many.pipe(switchMap(() => redis.echo('x'))), true);
  is<number>()(await redis.dedicated((connection) => connection.incr('n')), true);
  is<string>()(await redis.dedicated(async (connection) => String(await connection.incr('n'))), true);
  is<Observable<string>>()(redis.dedicated((connection) => connection.monitor()).pipe(), true);
  is<number>()(await firstValueFrom(defer(() => redis.dedicated((connection) => connection.incr('n')))), true);
  is<number>()(await firstValueFrom(from(redis.dedicated((connection) => connection.incr('n')))), true);
}

/** What has commands is one interface. */
export function surfaces(connection: DedicatedConnection, bytes: RedisView<Buffer>): void {
  const takes = (_surface: RedisCommands): void => undefined;
  const takesBytes = (_surface: RedisCommands<Buffer>): void => undefined;
  takes(redis);
  takes(redis.withOptions({ commandTimeout: 1 }));
  takes(connection);
  takesBytes(redis.bytes);
  takesBytes(bytes);
  // @ts-expect-error its texts are Buffers
  takes(bytes);
  // A double of the user's own, without a class of the package's.
  const double: Pick<RedisCommands, 'get' | 'incr'> = { get: () => Reply.of('value'), incr: () => Reply.of(1) };
  is<Reply<string | null>>()(double.get('k'), true);
}

/** The types of commands are at the root, and the same as those of ./commands. */
export const same: [
  Equal<Scored, commands.Scored>,
  Equal<Entry, commands.Entry>,
  Equal<SetOptions, commands.SetOptions>,
  Equal<ZaddConditions, commands.ZaddConditions>,
  Equal<GeoMatch, commands.GeoMatch>,
  Equal<Key, commands.Key>,
] = [true, true, true, true, true, true];

/** A URL with options beside it, or options alone. */
export function constructing(url: string | undefined): void {
  new Redis();
  new Redis(url);
  new Redis(new URL('redis://localhost'), { port: 6380 });
  new Redis(undefined, { port: 6380 });
  new Redis({ port: 6380 });
  // @ts-expect-error options do not stand behind options
  new Redis({ port: 6380 }, { port: 6381 });
  // @ts-expect-error there is no such option
  new Redis({ prot: 6380 });
  // @ts-expect-error a number is wanted
  new Redis('redis://localhost', { port: '6380' });
}

/** Messages are Observables and async iterables, of text or of bytes; names are text or bytes on both surfaces. */
export async function messages(): Promise<void> {
  is<MessageStream<Message>>()(redis.subscribe('news'), true);
  is<MessageStream<Message<Buffer>>>()(redis.bytes.psubscribe(Buffer.of(0xff)), true);
  is<MessageStream<Message>>()(redis.ssubscribe(['a', new Uint8Array(1)], { buffer: 10 }), true);
  is<Observable<string>>()(redis.subscribe('news').pipe(map(({ data }) => data)), true);
  const observable: Observable<Message> = redis.subscribe(['a', 'b*'], { literal: true, buffer: undefined });
  const iterable: AsyncIterable<Message> = redis.subscribe('news');
  for await (const message of redis.subscribe('news')) is<Message>()(message, true);
  for await (const { data, channel } of redis.bytes.subscribe('news')) is<Buffer[]>()([data, channel], true);
  const error: RedisError = new OverflowError(1);
  // @ts-expect-error a name is text or bytes
  redis.subscribe(5);
  // @ts-expect-error there is no such option
  redis.subscribe('news', { bufer: 5 });
  // @ts-expect-error a pattern is never literal
  redis.psubscribe('news', { literal: true });
  void [observable, iterable, error];
}
