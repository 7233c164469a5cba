import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useClients } from '../support/clients';
import { useServer } from '../support/server';
import { loadCsv } from './programs/csv-load';

describe('The example of a load from CSV', () => {
  const server = useServer({ own: true });
  const make = useClients();
  const folder = mkdtempSync(join(tmpdir(), 'csv-load-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('makes a hash of each row, and names those that are wrong', async () => {
    const redis = make(server().url);
    await redis.flushall();
    const file = join(folder, 'users.csv');
    const rows = Array.from({ length: 5_000 }, (_, n) => (n === 17 ? `${n},only two` : `${n},user ${n},${n % 90}`));
    writeFileSync(file, ['id,name,age', ...rows].join('\r\n'));
    const { done, failed, failures } = await loadCsv(redis, file, 'user:');
    expect([done, failed]).toStrictEqual([5_000, 1]);
    expect(failures.map(({ item, error }) => [item, (error as Error).message])).toStrictEqual([
      ['17,only two', '3 values were expected, got 2'],
    ]);
    expect(await redis.dbsize()).toBe(4_999);
    expect(await redis.hgetall('user:4999')).toEqual({ id: '4999', name: 'user 4999', age: '49' });
  });
});
