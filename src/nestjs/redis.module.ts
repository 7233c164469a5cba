import { Module, type DynamicModule, type FactoryProvider, type Provider, type Type } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { ClientLifecycle } from './client-lifecycle';
import { RedisHealthIndicator } from './health.indicator';
import { makeClient, type ClientPlan } from './make-client';
import type {
  RedisClient,
  RedisFactoryOptions,
  RedisModuleAsyncOptions,
  RedisModuleNaming,
  RedisModuleOptions,
  RedisOptionsFactory,
} from './module-options';
import { DEFAULT_NAME, checkedName, getRedisToken, rootToken } from './tokens';

interface Naming {
  readonly name: string;
  readonly isGlobal: boolean;
}

/** Has the clients; one module a call of `forRoot`. */
class RedisRootModule {}
Module({})(RedisRootModule);

/**
 * Gives the modules of an application a client. It is made when the application is, connects when it is first used, tells Nest's Logger of
 * its state, and is drained when the application shuts down: pending replies arrive, within `closeTimeout` ms.
 *
 * @example
 * const cache = RedisModule.forRoot({ name: 'cache', url: 'redis://cache.example:6379' });
 * const jobs = RedisModule.forRoot({ name: 'jobs', pool: { url: 'redis://jobs.example:6379', max: 20 } });
 * Module({ imports: [cache, jobs] })(AppModule);
 */
export class RedisModule {
  /**
   * A client with these options, or a pool.
   * @throws TypeError when the name is no name; the application does not start when an option is wrong, or when another module has made a
   * client of this name
   */
  static forRoot(options: RedisModuleOptions): DynamicModule {
    const { naming, others } = apart(options);
    return rootModule(naming, [{ provide: optionsToken(naming.name), useValue: others }]);
  }

  /**
   * The same with options that come from a provider, as those of a configuration do. The name is known beforehand.
   * @throws TypeError unless there is one of `useFactory`, `useClass` and `useExisting`
   * @example
   * const redis = RedisModule.forRootAsync({
   *   imports: [ConfigModule],
   *   inject: [ConfigService],
   *   useFactory: (config: ConfigService) => ({ url: config.getOrThrow('REDIS_URL') }),
   * });
   */
  static forRootAsync(options: RedisModuleAsyncOptions): DynamicModule {
    const { naming } = apart(options);
    return rootModule(naming, asyncOptions(naming.name, options), options.imports);
  }

  /**
   * Lets the module that imports this inject the client of that name, also where its `forRoot` is not global.
   * @throws TypeError when the name is no name; the application does not start when there is no such client
   */
  static forFeature(name: string = DEFAULT_NAME): DynamicModule {
    const provider: FactoryProvider = {
      provide: getRedisToken(name),
      inject: [{ token: rootToken(name), optional: true }],
      useFactory: (plan: ClientPlan | undefined): RedisClient => {
        if (plan !== undefined) return plan.client;
        const make = name === DEFAULT_NAME ? 'forRoot(…)' : `forRoot({ name: '${name}', … })`;
        throw new Error(
          `RedisModule.forFeature: there is no client '${name}'; RedisModule.${make} in the root module makes it`,
        );
      },
    };
    return { module: RedisModule, providers: [provider], exports: [provider.provide] };
  }
}
Module({})(RedisModule);

function rootModule(
  { name, isGlobal }: Naming,
  options: readonly Provider[],
  imports: RedisModuleAsyncOptions['imports'] = [],
): DynamicModule {
  const plan: FactoryProvider = {
    provide: rootToken(name),
    inject: [optionsToken(name), ModulesContainer],
    useFactory: (given: unknown, modules: ModulesContainer): ClientPlan => {
      refuseSecond(name, modules);
      return makeClient(name, given);
    },
  };
  const lifecycle: FactoryProvider = {
    provide: `${rootToken(name)}:lifecycle`,
    inject: [rootToken(name)],
    useFactory: (plan: ClientPlan) => new ClientLifecycle(name, plan),
  };
  const root: DynamicModule = {
    module: RedisRootModule,
    // So that `forFeature` finds it from any module.
    global: true,
    imports,
    providers: [...options, plan, lifecycle],
    exports: [rootToken(name)],
  };
  const { module, providers = [], exports = [] } = RedisModule.forFeature(name);
  return {
    module,
    global: isGlobal,
    imports: [root],
    providers: [...providers, RedisHealthIndicator],
    exports: [...exports, RedisHealthIndicator],
  };
}

/** Two clients of one name: Nest would inject either. */
function refuseSecond(name: string, modules: ModulesContainer): void {
  const token = rootToken(name);
  const makers = [...modules.values()].filter(
    ({ metatype, providers }) => metatype === RedisRootModule && providers.has(token),
  );
  if (makers.length < 2) return;
  const remedy = name === DEFAULT_NAME ? "give one of them a 'name'" : 'give one of them another';
  throw new Error(
    `RedisModule: ${makers.length} modules make a client '${name}': ${remedy}, or import one module twice`,
  );
}

function optionsToken(name: string): string {
  return `${rootToken(name)}:options`;
}

function apart<T extends RedisModuleNaming>(
  options: T,
): {
  readonly naming: Naming;
  readonly others: Omit<T, keyof RedisModuleNaming>;
} {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`RedisModule: options were expected, got ${options === null ? 'null' : typeof options}`);
  }
  const { name = DEFAULT_NAME, isGlobal = true, ...others } = options;
  if (typeof isGlobal !== 'boolean') throw new TypeError("RedisModule: the option 'isGlobal' is a boolean");
  return { naming: { name: checkedName(name), isGlobal }, others };
}

function asyncOptions(
  name: string,
  { useFactory, inject = [], useClass, useExisting }: RedisModuleAsyncOptions,
): readonly Provider[] {
  const ways = { useFactory, useClass, useExisting };
  const given = Object.entries(ways).flatMap(([way, value]) => (value === undefined ? [] : [way]));
  if (given.length !== 1) {
    const got = given.length === 0 ? 'none' : given.join(' and ');
    throw new TypeError(`RedisModule.forRootAsync: one of ${Object.keys(ways).join(', ')} was expected, got ${got}`);
  }
  const provide = optionsToken(name);
  if (useFactory !== undefined) return [{ provide, inject, useFactory: useFactory as FactoryProvider['useFactory'] }];
  const factory = useExisting ?? `${provide}:factory`;
  const asked: FactoryProvider<RedisFactoryOptions> = {
    provide,
    inject: [factory],
    useFactory: (from: RedisOptionsFactory) => from.createRedisOptions(),
  };
  return useClass === undefined ? [asked] : [asked, { provide: factory, useClass: useClass as Type<unknown> }];
}
