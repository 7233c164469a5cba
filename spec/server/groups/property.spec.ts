import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { ReplyError, type Redis, type RedisError, type RedisPool, type RedisView } from 'rxjs-redis';
import * as builders from 'rxjs-redis/commands';
import type { Command } from 'rxjs-redis/commands';
import { useClients, usePools } from '../../support/clients';
import { outcome } from '../../support/outcomes';
import { useRedisCli, type CliReply, type RedisCli, type Word } from '../../support/redis-cli';
import { useServer } from '../../support/server';
import {
  isError,
  kindOf as firstWord,
  LIBRARY,
  readAs,
  readerOf,
  runAll,
  sorted,
  stateOf,
  watchedBy,
  wordsOf,
  type Call,
} from './by-redis-cli';

/** What a program does before its next step. */
type Pause = 'nothing' | 'a microtask' | 'a turn of the event loop' | 'the reply';

/** One thing that a program sends. */
interface Step {
  readonly as: 'single' | 'pipeline' | 'multi' | 'dedicated' | 'watch';
  /** Whether a pool sends it, on a connection of its own. */
  readonly pooled: boolean;
  /** On a lease: one by one, all in one tick, or the second half as a transaction. */
  readonly style: 'arguments' | 'array' | 'chain';
  readonly calls: readonly Call[];
  readonly bytes: boolean;
  readonly failFast: boolean;
  /** What a watch reads beside the counter `stir`. */
  readonly keys: readonly string[];
  /** What another client does while the function of a watch thinks for the first time: that counts `stir`, so there is a conflict. */
  readonly stir: Call | undefined;
  readonly then: Pause;
}

/** What became of a step: the values of its commands, errors by their kinds, and the error of the whole. */
interface Outcome {
  readonly values: readonly unknown[];
  readonly error?: string;
  /** What the function of a watch was given last: the types of the keys and their values. */
  readonly watched?: readonly unknown[];
  readonly attempts?: number;
}

/** The connection that a lease has. */
type Leased = Parameters<Parameters<Redis['dedicated']>[0]>[0];

/** Whatever has commands as methods, or is made of them. */
type Methods = Readonly<Record<string, (...args: readonly unknown[]) => unknown>>;

/** One for each type, and any of them as any other now and then, so that wrong types are met, and values as often. */
const KEYS = ['é', '{list}', 'hash', 'set', 'sorted'] as const;

const key = fc.constantFrom<string | Buffer>(...KEYS, Buffer.from('é'));
const [text, list, hash, set, zset] = KEYS.map((own) =>
  fc.oneof({ weight: 6, arbitrary: fc.constant<string | Buffer>(own) }, { weight: 1, arbitrary: key }),
) as [typeof key, typeof key, typeof key, typeof key, typeof key];
const value = fc.constantFrom<unknown>('', '1', '-7', 'é', 'x'.repeat(70), 12, 5n, Buffer.from([0xff, 0x0d, 0x0a]));
const name = fc.constantFrom<unknown>('f', 'g', 'h', Buffer.from('f'));
const score = fc.constantFrom(-1.5, 0, 3, Infinity);
const index = fc.integer({ min: -3, max: 3 });

/** By name and the arguments that it may have; what is random or depends on time is left out. */
const CALLS: readonly fc.Arbitrary<Call>[] = [
  of('set', text, value),
  of('set', text, value, fc.constantFrom({ NX: true }, { XX: true }, { GET: true })),
  of('get', text),
  of('getdel', text),
  of('getrange', text, index, index),
  of('append', text, value),
  of('strlen', text),
  of('incr', text),
  of('incrby', text, fc.constantFrom(-2, 9_007_199_254_740_991)),
  of('mget', fc.array(text, { maxLength: 3 })),
  of('mset', fc.array(fc.tuple(text, value), { minLength: 1, maxLength: 3 })),
  of('lpush', list, value, value),
  of('rpop', list),
  of('rpop', list, fc.constantFrom(1, 3)),
  of('lrange', list, index, index),
  of('lrem', list, index, value),
  of('llen', list),
  of('hset', hash, name, value),
  of('hget', hash, name),
  of('hmget', hash, name, name),
  of('hgetall', hash),
  of('hincrby', hash, name, index),
  of('hdel', hash, name),
  of('sadd', set, value, value),
  of('srem', set, value),
  of('smembers', set),
  of('sismember', set, value),
  of('sinterstore', key, set, set),
  of('zadd', zset, fc.array(fc.tuple(score, name), { minLength: 1, maxLength: 2 })),
  of('zincrby', zset, score, name),
  of('zscore', zset, name),
  of('zrange', zset, index, index, fc.constantFrom({ WITHSCORES: true }, {})),
  of('zrem', zset, name),
  of('type', key),
  of('exists', key, key),
  of('del', key),
  // Answered without the server.
  of('del', fc.constant([])),
  of('rename', key, key),
  // Its reply is bytes on both surfaces.
  of('dump', key),
  // Scripts, which the server has to be given.
  of('evalshaOrEval', fc.constant("return redis.call('append', KEYS[1], ARGV[1])"), text, value),
  of('evalshaOrEval', fc.constant("return {redis.call('type', KEYS[1]), redis.call('get', KEYS[1])}"), text),
  of(
    'evalshaOrEval',
    fc.constant("return redis.call('rename', KEYS[1], KEYS[2])"),
    fc.array(key, { minLength: 2, maxLength: 2 }),
  ),
  // A function of a library, which the server has to be given.
  of('grow', text, value),
  // By its name, with the reply as it comes.
  of('call', fc.constant('GET'), text),
  of('call', fc.constant('HGETALL'), hash),
];

/** The database that leases may choose; that of the model is the next one. */
const OTHER = 2;

/** The server refuses it beforehand, so a transaction with it does nothing. */
const REFUSED: Call = ['call', 'GET'];

function of(method: string, ...args: readonly fc.Arbitrary<unknown>[]): fc.Arbitrary<Call> {
  return fc.tuple(...args).map((given): Call => [method, ...given]);
}

/** What a lease alone may do: its end undoes it. */
const LEASED: readonly fc.Arbitrary<Call>[] = [of('select', fc.constant(OTHER)), of('watch', key)];

const call = fc.oneof({ weight: 60, arbitrary: fc.oneof(...CALLS) }, { weight: 1, arbitrary: fc.constant(REFUSED) });

const step: fc.Arbitrary<Step> = fc
  .record({
    as: fc.constantFrom('single', 'pipeline', 'multi', 'dedicated', 'watch'),
    style: fc.constantFrom('arguments', 'array', 'chain'),
    calls: fc.array(call, { minLength: 1, maxLength: 12, size: 'large' }),
    pooled: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
    leased: fc.array(fc.oneof(...LEASED), { maxLength: 2 }),
    bytes: fc.boolean(),
    failFast: fc.boolean(),
    keys: fc.uniqueArray(fc.constantFrom<string>(...KEYS), { minLength: 1 }),
    stir: fc.option(fc.oneof(...CALLS), { nil: undefined }),
    then: fc.constantFrom<Pause>('nothing', 'nothing', 'a microtask', 'a turn of the event loop', 'the reply'),
  } as const)
  .map(({ leased, ...given }): Step => {
    if (given.as === 'single') given = { ...given, calls: given.calls.slice(0, 1) };
    // Another connection has its own order, so what is sent on it waits for all before it, and all behind it wait for that.
    if (given.pooled) given = { ...given, then: 'the reply' };
    // Nothing is sent, or nothing runs: then there is no conflict.
    const runsNothing = given.calls.includes(REFUSED) || given.calls.every((one) => wordsOf(one) === undefined);
    if (given.as === 'watch' && runsNothing) given = { ...given, stir: undefined };
    if (given.as === 'watch') return { ...given, then: 'the reply' };
    if (given.as !== 'dedicated') return given;
    const calls = [...leased, ...given.calls];
    return { ...given, calls, pooled: false, bytes: false, failFast: false, then: 'the reply' };
  });

const program = fc.array(step, { minLength: 1, maxLength: 25, size: 'large' });

describe.each([
  [2, ''],
  [3, ''],
  [2, 'app:'],
  [3, 'app:'],
] as const)(
  'Single commands, pipelines, transactions, watches, scripts and leases at random, in RESP%i with the prefix "%s"',
  (protocol, prefix) => {
    const server = useServer({ own: true }, '6.2');
    const make = useClients();
    const makePool = usePools();
    const start = useRedisCli();

    it('are answered as redis-cli is one by one, and leave the same behind', async () => {
      const { url, version } = server();
      const model = await start(server(), 1);
      const observer = await start(server(), 0);
      const hasFunctions = Number.parseInt(version) >= 7;
      const property = fc.asyncProperty(program, async (drawn) => {
        const steps = hasFunctions ? drawn : withoutFunctions(drawn);
        await observer.run([['FLUSHALL']]);
        if (hasFunctions) await model.run([['FUNCTION', 'LOAD', LIBRARY]]);
        const expected: Outcome[] = [];
        for (const one of steps) expected.push(await oneByOne(model, one, protocol));
        await observer.run([['SCRIPT', 'FLUSH'], ...(hasFunctions ? [['FUNCTION', 'FLUSH']] : [])]);
        // No connection knows what another flushes of scripts: these are new.
        const subject = make({ url, protocol, prefix });
        const pool = makePool({ url, protocol, prefix, max: 2 });
        expect(await together(subject, pool, steps)).toStrictEqual(expected);
        await Promise.all([subject.destroy(), pool.destroy()]);
        if (hasFunctions) await observer.run([['FUNCTION', 'FLUSH']]);
        for (const database of [0, OTHER]) {
          await observer.run([['SELECT', String(database)]]);
          await model.run([['SELECT', String(database + 1)]]);
          const keys = KEYS.map((one) => prefix + one);
          expect(await stateOf(observer, keys)).toStrictEqual(await stateOf(model, KEYS));
        }
        await model.run([['SELECT', '1']]);
      });
      await fc.assert(property, { seed: 20_261_128 + protocol + prefix.length, numRuns: 150 });
    });
  },
);

/** A program for servers without functions, which has EVAL in the place of each. */
function withoutFunctions(steps: readonly Step[]): Step[] {
  const script = "return {redis.call('append', KEYS[1], ARGV[1])}";
  const other = ([, ...args]: Call): Call => ['evalshaOrEval', script, ...args];
  return steps.map((one) => ({ ...one, calls: one.calls.map((each) => (each[0] === 'grow' ? other(each) : each)) }));
}

/** Runs a program, whose steps wait for one another only where it says so. */
async function together(redis: Redis, pool: RedisPool, steps: readonly Step[]): Promise<Outcome[]> {
  const outcomes: Promise<Outcome>[] = [];
  for (const one of steps) {
    if (one.as === 'dedicated' || one.as === 'watch' || one.pooled) await Promise.all(outcomes);
    const surface = surfaceOf(one.pooled ? pool : redis, one);
    const reply =
      one.as === 'watch'
        ? watched(surface, redis, one)
        : outcome(send(surface, one)).then((ended) => shown(one, ended));
    outcomes.push(reply);
    if (one.then === 'a microtask') await Promise.resolve();
    else if (one.then === 'a turn of the event loop') await setImmediate();
    else if (one.then === 'the reply') await reply;
  }
  return Promise.all(outcomes);
}

/** @param other another connection, which changes what is watched */
async function watched(surface: RedisView<string | Buffer>, other: Redis, one: Step): Promise<Outcome> {
  const { keys, stir, calls, failFast } = one;
  const seen: unknown[][] = [];
  const decide = async (values: Readonly<Record<string, unknown>>, connection: Leased) => {
    const types = await Promise.all(keys.map((each) => connection.type(each)));
    seen.push(types.flatMap((type, at) => [type, valueOf(readerOf(type, keys[at]!), values[keys[at]!])]));
    if (seen.length === 1 && stir !== undefined) {
      await other.incr('stir');
      await outcome(single(other as unknown as RedisView<string | Buffer>, stir));
    }
    return calls.map((each) => commandOf(connection, each));
  };
  const ended = await outcome((surface as Redis).watch([...keys, 'stir'], decide, { failFast }));
  return { ...shown(one, ended), watched: seen.at(-1)!, attempts: seen.length };
}

function send(surface: RedisView<string | Buffer>, { as, style, calls, failFast }: Step): PromiseLike<unknown> {
  if (as === 'watch') throw new Error('a watch is followed through its attempts');
  const [first] = calls;
  if (as === 'single') return single(surface, first!);
  if (as === 'dedicated') return (surface as Redis).dedicated((connection) => onLease(connection, style, calls));
  const commands = calls.map((one) => commandOf(surface, one)) as [Command, ...Command[]];
  // Options stand behind an array, or begin a chain.
  if (style === 'arguments' && !failFast) return surface[as](...commands);
  // A chain has no method for a function of a library.
  if (style !== 'chain' || calls.some(([method]) => method === 'grow'))
    return failFast ? surface[as](commands, { failFast }) : surface[as](commands);
  let chain: { exec(): PromiseLike<unknown> } = failFast ? surface[as]({ failFast }) : surface[as]();
  for (const one of calls) chain = invoke(chain, one) as typeof chain;
  return chain.exec();
}

/** Gives what each command became, errors too. A transaction that does nothing is one error. */
async function onLease(connection: Leased, style: Step['style'], calls: readonly Call[]): Promise<unknown[]> {
  const singles = style === 'chain' ? calls.slice(0, halfOf(calls)) : calls;
  const ended: Awaited<ReturnType<typeof outcome>>[] = [];
  if (style === 'array') ended.push(...(await Promise.all(singles.map((one) => outcome(single(connection, one))))));
  else for (const one of singles) ended.push(await outcome(single(connection, one)));
  const values = ended.map(valueOrError);
  if (style !== 'chain') return values;
  const commands = calls.slice(singles.length).map((one) => commandOf(connection, one));
  // What was watched is changed perhaps, by this connection: that would be a conflict.
  await connection.unwatch();
  const rest = valueOrError(await outcome(connection.multi(commands)));
  return [...values, ...(Array.isArray(rest) ? (rest as unknown[]) : [rest])];
}

function halfOf(calls: readonly Call[]): number {
  // What only a lease may do stands in front, and not in a transaction.
  return Math.max(calls.filter(([method]) => method === 'select' || method === 'watch').length, calls.length >> 1);
}

type Surface = RedisView<string | Buffer> | Leased;

function functionsOf(surface: Pick<Redis, 'library'>) {
  return surface.library(LIBRARY, { functions: { grow: { keys: 1 } } }).functions;
}

function single(surface: Surface, one: Call): PromiseLike<unknown> {
  if (one[0] !== 'grow') return invoke(surface, one) as PromiseLike<unknown>;
  return functionsOf(surface).grow([one[1] as string], [one[2] as string]);
}

function commandOf(surface: Surface, one: Call): Command {
  if (one[0] !== 'grow') return invoke(builders, one) as Command;
  return functionsOf(surface).grow.command([one[1] as string], [one[2] as string]);
}

function valueOrError(ended: Awaited<ReturnType<typeof outcome>>): unknown {
  return 'error' in ended ? ended.error : ended.value;
}

function invoke(target: object, [method, ...args]: Call): unknown {
  return (target as Methods)[method]!(...args);
}

function surfaceOf(redis: Redis | RedisPool, { bytes }: Step): RedisView<string | Buffer> {
  return (bytes ? redis.bytes : redis) as RedisView<string | Buffer>;
}

function shown({ as, calls, failFast }: Step, ended: Awaited<ReturnType<typeof outcome>>): Outcome {
  if (as === 'single') return { values: [valueOf(calls[0]!, 'error' in ended ? ended.error : ended.value)] };
  if (as === 'dedicated' && 'value' in ended) {
    return { values: (ended.value as unknown[]).map((one, at) => valueOf(calls[at]!, one)) };
  }
  if (!('error' in ended)) return { values: valuesOf(calls, ended.value as unknown[]) };
  const { error } = ended;
  const { kind, causes } = error as ReplyError;
  if (!failFast || kind === 'EXECABORT') return { values: (causes ?? []).map(refused), error: kindOf(error) };
  return { values: valuesOf(calls, error.results ?? []), error: kind };
}

function refused({ index: at, command, error }: { index: number; command: string; error: RedisError }): unknown {
  return { at, command, error: kindOf(error) };
}

/** What a step should give: redis-cli sends its commands, each when the one before is answered. */
async function oneByOne(
  model: RedisCli,
  { as, style, calls, bytes, failFast, keys, stir }: Step,
  protocol: 2 | 3,
): Promise<Outcome> {
  const surface = { protocol, bytes };
  const begun: { watched?: unknown[]; attempts?: number } = {};
  if (as === 'watch') {
    if (stir !== undefined) await runAll(model, [['INCR', 'stir'], wordsOf(stir)]);
    begun.watched = await watchedBy(model, surface, keys);
    begun.attempts = stir === undefined ? 1 : 2;
  }
  const wrote = calls.map((one) => (one[0] === 'select' ? ['SELECT', String(OTHER + 1)] : wordsOf(one)));
  const from =
    as === 'multi' || as === 'watch' ? 0 : as === 'dedicated' && style === 'chain' ? halfOf(calls) : calls.length;
  const replies = await runAll(model, wrote.slice(0, from));
  const values = replies.map((reply, at) => readAs(surface, calls[at]!, reply));
  if (from < calls.length) {
    const { queued, exec } = await transaction(model, wrote.slice(from));
    if (!Array.isArray(exec)) {
      if (as === 'dedicated') values.push({ error: firstWord(exec as { error: string }) });
      else return { values: causesOf(calls, queued), error: firstWord(exec as { error: string }), ...begun };
    } else {
      const answers = exec.values();
      queued.forEach((reply, at) => {
        values.push(readAs(surface, calls[from + at]!, reply === undefined ? reply : answers.next().value));
      });
    }
  }
  // A lease ends so.
  if (as === 'dedicated') await model.run([['UNWATCH'], ['SELECT', '1']]);
  const first = failFast && as !== 'single' ? values.find(isKind) : undefined;
  return first === undefined ? { values, ...begun } : { values, error: first.error, ...begun };
}

async function transaction(model: RedisCli, wrote: readonly (Word[] | undefined)[]) {
  const [, , ...rest] = await runAll(model, [['UNWATCH'], ['MULTI'], ...wrote, ['EXEC']]);
  return { queued: rest.slice(0, -1), exec: rest.at(-1) };
}

function causesOf(calls: readonly Call[], queued: readonly (CliReply | undefined)[]): unknown[] {
  return queued.flatMap((reply, at) =>
    isError(reply) ? [{ at, command: String(calls[at]![1]), error: firstWord(reply) }] : [],
  );
}

function valuesOf(calls: readonly Call[], values: readonly unknown[]): unknown[] {
  expect(values).toHaveLength(calls.length);
  return calls.map((one, at) => valueOf(one, values[at]));
}

/** A value without what two databases may differ in: the words of errors, the order of a set, the form of a dump. */
function valueOf([method]: Call, given: unknown): unknown {
  if (given instanceof Error) return { error: kindOf(given as RedisError) };
  if (method === 'dump') return given === null ? null : Buffer.isBuffer(given);
  if (method === 'smembers') return sorted(given as (string | Buffer)[]);
  return given;
}

function kindOf(error: RedisError): string {
  return error instanceof ReplyError ? error.kind : `${error.code} ${error.message}`;
}

function isKind(given: unknown): given is { readonly error: string } {
  return typeof given === 'object' && given !== null && typeof (given as { error?: unknown }).error === 'string';
}
