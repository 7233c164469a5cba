import { KEYS, LOADED, MANY, SCRIPT, SMALL_VALUE, loadedKey, rowsOf } from '../data';
import type { ClientModule } from './client';
import { loadPeer } from './installed';
import { promiseClient } from './promise-client';

interface Batch {
  get(key: string): Batch;
  hSet(key: string, fields: object): Batch;
  exec(): Promise<unknown>;
  execAsPipeline(): Promise<unknown>;
}

interface NodeRedis {
  connect(): Promise<unknown>;
  on(event: 'error', listener: (error: Error) => void): this;
  get(key: string): Promise<unknown>;
  set(key: string, value: string): Promise<unknown>;
  lRange(key: string, start: number, stop: number): Promise<unknown>;
  hGetAll(key: string): Promise<unknown>;
  zRangeWithScores(key: string, start: number, stop: number): Promise<unknown>;
  xRange(key: string, start: string, end: string): Promise<unknown>;
  mGet(keys: readonly string[]): Promise<unknown>;
  scanIterator(options: { COUNT?: number }): AsyncIterable<readonly string[]>;
  multi(): Batch;
  /** the script that it was made with */
  small(key: string): Promise<unknown>;
  subscribe(channel: string, listener: (message: string) => void): Promise<void>;
  withTypeMapping(mapping: Readonly<Record<number, unknown>>): NodeRedis;
}

interface Definition {
  readonly SCRIPT: string;
  readonly NUMBER_OF_KEYS: number;
  parseCommand(parser: { pushKey(key: string): void }, key: string): void;
  transformReply(reply: unknown): unknown;
}

interface Module {
  createClient(options: {
    url: string;
    scripts: Readonly<Record<'small', unknown>>;
    RESP?: 3;
    clientSideCache?: { readonly ttl: number; readonly maxEntries: number; readonly evictPolicy: 'LRU' };
  }): NodeRedis;
  defineScript(definition: Definition): unknown;
  readonly RESP_TYPES: { readonly BLOB_STRING: number };
}

/** @param isCached with its own client-side cache, which neither ends entries nor limits them */
async function open(url: string, isCached = false): Promise<NodeRedis> {
  const module = loadPeer<Module>('redis');
  const small = module.defineScript({
    SCRIPT,
    NUMBER_OF_KEYS: 1,
    parseCommand: (parser, key) => parser.pushKey(key),
    transformReply: (reply) => reply,
  });
  const cache = { RESP: 3, clientSideCache: { ttl: 0, maxEntries: 0, evictPolicy: 'LRU' } } as const;
  const client = module.createClient({ url, scripts: { small }, ...(isCached && cache) });
  client.on('error', (error) => {
    throw error;
  });
  await client.connect();
  return client;
}

/** node-redis pipelines what one tick brings by itself. */
export const nodeRedis: ClientModule = by(false);

/** The same, answered by its client-side cache. */
export const nodeRedisCached: ClientModule = by(true);

function by(isCached: boolean): ClientModule {
  return {
    connect: async (url) => {
      const redis = await open(url, isCached);
      const bytes = redis.withTypeMapping({ [loadPeer<Module>('redis').RESP_TYPES.BLOB_STRING]: Buffer });
      return promiseClient(
        {
          get: () => redis.get(KEYS.small),
          set: () => redis.set(KEYS.small, SMALL_VALUE),
          lrange: () => redis.lRange(KEYS.list, 0, -1),
          hgetall: () => redis.hGetAll(KEYS.hash),
          zrange: () => redis.zRangeWithScores(KEYS.sortedSet, 0, -1),
          xrange: () => redis.xRange(KEYS.entries, '-', '+'),
          mget: () => redis.mGet(MANY),
          getMedium: () => redis.get(KEYS.medium),
          getLarge: () => redis.get(KEYS.large),
          getLargeBytes: () => bytes.get(KEYS.large),
          script: () => redis.small(KEYS.small),
        },
        (key) => redis.get(key),
        {
          pipeline: (size) => filled(redis.multi(), size).execAsPipeline(),
          multi: (size) => filled(redis.multi(), size).exec(),
        },
        { scan: (page) => scan(redis, page), load: (rows) => load(redis, rows) },
      );
    },
    listen: async (url, channel, onMessage) => {
      const redis = await open(url);
      await redis.subscribe(channel, onMessage);
    },
  };
}

/** One pipeline after the other, as a loop over rows writes them. */
async function load(redis: NodeRedis, rows: number): Promise<void> {
  let pipeline = redis.multi();
  for (const row of rowsOf(rows)) {
    pipeline.hSet(loadedKey(row), { id: String(row), name: `row ${row}` });
    if ((row + 1) % LOADED.pipeline > 0) continue;
    await pipeline.execAsPipeline();
    pipeline = redis.multi();
  }
  await pipeline.execAsPipeline();
}

async function scan(redis: NodeRedis, page: number | undefined): Promise<number> {
  let seen = 0;
  for await (const keys of redis.scanIterator(page === undefined ? {} : { COUNT: page })) seen += keys.length;
  return seen;
}

function filled(batch: Batch, size: number): Batch {
  for (let i = 0; i < size; i++) batch.get(KEYS.small);
  return batch;
}
