import { Redis, RedisCluster, type RedisError } from '../../../src/index';
import { get } from '../../../src/commands';

/** Each does something with a client that is not to keep the process alive. */
const uses: Record<string, (url: string) => unknown> = {
  'is idle': async (url) => {
    const redis = new Redis(url).unref();
    await redis.ping();
  },
  'was used before': async (url) => {
    const redis = new Redis(url);
    await redis.ping();
    redis.unref();
  },
  'observes messages and a live query': async (url) => {
    const redis = new Redis(url).unref();
    redis.subscribe('news').subscribe();
    redis.live(get('k')).subscribe();
    await redis.ping();
  },
  'waits at the server': async (url) => {
    const redis = new Redis(url).unref();
    redis.blpop('empty', 0).subscribe();
    await redis.ping();
  },
  'is to reconnect': async (url) => {
    const redis = new Redis({ url, reconnect: { initialDelay: 60_000 } }).unref();
    await redis.clientKill({ ID: await redis.clientId(), SKIPME: false }).catch(() => undefined);
  },
  'over TLS is idle': async (url) => {
    const redis = new Redis({ url, tls: { rejectUnauthorized: false } }).unref();
    await redis.ping();
  },
  'of a cluster is idle': async (url) => {
    const cluster = new RedisCluster({ nodes: [url] }).unref();
    await cluster.set('k', 'v');
    cluster.ssubscribe('news').subscribe();
    await cluster.get('k');
  },
  'has commands that wait for their replies': async (url) => {
    const redis = new Redis(url).unref();
    let ends = 0;
    process.on('beforeExit', () => ends++);
    process.on('exit', () => console.log(ends));
    console.log(await redis.call('DEBUG', 'SLEEP', '0.2'), await redis.dedicated((lease) => lease.echo('lent')));
  },
  'has a command behind one that waits at the server': async (url) => {
    const redis = new Redis(url).unref();
    void redis.wait(1, 300).then(undefined, () => undefined);
    console.log(await redis.echo('behind'));
  },
  'of a cluster has a command that waits': async (url) => {
    const cluster = new RedisCluster({ nodes: [url] }).unref();
    console.log(await cluster.get('no such key'));
  },
  'cannot reach its server': async () => {
    const redis = new Redis({ url: 'redis://127.0.0.1:1', commandTimeout: 300 }).unref();
    console.log(await redis.get('k').catch(({ name }: RedisError) => name));
    console.log(await redis.connect().catch(({ name }: RedisError) => name));
  },
  'is being closed': async (url) => {
    const redis = new Redis(url).unref();
    await redis.connect();
    const slow = redis.call('DEBUG', 'SLEEP', '0.2');
    void slow.then((reply) => console.log(reply));
    await redis.close();
    console.log('closed');
  },
  'is to keep it again': async (url) => {
    const redis = new Redis(url).unref();
    await redis.ping();
    redis.ref();
    setTimeout(() => {
      console.log('kept');
      void redis.close();
    }, 300).unref();
  },
  'is one of many': async (url) => {
    process.on('warning', ({ message }) => console.log(message));
    const clients = Array.from({ length: 20 }, () => new Redis(url).unref());
    await Promise.all(clients.map((redis) => redis.ping()));
    await clients[0]!.close();
    console.log(process.listenerCount('beforeExit'));
    await Promise.all(clients.map((redis) => redis.close()));
    console.log(process.listenerCount('beforeExit'));
  },
};

const [use = '', url = ''] = process.argv.slice(2);
// By itself it keeps nothing alive.
setTimeout(() => {
  console.log('the process goes on');
  process.exit(1);
}, 10_000).unref();
void uses[use]!(url);
