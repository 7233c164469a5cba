import { Redis, RedisPool, type RedisError } from '../../../src/index';

/** Each uses clients in a way of its own and then does nothing more: the process has to end by itself, and not by an error. */
const endings: Record<string, (url: string) => unknown> = {
  'is closed after use': async (url) => {
    const redis = new Redis(url);
    await redis.set('k', 'v');
    await redis.close();
  },
  'is closed with replies pending': async (url) => {
    const redis = new Redis(url);
    const reply = redis.echo('late');
    void reply.then((text) => console.log(text));
    await redis.close();
  },
  'is disposed of': async (url) => {
    await using redis = new Redis(url);
    await redis.ping();
  },
  'is destroyed while a command blocks': async (url) => {
    const redis = new Redis(url);
    await redis.connect();
    void redis.blpop('empty', 0).then(undefined, () => undefined);
    setTimeout(() => void redis.destroy(), 20);
  },
  'is closed while a command blocks': async (url) => {
    const redis = new Redis(url);
    await redis.connect();
    const left = redis.blpop('empty', 0).subscribe();
    redis.blpop('empty', 0).subscribe({ error: () => undefined });
    setTimeout(() => {
      left.unsubscribe();
      void redis.close();
    }, 20);
  },
  'is a pool that has ended a command which blocks, and does nothing more': async (url) => {
    const pool = new RedisPool(url);
    const left = pool.blpop('empty', 0).subscribe();
    await pool.ping();
    setTimeout(() => left.unsubscribe(), 20);
  },
  'is destroyed while a worker of a queue has a job': async (url) => {
    const redis = new Redis(url);
    const queue = redis.queue('destroyed');
    await queue.push('job');
    queue
      .work(() => new Promise(() => setTimeout(() => void redis.destroy(), 20)))
      .subscribe({ error: () => undefined });
  },
  'is closed while workers of a queue have a job and wait for one': async (url) => {
    const redis = new Redis(url);
    const queue = redis.queue('closed');
    await queue.push('job');
    queue.work(() => new Promise(() => setTimeout(() => void redis.close(), 20))).subscribe();
    redis.queue('empty').jobs().subscribe();
  },
  'is destroyed while messages are awaited': async (url) => {
    const redis = new Redis({ url, protocol: 2 });
    redis.subscribe('news').subscribe({ error: ({ code }: RedisError) => console.log(code) });
    await redis.ping();
    setTimeout(() => void redis.destroy(), 20);
  },
  'is destroyed while it waits to reconnect': () => {
    const redis = new Redis({ url: 'redis://127.0.0.1:1', reconnect: { initialDelay: 60_000 } });
    void redis.ping().then(undefined, () => undefined);
    setTimeout(() => void redis.destroy(), 50);
  },
  'is destroyed while a command waits to be repeated': async (url) => {
    const redis = new Redis({ url, retry: () => 60_000 });
    await redis.connect();
    void redis.call('NO-SUCH-COMMAND').then(undefined, () => undefined);
    setTimeout(() => void redis.destroy(), 50);
  },
  'gives up': () => {
    const redis = new Redis({ url: 'redis://127.0.0.1:1', reconnect: { initialDelay: 1, maxAttempts: 3 } });
    void redis.ping().then(undefined, () => undefined);
  },
  'has lent a connection and does nothing more': async (url) => {
    const redis = new Redis({ url, leases: { idleTimeout: Infinity } });
    await redis.dedicated((connection) => connection.incr('n'));
  },
  'has lent a connection over TLS and does nothing more': async (url) => {
    const redis = new Redis({ url, tls: { rejectUnauthorized: false }, leases: { idleTimeout: Infinity } });
    await redis.dedicated((connection) => connection.incr('n'));
  },
  'is a pool that sent a command and is closed': async (url) => {
    const pool = new RedisPool({ url, commandTimeout: 600_000 });
    await pool.incr('n');
    await pool.close();
  },
  'is a pool that sent a command and does nothing more': async (url) => {
    const pool = new RedisPool({ url, commandTimeout: 600_000 });
    await pool.incr('n');
  },
  'is made and not used': (url) => {
    const redis = new Redis(url);
    void redis.get('k');
    redis.subscribe('news');
  },
  'meets errors that nobody listens to': async (url) => {
    const wrong = [
      'redis://127.0.0.1:1',
      `${url}?protocol=2`.replace('://', '://:wrong@'),
      `${url}/9999`,
      'redis://no.such.host.invalid',
    ];
    const clients = wrong.map((address) => new Redis({ url: address, reconnect: { initialDelay: 5, maxDelay: 10 } }));
    const failures = clients.map((redis) =>
      redis
        .withOptions({ commandTimeout: 100 })
        .ping()
        .then(undefined, () => undefined),
    );
    for (const redis of clients) void redis.connect();
    const killed = new Redis(url);
    for (let n = 0; n < 3; n++)
      await killed.clientKill({ ID: await killed.clientId(), SKIPME: false }).then(undefined, () => undefined);
    await Promise.all(failures);
    for (const redis of [...clients, killed]) void redis.destroy();
  },
};

const [ending = '', url = ''] = process.argv.slice(2);
process.on('beforeExit', () => console.log('by itself'));
void endings[ending]!(url);
