import Theirs from 'ioredis';
import { IORedis } from '../../../src/ioredis';
import { useServer } from '../../support/server';

type Shape = Theirs;
/** What `defineCommand` adds. */
interface Mine<R = Promise<unknown>> {
  mine(key: string): R;
}

const plain = (value: unknown): unknown =>
  value instanceof Error
    ? `${value.name}: ${value.message.replace(/ command=.*/, '')}`
    : Array.isArray(value)
      ? value.map(plain)
      : value;

/** Groups that users of ioredis have reported trouble with. Both are to answer alike. */
const PROGRAMS: readonly (readonly [what: string, program: (r: Shape) => unknown])[] = [
  [
    'INFO and CONFIG in a transaction',
    async (r) => (await r.multi().config('GET', 'maxmemory').dbsize().exec())?.length,
  ],
  [
    'a hash read in a transaction',
    async (r) => {
      await r.hset('h', 'a', 1);
      return r.multi().hgetall('h').exec();
    },
  ],
  [
    'a transaction from an array',
    (r) =>
      r
        .multi([
          ['set', 'a', '1'],
          ['get', 'a'],
        ])
        .exec(),
  ],
  [
    'a pipeline from an array',
    (r) =>
      r
        .pipeline([
          ['set', 'a', '1'],
          ['get', 'a'],
          ['incr', 'a'],
        ])
        .exec(),
  ],
  ['a failing command in a transaction', (r) => r.multi().set('a', 'x').incr('a').get('a').exec()],
  [
    'callbacks of a pipeline',
    async (r) => {
      const seen: unknown[] = [];
      const result = await r
        .pipeline()
        .set('a', 'x', (e, v) => seen.push([e, v]))
        .incr('a', (e) => seen.push(plain(e)))
        .exec();
      return [seen, result];
    },
  ],
  [
    'bytes of a transaction',
    async (r) =>
      r
        .multi()
        .set('a', Buffer.from([255]))
        .getBuffer('a')
        .exec(),
  ],
  ['an empty pipeline', (r) => r.pipeline().exec()],
  ['an empty transaction', (r) => r.multi().exec()],
  [
    'a transaction between commands',
    async (r) => {
      const all = [r.set('a', 1), r.multi().incr('a').incr('a').exec(), r.get('a')];
      return Promise.all(all);
    },
  ],
  [
    'a defined command behind SCRIPT FLUSH in a pipeline',
    async (r) => {
      r.defineCommand('mine', { numberOfKeys: 1, lua: "return redis.call('incr', KEYS[1])" });
      const mine = r as unknown as Mine;
      const first = await mine.mine('n');
      await r.script('FLUSH');
      await plainly((r.pipeline() as unknown as Mine<{ exec(): Promise<unknown> }>).mine('n').exec());
      return [first, typeof (await mine.mine('n'))];
    },
  ],
  ['the length of a pipeline', (r) => r.pipeline().set('a', 1).get('a').length],
  [
    'a pipeline that is used again',
    async (r) => {
      const p = r.pipeline().incr('n');
      return [await p.exec(), await plainly(p.exec())];
    },
  ],
];

async function plainly(reply: PromiseLike<unknown>): Promise<unknown> {
  try {
    return plain(await reply);
  } catch (error) {
    return plain(error);
  }
}

describe('A group in the shape of ioredis', () => {
  const server = useServer({ own: true });
  it.each(PROGRAMS)('answers as ioredis does: %s', async (_, program) => {
    const answers: unknown[] = [];
    for (const Client of [Theirs, IORedis as unknown as typeof Theirs]) {
      const redis = new Client({
        host: '127.0.0.1',
        port: Number(new URL(server().url).port),
        maxRetriesPerRequest: 1,
      });
      const copies: Theirs[] = [];
      const duplicate = redis.duplicate.bind(redis);
      redis.duplicate = (...args) => {
        const copy = duplicate(...args);
        copies.push(copy);
        return copy;
      };
      await redis.flushall();
      await redis.script('FLUSH');
      let answer: unknown;
      try {
        answer = plain(await program(redis));
      } catch (error) {
        answer = plain(error);
      }
      answers.push(answer);
      for (const one of [redis, ...copies]) one.disconnect();
    }
    expect(answers[1]).toEqual(answers[0]);
  });
});
