import Theirs, { Command } from 'ioredis';
import { IORedis } from '../../../src/ioredis';
import { useServer } from '../../support/server';

/** What both are asked; they are compared as they answer. */
type Shape = Pick<Theirs, keyof Theirs>;
type Program = (redis: Shape) => unknown;

/** The outcome of a program: its value, or the message of its error. */
async function outcomeOf(program: Program, redis: unknown): Promise<unknown> {
  try {
    return plain(await program(redis as Shape));
  } catch (error) {
    // The arguments stand in no message here: one may be a secret.
    const message = (error as Error).message.replace(/(unknown command).*/, '$1');
    return `${(error as Error).name}: ${message}`;
  }
}

/** Errors inside a reply by what they say. */
function plain(value: unknown): unknown {
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  return Array.isArray(value) ? value.map(plain) : value;
}

const MANY = Array.from({ length: 200_000 }, (_, n) => `m${n}`);

const PROGRAMS: readonly (readonly [what: string, program: Program])[] = [
  ['texts, numbers and nothing', async (r) => [await r.set('a', 1), await r.get('a'), await r.get('none')]],
  [
    'options of SET',
    async (r) => [await r.set('a', 'x', 'EX', 100, 'NX'), await r.set('a', 'y', 'NX'), await r.ttl('a')],
  ],
  [
    'bytes',
    async (r) => [await r.set('a', Buffer.from([0, 255])), await r.getBuffer('a'), await r.mgetBuffer('a', 'none')],
  ],
  ['pairs of an object', async (r) => [await r.hset('h', { a: 1, b: 'x' }), await r.hgetall('h')]],
  [
    'pairs of a Map',
    async (r) => [
      await r.mset(
        new Map([
          ['a', '1'],
          ['b', '2'],
        ]),
      ),
      await r.mget('a', 'b'),
    ],
  ],
  ['pairs one by one', async (r) => [await r.hmset('h', 'a', 1, 'b', 2), await r.hmget('h', 'a', 'b', 'c')]],
  ['pairs in an array', async (r) => [await r.mset(['a', '1', 'b', '2']), await r.mget(['a', 'b'])]],
  ['an empty hash', (r) => r.hgetall('none')],
  ['a field called __proto__', async (r) => [await r.hset('h', '__proto__', 'x'), Object.keys(await r.hgetall('h'))]],
  ['a hash as bytes', async (r) => [await r.hset('h', 'a', 'x'), await r.hgetallBuffer('h')]],
  [
    'lists',
    async (r) => [await r.rpush('l', 1, 2, 3), await r.lrange('l', 0, -1), await r.lpop('l', 2), await r.llen('l')],
  ],
  [
    'sets',
    async (r) => [await r.sadd('s', 'a'), await r.smembers('s'), await r.sismember('s', 'a'), await r.spop('s')],
  ],
  [
    'scores',
    async (r) => [
      await r.zadd('z', 1, 'a', 2.5, 'b'),
      await r.zrange('z', '0', '-1', 'WITHSCORES'),
      await r.zscore('z', 'b'),
    ],
  ],
  [
    'infinite scores',
    async (r) => [await r.zadd('z', '+inf', 'a', '-inf', 'b'), await r.zrange('z', '0', '-1', 'WITHSCORES')],
  ],
  [
    'popped scores',
    async (r) => [
      await r.zadd('z', 1, 'a', 2, 'b'),
      await r.zpopmin('z'),
      await r.bzpopmin('z', 1),
      await r.bzpopmin('z', 0.01),
    ],
  ],
  [
    'increments',
    async (r) => [
      await r.incr('n'),
      await r.incrby('n', 5),
      await r.incrbyfloat('f', 0.5),
      await r.hincrby('h', 'a', 2),
    ],
  ],
  [
    'entries of streams',
    async (r) => [
      await r.xadd('x', '1-1', 'a', 'b'),
      await r.xrange('x', '-', '+'),
      await r.xread('COUNT', 1, 'STREAMS', 'x', '0'),
    ],
  ],
  [
    'groups of consumers',
    async (r) => [
      await r.xgroup('CREATE', 'x', 'g', '$', 'MKSTREAM'),
      await r.xadd('x', '2-1', 'a', 'b'),
      await r.xreadgroup('GROUP', 'g', 'c', 'STREAMS', 'x', '>'),
      await r.xpending('x', 'g'),
      await r.xack('x', 'g', '2-1'),
    ],
  ],
  ['a wait for a stream in vain', (r) => r.xread('BLOCK', 1, 'STREAMS', 'none', '0')],
  [
    'blocking pops',
    async (r) => [
      await r.rpush('l', 'a'),
      await r.blpop('l', 1),
      await r.brpop('l', 0.01),
      await r.blmove('l', 'm', 'LEFT', 'RIGHT', 0.01),
    ],
  ],
  [
    'places',
    async (r) => [
      await r.geoadd('g', 13.361389, 38.115556, 'Palermo'),
      await r.geopos('g', 'Palermo', 'none'),
      await r.geosearch('g', 'FROMLONLAT', 15, 37, 'BYRADIUS', 200, 'km', 'WITHDIST'),
    ],
  ],
  [
    'a scan',
    async (r) => [
      await r.set('a', 1),
      await r.scan(0, 'MATCH', 'a*', 'COUNT', 10),
      await r.hset('h', 'f', 'v'),
      await r.hscan('h', 0),
    ],
  ],
  [
    'scripts',
    async (r) => [
      await r.eval('return {KEYS[1], ARGV[1], 1, false}', 1, 'k', 'v'),
      await r.eval("return redis.status_reply('FINE')", 0),
    ],
  ],
  ['an error of a script', (r) => r.eval("return redis.error_reply('MINE is wrong')", 0)],
  [
    'commands of two words',
    async (r) => [await r.config('GET', 'appendonly'), await r.object('ENCODING', 'none'), await r.client('GETNAME')],
  ],
  ['a wrong type', async (r) => (await r.set('a', 1), r.lpush('a', 1))],
  ['an unknown command', (r) => r.call('NOTHING', 'a')],
  ['a command by its name', async (r) => [await r.call('SET', 'a', '1'), await r.call('get', ['a'])]],
  ['too few arguments', (r) => (r.get as (...args: unknown[]) => Promise<unknown>)()],
  [
    'odd values',
    async (r) => [
      await r.rpush('l', ...([null, undefined, true, 1.5, 10n, Symbol.iterator.description] as never[])),
      await r.lrange('l', 0, -1),
    ],
  ],
  ['nested arrays', async (r) => [await r.rpush('l', ...([['a', ['b']], 'c'] as never[])), await r.lrange('l', 0, -1)]],
  [
    'a pipeline',
    (r) => r.pipeline().set('a', 1).get('a').lpush('a', 1).hset('h', { a: 1 }).hgetall('h').getBuffer('a').exec(),
  ],
  [
    'a pipeline of arrays',
    (r) =>
      r
        .pipeline([
          ['set', 'a', 1],
          ['get', 'a'],
        ])
        .exec(),
  ],
  [
    'OK as bytes',
    async (r) => [
      await r.setBuffer('a', 1, 'EX', 100, 'GET'),
      await r.callBuffer('SET', 'a', 1),
      await r.pipeline().callBuffer('SET', 'a', 1).get('a').exec(),
      await r.callBuffer('EVAL', "return { redis.status_reply('OK'), 'x', { 'y' } }", 0),
    ],
  ],
  ['an empty pipeline', (r) => r.pipeline().exec()],
  ['a pipeline of another command', (r) => r.pipeline().call('SET', 'a', '1').get('a').exec()],
  [
    'a transaction that execBuffer ends',
    (r) =>
      (
        r.multi().set('a', 1).get('a').getBuffer('a').incr('a') as unknown as { execBuffer(): Promise<unknown> }
      ).execBuffer(),
  ],
  [
    'a command that is an object',
    async (r) => [
      await r.sendCommand(new Command('set', ['a', 1])),
      await r.sendCommand(new Command('get', ['a'], { replyEncoding: 'utf8' })),
      await r.sendCommand(new Command('get', ['a'])),
    ],
  ],
  [
    'scans as streams',
    async (r) => {
      await r.sadd('s', 'a');
      await r.hset('h', 'a', 'x');
      await r.zadd('z', 1, 'a');
      const streams = [r.sscanStream('s'), r.hscanStream('h'), r.zscanStream('z'), r.scanStream({ match: 'z' })];
      const inBytes = [r.sscanBufferStream('s', {}), r.hscanBufferStream('h', {}), r.zscanBufferStream('z', {})];
      const all = [...streams, ...inBytes, r.scanBufferStream({ match: 'z' })];
      return Promise.all(all.map((pages) => pages.toArray()));
    },
  ],
  ['a transaction', (r) => r.multi().incr('n').get('n').lpush('n', 1).exec()],
  [
    'a transaction of arrays',
    (r) =>
      r
        .multi([
          ['incr', 'n'],
          ['incr', 'n'],
        ])
        .exec(),
  ],
  ['scores in a transaction', (r) => r.multi().zadd('z', 1, 'a').zrange('z', '0', '-1', 'WITHSCORES').exec()],
  [
    'a transaction that is refused',
    (r) =>
      (r.multi() as unknown as { nothing?: unknown } & ReturnType<typeof r.multi>)
        .set('a', 1)
        .call('NOTHING')
        .exec()
        .then(
          () => 'ran',
          (error: Error) => error.message.split(' ')[0],
        ),
  ],
  [
    'a script as a command',
    async (r) => {
      r.defineCommand('twice', {
        numberOfKeys: 1,
        lua: "return {redis.call('incrby', KEYS[1], ARGV[1] * 2), KEYS[1]}",
      });
      const own = r as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
      return [
        await own.twice!('n', 2),
        await own.twice!(['n', 3]),
        await own.twiceBuffer!('n', 1),
        await (r.pipeline() as never as { twice(...args: unknown[]): { exec(): Promise<unknown> } })
          .twice('n', 1)
          .exec(),
      ];
    },
  ],
  [
    'a script whose first argument is its number of keys',
    async (r) => {
      r.defineCommand('keysOf', { lua: 'return KEYS' });
      return (r as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>).keysOf!(2, 'a', 'b', 'c');
    },
  ],
  ['publishing', (r) => r.publish('c', 'm')],
  [
    '200 000 arguments in an array',
    async (r) => [await r.sadd('s', MANY), await r.hmset('h', MANY), (await r.mget(MANY)).length, await r.del(MANY)],
  ],
  [
    '200 000 pairs',
    async (r) => [
      await r.hset('h', Object.fromEntries(MANY.map((name) => [name, 'x']))),
      await r.mset(new Map(MANY.map((name) => [name, 'x']))),
    ],
  ],
  [
    '200 000 arguments in groups and scripts',
    async (r) => [
      await r.pipeline().sadd('s', MANY).exec(),
      await r.multi([['sadd', 's', MANY]]).exec(),
      await r.multi().exists(MANY).exec(),
    ],
  ],
  ['another database', async (r) => [await r.select(1), await r.set('a', 1), await r.select(0), await r.get('a')]],
  [
    'facts of the server',
    async (r) => [
      typeof (await r.info()),
      (await r.time()).length,
      await r.ping(),
      await r.echo('x'),
      await r.dbsize(),
    ],
  ],
];

describe('A client in the shape of ioredis', () => {
  const server = useServer({ own: true });

  it.each(PROGRAMS)('answers as ioredis does: %s', async (_what, program) => {
    const outcomes: unknown[] = [];
    for (const redis of [new Theirs(server().url), new IORedis(server().url)]) {
      await redis.flushall();
      outcomes.push(await outcomeOf(program, redis));
      await redis.quit();
    }
    expect(outcomes[1]).toEqual(outcomes[0]);
  });

  it.each<[string, (redis: Shape, told: (...args: unknown[]) => void) => unknown]>([
    ['a reply', (r, told) => r.set('a', 1, told)],
    ['an error', (r, told) => r.lpush('a', '1', told).catch(() => undefined)],
    ['a pipeline', (r, told) => r.pipeline().get('a').exec(told)],
    ['a command of a pipeline', (r, told) => r.pipeline().get('a', told).exec()],
    ['a subscription', (r, told) => r.subscribe('c', told)],
  ])('calls back as ioredis does: %s', async (_what, ask) => {
    const outcomes: unknown[] = [];
    for (const redis of [new Theirs(server().url), new IORedis(server().url)]) {
      await redis.set('a', 1);
      outcomes.push(
        await new Promise((resolve) => {
          void ask(redis as unknown as Shape, (error: unknown, reply: unknown) =>
            resolve([plain(error), plain(reply)]),
          );
        }),
      );
      redis.disconnect();
    }
    expect(outcomes[1]).toEqual(outcomes[0]);
  });
});
