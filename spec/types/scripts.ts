// What the types of scripts and functions allow and what they refuse: `tsc --noEmit` is the test.

import type { DedicatedConnection, Frame, Redis, RedisCommands, RedisError } from 'rxjs-redis';
import * as c from 'rxjs-redis/commands';
import { promises } from './equal';

declare const redis: Redis;
declare const bytes: Redis['bytes'];
declare const session: DedicatedConnection;
declare const anywhere: RedisCommands;
declare const count: number;

type E = RedisError;

/** The reader decides about the value. */
export function replies(): void {
  promises<unknown>()(redis.script('')([]), true);
  promises<number>()(redis.script('', { keys: 1, reply: 'integer' })(['k']), true);
  promises<number | null>()(redis.script('', { reply: 'integer | null' })(['k']), true);
  promises<string>()(redis.script('', { reply: 'string' })([]), true);
  promises<string | null>()(anywhere.script('', { reply: 'string | null' })([]), true);
  promises<boolean>()(session.script('', { reply: 'boolean' })([]), true);
  promises<'OK'>()(redis.script('', { reply: 'OK' })([]), true);
  promises<unknown[]>()(redis.script('', { reply: 'array' })([]), true);
  promises<string[] | null>()(redis.script('', { reply: 'strings | null' })([]), true);
  promises<Record<string, string>>()(redis.script('', { reply: 'record' })([]), true);
  promises<Date>()(redis.script('', { reply: (frame) => new Date(Number(frame)) })([]), true);
  promises<number>()(redis.script('', { keys: 0, reply: (frame: Frame) => Number(frame) })([]), true);
  promises<number>()(redis.evalshaOrEval<number>('', 'k', ['a']), true);
  promises<unknown>()(session.evalshaOrEval(''), true);
  promises<readonly string[]>()(redis.scripts.load(), true);
}

/** On bytes: Buffers in place of texts. */
export function inBytes(): void {
  promises<Buffer | null>()(bytes.script('', { reply: 'string | null' })([]), true);
  promises<Buffer[]>()(bytes.script('', { reply: 'strings' })([]), true);
  promises<Map<Buffer, Buffer>>()(bytes.script('', { reply: 'record' })([]), true);
  promises<number>()(bytes.script('', { reply: 'integer' })([]), true);
  promises<[Buffer | E]>()(bytes.pipeline(redis.script('', { reply: 'string' }).command([])), true);
}

/** In groups a call is a command like any other. */
export function inGroups(): void {
  const script = redis.script('', { keys: 1, reply: 'integer' });
  const text = redis.script('', { keys: 0, reply: 'string | null' });
  promises<[number | E, string | null | E]>()(redis.pipeline(script.command(['k']), c.get('a')), true);
  promises<[number, string | null]>()(redis.multi([script.command(['k']), text.command([])], { failFast: true }), true);
  promises<[number | E] | null>()(session.multi(script.command(['k'])), true);
  promises<['OK' | E, number | E, string | null | E]>()(
    redis
      .multi()
      .set('a', 1)
      .add(script.command(['k']))
      .add(text.command([]))
      .exec(),
    true,
  );
  promises<[number | E]>()(redis.multi().evalshaOrEval<number>('', ['k'], 'a').exec(), true);
  promises<[Buffer | null | E]>()(bytes.multi().add(text.command([])).exec(), true);
  promises<[number | E]>()(redis.pipeline(c.evalshaOrEval<number>('', 'k')), true);
}

/** A library has its functions by name. */
export function libraries(): void {
  const { functions, load } = redis.library('', {
    functions: { take: { keys: 2, reply: 'integer' }, left: { readOnly: true, reply: 'string | null' }, any: {} },
  });
  promises<number>()(functions.take(['a', 'b'], [1]), true);
  promises<string | null>()(functions.left(['a']), true);
  promises<unknown>()(functions.any([]), true);
  promises<string>()(load(), true);
  const inBytes = bytes.library('', { functions: { left: { reply: 'string' } } });
  promises<Buffer>()(inBytes.functions.left(['a']), true);
  // @ts-expect-error one key is not two
  void functions.take(['a']);
  // @ts-expect-error there is no such function
  void functions.give;
}

/** The number of keys is known where it is written out. */
export function keys(many: string[]): void {
  const one = redis.script('', { keys: 1 });
  const none = redis.script('', { keys: 0 });
  const some = redis.script('', { keys: count });
  void one(['k'], ['a', 1, 1n, Buffer.alloc(1)]);
  void one([Buffer.alloc(1)], 'a');
  void none([]);
  void some(many);
  void redis.script('')(many);
  // @ts-expect-error no key is not one
  void one([]);
  // @ts-expect-error two keys are not one
  void one(['a', 'b']);
  // @ts-expect-error any number of keys is not one
  void one(many);
  // @ts-expect-error one key is not none
  void none(['k']);
  // @ts-expect-error keys are an array
  void one('k');
  // @ts-expect-error a key is no number
  void one([1]);
  // @ts-expect-error an object cannot be sent
  void one(['k'], [{}]);
  // @ts-expect-error there is no such reader
  void redis.script('', { reply: 'int' });
  // @ts-expect-error false and nothing are the same to it
  void redis.script('', { reply: 'boolean | null' });
  // @ts-expect-error there is no such option
  void redis.script('', { numberOfKeys: 1 });
}
