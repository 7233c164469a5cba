import { lastValueFrom } from 'rxjs';
import { Redis } from 'rxjs-redis';
import { useServer } from '../../support/server';
import { codeOf, isKnownTo } from './known-to';
import { RawSession } from './raw-session';

const server = useServer();
let redis: RawSession;
let bytes: RawSession<Buffer>;

beforeAll(async () => {
  redis = await RawSession.open(server(), { protocol: 3 });
  bytes = await RawSession.open<Buffer>(server(), { protocol: 3, bytes: true });
});
afterAll(() => {
  redis.close();
  bytes.close();
});
beforeEach(async () => {
  await redis.flushall();
});

const EVERY_BYTE = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

describe('bytes', () => {
  it('of every value travel unchanged as keys, values, fields, members and channels', async () => {
    await bytes.set(EVERY_BYTE, EVERY_BYTE);
    expect(await bytes.get(EVERY_BYTE)).toEqual(EVERY_BYTE);
    expect(await bytes.keys('*')).toEqual([EVERY_BYTE]);
    await bytes.hset('h', [[EVERY_BYTE, EVERY_BYTE]]);
    expect([...(await bytes.hgetall('h'))]).toEqual([[EVERY_BYTE, EVERY_BYTE]]);
    await bytes.zadd('z', [1, EVERY_BYTE]);
    expect(await bytes.zrange('z', 0, -1, { WITHSCORES: true })).toEqual([{ member: EVERY_BYTE, score: 1 }]);
    await bytes.xadd('s', '1-1', [[EVERY_BYTE, EVERY_BYTE]]);
    const [entry] = await bytes.xrange('s', '-', '+');
    expect(entry?.id).toBe('1-1');
    expect([...(entry?.fields ?? [])]).toEqual([[EVERY_BYTE, EVERY_BYTE]]);
  });

  it('of ten megabytes travel unchanged', async () => {
    const large = Buffer.alloc(10 * 1024 * 1024, EVERY_BYTE);
    await bytes.set('large', large);
    expect((await bytes.get('large'))?.equals(large)).toBe(true);
  });

  it('that are no text survive DUMP and RESTORE on the string surface', async () => {
    await redis.set('k', EVERY_BYTE);
    await redis.restore('copy', 0, (await redis.dump('k')) as Buffer);
    expect(await bytes.get('copy')).toEqual(EVERY_BYTE);
  });

  it('are not what a transaction answers when it queues a command that replies with bytes', async () => {
    const client = new Redis(server().url);
    const queued = await lastValueFrom(
      client.dedicated(async (connection) => {
        await connection.call('MULTI');
        const words = [await connection.dump('k'), await connection.get('k')];
        await connection.discard();
        return words;
      }),
    );
    await client.destroy();
    expect(queued).toEqual(['QUEUED', 'QUEUED']);
  });

  it.each([2, 3] as const)(
    'stand in the reply to EXEC where commands reply with bytes, and text elsewhere (RESP%d)',
    async (protocol) => {
      await bytes.set('k', EVERY_BYTE);
      await redis.hset('h', { field: 'Grüße' });
      const client = new Redis({ url: server().url, protocol });
      const replies = await lastValueFrom(
        client.dedicated(async (connection) => {
          await connection.call('MULTI');
          await connection.hgetall('h');
          await connection.dump('k');
          await connection.call('DUMP', 'k');
          await connection.lrange('none', 0, -1);
          await connection.incr('h');
          await connection.incr('n');
          return connection.exec();
        }),
      );
      await client.destroy();
      const [hash, dumped, called, list, refused, n] = replies!;
      expect(protocol === 2 ? hash : Object.entries(hash as object)).toEqual(
        protocol === 2 ? ['field', 'Grüße'] : [['field', 'Grüße']],
      );
      expect([list, n]).toEqual([[], 1]);
      expect(refused).toMatchObject({ kind: 'WRONGTYPE' });
      expect(called).toEqual(dumped);
      await redis.restore('copy', 0, dumped as Buffer);
      expect(await bytes.get('copy')).toEqual(EVERY_BYTE);
    },
  );

  it.each([
    ['Q8', 'int8', [42, -85, 127], { Q8: true }],
    ['BIN', 'bin', [-1, -1, 1], { BIN: true }],
    ['NOQUANT', 'f32', [1.5, -0.3, 2], { NOQUANT: true }],
  ] as const)('of a vector come from VEMB RAW as they are stored: %s', async (_name, quantization, vector, options) => {
    if (!isKnownTo(await codeOf(redis), { seen: 'r8.0 r8.6' })) return;
    await redis.vadd('v', vector, 'e', options);
    const raw = await redis.vemb('v', 'e', { RAW: true });
    expect(raw).toEqual(await bytes.vemb('v', 'e', { RAW: true }));
    expect(raw?.quantization).toBe(quantization);
    const { length } = raw?.bytes ?? Buffer.alloc(0);
    expect(length).toBe({ int8: 3, bin: 8, f32: 12 }[quantization]);
    if (quantization === 'int8') expect(raw?.bytes.toString('hex')).toBe('2aab7f');
  });
});

describe('text', () => {
  it.each(['', 'NUL \0', 'lines\r\n$3\r\nGET\r\n', 'Grüße 你好 🎉', '\ud800', 'x'.repeat(100_000)])(
    '%j is read as it was written',
    async (text) => {
      await redis.set('k', text);
      // A lone half of a pair is no character: it becomes the sign for that, once.
      expect(await redis.get('k')).toBe(text.replace('\ud800', '\ufffd'));
    },
  );
});

describe('numbers', () => {
  it.each([
    [0, '0'],
    [-1, '-1'],
    [1.5, '1.5'],
    [1e21, '1000000000000000000000'],
    [-1e-7, '-0.0000001'],
    [2 ** 53, '9007199254740992'],
    [-0, '0'],
    [9007199254740993n, '9007199254740993'],
    [-(2n ** 63n), '-9223372036854775808'],
  ])('%p travels in decimal digits', async (number, digits) => {
    await redis.set('k', number);
    expect(await redis.get('k')).toBe(digits);
  });

  it('beyond 2^53 come back as bigint, never rounded', async () => {
    await redis.set('k', 2n ** 53n);
    expect(await redis.incr('k')).toBe(9007199254740993n);
    expect(await redis.decrby('k', 2n ** 53n)).toBe(1);
  });
});
