export { resolveRetry } from './backoff';
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
  type ResolvedTelemetry,
  type TelemetryAttributes,
  type TelemetryOptions,
  type TelemetrySpan,
  type TelemetryTracer,
  type TelemetryValue,
} from './telemetry';
export { resolvePool, type RedisPoolOptions } from './pool';
export { resolveOptions } from './resolve';
export { withoutUndefined, type Complete } from './without-undefined';
