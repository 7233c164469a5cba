import { Controller, Module, type DynamicModule, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern, MessagePattern, Payload, RpcException, type MicroserviceOptions } from '@nestjs/microservices';
import type { Redis } from 'rxjs-redis';
import { InjectRedis, RedisModule, RedisPubSubServer, RedisStreamsServer } from 'rxjs-redis/nestjs';

export interface Order {
  readonly id: string;
  readonly dish: string;
}

/** Which transport a handler is for; without this it is for all. */
const CHANNELS = Symbol.for('rxjs-redis:pubsub');
const STREAMS = Symbol.for('rxjs-redis:streams');

const PRICES: Readonly<Record<string, number>> = { soup: 4, bread: 2 };

/** Questions come over channels: without a kitchen nothing is asked for long. Orders come over a stream: each is cooked, whatever fails. */
@Controller()
export class KitchenController {
  /** How often a price was asked for. */
  asked = 0;

  constructor(@InjectRedis() private readonly redis: Redis) {}

  @MessagePattern('price', CHANNELS)
  price(@Payload() dish: string): number {
    this.asked++;
    return PRICES[dish] ?? 0;
  }

  @EventPattern('order', STREAMS)
  async cook(@Payload() { id, dish }: Order): Promise<void> {
    if (!(dish in PRICES)) throw new RpcException(`there is no ${dish}`);
    await this.redis.publish('cooked', JSON.stringify({ id, dish }));
  }
}

@Module({})
class KitchenModule {
  static at(url: string): DynamicModule {
    return { module: KitchenModule, imports: [RedisModule.forRoot({ url })], controllers: [KitchenController] };
  }
}

/** Starts the kitchen: one process of as many as are needed, which share the orders. */
export async function startKitchen(url: string): Promise<INestApplication> {
  const app = await NestFactory.create(KitchenModule.at(url), { logger: false });
  app.connectMicroservice<MicroserviceOptions>({ strategy: new RedisPubSubServer({ url, group: 'kitchen' }) });
  const strategy = new RedisStreamsServer({
    url,
    group: 'kitchen',
    claimIdle: 1_000,
    maxDeliveries: 2,
    deadLetter: 'orders:dead',
  });
  app.connectMicroservice<MicroserviceOptions>({ strategy });
  app.enableShutdownHooks();
  await app.startAllMicroservices();
  return app.init();
}
