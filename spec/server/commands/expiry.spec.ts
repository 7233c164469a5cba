import { useServer } from '../../support/server';
import { codeOf } from './known-to';
import { RawSession } from './raw-session';

const server = useServer();
let redis: RawSession;

beforeAll(async () => {
  redis = await RawSession.open(server(), { protocol: 2 });
});
afterAll(() => redis.close());
beforeEach(async () => {
  await redis.flushall();
});

describe('expire', () => {
  it('takes XX and GT together: the time of a key that has one is only made later', async () => {
    if ((await codeOf(redis)) === 'r6.0') return;
    await redis.set('k', 'v');
    expect(await redis.expire('k', 100, 'XX', 'GT')).toBe(0);
    expect(await redis.expire('k', 100)).toBe(1);
    expect(await redis.pexpire('k', 50_000, ['XX', 'GT'])).toBe(0);
    expect(await redis.expireat('k', new Date(Date.now() + 500_000), 'GT', 'XX')).toBe(1);
    expect(await redis.pexpireat('k', new Date(Date.now() + 50_000), 'XX', 'LT')).toBe(1);
    expect(await redis.ttl('k')).toBeLessThanOrEqual(50);
  });

  it('takes no condition, and one that is undefined', async () => {
    await redis.set('k', 'v');
    expect(await redis.expire('k', 100, undefined)).toBe(1);
    expect(await redis.expire('k', 100)).toBe(1);
  });
});
