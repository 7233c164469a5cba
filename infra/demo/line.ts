import { isIP } from 'node:net';
import { checkServerIdentity, type ConnectionOptions } from 'node:tls';
import { concat, defer, map, mergeMap, timer, type Observable } from 'rxjs';
import { Redis } from 'rxjs-redis';
import { startProxy, type Proxy } from '../proxy';
import { addressOf } from './address';
import type { Note } from './model/journal';

/**
 * How the clients come back, ms. The viewer tries more often, so that it mostly listens again when the publisher sends what has
 * waited: what is published while nobody listens is lost to pub/sub.
 */
const RECONNECT = {
  publisher: { initialDelay: 250, maxDelay: 500 },
  viewer: { initialDelay: 50, maxDelay: 100 },
};

/** Leads to the server, and can be cut without harm to anybody else's connections. */
export async function layLine(url: string): Promise<Line> {
  return new Line(url, await startProxy({ target: addressOf(url) }));
}

/** The only way of the publisher and the viewer to the server. */
export class Line implements AsyncDisposable {
  constructor(
    private readonly url: string,
    private readonly proxy: Proxy,
  ) {}

  /** A client at this end of the line. */
  client(role: keyof typeof RECONNECT): Redis {
    const { host, port } = this.proxy;
    return new Redis(this.url, {
      ...{ host, port, ...identity(this.url) },
      clientName: `vitals-${role}`,
      reconnect: RECONNECT[role],
    });
  }

  /** Every connection ends, and none can be made before so many ms have passed. */
  cutFor(outage: number): Observable<Note> {
    return concat(
      defer(() => this.cut()).pipe(map(() => note('cut', `the line to the server is cut for ${outage} ms`))),
      timer(outage).pipe(
        mergeMap(() => this.proxy.refuse(false)),
        map(() => note('mended', 'the line is whole again, which the clients must find out')),
      ),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.proxy.stop();
  }

  private async cut(): Promise<void> {
    await this.proxy.refuse(true);
    this.proxy.cut();
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

function note(kind: Note['kind'], text: string): Note {
  return { kind, text };
}
