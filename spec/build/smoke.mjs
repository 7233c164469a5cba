// What the package does on a runtime: node smoke.mjs redis://127.0.0.1:6379. Prints a line for each thing, and ends by itself.

import { createRequire } from 'node:module';
import { filter, firstValueFrom, take, toArray } from 'rxjs';
import * as root from 'rxjs-redis';
import { get, incr, set } from 'rxjs-redis/commands';

const { Redis, RedisPool, ReplyError, TimeoutError } = root;
const [url] = process.argv.slice(2);
const redis = new Redis(url);
const key = `smoke ${process.pid}`;

const required = createRequire(import.meta.url)('rxjs-redis');
say(
  'one class',
  Object.keys(root).every((name) => root[name] === required[name]),
);

say('set and get', [await redis.set(key, 'ä'), await firstValueFrom(redis.get(key))]);
say('bytes', [...(await redis.bytes.get(key))]);
const large = 'x'.repeat(3_000_000);
await redis.set(key, large);
say('3 MB', (await redis.get(key)) === large);
say(
  '10 000 at once',
  (await Promise.all(Array.from({ length: 10_000 }, () => redis.strlen(key)))).every((n) => n === 3e6),
);
say('pipeline', await redis.pipeline(set(key, 1), incr(key), get(key)));
say('multi', await redis.multi(incr(key), get(key)));
say('script', await redis.script("return redis.call('incr', KEYS[1])", { keys: 1 })([key]));
say('error reply', await redis.lpush(key, 'a').then(String, (error) => [error instanceof ReplyError, error.kind]));
say('watch', await redis.watch(key, ({ [key]: value }) => [set(key, Number(value) * 2)]));

const heard = firstValueFrom(redis.subscribe(key).pipe(take(3), toArray()));
while ((await redis.publish(key, 'first')) === 0);
await redis.pipeline().publish(key, 'second').publish(key, 'third').exec();
say(
  'messages',
  (await heard).map(({ data }) => data),
);

const waiting = redis.blpop(`${key} list`, 5).then();
await redis.rpush(`${key} list`, 'element');
say('blocking', await waiting);

const again = firstValueFrom(redis.events$.pipe(filter(({ type }) => type === 'connect')));
const id = await redis.clientId();
const other = new Redis(url);
await other.call('CLIENT', 'KILL', 'ID', String(id));
await again;
say('after a cut', await redis.get(key));

const late = new Redis(url, { commandTimeout: 50 });
await late.ping();
await other.call('CLIENT', 'PAUSE', '300', 'ALL');
say('time', await late.get(key).then(String, (error) => [error instanceof TimeoutError, error.delivery]));
const closed = new Redis('redis://127.0.0.1:1', { reconnect: false });
say('refused', await closed.get(key).then(String, (error) => [error.code, error.delivery]));

const pool = new RedisPool(url, { max: 2 });
say('pool', await pool.use((connection) => connection.get(key)));
await redis.unlink(key, `${key} list`);
await Promise.all([redis, other, late, closed].map((one) => one.close()));
await pool.close();
say('closed', await redis.get(key).then(String, (error) => error.code));

function say(what, value) {
  console.log(`${what}: ${JSON.stringify(value)}`);
}
