import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdapter } from '@socket.io/redis-adapter';
import { createAdapter as createStreamsAdapter } from '@socket.io/redis-streams-adapter';
import { Queue, QueueEvents, Worker } from 'bullmq';
import { RedisStore } from 'connect-redis';
import { RedisPubSub } from 'graphql-redis-subscriptions';
import { RateLimiterRedis } from 'rate-limiter-flexible';
import Redlock from 'redlock';
import { Server } from 'socket.io';
import { io, type Socket } from 'socket.io-client';
import { concatMap, from, lastValueFrom, toArray } from 'rxjs';
import type { Redis } from 'rxjs-redis';
import { IORedis } from '../../../src/ioredis';
import { eventually, useClients } from '../../support/clients';
import { useServer } from '../../support/server';
import { until } from '../../support/until';

/** Libraries that were written for ioredis, at their versions of today, on a client of this package in its shape. */
describe('On a client in the shape of ioredis', () => {
  const server = useServer({ own: true }, '7.0');
  const make = useClients();
  const made: IORedis[] = [];
  const client = () => {
    const redis = new IORedis(server().url, { maxRetriesPerRequest: null });
    made.push(redis);
    return redis as never;
  };
  beforeEach(() => make(server().url).flushall());
  afterEach(() => made.splice(0).forEach((redis) => redis.disconnect()));

  it('BullMQ does jobs, late ones and failed ones once more, and tells of them', async () => {
    const connection = client();
    const queue = new Queue<{ x: number }, number>('sums', { connection });
    queue.setMaxListeners(0);
    const events = new QueueEvents('sums', { connection });
    const tries = new Map<string, number>();
    const worker = new Worker<{ x: number }, number>(
      'sums',
      async ({ id, data }) => {
        const count = (tries.get(id!) ?? 0) + 1;
        tries.set(id!, count);
        if (data.x === 7 && count === 1) throw new Error('not at once');
        return Promise.resolve(data.x * 2);
      },
      { connection, concurrency: 4 },
    );
    await events.waitUntilReady();
    const jobs = await queue.addBulk(
      Array.from({ length: 50 }, (_, x) => ({
        name: 'sum',
        data: { x },
        opts: { attempts: 2, delay: x === 9 ? 50 : 0 },
      })),
    );
    const sums = await Promise.all(jobs.map((job) => job.waitUntilFinished(events)));
    expect(sums).toStrictEqual(Array.from({ length: 50 }, (_, x) => x * 2));
    expect([...tries.values()].filter((count) => count === 2)).toHaveLength(1);
    expect(await queue.getJobCounts('completed', 'failed', 'waiting')).toStrictEqual({
      completed: 50,
      failed: 0,
      waiting: 0,
    });
    await Promise.all([worker.close(), events.close(), queue.close()]);
  });

  it('BullMQ closes workers that wait', async () => {
    const connection = client();
    const worker = new Worker('idle', () => Promise.resolve(), { connection });
    await worker.waitUntilReady();
    await worker.close();
    expect(worker.closing).toBeDefined();
  });

  it('rate-limiter-flexible counts and blocks', async () => {
    const limiter = new RateLimiterRedis({ storeClient: client(), points: 2, duration: 60, keyPrefix: 'limit' });
    expect(await limiter.consume('ann')).toMatchObject({ remainingPoints: 1 });
    expect(await limiter.consume('ann')).toMatchObject({ remainingPoints: 0 });
    await expect(limiter.consume('ann')).rejects.toMatchObject({ remainingPoints: 0, consumedPoints: 3 });
    expect(await limiter.get('ann')).toMatchObject({ consumedPoints: 3 });
    expect(await limiter.delete('ann')).toBe(true);
  });

  it('redlock locks, extends and releases', async () => {
    const redlock = new Redlock([client()], { retryCount: 0 });
    const lock = await redlock.acquire(['thing'], 5_000);
    await expect(redlock.acquire(['thing'], 5_000)).rejects.toThrow(/quorum/);
    const extended = await lock.extend(10_000);
    await extended.release();
    await (await redlock.acquire(['thing'], 5_000)).release();
  });

  it('graphql-redis-subscriptions passes events on, also by patterns', async () => {
    const pubsub = new RedisPubSub({ publisher: client(), subscriber: client() });
    const seen: unknown[] = [];
    const first = await pubsub.subscribe('post', (what: unknown) => void seen.push(what));
    const second = await pubsub.subscribe('po*', (what: unknown) => void seen.push(what), { pattern: true });
    await pubsub.publish('post', { id: 1 });
    await until(() => seen.length === 2);
    expect(seen).toStrictEqual([{ id: 1 }, { id: 1 }]);
    pubsub.unsubscribe(first);
    pubsub.unsubscribe(second);
    await pubsub.close();
  });

  it.each([
    [
      'pub/sub',
      () => createAdapter(client(), client()),
      async (redis: Redis) => (await redis.pubsubNumsub(['socket.io-request#/#']))['socket.io-request#/#'],
    ],
    [
      'a stream',
      () => createStreamsAdapter(client()),
      async (redis: Redis) => (await redis.clientList()).filter(({ cmd }) => cmd === 'xread').length,
    ],
  ])("socket.io's servers reach each other's clients by the adapter over %s", async (_how, adapter, listeners) => {
    const running = await Promise.all([serve(adapter()), serve(adapter())]);
    const sockets: Socket[] = [];
    const redis = make(server().url);
    try {
      const heard: string[][] = [[], []];
      for (const [index, { port }] of running.entries()) {
        const socket = io(`http://127.0.0.1:${port}`, { transports: ['websocket'] });
        sockets.push(socket);
        socket.on('news', (what: string) => heard[index]!.push(what));
        await new Promise<void>((resolve) => socket.on('connect', () => resolve()));
      }
      await until(() => running.every(({ sockets: server }) => server.sockets.sockets.size === 1));
      // What is emitted before both adapters hear is lost.
      await eventually(
        () => listeners(redis),
        (count) => count === 2,
      );
      await lastValueFrom(
        from(running).pipe(
          concatMap(({ sockets: server }, index) => {
            server.emit('news', `from ${index}`);
            return from([index]);
          }),
          toArray(),
        ),
      );
      await until(() => heard.every((all) => all.length === 2));
      expect(heard.map((all) => [...all].sort())).toStrictEqual([
        ['from 0', 'from 1'],
        ['from 0', 'from 1'],
      ]);
      expect(await running[0].sockets.fetchSockets()).toHaveLength(2);
    } finally {
      sockets.forEach((socket) => socket.disconnect());
      await Promise.all(running.map(({ sockets: server }) => server.close()));
    }
  });

  it('connect-redis keeps sessions by an object of six methods, and needs no shape of ioredis', async () => {
    const store = new RedisStore({ client: sessionClient(make(server().url)) as never, prefix: 's:' });
    const session = { cookie: { originalMaxAge: null }, views: 1 } as never;
    await store.set('one', session);
    expect(await store.get('one')).toMatchObject({ views: 1 });
    await store.touch('one', session);
    expect([await store.length(), await store.ids()]).toStrictEqual([1, ['one']]);
    expect(await store.all()).toMatchObject([{ id: 'one', views: 1 }]);
    await store.destroy('one');
    await store.clear();
    expect(await store.get('one')).toBeNull();
  });
});

/** What connect-redis asks of a client. */
function sessionClient(redis: Redis) {
  return {
    get: (key: string) => redis.get(key),
    set: (key: string, value: string, options?: { expiration: { value: number } }) =>
      redis.set(key, value, options === undefined ? {} : { EX: options.expiration.value }),
    expire: (key: string, seconds: number) => redis.expire(key, seconds),
    del: (keys: string[]) => redis.del(keys),
    mGet: (keys: string[]) => redis.mget(keys),
    scanIterator: ({ MATCH, COUNT }: { MATCH: string; COUNT: number }) => redis.scanStream({ MATCH, COUNT }),
  };
}

async function serve(adapter: unknown): Promise<{ sockets: Server; port: number }> {
  const http = createServer();
  const sockets = new Server(http, { adapter: adapter as never });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  return { sockets, port: (http.address() as AddressInfo).port };
}
