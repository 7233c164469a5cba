export { RedisModule } from './redis.module';
export type {
  RedisClient,
  RedisClientModuleOptions,
  RedisClusterModuleOptions,
  RedisFactoryOptions,
  RedisModuleAsyncOptions,
  RedisModuleNaming,
  RedisModuleOptions,
  RedisModuleSettings,
  RedisOptionsFactory,
  RedisPoolModuleOptions,
} from './module-options';
export { InjectRedis, getRedisToken } from './tokens';
export { RedisHealthIndicator, type RedisHealth, type RedisHealthOptions } from './health.indicator';
export { RedisKeyvStore, type RedisKeyvStoreOptions } from './keyv.store';
export {
  RedisThrottlerStorage,
  type RedisThrottlerRecord,
  type RedisThrottlerStorageOptions,
} from './throttler.storage';
export { RedisIoAdapter, type RedisIoAdapterOptions } from './io.adapter';
export { RedisPubSubClient, type RedisPubSubClientOptions } from './pubsub.client';
export { RedisPubSubServer, type RedisPubSubServerEvents, type RedisPubSubServerOptions } from './pubsub.server';
export type { RedisTransportOptions, RedisTransportStatus } from './transport';
export type { RequestingClient, RequestingOptions } from './requesting.client';
export type { AnsweringServer } from './answering.server';
export { RedisStreamsClient, type RedisStreamsClientOptions } from './streams.client';
export { RedisStreamsServer, type RedisStreamsServerEvents, type RedisStreamsServerOptions } from './streams.server';
