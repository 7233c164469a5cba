import { firstValueFrom } from 'rxjs';
import { RedisPubSubClient, RedisPubSubServer, RedisStreamsClient, RedisStreamsServer } from 'rxjs-redis/nestjs';
import { useClients } from '../../support/clients';
import { useNest } from '../../support/nest';
import { useProxy, useServer } from '../../support/server';
import { SumsController } from './sums.controller';

const server = useServer({ own: true });
const proxy = useProxy(server);
const makeClient = useClients();
const { compile, closes } = useNest();

describe.each([
  { transport: 'channels', Client: RedisPubSubClient, strategy: () => new RedisPubSubServer({ url: server().url }) },
  {
    transport: 'streams',
    Client: RedisStreamsClient,
    strategy: () => new RedisStreamsServer({ url: server().url, group: 'sums' }),
  },
])('A client of the transport over $transport, while the server has never been there', ({ Client, strategy }) => {
  beforeEach(async () => {
    await makeClient(server().url).flushall();
    await proxy().refuse(true);
  });
  afterEach(() => proxy().refuse(false));

  const client = (options: ConstructorParameters<typeof RedisPubSubClient>[0] = {}) =>
    closes(new Client({ url: proxy().url(), drainTimeout: 20, ...options }));

  it('errors a request after its timeout, and says why no server was reached', async () => {
    const asked = firstValueFrom(client({ timeout: 1_000 }).send('x', 1));
    await expect(asked).rejects.toThrow(/^The server was not reached within 1000 ms: .*(ECONNRE|closed)/);
  });

  it('errors an event after commandTimeout', async () => {
    const emitted = firstValueFrom(client({ commandTimeout: 100 }).emit('x', 1), { defaultValue: undefined });
    await expect(emitted).rejects.toMatchObject({ name: 'TimeoutError', message: expect.stringContaining('100 ms') });
  });

  it('rejects connect() after the timeout of requests', async () => {
    await expect(client({ timeout: 1_000 }).connect()).rejects.toThrow(/^The server was not reached within 1000 ms: /);
  });

  it('errors what waits when it is closed', async () => {
    const waiting = client();
    const asked = expect(firstValueFrom(waiting.send('x', 1))).rejects.toThrow('The client was closed');
    await waiting.close();
    await asked;
  });

  it('works once the server is there', async () => {
    const module = await compile({ controllers: [SumsController] });
    const app = closes(module.createNestMicroservice({ strategy: strategy() }));
    await app.listen();
    const waiting = client();
    await expect(firstValueFrom(client({ timeout: 100 }).send('x', 1))).rejects.toThrow('not reached');
    const asked = firstValueFrom(waiting.send<number>({ cmd: 'sum' }, [1, 2]));
    await proxy().refuse(false);
    expect(await asked).toBe(3);
    waiting.emit('notification', 'late');
    expect(await firstValueFrom(waiting.send<number>({ cmd: 'sum' }, [3, 4]))).toBe(7);
  });
});
