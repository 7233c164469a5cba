import { useServer } from '../../support/server';
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

describe('bitfield', () => {
  it.each([
    ['SAT', 255, 0],
    ['WRAP', 44, 0],
    [undefined, 44, 0],
    ['FAIL', 7, null],
  ] as const)('writes a value that does not fit as overflow says: %s', async (overflow, stored, reply) => {
    await redis.bitfield('b', [{ set: 'u8', offset: 0, value: 7 }]);
    const replies = await redis.bitfield('b', [
      { set: 'u8', offset: 0, value: 300, overflow },
      { get: 'u8', offset: 0 },
    ]);
    expect(replies).toEqual([reply === null ? null : 7, stored]);
  });

  it('asks each write how to overflow, whatever the one before it said', async () => {
    const replies = await redis.bitfield('b', [
      { set: 'u8', offset: 0, value: 300, overflow: 'SAT' },
      { set: 'u8', offset: 8, value: 300 },
      { incrby: 'u8', offset: 8, by: 300, overflow: 'SAT' },
      { get: 'u8', offset: 0 },
      { set: 'u8', offset: 0, value: 300 },
      { get: 'u8', offset: 0 },
    ]);
    expect(replies).toEqual([0, 0, 255, 255, 255, 44]);
  });
});
