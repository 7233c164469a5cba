import { KEYS, MANY, SCRIPT, SMALL_VALUE } from '../data';
import type { ClientModule } from './client';
import { loadPeer } from './installed';
import { promiseClient } from './promise-client';

interface Configuration {
  readonly addresses: readonly { host: string; port: number }[];
  readonly databaseId: number;
  /** ms */
  readonly requestTimeout: number;
  readonly inflightRequestsLimit: number;
  readonly pubsubSubscriptions?: {
    readonly channelsAndPatterns: Readonly<Record<number, ReadonlySet<string>>>;
    readonly callback: () => void;
  };
}

interface Batch {
  get(key: string): Batch;
}

interface Glide {
  get(key: string, options?: { decoder: number }): Promise<unknown>;
  set(key: string, value: string): Promise<unknown>;
  lrange(key: string, start: number, stop: number): Promise<unknown>;
  hgetall(key: string): Promise<unknown>;
  zrangeWithScores(key: string, range: { start: number; end: number }): Promise<unknown>;
  xrange(key: string, start: string, end: string): Promise<unknown>;
  mget(keys: readonly string[]): Promise<unknown>;
  invokeScript(script: object, options: { keys: readonly string[] }): Promise<unknown>;
  scan(cursor: string, options: { count?: number }): Promise<[cursor: string, keys: readonly string[]]>;
  exec(batch: Batch, raiseOnError: boolean): Promise<unknown>;
}

interface Module {
  readonly GlideClient: { createClient(configuration: Configuration): Promise<Glide> };
  readonly GlideClientConfiguration: { readonly PubSubChannelModes: { readonly Exact: number } };
  readonly Script: new (code: string) => object;
  readonly Batch: new (isAtomic: boolean) => Batch;
  readonly Decoder: { readonly Bytes: number };
  readonly InfBoundary: { readonly NegativeInfinity: string; readonly PositiveInfinity: string };
}

/** Its defaults, 250 ms and 1 000 requests, would refuse what the rows ask for. */
function configure(url: string): Configuration {
  const { hostname, port, pathname } = new URL(url);
  return {
    addresses: [{ host: hostname, port: Number(port) }],
    databaseId: Number(pathname.slice(1)),
    requestTimeout: 60_000,
    inflightRequestsLimit: 1_000_000,
  };
}

export const valkeyGlide: ClientModule = {
  connect: async (url) => {
    const { GlideClient, Batch, Decoder, InfBoundary, Script } = loadPeer<Module>('@valkey/valkey-glide');
    const { NegativeInfinity, PositiveInfinity } = InfBoundary;
    const glide = await GlideClient.createClient(configure(url));
    const batch = (isAtomic: boolean, size: number): Batch => {
      const gets = new Batch(isAtomic);
      for (let i = 0; i < size; i++) gets.get(KEYS.small);
      return gets;
    };
    const script = new Script(SCRIPT);
    return promiseClient(
      {
        get: () => glide.get(KEYS.small),
        set: () => glide.set(KEYS.small, SMALL_VALUE),
        lrange: () => glide.lrange(KEYS.list, 0, -1),
        hgetall: () => glide.hgetall(KEYS.hash),
        zrange: () => glide.zrangeWithScores(KEYS.sortedSet, { start: 0, end: -1 }),
        xrange: () => glide.xrange(KEYS.entries, NegativeInfinity, PositiveInfinity),
        mget: () => glide.mget(MANY),
        getMedium: () => glide.get(KEYS.medium),
        getLarge: () => glide.get(KEYS.large),
        getLargeBytes: () => glide.get(KEYS.large, { decoder: Decoder.Bytes }),
        script: () => glide.invokeScript(script, { keys: [KEYS.small] }),
      },
      (key) => glide.get(key),
      {
        pipeline: (size) => glide.exec(batch(false, size), false),
        multi: (size) => glide.exec(batch(true, size), false),
      },
      { scan: (page) => scan(glide, page) },
    );
  },
  listen: async (url, channel, onMessage) => {
    const { GlideClient, GlideClientConfiguration } = loadPeer<Module>('@valkey/valkey-glide');
    const { Exact } = GlideClientConfiguration.PubSubChannelModes;
    const pubsubSubscriptions = { channelsAndPatterns: { [Exact]: new Set([channel]) }, callback: onMessage };
    await GlideClient.createClient({ ...configure(url), pubsubSubscriptions });
  },
};

async function scan(glide: Glide, page: number | undefined): Promise<number> {
  let seen = 0;
  let cursor = '0';
  do {
    const [next, keys] = await glide.scan(cursor, page === undefined ? {} : { count: page });
    seen += keys.length;
    cursor = next;
  } while (cursor !== '0');
  return seen;
}
