import { isIP } from 'node:net';
import { checkServerIdentity, type ConnectionOptions } from 'node:tls';
import { Redis, type RedisOptions } from 'rxjs-redis';
import { startProxy, type Proxy } from '../proxy';
import { addressOf } from './address';

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

/** What a client keeps of what it reads. */
const CACHE: Readonly<Partial<Record<Role, RedisOptions['cache']>>> = { reader: { maxEntries: 1000 } };

export type Role = keyof typeof RECONNECT;

/** Leads to the server, and can be cut without harm to anybody else's connections. */
export async function layLine(url: string): Promise<Line> {
  return new Line(url, await startProxy({ target: addressOf(url) }));
}

/** The only way of the demo's clients to the server. */
export class Line implements AsyncDisposable {
  constructor(
    private readonly url: string,
    private readonly proxy: Proxy,
  ) {}

  /** A client at this end of the line. */
  client(role: Role): Redis {
    return new Redis(this.options(role));
  }

  /** What makes such a client. */
  options(role: Role): RedisOptions {
    const { host, port } = this.proxy;
    return {
      ...{ url: this.url, host, port, ...identity(this.url) },
      clientName: `vitals-${role}`,
      reconnect: RECONNECT[role],
      cache: CACHE[role],
    };
  }

  /** Every connection ends, and none can be made until it is mended. */
  async cut(): Promise<void> {
    await this.proxy.refuse(true);
    this.proxy.cut();
  }

  mend(): Promise<void> {
    return this.proxy.refuse(false);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.proxy.stop();
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
