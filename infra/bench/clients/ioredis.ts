import { CONSUMED, KEYS, LOADED, MANY, SCRIPT, SMALL_VALUE, handled, loadedKey, rowsOf } from '../data';
import type { ClientModule } from './client';
import { loadPeer } from './installed';
import { promiseClient } from './promise-client';

interface Batch {
  get(key: string): this;
  hset(key: string, fields: object): this;
  exec(): Promise<unknown>;
}

interface ScanStream {
  on(event: 'data', listener: (keys: readonly string[]) => void): this;
  on(event: 'end', listener: () => void): this;
  on(event: 'error', listener: (error: Error) => void): this;
}

/** What the bench needs of ioredis and of iovalkey, which began as its copy. */
interface Ioredis {
  get(key: string): Promise<string | null>;
  getBuffer(key: string): Promise<Buffer | null>;
  set(key: string, value: string): Promise<'OK'>;
  lrange(key: string, start: number, stop: number): Promise<string[]>;
  hgetall(key: string): Promise<unknown>;
  zrange(key: string, start: number, stop: number, withScores: 'WITHSCORES'): Promise<unknown>;
  xrange(key: string, start: string, end: string): Promise<unknown>;
  mget(keys: readonly string[]): Promise<unknown>;
  scanStream(options: { count?: number }): ScanStream;
  pipeline(): Batch;
  multi(): Batch;
  defineCommand(name: 'script', definition: { numberOfKeys: number; lua: string }): void;
  /** the command that was defined so */
  script(key: string): Promise<unknown>;
  xgroup(...args: readonly string[]): Promise<unknown>;
  xreadgroup(
    ...args: readonly (string | number)[]
  ): Promise<[stream: string, entries: [id: string, fields: string[]][]][]>;
  xack(stream: string, group: string, ...ids: readonly string[]): Promise<number>;
  subscribe(channel: string): Promise<unknown>;
  on(event: 'message', listener: (channel: string, message: string) => void): this;
  disconnect(): void;
}

interface Module {
  readonly Redis: new (url: string, options: { enableAutoPipelining: boolean; maxRetriesPerRequest?: null }) => Ioredis;
}

function ioredisLike(packageName: string, enableAutoPipelining: boolean): ClientModule {
  const open = (url: string): Ioredis => new (loadPeer<Module>(packageName).Redis)(url, { enableAutoPipelining });
  return {
    connect: (url) => {
      const redis = open(url);
      redis.defineCommand('script', { numberOfKeys: 1, lua: SCRIPT });
      const client = promiseClient(
        {
          get: () => redis.get(KEYS.small),
          set: () => redis.set(KEYS.small, SMALL_VALUE),
          lrange: () => redis.lrange(KEYS.list, 0, -1),
          hgetall: () => redis.hgetall(KEYS.hash),
          zrange: () => redis.zrange(KEYS.sortedSet, 0, -1, 'WITHSCORES'),
          xrange: () => redis.xrange(KEYS.entries, '-', '+'),
          mget: () => redis.mget(MANY),
          getMedium: () => redis.get(KEYS.medium),
          getLarge: () => redis.get(KEYS.large),
          getLargeBytes: () => redis.getBuffer(KEYS.large),
          script: () => redis.script(KEYS.small),
        },
        (key) => redis.get(key),
        {
          pipeline: (size) => filled(redis.pipeline(), size).exec(),
          multi: (size) => filled(redis.multi(), size).exec(),
        },
        {
          scan: (page) => scan(redis, page),
          load: (rows) => load(redis, rows),
          consume: (entries, atOnce) => consume(redis, entries, atOnce),
          doJobs: async (jobs, atOnce) => {
            const { doJobs } = await import('./bullmq');
            const { Redis } = loadPeer<Module>(packageName);
            const connection = new Redis(url, { enableAutoPipelining, maxRetriesPerRequest: null });
            await doJobs(connection, jobs, atOnce);
            connection.disconnect();
          },
        },
      );
      return Promise.resolve(client);
    },
    listen: async (url, channel, onMessage) => {
      const redis = open(url);
      redis.on('message', onMessage);
      await redis.subscribe(channel);
    },
  };
}

/** One pipeline after the other, as a loop over rows writes them. */
async function load(redis: Ioredis, rows: number): Promise<void> {
  let pipeline = redis.pipeline();
  for (const row of rowsOf(rows)) {
    pipeline.hset(loadedKey(row), { id: row, name: `row ${row}` });
    if ((row + 1) % LOADED.pipeline > 0) continue;
    await pipeline.exec();
    pipeline = redis.pipeline();
  }
  await pipeline.exec();
}

/** As one writes it by hand: reads as many as there is room for, and acknowledges each once it is handled. */
async function consume(redis: Ioredis, entries: number, atOnce: number): Promise<void> {
  const { stream } = CONSUMED;
  const group = `group:${Math.random()}`;
  await redis.xgroup('CREATE', stream, group, '0');
  for (let done = 0; done < entries;) {
    const read = await redis.xreadgroup('GROUP', group, 'me', 'COUNT', atOnce, 'BLOCK', 5_000, 'STREAMS', stream, '>');
    const [[, found]] = read as [[string, [id: string, fields: string[]][]]];
    await Promise.all(
      found.map(async ([id]) => {
        await handled();
        await redis.xack(stream, group, id);
      }),
    );
    done += found.length;
  }
  await redis.xgroup('DESTROY', stream, group);
}

/** By its listeners, which is quicker than by `for await`. */
function scan(redis: Ioredis, page: number | undefined): Promise<number> {
  let seen = 0;
  return new Promise((resolve, reject) => {
    redis
      .scanStream(page === undefined ? {} : { count: page })
      .on('data', (keys) => (seen += keys.length))
      .on('end', () => resolve(seen))
      .on('error', reject);
  });
}

function filled(batch: Batch, size: number): Batch {
  for (let i = 0; i < size; i++) batch.get(KEYS.small);
  return batch;
}

export const ioredis = ioredisLike('ioredis', false);
export const ioredisAutoPipelining = ioredisLike('ioredis', true);
export const iovalkey = ioredisLike('iovalkey', false);
export const iovalkeyAutoPipelining = ioredisLike('iovalkey', true);
