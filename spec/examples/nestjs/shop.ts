import { CACHE_MANAGER, CacheModule } from '@nestjs/cache-manager';
import {
  Body,
  Controller,
  Get,
  Inject,
  Module,
  Param,
  Post,
  Sse,
  type DynamicModule,
  type INestApplication,
  type MessageEvent,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientsModule, type ClientProxy } from '@nestjs/microservices';
import { HealthCheck, HealthCheckService, TerminusModule, type HealthCheckResult } from '@nestjs/terminus';
import type { Cache } from 'cache-manager';
import { firstValueFrom, lastValueFrom, map, type Observable } from 'rxjs';
import type { Redis } from 'rxjs-redis';
import {
  InjectRedis,
  RedisHealthIndicator,
  RedisKeyvStore,
  RedisModule,
  RedisPubSubClient,
  RedisStreamsClient,
  getRedisToken,
} from 'rxjs-redis/nestjs';
import type { Order } from './kitchen';

/** What the browser talks to: it asks the kitchen for prices, gives it orders, and tells of what is cooked. */
@Controller()
class ShopController {
  constructor(
    @InjectRedis() private readonly redis: Redis,
    @Inject('QUESTIONS') private readonly questions: ClientProxy,
    @Inject('ORDERS') private readonly orders: ClientProxy,
    @Inject(CACHE_MANAGER) private readonly cache: Cache,
    @Inject(HealthCheckService) private readonly health: HealthCheckService,
    @Inject(RedisHealthIndicator) private readonly indicator: RedisHealthIndicator,
  ) {}

  @Get('price/:dish')
  price(@Param('dish') dish: string): Promise<number> {
    return this.cache.wrap(`price:${dish}`, () => firstValueFrom(this.questions.send<number>('price', dish)));
  }

  /** Answers once the order is kept, whether there is a kitchen now or not. */
  @Post('orders')
  async order(@Body() { dish }: Pick<Order, 'dish'>): Promise<Order> {
    const id = String(await this.redis.incr('orders'));
    await lastValueFrom(this.orders.emit('order', { id, dish }), { defaultValue: undefined });
    return { id, dish };
  }

  @Sse('cooked')
  cooked(): Observable<MessageEvent> {
    return this.redis.subscribe('cooked').pipe(map(({ data }) => ({ data })));
  }

  @Get('health')
  @HealthCheck()
  check(): Promise<HealthCheckResult> {
    return this.health.check([() => this.indicator.pingCheck('redis')]);
  }
}

@Module({})
class ShopModule {
  static at(url: string): DynamicModule {
    const cache = CacheModule.registerAsync({
      inject: [getRedisToken()],
      useFactory: (redis: Redis) => ({ stores: [new RedisKeyvStore(redis)], ttl: 60_000 }),
    });
    const clients = ClientsModule.register([
      { name: 'QUESTIONS', customClass: RedisPubSubClient, options: { url, timeout: 5_000 } },
      { name: 'ORDERS', customClass: RedisStreamsClient, options: { url, maxLength: 100_000 } },
    ]);
    const imports = [RedisModule.forRoot({ url }), TerminusModule.forRoot({ logger: false }), cache, clients];
    return { module: ShopModule, imports, controllers: [ShopController] };
  }
}

/** Starts the shop on a port that is free. */
export async function startShop(url: string): Promise<INestApplication> {
  const app = await NestFactory.create(ShopModule.at(url), { logger: false });
  app.enableShutdownHooks();
  await app.listen(0, '127.0.0.1');
  return app;
}
