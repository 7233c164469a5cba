import { createRequire } from 'node:module';
import { install, type Clock } from '@sinonjs/fake-timers';
import type * as rxjsRedis from '../../src/index';

// Uses a client before, while and after the timers are sinon's, and prints how that went.

type Redis = rxjsRedis.Redis;

/** More than a socket takes before it wants to be waited for. */
const LARGE = Buffer.alloc(100_000, 'x');

/** Uses a client in all that needs its time. Resolves only once all of it has come about. */
async function use(redis: Redis): Promise<string> {
  const key = `fake-timers:${process.pid}`;
  for (let n = 0; n < 3; n++) await redis.set(key, LARGE);
  const replies = await Promise.all(Array.from({ length: 100 }, (_, n) => redis.echo(n)));
  const { length } = new Set(replies).size === 100 ? ((await redis.get(key)) ?? '') : '';
  const late = await redis
    .withOptions({ commandTimeout: 30 })
    .blpop('nothing', 0.5)
    .then(
      () => 'answered',
      ({ code }: { code: string }) => code,
    );
  await redis.del(key);
  return length === LARGE.length && late === 'TIMEOUT' ? 'works' : `${length} bytes, ${late}`;
}

async function main([url = '', which = '', when = '']: readonly string[]): Promise<void> {
  const ticks = which === 'all';
  const fake = (): Clock => install(ticks ? {} : { toNotFake: ['nextTick', 'queueMicrotask'] });
  const uncaught: unknown[] = [];
  process.on('uncaughtException', (error) => uncaught.push(error));
  const results: string[] = [];

  const loadedLater = when.startsWith('loaded') ? fake() : undefined;
  const { Redis: Loaded } = createRequire(__filename)('../../src/index.ts') as typeof rxjsRedis;
  const madeLater = when.startsWith('made while') ? fake() : undefined;
  const redis = new Loaded({ url, connectTimeout: 500, reconnect: { initialDelay: 5, maxDelay: 20 } });
  const connected = redis.connect();
  if (when === 'made before') await connected;
  const clock = loadedLater ?? madeLater ?? fake();
  // Node connects by ticks: where they are false no socket is opened.
  if (when === 'made before' || !ticks) results.push(await use(redis));
  clock.uninstall();
  await connected;
  results.push(await use(redis));
  await redis.close();
  console.log(JSON.stringify([...results, ...uncaught.map(String)]));
}

void main(process.argv.slice(2));
