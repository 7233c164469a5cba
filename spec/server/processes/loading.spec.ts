import { join } from 'node:path';
import { useClients } from '../../support/clients';
import { useServer } from '../../support/server';
import { runChild } from '../../infra/run-child';

describe('Values that are read through the server under locks', () => {
  const server = useServer();
  const make = useClients();

  it('are loaded once by three processes that want them at the same time', async () => {
    const redis = make(server().url);
    await redis.flushall();
    const children = [1, 2, 3].map(() => runChild(join(__dirname, 'loading.child.ts'), [server().url]));
    const lines = () => Promise.all(children.map((child) => child.nextLine()));
    expect(await lines()).toStrictEqual(['ready', 'ready', 'ready']);
    await redis.rpush('go', ['1', '2', '3']);
    const once = JSON.stringify(Array.from({ length: 20 }, () => 1));
    expect(await lines()).toStrictEqual([once, once, once]);
    expect(await Promise.all(children.map(({ exited }) => exited))).toStrictEqual([
      [0, null],
      [0, null],
      [0, null],
    ]);
    // The values come before the locks are given up.
    expect(await redis.keys('*:lock')).toStrictEqual([]);
  });
});
