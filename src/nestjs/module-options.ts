import type { FactoryProvider, ModuleMetadata, Type } from '@nestjs/common';
import type { Redis, RedisCluster, RedisClusterOptions, RedisOptions, RedisPool, RedisPoolOptions } from '../index';

/** What a module makes: a client, a pool where the option `pool` is given, or the client of a cluster where `cluster` is. */
export type RedisClient = Redis | RedisPool | RedisCluster;

/** What concerns the module, not its client. Durations are milliseconds. */
export interface RedisModuleSettings {
  /**
   * the application starts once the client is connected, and does not start where it cannot be; otherwise the first command connects.
   * Default false
   */
  readonly connect?: boolean | undefined;
  /** how long the client may take to be drained when the application shuts down; it is destroyed then. Default 5 000, Infinity for any time */
  readonly closeTimeout?: number | undefined;
}

/** A client, with the options of `new Redis(options)`. */
export interface RedisClientModuleOptions extends RedisModuleSettings, RedisOptions {
  readonly pool?: never;
  readonly cluster?: never;
}

/** A pool, with the options of `new RedisPool(options)`. */
export interface RedisPoolModuleOptions extends RedisModuleSettings {
  readonly pool: RedisPoolOptions;
  readonly cluster?: never;
}

/** A client of a cluster, with the options of `new RedisCluster(options)`. */
export interface RedisClusterModuleOptions extends RedisModuleSettings {
  readonly cluster: RedisClusterOptions;
  readonly pool?: never;
}

/** What makes a client: what a factory of `forRootAsync` gives. */
export type RedisFactoryOptions = RedisClientModuleOptions | RedisPoolModuleOptions | RedisClusterModuleOptions;

/** How Nest knows the client. */
export interface RedisModuleNaming {
  /** what `@InjectRedis(name)` asks for; `@InjectRedis()` asks for the one that has no name */
  readonly name?: string | undefined;
  /** every module may inject the client; default true. Otherwise those that import this module, or `forFeature(name)` */
  readonly isGlobal?: boolean | undefined;
}

/** What `forRoot` takes. */
export type RedisModuleOptions = RedisFactoryOptions & RedisModuleNaming;

/** A provider that makes the options of a client, for `useClass` and `useExisting`. */
export interface RedisOptionsFactory {
  createRedisOptions(): RedisFactoryOptions | Promise<RedisFactoryOptions>;
}

/** What `forRootAsync` takes: one of `useFactory`, `useClass` and `useExisting`. */
export interface RedisModuleAsyncOptions extends RedisModuleNaming, Pick<ModuleMetadata, 'imports'> {
  /** gives the options; its arguments are what `inject` names */
  readonly useFactory?: ((...injected: never[]) => RedisFactoryOptions | Promise<RedisFactoryOptions>) | undefined;
  /** the tokens of the arguments of `useFactory` */
  readonly inject?: FactoryProvider['inject'] | undefined;
  /** a class that is made for this module, and gives the options */
  readonly useClass?: Type<RedisOptionsFactory> | undefined;
  /** a provider of another module, from `imports`, that gives the options */
  readonly useExisting?: Type<RedisOptionsFactory> | string | symbol | undefined;
}
