export { resolveRetry } from './backoff';
export type { NatMap, ServerAddress } from './addresses';
export { cacheWishOf, type CachedKeys, type CacheOptions, type ResolvedCache } from './cache';
export { checkCredentials } from './credentials';
export type {
  BackoffOptions,
  Credentials,
  CredentialsSource,
  LeaseOptions,
  ReconnectFunction,
  ReconnectOnError,
  ReconnectOptions,
  RedisOptions,
  ReplyLimits,
  ResolvedOptions,
  RetryOptions,
} from './redis-options';
export {
  resolveTelemetry,
  type DebugFunction,
  type ResolvedTelemetry,
  type TelemetryAttributes,
  type TelemetryCallback,
  type TelemetryGauge,
  type TelemetryInstrument,
  type TelemetryLink,
  type TelemetryMeter,
  type TelemetryOptions,
  type TelemetrySpan,
  type TelemetrySpanContext,
  type TelemetrySpanOptions,
  type TelemetryTraceState,
  type TelemetryTracer,
  type TelemetryValue,
} from './telemetry';
export { resolvePool, type RedisPoolOptions } from './pool';
export { resolveOptions } from './resolve';
export type { ResolvedSentinels, SentinelOptions, ServerRole } from './sentinels';
export { withoutUndefined, type Complete } from './without-undefined';
export { readsOf, resolveCluster, type RedisClusterOptions, type ResolvedCluster } from './cluster';
