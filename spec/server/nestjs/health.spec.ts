import { HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { filter, firstValueFrom } from 'rxjs';
import type { Redis } from 'rxjs-redis';
import { RedisHealthIndicator, RedisModule, getRedisToken } from 'rxjs-redis/nestjs';
import { useClients } from '../../support/clients';
import { useNest } from '../../support/nest';
import { useProxy, useServer } from '../../support/server';
import { until } from '../../support/until';

const server = useServer();
const proxy = useProxy(server);
const makeClient = useClients();
const { compile, closes } = useNest();

describe('RedisHealthIndicator', () => {
  const start = async (options: Parameters<typeof RedisModule.forRoot>[0]) =>
    closes(
      await (
        await compile({ imports: [RedisModule.forRoot(options), TerminusModule.forRoot({ logger: false })] })
      ).init(),
    );
  const indicatorOf = async (options: Parameters<typeof RedisModule.forRoot>[0]) =>
    (await start(options)).get(RedisHealthIndicator);

  it('is what terminus takes for up, where the server answers', async () => {
    const app = await start({ url: server().url });
    const check = () => app.get(RedisHealthIndicator).pingCheck('redis');
    const health = await app.get(HealthCheckService).check([check]);
    expect(health).toMatchObject({ status: 'ok', info: { redis: { status: 'up' } } });
  });

  it('is what terminus takes for down, and says what is wrong, where there is no server', async () => {
    await proxy().refuse(true);
    const app = await start({ url: proxy().url() });
    const refused = firstValueFrom(
      app.get<Redis>(getRedisToken()).events$.pipe(filter(({ type }) => type === 'reconnecting')),
    );
    const check = () => app.get(RedisHealthIndicator).pingCheck('redis', { timeout: 100 });
    await app.get(RedisHealthIndicator).pingCheck('redis', { timeout: 1 });
    await refused;
    await expect(app.get(HealthCheckService).check([check])).rejects.toMatchObject({
      response: {
        status: 'error',
        error: {
          redis: {
            status: 'down',
            message: expect.stringMatching(
              /^No answer within 100 ms, the connection is (re)?connecting: .*ECONNREFUSED/,
            ),
          },
        },
      },
    });
  });

  it('is down where the server is silent', async () => {
    const app = await start({ url: proxy().url() });
    await app.get<Redis>(getRedisToken()).connect();
    proxy().stall('toClient', true);
    const health = await app.get(RedisHealthIndicator).pingCheck('redis', { timeout: 20 });
    expect(health).toEqual({ redis: { status: 'down', message: 'No answer within 20 ms' } });
  });

  it('says what the server says against it', async () => {
    const indicator = await indicatorOf({ url: server().url, username: 'ann', password: 's3cret' });
    const { redis } = await indicator.pingCheck('redis', { timeout: 100_000 });
    expect(redis).toMatchObject({ status: 'down', message: expect.stringContaining('WRONGPASS') });
    expect(JSON.stringify(redis)).not.toContain('s3cret');
  });

  it('waits no longer than its AbortSignal says, before and while it waits', async () => {
    const indicator = await indicatorOf({ url: proxy().url() });
    const aborted = AbortSignal.abort(new Error('enough'));
    await expect(indicator.ping({ signal: aborted })).rejects.toMatchObject({
      message: 'Aborted before there was an answer, the connection is idle',
      cause: new Error('enough'),
    });
    proxy().stall('toClient', true);
    const controller = new AbortController();
    const asked = indicator.pingCheck('redis', { signal: controller.signal, timeout: 100_000 });
    await until(() => proxy().held('toClient') > 0);
    controller.abort();
    expect(await asked).toEqual({
      redis: { status: 'down', message: 'Aborted before there was an answer, the connection is connecting' },
    });
  });

  it('resolves ping, as attempt of terminus wants it, or rejects', async () => {
    const indicator = await indicatorOf({ url: server().url });
    expect(await indicator.ping({ signal: new AbortController().signal })).toBeUndefined();
    const closed = makeClient(server().url);
    await closed.close();
    await expect(indicator.ping({ client: closed })).rejects.toMatchObject({ code: 'DISCONNECTED' });
  });

  it('asks a pool, a named client, and one that the module has not made', async () => {
    const indicator = await indicatorOf({ name: 'pool', pool: { url: server().url, min: 0 } });
    expect(await indicator.pingCheck('pool', { name: 'pool' })).toEqual({ pool: { status: 'up' } });
    expect(await indicator.pingCheck('other', { client: makeClient(server().url) })).toEqual({
      other: { status: 'up' },
    });
    await expect(indicator.pingCheck('none')).rejects.toThrow("RedisHealthIndicator: there is no client 'default'");
    await expect(indicator.pingCheck('pool', { name: 'pool', timeout: 0 })).rejects.toThrow(
      "RedisHealthIndicator: the option 'timeout' is a number of milliseconds from 1",
    );
  });
});
