// Run with the address of a server: what an application of NestJS does with the built package, and which NestJS it was.
import 'reflect-metadata';
import { createRequire } from 'node:module';
import { get } from 'node:http';
import { createServer } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { CACHE_MANAGER, CacheModule } from '@nestjs/cache-manager';
import { Controller, Get, Inject, Injectable, Module, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { HealthCheckService, HealthIndicatorService, TerminusModule } from '@nestjs/terminus';
import { ThrottlerGuard, ThrottlerModule } from '@nestjs/throttler';
import { SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { firstValueFrom } from 'rxjs';
import { io } from 'socket.io-client';
import { Redis } from 'rxjs-redis';
import {
  RedisHealthIndicator,
  RedisIoAdapter,
  RedisKeyvStore,
  RedisModule,
  RedisPubSubClient,
  RedisPubSubServer,
  RedisStreamsClient,
  RedisStreamsServer,
  RedisThrottlerStorage,
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

class Page {
  get() {
    return 'a page';
  }
}
decorate(Page, [Controller('page'), UseGuards(ThrottlerGuard)]);
decorate(Page, [Get()], 'get');

class Room {
  say(_socket, text) {
    this.server.emit('said', text);
  }
}
decorate(Room, [WebSocketGateway()]);
decorate(Room, [SubscribeMessage('say')], 'say');
WebSocketServer()(Room.prototype, 'server');

class App {}
const inject = [getRedisToken()];
const prefix = 'nest:';
decorate(App, [
  Module({
    imports: [
      RedisModule.forRoot({ url, prefix, connect: true }),
      CacheModule.registerAsync({ inject, useFactory: (redis) => ({ stores: [new RedisKeyvStore(redis)] }) }),
      ThrottlerModule.forRootAsync({
        inject,
        useFactory: (redis) => ({ throttlers: [{ ttl: 60_000, limit: 1 }], storage: new RedisThrottlerStorage(redis) }),
      }),
      TerminusModule.forRoot({ logger: false }),
    ],
    controllers: [Sums, Page],
    providers: [Visits, Room],
  }),
]);

const create = async () => {
  const app = await NestFactory.create(App, { logger: ['error', 'warn'] });
  return app.useWebSocketAdapter(new RedisIoAdapter(app));
};
const app = await create();
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

await app.listen(0, '127.0.0.1');
const other = await create();
await other.listen(0, '127.0.0.1');
const sockets = [];
for (const one of [app, other]) sockets.push(io(await one.getUrl(), { transports: ['websocket'] }));
await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.on('connect', resolve))));
const said = new Promise((resolve) => sockets[1].on('said', resolve));
sockets[0].emit('say', 'to all');
console.log('sockets', await said);
for (const socket of sockets) socket.disconnect();

const cache = app.get(CACHE_MANAGER);
await cache.set('k', { v: 1 }, 1000);
console.log('cache', (await cache.get('k')).v, await redis.exists('cache:keyv:k', 'cache:k'));
const statuses = [];
for (const one of [app, other]) {
  const page = `${await one.getUrl()}/page`;
  statuses.push(await new Promise((resolve) => get(page, (answer) => resolve(answer.resume().statusCode))));
}
console.log('throttler', ...statuses);

const silence = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
await new Promise((resolve) => silence.once('listening', resolve));
const client = new Redis({ port: silence.address().port });
const indicator = app.get(RedisHealthIndicator);
const indicators = app.get(HealthIndicatorService, { strict: false });
// What terminus 12 aborts, version 11 leaves to the indicator.
const within = (key, client) =>
  'attempt' in indicators.check(key)
    ? indicators
        .check(key)
        .attempt(({ signal }) => indicator.ping({ client, signal, timeout: 60_000 }))
        .withTimeout(50)
    : indicator.pingCheck(key, { client, timeout: 50 });
const check = (key, client) => app.get(HealthCheckService).check([() => within(key, client)]);
console.log('terminus', (await check('redis', redis)).details.redis.status);
console.log('terminus', await check('silent', client).catch((error) => error.getResponse().details.silent.status));
await client.destroy();
silence.close();

for await (const keys of redis.scanStream({ MATCH: '*' })) if (keys.length > 0) await redis.unlink(keys);
await other.close();
await app.close();
console.log('closed', redis.toJSON().state);
