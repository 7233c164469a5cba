/** The servers a spec can name: the product and the version its users would say. */
export type ServerName = 'redis-6.0' | 'redis-7.0' | 'redis-8.0' | 'redis-8.6' | 'valkey-8.1' | 'valkey-9.1';

/** Where a named server comes from: a Debian suite, or an image for machines with a Docker engine. */
export interface ServerSource {
  readonly package: 'redis-server' | 'valkey-server';
  /** The suite holding the package; the first one wins, the others serve its dependencies. */
  readonly suites: readonly [string, ...string[]];
  readonly image: string;
}

const SOURCES: Readonly<Record<ServerName, ServerSource>> = {
  'redis-6.0': { package: 'redis-server', suites: ['bullseye'], image: 'redis:6.0' },
  'redis-7.0': { package: 'redis-server', suites: ['bookworm'], image: 'redis:7.0' },
  'redis-8.0': { package: 'redis-server', suites: ['trixie'], image: 'redis:8.0' },
  'redis-8.6': { package: 'redis-server', suites: ['experimental', 'sid'], image: 'redis:8.6' },
  'valkey-8.1': { package: 'valkey-server', suites: ['trixie'], image: 'valkey/valkey:8.1' },
  'valkey-9.1': { package: 'valkey-server', suites: ['sid'], image: 'valkey/valkey:9.1' },
};

export const serverNames = Object.keys(SOURCES) as ServerName[];

export function serverSource(name: ServerName): ServerSource {
  return SOURCES[name];
}

/**
 * The version taken where nothing names one: REDIS_SERVER, or redis-7.0.
 * @throws Error when REDIS_SERVER names a server that is not in the table
 */
export function defaultServerName(env: NodeJS.ProcessEnv = process.env): ServerName {
  const wanted = env.REDIS_SERVER;
  if (wanted === undefined || wanted === '') return 'redis-7.0';
  const name = serverNames.find((known) => known === wanted);
  if (name === undefined) throw new Error(`REDIS_SERVER=${wanted} is not one of ${serverNames.join(', ')}`);
  return name;
}
