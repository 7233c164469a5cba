import { failure } from '../../support/outcomes';
import { useCluster, useClusterClients } from '../../support/whole-cluster';

const cluster = useCluster();
const connect = useClusterClients(cluster);

/** Longer than a spec may take: this limit shows nothing. */
const NEVER = 3_600_000;

const named = (name: string, count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`${name}:${n}`, '1']));

describe('a scan of a cluster', () => {
  // talkiq/yaaredis#10
  it('ends with what a node refuses, however long commands may take', async () => {
    const client = connect();
    const rights = ['reset', 'on', '>pw', '~*', '+@all', '-scan'];
    await client.each('masters', (node) => node.aclSetuser('uninvited', rights));
    const uninvited = connect({ commandTimeout: NEVER, username: 'uninvited', password: 'pw' });
    const refused = failure(uninvited.scanStream().forEach(() => undefined));
    expect(await refused).toMatchObject({ code: 'REPLY', kind: 'NOPERM', command: 'SCAN' });
  });

  // redis/redis#4157, django-commons/django-valkey#90
  it('finds keys of many slots, which one UNLINK deletes, and leaves all others', async () => {
    const client = connect();
    await client.mset(named('old', 5_000));
    await client.mset(named('new', 500));
    let deleted = 0;
    await client
      .scanStream({ MATCH: 'old:*', project: (keys) => client.unlink(keys), concurrency: 2 })
      .forEach((count) => void (deleted += count));
    expect(deleted).toBe(5_000);
    const left = await client.each('masters', (node) => node.dbsize());
    expect(left.reduce((sum, size) => sum + size, 0)).toBe(500);
    await client.each('masters', (node) => node.flushall());
  });

  it('looks at more keys with each page of a node, and begins with few at the next, where COUNT is not given', async () => {
    const client = connect();
    const masters = await Promise.all(
      [0, 6_000, 16_000].map(async (slot) => cluster().admin(await cluster().ownerOf(slot))),
    );
    await client.mset(named('key', 600));
    for (const master of masters) {
      await master.configSet('slowlog-log-slower-than', '0');
      await master.slowlogReset();
    }
    const seen: string[] = [];
    for await (const keys of client.scanStream()) seen.push(...keys);
    expect(seen).toHaveLength(600);
    for (const master of masters) {
      const scans = (await master.slowlogGet(1_000)).map((slow) => slow.arguments).filter(([name]) => name === 'SCAN');
      const counts = scans.reverse().map((words) => words[words.indexOf('COUNT') + 1]);
      expect(counts.slice(0, 4)).toStrictEqual(['SCAN', '20', '40', '80']);
      await master.configSet('slowlog-log-slower-than', '10000');
    }
  });
});
