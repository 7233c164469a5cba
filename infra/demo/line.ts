import { isIP } from 'node:net';
import { checkServerIdentity, type ConnectionOptions } from 'node:tls';
import type { RedisOptions } from 'rxjs-redis';
import { startProxy, type Proxy } from '../proxy';
import { addressOf } from './address';
import { clientOf, nameOf, optionsTo, type Client, type ClientOptions, type Place } from './place';

/**
 * How the clients come back, ms. Those that listen try more often, so that they mostly listen again when the publisher sends what
 * has waited: what is published while nobody listens is lost to pub/sub.
 */
const RECONNECT = {
  publisher: { initialDelay: 250, maxDelay: 500 },
  viewer: { initialDelay: 50, maxDelay: 100 },
  page: { initialDelay: 50, maxDelay: 400 },
  workers: { initialDelay: 100, maxDelay: 400 },
  reader: { initialDelay: 50, maxDelay: 400 },
};

export type Role = keyof typeof RECONNECT;

/** What a client keeps of what it reads. */
const CACHE: Readonly<Partial<Record<Role, RedisOptions['cache']>>> = { reader: { maxEntries: 1000 } };

/** Leads to the servers of a place, and can be cut without harm to anybody else's connections. */
export async function layLine(place: Place): Promise<Line> {
  const servers = place.kind === 'server' ? [addressOf(place.url)] : place.servers;
  const proxies = new Map<string, Proxy>();
  for (const server of servers) proxies.set(nameOf(server), await startProxy({ target: server }));
  return new Line(place, proxies);
}

/** The only way of the demo's clients to the servers. */
export class Line implements AsyncDisposable {
  /** @param proxies by the address of the server that each leads to */
  constructor(
    private readonly place: Place,
    private readonly proxies: ReadonlyMap<string, Proxy>,
  ) {}

  /** A client at this end of the line. */
  client(role: Role): Client {
    return clientOf(this.options(role));
  }

  /** What makes such a client. */
  options(role: Role): ClientOptions {
    const { place, proxies } = this;
    const own = { clientName: `vitals-${role}`, reconnect: RECONNECT[role], cache: CACHE[role] };
    const detours = Object.fromEntries([...proxies].map(([server, proxy]) => [server, nameOf(proxy)]));
    const options = optionsTo(place, own, detours);
    if (place.kind !== 'server') return options;
    const [{ host, port }] = [...proxies.values()] as [Proxy];
    return { ...options, host, port, ...identity(place.url) };
  }

  /** What is at the other end. */
  get end(): string {
    return this.place.kind === 'server' ? 'the server' : 'the servers';
  }

  /** The address of the server to which an address at this end leads. */
  leadsTo(address: string): string {
    return [...this.proxies].find(([, proxy]) => nameOf(proxy) === address)?.[0] ?? address;
  }

  /** Every connection ends, and none can be made until it is mended. */
  async cut(): Promise<void> {
    const proxies = [...this.proxies.values()];
    await Promise.all(proxies.map((proxy) => proxy.refuse(true)));
    for (const proxy of proxies) proxy.cut();
  }

  async mend(): Promise<void> {
    await Promise.all([...this.proxies.values()].map((proxy) => proxy.refuse(false)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.proxies.values()].map((proxy) => proxy.stop()));
  }
}

/** A certificate is the server's, not that of this end of the line. */
function identity(url: string): { readonly tls?: ConnectionOptions } {
  const { host, tls } = addressOf(url);
  if (!tls) return {};
  return {
    tls: {
      ...(isIP(host) === 0 && { servername: host }),
      checkServerIdentity: (_, certificate) => checkServerIdentity(host, certificate),
    },
  };
}
