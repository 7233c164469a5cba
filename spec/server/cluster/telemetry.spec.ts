import { tracingChannel } from 'node:diagnostics_channel';
import { get, incr } from 'rxjs-redis/commands';
import { useTracing } from '../../support/telemetry';
import { useCluster, useClusterClients } from '../../support/whole-cluster';

const cluster = useCluster({ replicas: 0 });
const connect = useClusterClients(cluster);
const { spans } = useTracing();

const OPT_IN = 'OTEL_SEMCONV_STABILITY_OPT_IN';
beforeEach(() => (process.env[OPT_IN] = 'database'));
afterEach(() => delete process.env[OPT_IN]);

/** A key of each node, by the port of that. */
function keysByPort(client: { nodeFor(key: string): string | undefined }): Map<number, string> {
  const keys = new Map<number, string>();
  for (let n = 0; keys.size < 3; n++) {
    const port = Number(client.nodeFor(`key:${n}`)!.split(':').at(-1));
    if (!keys.has(port)) keys.set(port, `key:${n}`);
  }
  return keys;
}

describe('What is told of a client of a cluster', () => {
  it('names in its spans the node that has answered', async () => {
    const client = connect({ telemetry: true });
    await client.connect();
    for (const [port, key] of keysByPort(client)) {
      await client.set(key, port);
      await client.multi(get(key), incr(`{${key}}:n`));
      await client.blpop(`{${key}}:list`, 0.01);
      const attributes = spans().slice(-3);
      expect(attributes.map(({ name }) => name)).toEqual(['redis.SET', 'redis.MULTI', 'redis.BLPOP']);
      for (const span of attributes) {
        expect(span.attributes).toMatchObject({ 'server.address': '127.0.0.1', 'server.port': port });
      }
    }
  });

  it('names the node on diagnostics channels', async () => {
    const client = connect();
    await client.connect();
    const told: unknown[] = [];
    const start = (message: unknown): void => void told.push(message);
    const channel = tracingChannel('rxjs-redis:command').start;
    channel.subscribe(start);
    const keys = keysByPort(client);
    for (const key of keys.values()) await client.get(key);
    channel.unsubscribe(start);
    // The channel is the process's: what clients of other specs end with comes there as well.
    const own = [...keys.values()];
    const gets = told.filter((message) => {
      const { command, args } = message as { readonly command: string; readonly args: readonly string[] };
      return command === 'GET' && own.includes(args[0]!);
    });
    expect(gets).toMatchObject([...keys.keys()].map((serverPort) => ({ serverAddress: '127.0.0.1', serverPort })));
  });
});
