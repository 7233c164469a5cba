import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { ReplyError, type Redis, type RedisError, type RedisView } from 'rxjs-redis';
import * as builders from 'rxjs-redis/commands';
import type { Command } from 'rxjs-redis/commands';
import { useClients } from '../../support/clients';
import { outcome } from '../../support/outcomes';
import { useServer } from '../../support/server';

/** A command as it is written: the name of its builder, which is that of its method, and the arguments. */
type Call = readonly [name: string, ...args: unknown[]];

/** What a program does before its next step. */
type Pause = 'nothing' | 'a microtask' | 'a turn of the event loop' | 'the reply';

/** One thing that a program sends. */
interface Step {
  readonly as: 'single' | 'pipeline' | 'multi' | 'dedicated';
  readonly style: 'arguments' | 'array' | 'chain';
  readonly calls: readonly Call[];
  readonly bytes: boolean;
  readonly failFast: boolean;
  readonly then: Pause;
}

/** What became of a step: the values of its commands, errors by their kinds, and the error of the whole. */
interface Outcome {
  readonly values: readonly unknown[];
  readonly error?: string;
}

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
  // By its name, with the reply as it comes.
  of('call', fc.constant('GET'), text),
  of('call', fc.constant('HGETALL'), hash),
];

/** The server refuses it beforehand, so a transaction with it does nothing. */
const REFUSED: Call = ['call', 'GET'];

function of(method: string, ...args: readonly fc.Arbitrary<unknown>[]): fc.Arbitrary<Call> {
  return fc.tuple(...args).map((given): Call => [method, ...given]);
}

const call = fc.oneof({ weight: 60, arbitrary: fc.oneof(...CALLS) }, { weight: 1, arbitrary: fc.constant(REFUSED) });

const step: fc.Arbitrary<Step> = fc
  .record({
    as: fc.constantFrom('single', 'pipeline', 'multi', 'dedicated'),
    style: fc.constantFrom('arguments', 'array', 'chain'),
    calls: fc.array(call, { minLength: 1, maxLength: 12, size: 'large' }),
    bytes: fc.boolean(),
    failFast: fc.boolean(),
    then: fc.constantFrom<Pause>('nothing', 'nothing', 'a microtask', 'a turn of the event loop', 'the reply'),
  } as const)
  .map((given): Step => {
    if (given.as === 'single') return { ...given, calls: given.calls.slice(0, 1) };
    // Another connection has its own order, so what is sent on it waits for all before it, and all behind it wait for that.
    return given.as === 'dedicated' ? { ...given, bytes: false, failFast: false, then: 'the reply' } : given;
  });

const program = fc.array(step, { minLength: 1, maxLength: 25, size: 'large' });

describe.each([
  [2, ''],
  [3, ''],
  [2, 'app:'],
  [3, 'app:'],
] as const)(
  'Single commands, pipelines, transactions, scripts and leases at random, in RESP%i with the prefix "%s"',
  (protocol, prefix) => {
    const server = useServer({ own: true }, '6.2');
    const make = useClients();

    it('are answered as the same commands are one by one, and leave the same behind', async () => {
      const { url } = server();
      const subject = make({ url, protocol, prefix });
      const model = make({ url, protocol, prefix, database: 1 });
      const property = fc.asyncProperty(program, async (steps) => {
        await subject.flushall();
        const expected: Outcome[] = [];
        for (const one of steps) expected.push(await oneByOne(model, one));
        await subject.scriptFlush();
        expect(await together(subject, steps)).toStrictEqual(expected);
        expect(await stateOf(subject)).toStrictEqual(await stateOf(model));
      });
      await fc.assert(property, { seed: 20_261_128 + protocol + prefix.length, numRuns: 150 });
    });
  },
);

/** Runs a program, whose steps wait for one another only where it says so. */
async function together(redis: Redis, steps: readonly Step[]): Promise<Outcome[]> {
  const outcomes: Promise<Outcome>[] = [];
  for (const one of steps) {
    if (one.as === 'dedicated') await Promise.all(outcomes);
    const reply = outcome(send(surfaceOf(redis, one), one));
    outcomes.push(reply.then((ended) => shown(one, ended)));
    if (one.then === 'a microtask') await Promise.resolve();
    else if (one.then === 'a turn of the event loop') await setImmediate();
    else if (one.then === 'the reply') await reply;
  }
  return Promise.all(outcomes);
}

function send(surface: RedisView<string | Buffer>, { as, style, calls, failFast }: Step): PromiseLike<unknown> {
  const [first] = calls;
  if (as === 'single') return invoke(surface, first!) as PromiseLike<unknown>;
  if (as === 'dedicated') {
    return (surface as Redis).dedicated(async (connection) => {
      const values: unknown[] = [];
      for (const one of calls)
        values.push(valueOrError(await outcome(invoke(connection, one) as PromiseLike<unknown>)));
      return values;
    });
  }
  const commands = calls.map((one) => invoke(builders, one) as Command);
  // Options stand behind an array, or begin a chain.
  if (style === 'arguments' && !failFast) return surface[as](...commands);
  if (style !== 'chain') return failFast ? surface[as](commands, { failFast }) : surface[as](commands);
  let chain: { exec(): PromiseLike<unknown> } = failFast ? surface[as]({ failFast }) : surface[as]();
  for (const one of calls) chain = invoke(chain, one) as typeof chain;
  return chain.exec();
}

function valueOrError(ended: Awaited<ReturnType<typeof outcome>>): unknown {
  return 'error' in ended ? ended.error : ended.value;
}

function invoke(target: object, [method, ...args]: Call): unknown {
  return (target as Methods)[method]!(...args);
}

function surfaceOf(redis: Redis, { bytes }: Step): RedisView<string | Buffer> {
  return (bytes ? redis.bytes : redis) as RedisView<string | Buffer>;
}

function shown({ as, calls, failFast }: Step, ended: Awaited<ReturnType<typeof outcome>>): Outcome {
  if (as === 'single') return { values: [valueOf(calls[0]!, 'error' in ended ? ended.error : ended.value)] };
  if (!('error' in ended)) return { values: valuesOf(calls, ended.value as unknown[]) };
  const { error } = ended;
  const { kind, causes } = error as ReplyError;
  if (!failFast || kind === 'EXECABORT') return { values: (causes ?? []).map(refused), error: kindOf(error) };
  return { values: valuesOf(calls, error.results ?? []), error: kind };
}

function refused({ index: at, command, error }: { index: number; command: string; error: RedisError }): unknown {
  return { at, command, error: kindOf(error) };
}

/** What a step should give: its commands are sent one by one, each awaited. A transaction with a command that is refused does nothing. */
async function oneByOne(redis: Redis, given: Step): Promise<Outcome> {
  const { as, calls, failFast } = given;
  if (as === 'multi' && calls.includes(REFUSED)) {
    const causes = calls.flatMap((one, at) => (one === REFUSED ? [{ at, command: 'GET', error: 'ERR' }] : []));
    return { values: causes, error: 'EXECABORT' };
  }
  const values: unknown[] = [];
  for (const one of calls) {
    const ended = await outcome(invoke(surfaceOf(redis, given), one) as PromiseLike<unknown>);
    values.push(valueOf(one, 'error' in ended ? ended.error : ended.value));
  }
  const first = failFast && as !== 'single' ? values.find(isKind) : undefined;
  return first === undefined ? { values } : { values, error: first.error };
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

function sorted(members: readonly (string | Buffer)[]): string[] {
  return members.map((member) => Buffer.from(member).toString('hex')).sort();
}

/** Every key with its type and all that it holds. */
async function stateOf(redis: Redis): Promise<unknown> {
  const { bytes } = redis;
  const readers: Readonly<Record<string, (one: string) => PromiseLike<unknown>>> = {
    none: () => Promise.resolve(null),
    string: (one) => bytes.get(one),
    list: (one) => bytes.lrange(one, 0, -1),
    hash: (one) => bytes.hgetall(one),
    set: (one) => bytes.smembers(one).then(sorted),
    zset: (one) => bytes.zrange(one, 0, -1, { WITHSCORES: true }),
  };
  const state: Record<string, unknown> = { size: await redis.dbsize() };
  for (const one of KEYS) {
    const type = await redis.type(one);
    state[one] = [type, await readers[type]!(one)];
  }
  return state;
}
