// Run with the address of a server: what an application of NestJS does with the built package, and which NestJS it was.
import 'reflect-metadata';
import { createRequire } from 'node:module';
import { setImmediate } from 'node:timers/promises';
import { Controller, Inject, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import { Redis } from 'rxjs-redis';
import {
  RedisHealthIndicator,
  RedisKeyvStore,
  RedisModule,
  RedisPubSubClient,
  RedisPubSubServer,
  RedisStreamsClient,
  RedisStreamsServer,
  getRedisToken,
} from 'rxjs-redis/nestjs';

const [, , url] = process.argv;
const { version } = createRequire(import.meta.url)('@nestjs/core/package.json');
console.log(`NestJS ${version.split('.')[0]}`);

/** Decorators as TypeScript would apply them. */
const decorate = (target, decorators, name, index) => {
  if (name === undefined) for (const one of decorators) one(target);
  else if (index === undefined)
    for (const one of decorators) one(target.prototype, name, Object.getOwnPropertyDescriptor(target.prototype, name));
  else
    for (const one of decorators)
      one(name === 'constructor' ? target : target.prototype, name === 'constructor' ? undefined : name, index);
};

const heard = [];
class Sums {
  add({ a, b }) {
    return a + b;
  }
  note(text) {
    heard.push(text);
  }
}
decorate(Sums, [Controller()]);
decorate(Sums, [MessagePattern('add')], 'add');
decorate(Sums, [EventPattern('note')], 'note');
decorate(Sums, [Payload()], 'add', 0);
decorate(Sums, [Payload()], 'note', 0);

class Visits {
  constructor(redis) {
    this.redis = redis;
  }
}
decorate(Visits, [Injectable()]);
decorate(Visits, [Inject(getRedisToken())], 'constructor', 0);

class App {}
const prefix = 'nest:';
decorate(App, [
  Module({
    imports: [RedisModule.forRoot({ url, prefix, connect: true })],
    controllers: [Sums],
    providers: [Visits],
  }),
]);

const app = await NestFactory.create(App, { logger: ['error', 'warn'] });
app.connectMicroservice({ strategy: new RedisPubSubServer({ url }) });
app.connectMicroservice({ strategy: new RedisStreamsServer({ url, group: 'sums' }) });
await app.startAllMicroservices();

const { redis } = app.get(Visits);
console.log('client', redis instanceof Redis, await redis.incr('visits'));
console.log('health', (await app.get(RedisHealthIndicator).pingCheck('redis')).redis.status);

for (const [name, client] of [
  ['pubsub', new RedisPubSubClient({ url })],
  ['streams', new RedisStreamsClient({ url })],
]) {
  console.log(name, await firstValueFrom(client.send('add', { a: 1, b: 2 })));
  await firstValueFrom(client.emit('note', name), { defaultValue: undefined });
  while (!heard.includes(name)) await setImmediate();
  console.log(name, 'heard');
  await client.close();
}

const store = new RedisKeyvStore(redis);
await store.set('k', 'v', 1000);
console.log('keyv', await store.get('k'));
await redis.del('visits');
await store.clear();
await app.close();
console.log('closed', redis.toJSON().state);
