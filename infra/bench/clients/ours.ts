import type { Observable } from 'rxjs';
import type * as Rxjs from 'rxjs';
import type * as Commands from '../../../src/commands';
import type * as RxjsRedis from '../../../src/index';
import type * as InIORedisShape from '../../../src/ioredis';
import { CONSUMED, KEYS, MANY, SCRIPT, SMALL_VALUE, handled, loadedKey, rowsOf } from '../data';
import type { ClientModule, GroupCalls, GroupMethod, TimedCommand } from './client';
import { loadOurs } from './installed';
import { promiseClient } from './promise-client';

type Calls = Readonly<Record<TimedCommand, () => RxjsRedis.Reply<unknown>>>;

function connect(url: string, options: RxjsRedis.RedisOptions = {}): { redis: RxjsRedis.Redis; calls: Calls } {
  const redis = new (loadOurs<typeof RxjsRedis>().Redis)(url, options);
  let script: RxjsRedis.Script<1, 'string'> | undefined;
  const calls: Calls = {
    get: () => redis.get(KEYS.small),
    set: () => redis.set(KEYS.small, SMALL_VALUE),
    lrange: () => redis.lrange(KEYS.list, 0, -1),
    hgetall: () => redis.hgetall(KEYS.hash),
    zrange: () => redis.zrange(KEYS.sortedSet, 0, -1, { WITHSCORES: true }),
    xrange: () => redis.xrange(KEYS.entries, '-', '+'),
    mget: () => redis.mget(MANY),
    getMedium: () => redis.get(KEYS.medium),
    getLarge: () => redis.get(KEYS.large),
    getLargeBytes: () => redis.bytes.get(KEYS.large),
    script: () => (script ??= redis.script(SCRIPT, { keys: 1, reply: 'string' }))([KEYS.small]),
  };
  return { redis, calls };
}

const listen: ClientModule['listen'] = (url, channel, onMessage) => {
  connect(url).redis.subscribe(channel).subscribe(onMessage);
  return Promise.resolve();
};

/** One group of so many GETs. */
type ToGroup = (redis: RxjsRedis.Redis, method: GroupMethod, size: number) => RxjsRedis.Reply<unknown>;

/** Loaded with the first group: what only sends single commands starts without it. */
let builders: typeof Commands | undefined;

/** `redis.pipeline([get(k), get(k), …])` */
const ofArray: ToGroup = (redis, method, size) => {
  const { get } = (builders ??= loadOurs<typeof Commands>('./commands.cjs'));
  const commands: Commands.Command[] = [];
  for (let i = 0; i < size; i++) commands.push(get(KEYS.small));
  return redis[method](commands);
};

/** `redis.pipeline().get(k).get(k)….exec()` */
const ofChain: ToGroup = (redis, method, size) => {
  const chain = redis[method]();
  for (let i = 0; i < size; i++) chain.get(KEYS.small);
  return chain.exec();
};

function groupCalls(toGroup: (method: GroupMethod, size: number) => PromiseLike<unknown>): GroupCalls {
  return { pipeline: (size) => toGroup('pipeline', size), multi: (size) => toGroup('multi', size) };
}

/** What is done with a client before it is measured. */
type Prepare = (redis: RxjsRedis.Redis, url: string) => Promise<void>;

/** `firstValueFrom(redis.get(k))` */
export function byFirstValueFrom(options?: RxjsRedis.RedisOptions, toGroup = ofArray, prepare?: Prepare): ClientModule {
  return {
    connect: async (url) => {
      const { redis, calls } = connect(url, options);
      await prepare?.(redis, url);
      const { firstValueFrom } = loadOurs<typeof Rxjs>('rxjs');
      const promises = mapValues(calls, (call) => () => firstValueFrom(call()));
      const groups = groupCalls((method, size) => firstValueFrom(toGroup(redis, method, size)));
      const get = (key: string) => firstValueFrom(redis.get(key));
      const client = promiseClient(promises, get, groups, {
        scan: (page) => scanInLoop(redis, page),
        load: (rows) => loadRows(redis, rows),
        consume: (entries, atOnce) => consumeAll(redis, entries, atOnce),
        doJobs: (jobs, atOnce) => doJobsOnIORedis(url, jobs, atOnce),
      });
      return client;
    },
    listen,
  };
}

export const oursByFirstValueFrom = byFirstValueFrom();
/** The same once a client was used for more than single commands. */
export const oursAfter = (prepare: Prepare): ClientModule => byFirstValueFrom({}, ofArray, prepare);
/** The same with groups that are gathered by a chain, which shows what that costs. */
export const oursByChain = byFirstValueFrom({}, ofChain);
/** The same with neither deadlines nor retries, which shows what those cost. */
export const oursWithoutLimits = byFirstValueFrom({
  commandTimeout: Infinity,
  readTimeout: Infinity,
  writeTimeout: Infinity,
  retry: false,
});

/** The same with an ECHO after every hundred commands that shows that replies are in order, which shows what that costs. */
export const oursVerified = byFirstValueFrom({ verify: 100 });
/** The same, answered from memory. */
export const oursCached = byFirstValueFrom({ cache: true });

/** `await redis.load(rows, (row) => hset(…))` */
async function loadRows(redis: RxjsRedis.Redis, rows: number): Promise<void> {
  const { hset } = (builders ??= loadOurs<typeof Commands>('./commands.cjs'));
  const { failed } = await redis.load(rowsOf(rows), (row) => hset(loadedKey(row), { id: row, name: `row ${row}` }));
  if (failed > 0) throw new Error(`${failed} rows were not written`);
}

/** `new Queue(name, { connection: new IORedis(url) })` */
async function doJobsOnIORedis(url: string, jobs: number, atOnce: number): Promise<void> {
  const { doJobs } = await import('./bullmq');
  const { IORedis } = loadOurs<typeof InIORedisShape>('./ioredis.cjs');
  const connection = new IORedis(url, { maxRetriesPerRequest: null });
  await doJobs(connection, jobs, atOnce);
  connection.disconnect();
}

/** `redis.consume(stream, { group, concurrency }, handler)` */
async function consumeAll(redis: RxjsRedis.Redis, entries: number, atOnce: number): Promise<void> {
  const { stream } = CONSUMED;
  const group = `group:${Math.random()}`;
  const options = { group, consumer: 'me', from: '0', concurrency: atOnce };
  await new Promise<void>((resolve, reject) => {
    const consuming = redis.consume(stream, options, handled).subscribe({
      next: (progress) => {
        if (progress.handled < entries) return;
        consuming.unsubscribe();
        resolve();
      },
      error: reject,
    });
  });
  await redis.xgroupDestroy(stream, group);
}

/** `for await (const keys of redis.scanStream(…))` */
async function scanInLoop(redis: RxjsRedis.Redis, page: number | undefined): Promise<number> {
  let seen = 0;
  for await (const keys of redis.scanStream(page === undefined ? {} : { COUNT: page })) seen += keys.length;
  return seen;
}

/** `redis.scanStream(…).subscribe(…)` */
function scanBySubscribe(redis: RxjsRedis.Redis, page: number | undefined): Promise<number> {
  let seen = 0;
  return new Promise((resolve, reject) => {
    redis.scanStream(page === undefined ? {} : { COUNT: page }).subscribe({
      next: (keys) => (seen += keys.length),
      error: reject,
      complete: () => resolve(seen),
    });
  });
}

/** `await redis.get(k)` */
export const oursByAwait: ClientModule = {
  connect: (url) => {
    const { redis, calls } = connect(url);
    const groups = groupCalls((method, size) => ofArray(redis, method, size));
    return Promise.resolve(promiseClient(calls, (key) => redis.get(key), groups));
  },
  listen,
};

/** `redis.get(k).subscribe(…)`, the next command from the callback */
function bySubscribe(options?: RxjsRedis.RedisOptions): ClientModule {
  return {
    connect: (url) => {
      const { redis, calls } = connect(url, options);
      const observer = { next: () => undefined };
      return Promise.resolve({
        run: (command, inFlight, total) => subscribeInTurns(calls[command], inFlight, total),
        runGroups: (method, size, inFlight, total) =>
          subscribeInTurns(() => ofArray(redis, method, size), inFlight, total),
        scan: (page) => scanBySubscribe(redis, page),
        leavePending: (key, count) => {
          for (let i = 0; i < count; i++) redis.get(key).subscribe(observer);
        },
      });
    },
    listen,
  };
}

/** `await redis.dedicated((connection) => connection.get(k))`, which shows what an idle lease costs. */
export const oursOnLeases: ClientModule = {
  connect: (url) => {
    const { redis, calls } = connect(url);
    const get = (key: string) => redis.dedicated((connection) => connection.get(key));
    const groups = groupCalls((method, size) => ofArray(redis, method, size));
    return Promise.resolve(promiseClient({ ...calls, get: () => get(KEYS.small) }, get, groups));
  },
  listen,
};

export const oursBySubscribe = bySubscribe();
/** The same where each Observer is called in its own context of AsyncLocalStorage, which shows what that costs. */
export const oursInContext = bySubscribe({ asyncContext: true });

function subscribeInTurns(call: () => Observable<unknown>, inFlight: number, total: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let unsent = total;
    let unanswered = total;
    const send = (): void => {
      if (unsent-- > 0) call().subscribe(observer);
    };
    const observer = {
      next: () => undefined,
      error: reject,
      complete: () => {
        if (--unanswered === 0) resolve();
        else send();
      },
    };
    for (let i = 0; i < inFlight; i++) send();
  });
}

function mapValues<K extends string, A, B>(record: Readonly<Record<K, A>>, map: (value: A) => B): Record<K, B> {
  return Object.fromEntries(Object.entries<A>(record).map(([key, value]) => [key, map(value)])) as Record<K, B>;
}
