import { filter } from 'rxjs';
import { set } from 'rxjs-redis/commands';
import { hashSlot } from '../../../src/resp/hash-slot';
import { eventually, record } from '../../support/clients';
import { until } from '../../support/until';
import { useCluster, useClusterClients } from '../../support/whole-cluster';

const cluster = useCluster({ fullCoverage: false, nodeTimeout: 1_000 }, { each: true });
const connect = useClusterClients(cluster);
const ofTag = () => cluster().ownerOf(hashSlot('{s}'));

describe('what reads or writes on and on at a master of a cluster', () => {
  it.each(['SIGKILL', 'SIGSTOP'] as const)(
    'goes on at its replica when it gets %s: a queue, a tail, a consumer',
    async (signal) => {
      const client = connect();
      const jobs: string[] = [];
      const handled: string[] = [];
      const queue = client.queue('{s}mails');
      const working = record(queue.work((job) => void jobs.push(job.payload)));
      const tailed = record(client.tail('{s}log', { from: '0' }).pipe(filter((item) => item.type === 'entry')));
      const options = { group: 'g', from: '0' } as const;
      const consumed = record(client.consume('{s}log', options, ({ fields }) => void handled.push(fields['n']!)));
      await queue.push('before');
      await client.xadd('{s}log', '*', { n: 'before' });
      await until(() => jobs.length === 1 && handled.length === 1 && tailed.values.length === 1);
      await client.each('masters', (node) => node.wait(1, 5_000));
      await (await ofTag()).kill(signal);
      // What is lost with the node may not be sent twice.
      const added = await eventually(
        () => client.xadd('{s}log', '*', { n: 'after' }).then(String, () => ''),
        (id) => id !== '',
      );
      await eventually(
        () => queue.push('after').then(Boolean, () => false),
        (isPushed) => isPushed,
      );
      await until(() => jobs.includes('after') && handled.includes('after'));
      await until(() => tailed.values.some(({ id }) => id === added));
      expect([working.ended, tailed.ended, consumed.ended]).toStrictEqual([undefined, undefined, undefined]);
      for (const stream of [working, tailed, consumed]) stream.stop();
    },
  );

  it('goes on at its replica when it is killed: a load, of which nothing is missing', async () => {
    const client = connect();
    await client.set('{s}', '1');
    await client.each('masters', (node) => node.wait(1, 5_000));
    const master = await ofTag();
    async function* rows() {
      for (let n = 0; n < 3_000; n++) {
        if (n === 1_000) await master.kill('SIGKILL');
        yield n;
      }
    }
    const toCommands = (n: number) => set(n % 2 === 0 ? `{s}${n}` : `loaded:${n}`, n);
    expect(await client.load(rows(), toCommands, { batch: 100 })).toMatchObject({ done: 3_000, failures: [] });
    const behind = Array.from({ length: 1_000 }, (_, n) => 2_000 + n);
    const keys = behind.map((n) => (n % 2 === 0 ? `{s}${n}` : `loaded:${n}`));
    expect(await client.mget(keys)).toStrictEqual(behind.map(String));
  });
});
