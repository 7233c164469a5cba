import { append, get, lrange, mset, rpush, sadd, set, type Command } from 'rxjs-redis/commands';
import type { RedisOptions } from 'rxjs-redis';
import { useClients } from '../../support/clients';
import { outcome } from '../../support/outcomes';
import { useServer } from '../../support/server';

const ODD: readonly (readonly [what: string, options: RedisOptions])[] = [
  ['none', {}],
  ['autoPipeline off', { autoPipeline: false }],
  ['pipelineDepth 1', { pipelineDepth: 1 }],
  ['pipelineDepth 3', { pipelineDepth: 3 }],
  ['verify 1', { verify: 1 }],
  ['verify 2, depth 2', { verify: 2, pipelineDepth: 2 }],
  ['small buffers', { readBufferSize: 1_024, writeBufferSize: 1_024 }],
  ['RESP2 and small buffers', { protocol: 2, readBufferSize: 1_024, writeBufferSize: 1_024, verify: 3 }],
];

describe.each(ODD)('What is sent in one tick, with options: %s,', (_, options) => {
  const server = useServer({ own: true });
  const make = useClients();
  const LUA = "redis.call('rpush', KEYS[1], ARGV[1]) return ARGV[1]";

  it.each([1, 2, 3])('runs in the order in which it was sent, by whatever way (round %i)', async (round) => {
    let seed = round * 7_919;
    const random = (n: number) => ((seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648), seed % n);
    const admin = make(server().url);
    await admin.pipeline().flushall().scriptFlush().exec();
    const redis = make({ url: server().url, commandTimeout: 20_000, ...options });
    const scripts = Array.from({ length: 4 }, (_, n) => redis.script(`${LUA} -- ${n}`, { keys: 1, reply: 'string' }));
    const prefixed = redis.withOptions({ commandTimeout: 19_000 });
    const expected: string[] = [];
    const ended: Promise<unknown>[] = [];
    const next = () => {
      const value = `v${expected.length}`;
      expected.push(value);
      return value;
    };
    const push = (): Command => (random(3) === 0 ? scripts[random(4)]!.command(['l'], [next()]) : rpush('l', next()));
    const check = (reply: PromiseLike<unknown>, verify: (value: unknown) => void) =>
      ended.push(Promise.resolve(reply.then(verify)));
    for (let n = 0; n < 600; n++) {
      const length = expected.length;
      switch (random(9)) {
        case 0:
          check(redis.rpush('l', next()), (value) => expect(value).toBe(length + 1));
          break;
        case 1:
          redis.rpush('l', next()).forget();
          break;
        case 2: {
          const members = Array.from({ length: random(5) + 1 }, push);
          check(redis.pipeline([...members, lrange('l', 0, -1)]), (values) =>
            expect((values as string[][]).at(-1)).toStrictEqual(expected.slice(0, length + members.length)),
          );
          break;
        }
        case 3: {
          const members = Array.from({ length: random(5) + 1 }, push);
          check(redis.multi([...members, lrange('l', 0, -1)]), (values) =>
            expect((values as string[][]).at(-1)).toStrictEqual(expected.slice(0, length + members.length)),
          );
          break;
        }
        case 4: {
          const value = next();
          check(scripts[random(4)]!(['l'], [value]), (got) => expect(got).toBe(value));
          break;
        }
        case 5:
          check(redis.bytes.rpush('l', next()), (value) => expect(value).toBe(length + 1));
          break;
        case 6:
          check(prefixed.rpush('l', next()), (value) => expect(value).toBe(length + 1));
          break;
        case 7:
          redis.rpush('l', next()).subscribe({ error: () => undefined });
          break;
        default:
          check(redis.multi().rpush('l', next()).lrange('l', 0, -1).exec(), (values) =>
            expect((values as unknown[])[1]).toStrictEqual(expected.slice(0, length + 1)),
          );
      }
      if (random(40) === 0) await Promise.race([ended.at(-1), Promise.resolve()]);
      if (random(60) === 0) await redis.ping();
    }
    await Promise.all(ended);
    expect(await admin.lrange('l', 0, -1)).toStrictEqual(expected);
  });
});

describe('A group of great size', () => {
  const server = useServer({ own: true });
  const make = useClients();

  it('of 200 000 commands is answered whole: a transaction and a pipeline', async () => {
    const redis = make({ url: server().url });
    const members = Array.from({ length: 200_000 }, () => append('k', 'x'));
    const values = await redis.multi(members);
    expect([values.length, values[0], values.at(-1)]).toStrictEqual([200_000, 1, 200_000]);
    const piped = await redis.pipeline(...(members.slice(0, 100_000) as [Command<number>]));
    expect([(piped as unknown[]).length, (piped as unknown[]).at(-1)]).toStrictEqual([100_000, 300_000]);
    let chain = redis.pipeline() as unknown as {
      append(key: string, value: string): typeof chain;
      exec(): PromiseLike<unknown[]>;
    };
    for (let n = 0; n < 100_000; n++) chain = chain.append('k', 'x');
    expect((await chain.exec()).at(-1)).toBe(400_000);
  });

  it('with commands of 300 000 arguments is answered: a list, an object and a Map', async () => {
    const redis = make({ url: server().url });
    const names = Array.from({ length: 300_000 }, (_, n) => `f${n}`);
    const pairs = Object.fromEntries(names.map((name) => [name, '1']));
    expect(await redis.sadd('s', names)).toBe(300_000);
    expect(await redis.mset(pairs)).toBe('OK');
    expect(await redis.hset('h', pairs)).toBe(300_000);
    expect((await redis.mget(names)).length).toBe(300_000);
    expect(await redis.multi(mset(pairs), sadd('s2', names), get('f1'))).toStrictEqual(['OK', 300_000, '1']);
    expect(await redis.del(names)).toBe(300_000);
  });

  it('of more text than one string can hold is sent: 600 MB', async () => {
    const redis = make({ url: server().url, commandTimeout: 120_000 });
    const value = 'x'.repeat(10_000_000);
    const values = await redis.pipeline(Array.from({ length: 60 }, () => set('large', value)));
    expect(values).toStrictEqual(values.map(() => 'OK'));
    const beside = await Promise.all(Array.from({ length: 60 }, () => outcome(redis.set('large', value))));
    expect(beside).toStrictEqual(beside.map(() => ({ value: 'OK' })));
    expect(await redis.strlen('large')).toBe(10_000_000);
  });
});
