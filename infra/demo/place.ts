import { Redis, RedisCluster, type RedisClusterOptions, type RedisOptions, type ServerAddress } from 'rxjs-redis';

/** What the clients of a demo talk to. */
export type Place =
  | { readonly kind: 'server'; readonly url: string }
  | { readonly kind: 'cluster'; readonly servers: readonly ServerAddress[] }
  | {
      readonly kind: 'sentinels';
      readonly servers: readonly ServerAddress[];
      readonly sentinels: readonly ServerAddress[];
      readonly service: string;
    };

/** A client of a place. */
export type Client = Redis | RedisCluster;

/** What makes one, as RedisModule takes it. */
export type ClientOptions = RedisOptions | { readonly cluster: RedisClusterOptions };

/** What a client is told beside its place. */
export type OwnOptions = Pick<RedisOptions, 'clientName' | 'reconnect' | 'cache'>;

/** @param detours for servers that are reached elsewhere than they say: their addresses, and where that is */
export function optionsTo(
  place: Place,
  own: OwnOptions,
  detours: Readonly<Record<string, string>> = {},
): ClientOptions {
  const natMap = detours;
  switch (place.kind) {
    case 'server':
      return { url: place.url, ...own };
    case 'cluster': {
      const { reconnect, ...others } = own;
      const nodes = place.servers.map((server) => detours[nameOf(server)] ?? nameOf(server));
      // It goes on when it loses a node, whatever it is told.
      return { cluster: { nodes, natMap, ...others, ...(reconnect !== false && { reconnect }) } };
    }
    case 'sentinels':
      return { sentinels: place.sentinels, service: place.service, natMap, ...own };
  }
}

export function clientOf(options: ClientOptions): Client {
  return 'cluster' in options ? new RedisCluster(options.cluster) : new Redis(options);
}

export function nameOf({ host, port }: ServerAddress): string {
  return `${host}:${port}`;
}
