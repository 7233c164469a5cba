import { failure } from '../../support/outcomes';
import { useCluster, useClusterClients } from '../../support/whole-cluster';

const cluster = useCluster();
const connect = useClusterClients(cluster);

/** Longer than a spec may take: this limit shows nothing. */
const NEVER = 3_600_000;

const named = (name: string, count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`${name}:${n}`, '1']));

describe('a scan of a cluster', () => {
  beforeEach(() => connect().each('masters', (node) => node.flushall()));

  // talkiq/yaaredis#10
  it.each([
    ['SCAN', ['-scan']],
    ['CLUSTER NODES', ['-cluster', '+cluster|slots', '+cluster|info']],
  ])('ends with what a node refuses, however long commands may take: %s', async (command, rights) => {
    const client = connect();
    await client.each('masters', (node) =>
      node.aclSetuser('uninvited', ['reset', 'on', '>pw', '~*', '+@all', ...rights]),
    );
    const uninvited = connect({ commandTimeout: NEVER, username: 'uninvited', password: 'pw' });
    const refused = failure(uninvited.scanStream().forEach(() => undefined));
    expect(await refused).toMatchObject({ code: 'REPLY', kind: 'NOPERM', command });
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

  // Grokzen/redis-py-cluster#222: cursors of a master, sent to a replica
  it('asks masters alone, also where replicas are read', async () => {
    const client = connect({ reads: 'replica' });
    await client.each('replicas', (node) => node.configResetstat());
    const fields = Array.from({ length: 2_000 }, (_, n) => `field:${n}`);
    await client.hset('hash', Object.fromEntries(fields.map((field) => [field, '1'])));
    await client.mset(named('key', 500));
    const seen = { fields: [] as string[], keys: [] as string[] };
    for await (const page of client.hscanStream('hash')) seen.fields.push(...page.map(([field]) => field));
    for await (const keys of client.scanStream({ MATCH: 'key:*' })) seen.keys.push(...keys);
    expect([new Set(seen.fields).size, new Set(seen.keys).size]).toStrictEqual([2_000, 500]);
    const stats = await client.each('replicas', (node) => node.call<string>('INFO', 'commandstats'));
    expect(stats).toHaveLength(3);
    for (const text of stats) expect(text).not.toMatch(/cmdstat_h?scan:/);
  });

  // redis/redis#2702, redis/redis-doc#2610: such a pattern names a slot, and servers of today look there alone
  it('finds all keys of a hash tag, and no others', async () => {
    const client = connect();
    await client.mset({ ...named('{one}', 300), ...named('{two}', 300), ...named('one', 300) });
    const seen: string[] = [];
    for await (const keys of client.scanStream({ MATCH: '{one}*' })) seen.push(...keys);
    expect(seen.sort()).toStrictEqual(Object.keys(named('{one}', 300)).sort());
  });
});
