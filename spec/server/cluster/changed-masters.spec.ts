import { DisconnectedError, RedisCluster, TimeoutError } from 'rxjs-redis';
import { eventually } from '../../support/clients';
import { until } from '../../support/until';
import { failOver, useCluster, useClusterClients } from '../../support/whole-cluster';

const cluster = useCluster({ fullCoverage: false, nodeTimeout: 1_000 }, { each: true });
const connect = useClusterClients(cluster);

describe('where a master is another than the client knows', () => {
  it('what goes to all masters goes to that, before later calls to its keys', async () => {
    const client = connect();
    await client.connect();
    const keys = Array.from({ length: 30 }, (_, n) => `key:${n}`);
    await client.mset(Object.fromEntries(keys.map((key) => [key, 'before'])));
    const { next } = await failOver(cluster(), 0);
    const flushed = client.flushall().then(String);
    const written = Promise.all(keys.map((key) => client.set(key, 'after')));
    expect(await flushed).toBe('OK');
    await written;
    expect(new Set(await client.mget(...keys))).toEqual(new Set(['after']));
    expect(client.nodes.find(({ address }) => address.endsWith(`:${next.port}`))!.role).toBe('master');
  });

  it('connect() of a client that begins meanwhile waits for the new master', async () => {
    const master = await cluster().ownerOf(0);
    const others = cluster().nodes.filter((node) => node !== master);
    await master.kill('SIGKILL');
    const client = connect({ nodes: others.map(({ host, port }) => ({ host, port })) });
    expect(await client.connect()).toBeUndefined();
    expect(client.nodes.filter(({ slots }) => slots > 0).map(({ state }) => state)).toEqual(
      Array.from({ length: 3 }, () => 'ready'),
    );
  });

  it('the view of a node works again when that is back', async () => {
    const client = connect();
    await client.connect();
    const master = await cluster().ownerOf(0);
    const address = `${master.host}:${master.port}`;
    const view = client.on(address);
    expect(await view.ping()).toBe('PONG');
    await master.kill('SIGKILL');
    await client.set('key', '1');
    await until(() => client.inspect().links.every((link) => link.address !== address));
    await master.restart();
    expect(await view.ping()).toBe('PONG');
    expect(await view.blpop('none', 0.01).then(String, String)).toMatch(/MOVED|null/);
    await client.destroy();
    await expect(view.ping()).rejects.toBeInstanceOf(DisconnectedError);
  });

  it('a replica that is gone has what goes to all nodes fail, and not wait for it', async () => {
    const client = connect({ commandTimeout: Infinity });
    await client.connect();
    const [replica] = await cluster().replicasOf(await cluster().ownerOf(0));
    await replica!.kill('SIGKILL');
    const error: unknown = await client.configSet('maxmemory-samples', '6').then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(String(error)).toMatch(/^ConnectionError: 1 of 6 parts of CONFIG SET have failed: .*out of reach/);
    expect(error).toMatchObject({ delivery: 'unknown' });
    // The next view leaves it out.
    await eventually(
      () => client.configSet('maxmemory-samples', '7').then(String, String),
      (outcome) => outcome === 'OK',
    );
  });
});

describe('each(…)', () => {
  it('fails where no node can be reached, and where the client is closed', async () => {
    const client = new RedisCluster({ nodes: ['127.0.0.1:1'], commandTimeout: 300 });
    client.events$.subscribe();
    await expect(client.each('masters', (node) => node.ping())).rejects.toBeInstanceOf(TimeoutError);
    await client.destroy();
    await expect(client.each('masters', (node) => node.ping())).rejects.toBeInstanceOf(DisconnectedError);
  });
});
