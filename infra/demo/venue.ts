import { randomBytes } from 'node:crypto';
import { catchError, firstValueFrom, map, of } from 'rxjs';
import { Redis } from 'rxjs-redis';
import { startServer, type RunningServer } from '../servers';
import { addressOf } from './address';
import { reasonOf } from './reason';
import { Space } from './space';

/** How long a server may take to accept, ms. */
const PATIENCE = 3000;

/** The server where a show takes place. */
export interface Venue extends AsyncDisposable {
  readonly url: string;
  /** for people; holds no password */
  readonly description: string;
  readonly space: Space;
  /** the demo's own server, which it may end; undefined where it is somebody else's */
  readonly server?: RunningServer | undefined;
}

/**
 * Brings a server of our own that ends with the venue, or visits the one at a URL.
 * @throws Error in one line when the URL cannot be used
 * @throws Error when no server can be had
 */
export async function openVenue(url: string | undefined): Promise<Venue> {
  return url === undefined ? startOwn() : visit(url);
}

async function startOwn(): Promise<Venue> {
  process.stdout.write('redis: looking for a server …\n');
  const server = await startServer({
    log: (line) => process.stdout.write(`${line}\n`),
    // What it was told outlives it: a server with arguments is never that of REDIS_URL.
    ...(!process.env.REDIS_URL && { args: ['--appendonly', 'yes'] }),
  });
  // REDIS_URL's server is somebody else's.
  const shared = server.from === 'url';
  return {
    url: server.url,
    description: `server ${server.version} at ${server.host}:${server.port}`,
    space: shared ? guestSpace() : new Space('vitals'),
    server: shared ? undefined : server,
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

async function visit(url: string): Promise<Venue> {
  try {
    await using redis = new Redis(url, { reconnect: false, connectTimeout: PATIENCE });
    const { host, port } = addressOf(url);
    await redis.connect();
    return {
      url,
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
