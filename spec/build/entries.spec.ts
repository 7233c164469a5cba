import { join } from 'node:path';
import { Consumer } from './consumer';

const ROOT = join(__dirname, '../..');

describe('The entries of the built package', () => {
  let consumer: Consumer;
  beforeAll(async () => {
    consumer = await Consumer.create();
    for (const name of ['@nestjs/common', '@nestjs/core', 'reflect-metadata'])
      await consumer.use(name, join(ROOT, 'node_modules', name));
  });
  afterAll(() => consumer?.delete());

  it('have one class of each name in a process, required or imported', async () => {
    const program = `
      import { createRequire } from 'node:module';
      import * as root from 'rxjs-redis';
      import * as commands from 'rxjs-redis/commands';
      import * as nestjs from 'rxjs-redis/nestjs';
      import * as ioredis from 'rxjs-redis/ioredis';
      const require = createRequire(import.meta.url);
      for (const [name, all] of Object.entries({ '': root, '/commands': commands, '/nestjs': nestjs, '/ioredis': ioredis })) {
        const required = require('rxjs-redis' + name);
        const differ = Object.keys({ ...all, ...required }).filter((name) => all[name] !== required[name]);
        console.log('rxjs-redis' + name, JSON.stringify(differ), Object.keys(all).length > 3);
      }
      const redis = new root.Redis({ port: 1 });
      const shape = ioredis.toIORedis(redis).on('error', () => undefined);
      console.log(ioredis.default === require('rxjs-redis/ioredis').IORedis, shape instanceof ioredis.default);
      console.log(nestjs.getRedisToken('a') === require('rxjs-redis/nestjs').getRedisToken('a'));
      redis.destroy();`;
    const said = await consumer.run('one.mjs', program);
    expect(said.split('\n')).toEqual([
      ...['', '/commands', '/nestjs', '/ioredis'].map((name) => `rxjs-redis${name} [] true`),
      'true true',
      'true',
    ]);
  });

  it('name the package of NestJS that is missing, when what extends it is made', async () => {
    const make = `
      const made = [
        () => new nestjs.RedisPubSubClient(),
        () => new nestjs.RedisPubSubServer(),
        () => new nestjs.RedisStreamsClient(),
        () => new nestjs.RedisStreamsServer({ group: 'g' }),
        () => new nestjs.RedisIoAdapter({}),
      ];
      for (const one of made)
        try {
          one();
        } catch (error) {
          console.log(error.name, error.message);
        }`;
    const microservices = 'needs @nestjs/microservices, which cannot be loaded: install it';
    const said = [
      `TypeError The client of a transport ${microservices}`,
      `TypeError The server of a transport ${microservices}`,
      `TypeError The client of a transport ${microservices}`,
      `TypeError The server of a transport ${microservices}`,
      'TypeError RedisIoAdapter needs @nestjs/platform-socket.io, which cannot be loaded: install it',
    ].join('\n');
    expect(await consumer.run('missing.cjs', `const nestjs = require('rxjs-redis/nestjs');${make}`)).toBe(said);
    expect(await consumer.run('missing.mjs', `import * as nestjs from 'rxjs-redis/nestjs';${make}`)).toBe(said);
  });
});
