// What `rxjs-redis/ioredis` does on a runtime: node ioredis.mjs redis://127.0.0.1:6379. Prints what came, and ends by itself.

import { once } from 'node:events';
import { createRequire } from 'node:module';
import IORedis from 'rxjs-redis/ioredis';

const redis = new IORedis(process.argv[2]);
const key = `shape ${process.pid}`;
const said = [await redis.set(key, 1), await redis.pipeline().incr(key).exec()];
await redis.subscribe(key);
const message = once(redis, 'message');
await redis.publish(key, 'heard');
said.push((await message)[1], await redis.getBuffer(key));
said.push(createRequire(import.meta.url)('rxjs-redis/ioredis').default === IORedis);
await redis.del(key);
await redis.quit();
console.log(JSON.stringify(said));
