// What the types of pipelines and transactions allow and what they refuse: `tsc --noEmit` is the test.

import { RedisError, type DedicatedConnection, type Redis, type RedisCommands } from 'rxjs-redis';
import * as c from 'rxjs-redis/commands';
import { promises } from './equal';

declare const redis: Redis;
declare const bytes: Redis['bytes'];
declare const session: DedicatedConnection;
declare const anywhere: RedisCommands;
declare const coin: boolean;

interface User {
  name: string;
  age: number;
}
declare const user: User;

/** An error in the place of a value. */
type E = RedisError;

/** Commands one by one: a tuple of their values, each with the errors that may stand in its place. */
export function oneByOne(): void {
  promises<[string | null | E, number | E]>()(redis.pipeline(c.get('a'), c.incr('n')), true);
  promises<['OK' | E, 'OK' | null | E, string | null | E]>()(
    redis.pipeline(c.set('a', 1), c.set('a', 1, { NX: true }), c.set('a', 1, { GET: true })),
    true,
  );
  promises<[Record<string, string> | E]>()(redis.pipeline(c.hgetall('h')), true);
  promises<[number | E, unknown]>()(redis.pipeline(c.hset('h', user), c.call('X.DO')), true);
  promises<[User | E, string[] | E]>()(redis.pipeline(c.call<User>('X.DO'), c.eval<string[]>('return {}')), true);
  promises<[string | null | E, number | E]>()(redis.multi(c.get('a'), c.incr('n')), true);
  promises<[string | null | E]>()(anywhere.pipeline(c.get('a')), true);
}

/** An array: a tuple where it is written out, a list where it is of any length. */
export function arrays(keys: string[]): void {
  promises<[string | null | E, number | E]>()(redis.pipeline([c.get('a'), c.incr('n')]), true);
  promises<[string | null | E, number | E]>()(redis.multi([c.get('a'), c.incr('n')], {}), true);
  promises<(string | null | E)[]>()(redis.pipeline(keys.map((key) => c.get(key))), true);
  // Without any it would begin a chain.
  // @ts-expect-error a list of any length is given as an array
  redis.pipeline(...keys.map((key) => c.get(key)));
  // @ts-expect-error the same
  session.multi(...keys.map((key) => c.get(key)));
  promises<(number | E)[]>()(redis.multi(keys.map((key) => c.incr(key))), true);
  promises<(string | number | null | E)[]>()(
    redis.pipeline(keys.map((key) => (coin ? c.get(key) : c.incr(key)))),
    true,
  );
  const prepared = [c.get('a'), c.incr('n')] as const;
  promises<[string | null | E, number | E]>()(redis.pipeline(prepared), true);
  promises<[string | null | E, number | E]>()(redis.multi(...prepared), true);
  const some: c.Command[] = [c.get('a')];
  promises<unknown[]>()(redis.pipeline(some), true);
  promises<[]>()(redis.pipeline([]), true);
}

/** With failFast no error stands among the values. */
export function failingFast(keys: string[], options: { failFast?: boolean }): void {
  const failFast = true;
  promises<[string | null, number]>()(redis.pipeline([c.get('a'), c.incr('n')], { failFast }), true);
  promises<[string | null, number]>()(redis.multi([c.get('a'), c.incr('n')], { failFast }), true);
  promises<number[]>()(
    redis.multi(
      keys.map((key) => c.incr(key)),
      { failFast },
    ),
    true,
  );
  promises<[string | null | E]>()(redis.pipeline([c.get('a')], { failFast: false }), true);
  promises<[string | null | E]>()(redis.multi([c.get('a')], options), true);
  promises<['OK', number]>()(redis.pipeline({ failFast }).set('a', 1).incr('n').exec(), true);
  promises<['OK', number]>()(redis.multi({ failFast }).set('a', 1).incr('n').exec(), true);
  promises<['OK' | E]>()(redis.multi({ failFast: false }).set('a', 1).exec(), true);
  promises<['OK' | E]>()(redis.pipeline(options).set('a', 1).exec(), true);
  promises<[Buffer | null]>()(bytes.multi([c.get('a')], { failFast }), true);
  promises<[number] | null>()(session.multi([c.incr('n')], { failFast }), true);
  promises<[number] | null>()(session.multi({ failFast }).incr('n').exec(), true);
}

/** On bytes: Buffers in place of texts, Maps in place of records; numbers stay. */
export function inBytes(): void {
  promises<[Buffer | null | E, number | E, 'OK' | E]>()(bytes.pipeline(c.get('a'), c.incr('n'), c.set('a', 1)), true);
  promises<[Map<Buffer, Buffer> | E]>()(bytes.multi([c.hgetall('h')]), true);
  promises<[Buffer | null | E, Map<Buffer, Buffer> | E]>()(bytes.multi().get('a').hgetall('h').exec(), true);
  promises<[Buffer | null | E]>()(bytes.pipeline(c.set('a', 1, { GET: true })), true);
  promises<[(Buffer | null)[] | E]>()(bytes.pipeline(c.mget(['a', 'b'])), true);
  promises<[Buffer | null | E]>()(redis.pipeline(c.dump('a')), true);
  promises<[User | E]>()(bytes.pipeline(c.call<User>('X.DO')), true);
  promises<[Buffer | null | E]>()(redis.withOptions({ commandTimeout: 5 }).bytes.pipeline(c.get('a')), true);
}

/** On a connection that is lent a watched key may have changed; on a client that many share nothing is watched. */
export function watched(): void {
  promises<[number | E] | null>()(session.multi(c.incr('n')), true);
  promises<[number | E, string | null | E] | null>()(session.multi([c.incr('n'), c.get('a')]), true);
  promises<[number | E] | null>()(session.multi().incr('n').exec(), true);
  promises<[number | E]>()(session.pipeline(c.incr('n')), true);
  promises<[number | E]>()(redis.withOptions({ commandTimeout: 5 }).multi(c.incr('n')), true);
  promises<[number | E] | null>()(anywhere.multi(c.incr('n')), true);
}

/**
 * MULTI by hand is a `call`, and EXEC gives what RESP has: their types promise nothing. What is sent in between has the type that it has
 * elsewhere, although it gives `'QUEUED'`: what has the types of its values is `multi`.
 */
export function byHand(): void {
  promises<unknown>()(session.call('MULTI'), true);
  promises<unknown[] | null>()(session.exec(), true);
  promises<'OK'>()(session.discard(), true);
  promises<string | null>()(session.get('a'), true);
  // @ts-expect-error It begins a chain, so it is no command that is awaited.
  void session.multi().then;
  promises<[number | E, 'OK' | E] | null>()(session.multi(c.incr('n'), c.set('a', 1)), true);
}

/** Overloads and type arguments are those of the methods. */
export function chains(): void {
  promises<[string | null | E, 'OK' | null | E, 'OK' | E]>()(
    redis.multi().set('a', 1, { GET: true }).set('a', 1, { NX: true }).set('a', 1, { EX: 5 }).exec(),
    true,
  );
  promises<[number | E, number | E]>()(redis.pipeline().hset('h', user).hset('h', 'name', 'Ann').exec(), true);
  promises<[User | E, string[] | E, unknown]>()(
    redis.pipeline().call<User>('X.DO').eval<string[]>('return {}').call('X.DO').exec(),
    true,
  );
  promises<[]>()(redis.pipeline().exec(), true);
  promises<[]>()(redis.multi().exec(), true);
  promises<[] | null>()(session.multi().exec(), true);
  let chain = redis.multi();
  // @ts-expect-error the chain has one value more
  chain = chain.incr('n');
  void chain;
}

/** `instanceof` tells a value from an error in its place. */
export async function narrowed(): Promise<void> {
  const [count, name] = await redis.multi(c.incr('n'), c.get('a'));
  // @ts-expect-error it may be an error
  const unchecked: number = count;
  void unchecked;
  if (count instanceof RedisError || name instanceof RedisError) return;
  const values: { count: number; name: string | null } = { count, name };
  void values;
}

type Three = [number | E, string | null | E, 'OK' | E];

/** The tuple grows with the chain. */
export function long(): void {
  const ten = redis
    .pipeline()
    .incr('n')
    .get('a')
    .set('a', 1)
    .incr('n')
    .get('a')
    .set('a', 1)
    .incr('n')
    .get('a')
    .set('a', 1)
    .incr('n');
  const twenty = ten
    .get('a')
    .set('a', 1)
    .incr('n')
    .get('a')
    .set('a', 1)
    .incr('n')
    .get('a')
    .set('a', 1)
    .incr('n')
    .get('a');
  const thirty = twenty
    .set('a', 1)
    .incr('n')
    .get('a')
    .set('a', 1)
    .incr('n')
    .get('a')
    .set('a', 1)
    .incr('n')
    .get('a')
    .set('a', 1);
  promises<[...Three, ...Three, ...Three, ...Three, ...Three, ...Three, ...Three, ...Three, ...Three, ...Three]>()(
    thirty.exec(),
    true,
  );
}

/** What is no command, or no option, is refused. */
export function refusals(): void {
  // @ts-expect-error a reply is no command
  void redis.pipeline(redis.get('a'));
  // @ts-expect-error a reply is no command
  void redis.multi(c.get('a'), redis.incr('n'));
  // @ts-expect-error a reply is no command
  void redis.pipeline([redis.get('a')]);
  // @ts-expect-error a number is no command
  void redis.pipeline(5);
  // @ts-expect-error a number is no command
  void redis.multi([c.get('a'), 5]);
  // @ts-expect-error a name is no command
  void redis.multi('GET', 'a');
  // @ts-expect-error a list as other clients take it is no command
  void redis.pipeline([['get', 'a']]);
  // @ts-expect-error there is no such option
  void redis.pipeline([c.get('a')], { failfast: true });
  // @ts-expect-error there is no such option
  void redis.multi({ failfast: true });
  // @ts-expect-error a boolean is wanted
  void redis.multi([c.get('a')], { failFast: 1 });
  // @ts-expect-error a boolean is wanted
  void redis.pipeline({ failFast: 'yes' });
  // @ts-expect-error a chain is sent with exec()
  void redis.pipeline().get('a').then;
  // @ts-expect-error a key is no number
  void redis.pipeline().get(5);
  // @ts-expect-error there is no such option
  void redis.multi().set('a', 1, { FOO: 1 });
}
