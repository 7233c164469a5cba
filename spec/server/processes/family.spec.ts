import { join } from 'node:path';
import { runChild } from '../../infra/run-child';
import { useServer } from '../../support/server';
import { useClients } from '../../support/clients';

describe('Each has connections of its own, and those of the parent go on when they end or are killed:', () => {
  const server = useServer();
  const make = useClients();

  it.each([
    ['workers of node:cluster', 'cluster'],
    ['forks', 'fork'],
    ['threads', 'thread'],
  ])('%s', async (_, kind) => {
    await make(server().url).del('family');
    const parent = runChild(join(__dirname, 'family.child.ts'), [kind, server().url]);
    expect(JSON.parse(await parent.nextLine())).toStrictEqual({
      total: 1_500,
      connections: 3,
      same: true,
      heard: 'still here',
    });
    expect(await parent.exited).toStrictEqual([0, null]);
  });
});
