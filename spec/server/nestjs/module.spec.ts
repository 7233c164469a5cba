import { Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { filter, firstValueFrom } from 'rxjs';
import { Redis, RedisPool, type RedisError } from 'rxjs-redis';
import { InjectRedis, RedisModule, getRedisToken, type RedisOptionsFactory } from 'rxjs-redis/nestjs';
import { useNest } from '../../support/nest';
import { useProxy, useServer } from '../../support/server';
import { until } from '../../support/until';
import { reaches } from '../../support/clients';

const server = useServer();
const proxy = useProxy(server);
const { compile, closes, logged } = useNest();

@Injectable()
class Visits {
  constructor(@InjectRedis() readonly redis: Redis) {}
}

@Injectable()
class Both {
  constructor(
    @InjectRedis() readonly redis: Redis,
    @InjectRedis('cache') readonly cache: Redis,
  ) {}
}

describe('RedisModule', () => {
  const url = () => server().url;
  const start = async (metadata: Parameters<typeof compile>[0]) => closes(await (await compile(metadata)).init());

  it('injects a client that works, and one of another name', async () => {
    const imports = [
      RedisModule.forRoot({ url: url(), prefix: 'a:' }),
      RedisModule.forRoot({ name: 'cache', url: url(), prefix: 'b:' }),
    ];
    const { redis, cache } = (await start({ imports, providers: [Both] })).get(Both);
    expect(redis).toBeInstanceOf(Redis);
    await redis.set('k', 'of a');
    await cache.set('k', 'of b');
    expect([await redis.get('k'), await cache.get('k')]).toEqual(['of a', 'of b']);
  });

  it('makes a pool', async () => {
    const imports = [RedisModule.forRoot({ pool: { url: url(), min: 0, max: 3 } })];
    const pool = (await start({ imports })).get<RedisPool>(getRedisToken());
    expect(pool).toBeInstanceOf(RedisPool);
    expect(await pool.use((connection) => connection.ping())).toBe('PONG');
  });

  it('takes options from a factory, with what that injects', async () => {
    @Module({ providers: [{ provide: 'URL', useFactory: url }], exports: ['URL'] })
    class Configuration {}
    const useFactory = (given: string) => Promise.resolve({ url: given });
    const imports = [RedisModule.forRootAsync({ imports: [Configuration], inject: ['URL'], useFactory })];
    const { redis } = (await start({ imports, providers: [Visits] })).get(Visits);
    expect(await redis.ping()).toBe('PONG');
  });

  it('takes options from a class, made for it or existing', async () => {
    @Injectable()
    class Options implements RedisOptionsFactory {
      static made = 0;
      constructor() {
        Options.made++;
      }
      createRedisOptions() {
        return { url: url() };
      }
    }
    @Module({ providers: [Options], exports: [Options] })
    class Configuration {}
    const imports = [
      RedisModule.forRootAsync({ useClass: Options }),
      RedisModule.forRootAsync({ name: 'cache', imports: [Configuration], useExisting: Options }),
    ];
    const { redis, cache } = (await start({ imports, providers: [Both] })).get(Both);
    expect([await redis.ping(), await cache.ping()]).toEqual(['PONG', 'PONG']);
    expect(Options.made).toBe(2);
  });

  it('refuses none or several of useFactory, useClass and useExisting', () => {
    const message = /one of useFactory, useClass, useExisting was expected, got /;
    expect(() => RedisModule.forRootAsync({})).toThrow(message);
    expect(() => RedisModule.forRootAsync({ useFactory: () => ({}), useExisting: 'there' })).toThrow(message);
  });

  it('keeps a client that is not global from modules that do not ask for it, and gives it to forFeature', async () => {
    const root = RedisModule.forRoot({ name: 'own', url: url(), isGlobal: false });
    @Injectable()
    class Own {
      constructor(@InjectRedis('own') readonly redis: Redis) {}
    }
    @Module({ providers: [Own], exports: [Own] })
    class Stranger {}
    await expect(compile({ imports: [root, Stranger] })).rejects.toThrow(/rxjs-redis\(own\)/);

    @Module({ imports: [RedisModule.forFeature('own')], providers: [Own], exports: [Own] })
    class Feature {}
    const app = await start({ imports: [RedisModule.forRoot({ name: 'own', url: url(), isGlobal: false }), Feature] });
    expect(await app.get(Own).redis.ping()).toBe('PONG');
  });

  it('has one client behind forRoot and forFeature', async () => {
    @Module({ imports: [RedisModule.forFeature()], providers: [Visits], exports: [Visits] })
    class Feature {}
    const app = await start({ imports: [RedisModule.forRoot({ url: url() }), Feature] });
    expect(app.get(Visits).redis).toBe(app.get(getRedisToken()));
  });

  it('names the client that forFeature does not find', async () => {
    await expect(compile({ imports: [RedisModule.forFeature('gone')] })).rejects.toThrow(
      "RedisModule.forFeature: there is no client 'gone'; RedisModule.forRoot({ name: 'gone', … }) in the root module makes it",
    );
  });

  it('refuses two clients of one name', async () => {
    const twice = () => RedisModule.forRoot({ name: 'same', url: url() });
    await expect(compile({ imports: [twice(), twice()] })).rejects.toThrow(
      "RedisModule: 2 modules make a client 'same'",
    );
    const useFactory = () => ({ url: url() });
    await expect(
      compile({ imports: [RedisModule.forRoot({ url: url() }), RedisModule.forRootAsync({ useFactory })] }),
    ).rejects.toThrow("RedisModule: 2 modules make a client 'default': give one of them a 'name'");
  });

  it('takes one module that is imported twice for one client', async () => {
    const once = RedisModule.forRoot({ url: url() });
    @Module({ imports: [once] })
    class Other {}
    expect(await (await start({ imports: [once, Other] })).get<Redis>(getRedisToken()).ping()).toBe('PONG');
  });

  it.each([
    [{ port: -1 }, /^RedisModule, client 'default': .*'port'/],
    [{ cluster: {} }, /^RedisModule, client 'default': The option 'nodes' is a list of 'host:port'/],
    [
      { cluster: { nodes: ['a:1'] }, port: 1 },
      /^RedisModule, client 'default': the option 'port' belongs into 'cluster'/,
    ],
    [{ sentinels: [] }, /^RedisModule, client 'default': The option 'sentinels' is empty/],
    [{ pool: {}, port: 1 }, /^RedisModule, client 'default': the option 'port' belongs into 'pool'/],
    [{ closeTimeout: 0 }, /^RedisModule, client 'default': the option 'closeTimeout' is a number of milliseconds/],
    [{ connect: 'yes' }, /^RedisModule, client 'default': the option 'connect' is a boolean/],
    [{ url: 'redis://u:s3cret@host:70000' }, /^RedisModule, client 'default': (?!.*s3cret)/],
  ])('names the client and the option of %j', async (options, message) => {
    const wrong = options as Parameters<typeof RedisModule.forRoot>[0];
    await expect(compile({ imports: [RedisModule.forRoot(wrong)] })).rejects.toThrow(message);
    await expect(compile({ imports: [RedisModule.forRootAsync({ useFactory: () => wrong })] })).rejects.toThrow(
      message,
    );
  });

  it('refuses a name that is none', () => {
    expect(() => RedisModule.forRoot({ name: '' })).toThrow(
      "RedisModule: 'name' is a string that is not empty, got ''",
    );
    expect(() => RedisModule.forFeature(7 as unknown as string)).toThrow('got number');
    expect(() => RedisModule.forRoot(undefined as unknown as object)).toThrow('options were expected, got undefined');
  });

  it('opens nothing unless `connect` is on, which has the application not start without a server', async () => {
    const app = await start({ imports: [RedisModule.forRoot({ url: url() })] });
    expect(app.get<Redis>(getRedisToken()).toJSON().state).toBe('idle');
    const connected = await start({ imports: [RedisModule.forRoot({ url: url(), connect: true })] });
    expect(connected.get<Redis>(getRedisToken()).toJSON().state).toBe('ready');

    const wrong = RedisModule.forRoot({ url: url(), password: 'wr0ng', connect: true, clientInfo: false });
    const module = await compile({ imports: [wrong] });
    await expect(module.init()).rejects.toMatchObject({ name: 'AuthenticationError' });
    await module.get<Redis>(getRedisToken()).destroy();
  });

  it('lets pending replies arrive when the application shuts down, and refuses later commands', async () => {
    const app = await start({ imports: [RedisModule.forRoot({ url: url() })], providers: [Visits] });
    const { redis } = app.get(Visits);
    await redis.connect();
    const replies = Array.from({ length: 100 }, () => firstValueFrom(redis.incr('drained')));
    await app.close();
    expect(await Promise.all(replies)).toHaveLength(100);
    await expect(redis.ping()).rejects.toMatchObject({ code: 'DISCONNECTED' });
  });

  it('destroys a client that is not drained within closeTimeout, and says so', async () => {
    const module = RedisModule.forRoot({ url: proxy().url(), closeTimeout: 20 });
    const app = await start({ imports: [module], providers: [Visits] });
    const { redis } = app.get(Visits);
    await redis.connect();
    proxy().stall('toClient', true);
    const failed = redis.incr('never answered').catch((error: RedisError) => error.code);
    await app.close();
    expect(await failed).toBe('DISCONNECTED');
    expect(logged().of('RedisModule(default)')).toContain('warn Not drained within 20 ms: what is pending fails');
  });

  it('shuts a pool down as well', async () => {
    const app = await start({ imports: [RedisModule.forRoot({ pool: { url: url() } })] });
    const pool = app.get<RedisPool>(getRedisToken());
    await pool.connect();
    await app.close();
    await expect(pool.ping()).rejects.toMatchObject({ code: 'DISCONNECTED' });
  });

  it('destroys a pool whose connection is not given back within closeTimeout', async () => {
    const app = await start({ imports: [RedisModule.forRoot({ pool: { url: url() }, closeTimeout: 20 })] });
    const pool = app.get<RedisPool>(getRedisToken());
    const connection = await pool.acquire();
    await app.close();
    await expect(connection.ping()).rejects.toMatchObject({ code: 'DISCONNECTED' });
    expect(logged().of('RedisModule(default)')).toEqual([
      `log Connected to ${pool.toJSON().address}`,
      'warn Not drained within 20 ms: what is pending fails',
    ]);
  });

  it('waits without a limit where closeTimeout is Infinity', async () => {
    const module = RedisModule.forRoot({ url: proxy().url(), closeTimeout: Infinity });
    const app = await start({ imports: [module], providers: [Visits] });
    const { redis } = app.get(Visits);
    await redis.connect();
    proxy().stall('toClient', true);
    const reply = firstValueFrom(redis.incr('late'));
    const closed = app.close();
    await until(() => proxy().held('toClient') > 0);
    proxy().stall('toClient', false);
    expect(await reply).toBe(1);
    await closed;
  });

  it("logs what the connection does through Nest's Logger, once a loss", async () => {
    const app = await start({ imports: [RedisModule.forRoot({ url: proxy().url(), connect: true })] });
    const redis = app.get<Redis>(getRedisToken());
    const lost = reaches(redis, 'reconnecting');
    proxy().cut();
    await lost;
    await redis.ping();
    await app.close();
    const { address } = redis.toJSON();
    expect(logged().of('RedisModule(default)')).toEqual([
      `log Connected to ${address}`,
      expect.stringContaining(`warn Connection to ${address} lost, it is made again: `),
      `log Connected again to ${address}`,
      `log Closed the connection to ${address}`,
    ]);
  });

  it('logs what the connections of a pool do, once a loss, and not what has become of a command', async () => {
    const module = RedisModule.forRoot({ pool: { url: proxy().url(), min: 2 }, connect: true });
    const app = await start({ imports: [module] });
    const pool = app.get<RedisPool>(getRedisToken());
    const failed = firstValueFrom(pool.events$.pipe(filter(({ type }) => type === 'error')));
    pool.call('GET').forget();
    await failed;
    await firstValueFrom(pool.stats$.pipe(filter(({ idle }) => idle === 2)));
    await proxy().refuse(true);
    const attempts = firstValueFrom(pool.events$.pipe(filter(({ type }) => type === 'reconnecting')));
    proxy().cut();
    const reply = firstValueFrom(pool.ping());
    await attempts;
    await proxy().refuse(false);
    await reply;
    await app.close();
    const { address } = pool.toJSON();
    const lines = logged().of('RedisModule(default)');
    expect(lines.filter((line) => !line.startsWith('debug'))).toEqual([
      `log Connected to ${address}`,
      expect.stringContaining(`warn Connection to ${address} lost, it is made again: `),
      `log Connected again to ${address}`,
      `log Closed the connection to ${address}`,
    ]);
  });

  it('logs no loss of a pool that closes a connection itself, after a command whose error nobody waited for', async () => {
    const module = RedisModule.forRoot({ pool: { url: url(), min: 0, idleTimeout: 5 }, connect: true });
    const app = await start({ imports: [module] });
    const pool = app.get<RedisPool>(getRedisToken());
    const failed = firstValueFrom(pool.events$.pipe(filter(({ type }) => type === 'error')));
    const closed = firstValueFrom(pool.events$.pipe(filter(({ type }) => type === 'disconnect')));
    pool.call('GET').forget();
    await failed;
    await closed;
    await app.close();
    const { address } = pool.toJSON();
    await until(() => logged().of('RedisModule(default)').length > 1);
    expect(logged().of('RedisModule(default)')).toEqual([
      `log Connected to ${address}`,
      `log Closed the connection to ${address}`,
    ]);
  });

  it('logs why a pool has no connection where the credentials are wrong, and no secret', async () => {
    const wrong = RedisModule.forRoot({ pool: { url: url(), username: 'ann', password: 's3cret', min: 0 } });
    const pool = (await start({ imports: [wrong] })).get<RedisPool>(getRedisToken());
    await expect(pool.ping()).rejects.toMatchObject({ code: 'AUTHENTICATION' });
    const lines = logged().of('RedisModule(default)');
    expect(lines[0]).toMatch(/^warn No connection to .*WRONGPASS/);
    expect(lines.join()).not.toContain('s3cret');
  });

  it('ends a client that it could not connect in time, so that a process whose start has failed ends', async () => {
    await proxy().refuse(true);
    const root = RedisModule.forRoot({ url: proxy().url(), connect: true, commandTimeout: 50 });
    const module = await compile({ imports: [root] });
    await expect(module.init()).rejects.toMatchObject({ code: 'TIMEOUT' });
    expect(module.get<Redis>(getRedisToken()).toJSON().state).toBe('closed');
    await proxy().refuse(false);
  });

  it('logs why a client is given up, and no secret', async () => {
    const wrong = RedisModule.forRoot({ url: url(), username: 'ann', password: 's3cret' });
    const redis = (await start({ imports: [wrong] })).get<Redis>(getRedisToken());
    await expect(redis.ping()).rejects.toMatchObject({ code: 'AUTHENTICATION' });
    const lines = logged().of('RedisModule(default)');
    expect(lines[0]).toMatch(/^warn No connection to .*WRONGPASS/);
    expect(lines.join()).not.toContain('s3cret');
  });

  it('lets a test put another client in its place', async () => {
    const other = new Redis(url());
    const module = await Test.createTestingModule({
      imports: [RedisModule.forRoot({ host: 'nowhere.invalid' })],
      providers: [Visits],
    })
      .overrideProvider(getRedisToken())
      .useValue(other)
      .compile();
    closes(module);
    expect(await module.get(Visits).redis.ping()).toBe('PONG');
    await other.close();
  });
});
