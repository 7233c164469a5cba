import { Controller, type INestMicroservice, type Type } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { firstValueFrom, lastValueFrom } from 'rxjs';
import { RedisStreamsClient, RedisStreamsServer, type RedisStreamsServerOptions } from 'rxjs-redis/nestjs';
import { eventually, useClients } from '../../support/clients';
import { useNest } from '../../support/nest';
import { useProxy, useServer } from '../../support/server';
import { until } from '../../support/until';
import { itDoesWhatNestAsks } from './nests-own-tests';
import { SumsController } from './sums.controller';

const server = useServer({ own: true });
const proxy = useProxy(server);
const makeClient = useClients();
const { compile, closes, logged } = useNest();

describe('The transport over streams', () => {
  beforeEach(() => makeClient(server().url).flushall());

  const serve = async (options: Partial<RedisStreamsServerOptions> = {}, controller: Type = SumsController) => {
    const module = await compile({ controllers: [controller] });
    const strategy = new RedisStreamsServer({ url: server().url, group: 'g', ...options });
    const app = closes<INestMicroservice>(module.createNestMicroservice({ strategy }));
    await app.listen();
    return { app, strategy };
  };
  const client = (options: ConstructorParameters<typeof RedisStreamsClient>[0] = {}) =>
    closes(new RedisStreamsClient({ url: server().url, ...options }));
  const sums = ({ app }: { app: INestMicroservice }) => app.get(SumsController);
  const emitted = (sender: RedisStreamsClient, pattern: string, data: unknown) =>
    lastValueFrom(sender.emit(pattern, data), { defaultValue: undefined });

  describe("passes Nest's tests of its own", () => {
    itDoesWhatNestAsks(() => serve({ concurrency: 16 }), client);
  });

  it('handles what was sent while no instance was there', async () => {
    const sender = client();
    await emitted(sender, 'notification', 'early');
    const early = firstValueFrom(sender.send({ cmd: 'sum' }, [1, 2]));
    const one = await serve();
    expect(await early).toBe(3);
    await until(() => sums(one).notified.length === 1);
  });

  it('shares events among the instances of a group, each once, and gives all to another group', async () => {
    const instances = [await serve(), await serve()];
    const other = await serve({ group: 'other' });
    const sender = client();
    await Promise.all(Array.from({ length: 50 }, (_, n) => emitted(sender, 'notification', n)));
    const notified = () => instances.flatMap((instance) => sums(instance).notified);
    await until(() => notified().length >= 50 && sums(other).notified.length >= 50);
    expect(new Set(notified()).size).toBe(50);
    const redis = makeClient(server().url);
    await eventually(
      () => redis.xpending('nest:notification', 'g'),
      ({ count }) => count === 0,
    );
    expect(notified()).toHaveLength(50);
  });

  it('acknowledges an event after its handler, tries what fails again, and buries what fails too often', async () => {
    const seen: string[] = [];
    @Controller()
    class Failing {
      @EventPattern('orders')
      order(@Payload() order: string) {
        seen.push(order);
        if (order === 'bad') throw new Error('no such article');
      }
    }
    await serve({ claimIdle: 100, maxDeliveries: 2, deadLetter: 'dead' }, Failing);
    const sender = client();
    await emitted(sender, 'orders', 'bad');
    await emitted(sender, 'orders', 'good');
    const redis = makeClient(server().url);
    await eventually(
      () => redis.xlen('dead'),
      (length) => length === 1,
    );
    expect(seen.filter((order) => order === 'bad')).toHaveLength(2);
    expect(seen.filter((order) => order === 'good')).toHaveLength(1);
    expect(logged().lines.join('\n')).toMatch(/Entry \S+ of nest:orders failed, delivered 1 times: /);
    const buried = (await redis.xrange('dead', '-', '+'))[0]!.fields;
    expect(JSON.parse(buried['packet']!)).toMatchObject({ pattern: 'orders', data: 'bad' });
    expect(buried).toMatchObject({
      'dead-letter:stream': 'nest:orders',
      'dead-letter:group': 'g',
      'dead-letter:deliveries': '2',
      'dead-letter:error': 'Internal server error',
    });
  });

  it('gives a request to whichever instance has room, and each as many at once as concurrency says', async () => {
    const instances = [await serve({ concurrency: 2 }), await serve({ concurrency: 2 })];
    const asked = Array.from({ length: 5 }, (_, n) => firstValueFrom(client().send('held', n)));
    const held = () => instances.map((instance) => sums(instance).held);
    await until(() => held().every((count) => count === 2));
    for (const instance of instances) sums(instance).release$.next();
    await until(() => held()[0]! + held()[1]! === 5);
    for (const instance of instances) sums(instance).release$.next();
    expect(new Set(await Promise.all(asked))).toEqual(new Set(['released']));
  });

  it('handles what has the same key one after another', async () => {
    const one = await serve({ concurrency: 16, keyOf: ({ fields: { packet } }) => /"data":"(.)/.exec(packet!)?.[1] });
    const asked = ['a1', 'a2', 'b1'].map((data) => firstValueFrom(client().send('held', data)));
    await until(() => sums(one).held === 2);
    sums(one).release$.next();
    await until(() => sums(one).held === 3);
    sums(one).release$.next();
    expect(await Promise.all(asked)).toEqual(['released', 'released', 'released']);
  });

  it('tells the state of a server and of a client over a lost connection', async () => {
    const { strategy } = await serve({ url: proxy().url() });
    const sender = client({ url: proxy().url() });
    await sender.connect();
    const states: string[][] = [[], []];
    [strategy, sender].forEach(({ status$ }, index) => status$.subscribe((status) => states[index]!.push(status)));
    proxy().cut();
    await until(() => states.every((seen) => seen.length === 3));
    expect(states).toEqual([
      ['connected', 'reconnecting', 'connected'],
      ['connected', 'reconnecting', 'connected'],
    ]);
    expect(await firstValueFrom(sender.send({ cmd: 'sum' }, [1, 2]))).toBe(3);
  });

  it('keeps the streams of one prefix apart from those of another', async () => {
    const one = await serve({ streamPrefix: 'shop:' });
    await emitted(client(), 'notification', 'elsewhere');
    await emitted(client({ streamPrefix: 'shop:' }), 'notification', 'here');
    await until(() => sums(one).notified.length === 1);
    expect(sums(one).notified).toEqual(['here']);
    expect(await makeClient(server().url).exists('shop:notification', 'nest:notification')).toBe(2);
  });

  it('takes over what an instance that died has begun, and answers the request', async () => {
    const dying = await serve({ claimIdle: 50, drainTimeout: 1 });
    const answer = firstValueFrom(client().send('held', 1));
    await until(() => sums(dying).held === 1);
    await dying.strategy.unwrap().destroy();
    const heir = await serve({ claimIdle: 50 });
    await until(() => sums(heir).held === 1);
    sums(heir).release$.next();
    expect(await answer).toBe('released');
    sums(dying).release$.next();
  });

  it('errors as the handler does, and handles the request once', async () => {
    await serve({ claimIdle: 20 });
    await expect(firstValueFrom(client().send('fails', 1))).rejects.toEqual({ status: 418, message: 'a teapot' });
    const redis = makeClient(server().url);
    await eventually(
      () => redis.xpending('nest:fails', 'g'),
      ({ count }) => count === 0,
    );
  });

  it('errors a request that gets no answer in time, or whose connection is lost', async () => {
    const hasty = client({ timeout: 1_000 });
    await hasty.connect();
    await expect(firstValueFrom(hasty.send('nobody', 1))).rejects.toThrow('No answer within 1000 ms');
    const one = await serve();
    const sender = client({ url: proxy().url() });
    const failed = expect(firstValueFrom(sender.send('held', 1))).rejects.toThrow('may have been missed');
    // The handler may be told before the client knows that the server has the request.
    await until(() => sums(one).held === 1 && sender.unwrap().inspect().inFlight === 0);
    proxy().cut();
    await failed;
    sums(one).release$.next();
  });

  it('keeps its streams about as long as maxLength says', async () => {
    const sender = client({ maxLength: 100 });
    await Promise.all(Array.from({ length: 1_000 }, (_, n) => emitted(sender, 'notification', n)));
    expect(await makeClient(server().url).xlen('nest:notification')).toBeLessThan(300);
  });

  it('tells its state and progress, and lets handlers finish when it is closed', async () => {
    const one = await serve();
    const states: string[] = [];
    const handled: number[] = [];
    one.strategy.status$.subscribe((status) => states.push(status));
    one.strategy.on('progress', (progress) => handled.push(progress.handled));
    const answer = firstValueFrom(client().send('held', 1));
    await until(() => sums(one).held === 1);
    const controller = sums(one);
    const closed = one.app.close();
    controller.release$.next();
    expect(await answer).toBe('released');
    await closed;
    expect([states[0], states.at(-1)]).toEqual(['connected', 'disconnected']);
    expect(await makeClient(server().url).xpending('nest:held', 'g')).toMatchObject({ count: 0 });
  });

  it('gives what it handles as much time as it takes to close, without an option as well', () => {
    const redis = makeClient(server().url);
    const consume = jest.spyOn(redis, 'consume');
    for (const own of [{}, { drainTimeout: 20 }]) new RedisStreamsServer({ redis, group: 'g', ...own });
    expect(consume.mock.calls.map(([, { drainTimeout }]) => drainTimeout)).toStrictEqual([10_000, 20]);
  });

  it('passes the options of consume on as they are', () => {
    const redis = makeClient(server().url);
    const consume = jest.spyOn(redis, 'consume');
    const own = {
      consumer: 'c',
      concurrency: 3,
      keyOf: () => 1,
      from: '$',
      claimIdle: 7,
      maxDeliveries: 2,
      deadLetter: 'dead',
      delete: true,
      block: 9,
    };
    new RedisStreamsServer({ redis, group: 'g', ...own });
    expect(consume.mock.calls).toStrictEqual([
      ['nest:', { ...own, group: 'g', drainTimeout: 10_000 }, expect.any(Function)],
    ]);
  });

  it('calls back from listen with what keeps a group from being there', async () => {
    await makeClient(server().url).set('nest:notification', 'no stream');
    const module = await compile({ controllers: [SumsController] });
    const app = closes(
      module.createNestMicroservice({ strategy: new RedisStreamsServer({ url: server().url, group: 'g' }) }),
    );
    await expect(app.listen()).rejects.toMatchObject({ kind: 'WRONGTYPE' });
  });

  it('names the option that is wrong', () => {
    const wrong = (options: object) => () => new RedisStreamsServer(options as RedisStreamsServerOptions);
    expect(wrong({})).toThrow("RedisStreamsServer: the option 'group' is a string that is not empty, got undefined");
    expect(wrong({ group: 'g', concurrency: 0 })).toThrow("The option 'concurrency'");
    expect(wrong({ group: 'g', maxDeliveries: 2 })).toThrow("needs 'deadLetter'");
    expect(wrong({ group: 'g', streamPrefix: '' })).toThrow("the option 'streamPrefix'");
    expect(() => new RedisStreamsClient({ maxLength: 0 })).toThrow("RedisStreamsClient: the option 'maxLength'");
  });
});
