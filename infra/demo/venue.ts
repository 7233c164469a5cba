import { randomBytes } from 'node:crypto';
import { catchError, firstValueFrom, map, of } from 'rxjs';
import { Redis } from 'rxjs-redis';
import { startServer } from '../servers';
import { addressOf } from './address';
import type { DemoOptions } from './options';
import { oneServer, type OwnServers } from './own-servers';
import type { Place } from './place';
import { reasonOf } from './reason';
import { Space } from './space';
import { startClusterVenue } from './venue-cluster';
import { startSentinelVenue } from './venue-sentinels';

/** How long a server may take to accept, ms. */
const PATIENCE = 3000;

/** The server where a show takes place. */
export interface Venue extends AsyncDisposable {
  readonly place: Place;
  /** for people; holds no password */
  readonly description: string;
  readonly space: Space;
  /** undefined where they are somebody else's */
  readonly servers?: OwnServers | undefined;
}

/**
 * Brings servers of our own that end with the venue, or visits the one at a URL.
 * @throws Error in one line when the URL cannot be used
 * @throws Error when no server can be had
 */
export async function openVenue({ url, cluster, sentinel }: Wanted): Promise<Venue> {
  if (url !== undefined) return visit(url);
  const log = (line: string): void => void process.stdout.write(`${line}\n`);
  log('redis: looking for a server …');
  if (cluster) return startClusterVenue(log);
  return sentinel ? startSentinelVenue(log) : startOwn(log);
}

type Wanted = Pick<DemoOptions, 'url' | 'cluster' | 'sentinel'>;

async function startOwn(log: (line: string) => void): Promise<Venue> {
  const server = await startServer({
    log,
    // What it was told outlives it. A server with arguments is never that of REDIS_URL.
    ...(!takesUrl() && { args: ['--appendonly', 'yes'] }),
  });
  // REDIS_URL's server is somebody else's.
  const shared = server.from === 'url';
  return {
    place: { kind: 'server', url: server.url },
    description: `server ${server.version} at ${server.host}:${server.port}`,
    space: shared ? guestSpace() : new Space('vitals'),
    servers: shared ? undefined : oneServer(server),
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

function takesUrl(): boolean {
  const { REDIS_URL, REDIS_FROM } = process.env;
  return Boolean(REDIS_URL) && (!REDIS_FROM || REDIS_FROM === 'url');
}

async function visit(url: string): Promise<Venue> {
  try {
    await using redis = new Redis(url, { reconnect: false, connectTimeout: PATIENCE });
    const { host, port } = addressOf(url);
    await redis.connect();
    return {
      place: { kind: 'server', url },
      description: `server ${await versionOf(redis)} at ${host}:${port}`,
      space: guestSpace(),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  } catch (error) {
    throw new Error(`--url cannot be used: ${reasonOf(error)}`, { cause: error });
  }
}

/** A user who may publish may not be allowed to ask. */
function versionOf(redis: Redis): Promise<string> {
  return firstValueFrom(
    redis.info('server').pipe(
      map(({ server }) => server?.valkey_version ?? server?.redis_version ?? ''),
      catchError(() => of('')),
    ),
  );
}

/** Others may publish their vitals there as well. */
function guestSpace(): Space {
  return new Space(`vitals:${randomBytes(3).toString('hex')}`);
}
