/**
 * Real servers for specs, demos and benchmarks. `startServer()` takes the first of these that works:
 *
 * 1. the server REDIS_URL names, used as it is. A server that the caller will configure (`args`, `port`), stop or
 *    restart (`own`), or needs in a certain version (`server`), is never that one;
 * 2. `redis-server` or `valkey-server` on the PATH;
 * 3. a container, when a Docker engine answers within two seconds;
 * 4. Debian packages unpacked, without root, into a cache.
 *
 * | environment | |
 * | --- | --- |
 * | REDIS_URL | a server that is there already |
 * | REDIS_FROM | takes one way alone: `url`, `path`, `docker`, `packages` |
 * | REDIS_SERVER | the version that packages and Docker bring, such as `redis-8.6`; `redis-7.0` otherwise |
 * | REDIS_CACHE | where packages are unpacked; `~/.cache/rxjs-redis/servers` otherwise (or below XDG_CACHE_HOME) |
 *
 * A `server` that is named comes from packages or, where there are none, as a container.
 */
export { findCli } from './find-cli';
export { findServer, type FindOptions } from './find-server';
export type { RungName, ServerAtUrl, ServerProgram } from './rung';
export { serverNames, type ServerName } from './server-names';
export type { RunningServer } from './running-server';
export { type ServerOptions, startServer } from './start-server';
export { type ClusterOptions, type RunningCluster, startCluster } from './start-cluster';
export { type SentinelsOptions, type SentinelTrio, startSentinels } from './start-sentinels';
