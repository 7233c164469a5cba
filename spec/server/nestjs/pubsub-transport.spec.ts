import { Controller, type INestMicroservice, type Type } from '@nestjs/common';
import type { RedisContext } from '@nestjs/microservices';
import { Ctx, EventPattern, MessagePattern } from '@nestjs/microservices';
import { NEVER, concat, firstValueFrom, lastValueFrom, of, scan, take, toArray } from 'rxjs';
import { RedisPubSubClient, RedisPubSubServer, type RedisPubSubServerOptions } from 'rxjs-redis/nestjs';
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

describe('The transport over channels', () => {
  beforeEach(() => makeClient(server().url).flushall());

  const serve = async (options: RedisPubSubServerOptions = {}, controller: Type = SumsController) => {
    const module = await compile({ controllers: [controller] });
    const strategy = new RedisPubSubServer({ url: server().url, ...options });
    const app = closes<INestMicroservice>(module.createNestMicroservice({ strategy }));
    await app.listen();
    return { app, strategy };
  };
  const client = (options: ConstructorParameters<typeof RedisPubSubClient>[0] = {}) =>
    closes(new RedisPubSubClient({ url: server().url, ...options }));
  const sums = ({ app }: { app: INestMicroservice }) => app.get(SumsController);

  describe("passes Nest's tests of its own", () => {
    itDoesWhatNestAsks(serve, client);

    it('a broadcast: every instance without a group handles an event', async () => {
      const instances = [await serve(), await serve()];
      client().emit('notification', 'all');
      await until(() => instances.every((instance) => sums(instance).notified.length === 1));
    });

    it('a request that every instance without a group answers', async () => {
      @Controller()
      class Broadcast {
        @MessagePattern('broadcast')
        answer() {
          return concat(of(1), NEVER);
        }
      }
      await serve({ drainTimeout: 20 }, Broadcast);
      await serve({ drainTimeout: 20 }, Broadcast);
      const added = client()
        .send<number>('broadcast', {})
        .pipe(
          scan((sum, one) => sum + one, 0),
          take(2),
        );
      expect(await lastValueFrom(added)).toBe(2);
    });

    it('a client that finds no server of Redis', async () => {
      await proxy().refuse(true);
      const lost = client({ url: proxy().url(), commandTimeout: 50, reconnect: false });
      await expect(firstValueFrom(lost.send('x', 1))).rejects.toThrow(/ECONNREFUSED|closed/);
    });
  });

  it('loses none of the first requests, in RESP2 and RESP3', async () => {
    for (const protocol of [2, 3] as const) {
      await serve({ protocol });
      const senders = Array.from({ length: 30 }, () => client({ protocol }));
      const replies = senders.map((sender) => firstValueFrom(sender.send<number>({ cmd: 'sum' }, [1, 2])));
      expect(await Promise.all(replies)).toEqual(Array.from({ length: 30 }, () => 3));
    }
  });

  it('calls back from listen when the server has confirmed, or with what keeps it from that', async () => {
    await serve();
    expect(await makeClient(server().url).pubsubNumsub(['notification', 'fails'])).toEqual({
      notification: 1,
      fails: 1,
    });
    const module = await compile({ controllers: [SumsController] });
    const strategy = new RedisPubSubServer({ url: server().url, username: 'ann', password: 's3cret' });
    const app = closes(module.createNestMicroservice({ strategy }));
    await expect(app.listen()).rejects.toMatchObject({ code: 'AUTHENTICATION' });
  });

  it('answers on a channel that the client alone listens to', async () => {
    await serve();
    const [one, other] = [client(), client()];
    await Promise.all([one.connect(), other.connect()]);
    const channels = await makeClient(server().url).pubsubChannels('nest:reply:*');
    expect(channels).toHaveLength(2);
    expect(Object.values(await makeClient(server().url).pubsubNumsub(channels))).toEqual([1, 1]);
    expect(await firstValueFrom(one.send({ cmd: 'sum' }, [1]))).toBe(1);
  });

  it('errors as the handler does', async () => {
    await serve();
    await expect(firstValueFrom(client().send('fails', 1))).rejects.toEqual({ status: 418, message: 'a teapot' });
  });

  it('errors when no server listens', async () => {
    await expect(firstValueFrom(client().send('unheard', 1))).rejects.toThrow('No server listens to unheard');
  });

  it('errors when no answer comes in time', async () => {
    await serve({ drainTimeout: 20 });
    const sender = client({ timeout: 1_000 });
    await sender.connect();
    await expect(firstValueFrom(sender.send('silent', 1))).rejects.toThrow('No answer within 1000 ms');
  });

  it('errors when the connection is lost before there is an answer, and works again', async () => {
    const one = await serve();
    const sender = client({ url: proxy().url() });
    const states: string[] = [];
    sender.status$.subscribe((status) => states.push(status));
    const asked = firstValueFrom(sender.send('held', 1));
    await until(() => sums(one).held === 1);
    const failed = expect(asked).rejects.toThrow('it may have been missed');
    proxy().cut();
    await failed;
    await until(() => states.at(-1) === 'connected');
    expect(await firstValueFrom(sender.send({ cmd: 'sum' }, [1]))).toBe(1);
    sums(one).release$.next();
    await sender.close();
    expect(states).toEqual(['connecting', 'connected', 'reconnecting', 'connected', 'disconnected']);
  });

  it('tells the state of a server, and of a gap, and goes on', async () => {
    const { app, strategy } = await serve({ url: proxy().url() });
    const states: string[] = [];
    const gaps: string[] = [];
    strategy.status$.subscribe((status) => states.push(status));
    strategy.on('gap', ({ channel }) => gaps.push(channel!));
    proxy().cut();
    await until(() => states.length === 3);
    expect(states).toEqual(['connected', 'reconnecting', 'connected']);
    expect(gaps).toContain('notification');
    expect(await firstValueFrom(client().send({ cmd: 'sum' }, [1]))).toBe(1);
    await app.close();
    expect(states.at(-1)).toBe('disconnected');
  });

  describe('in a group', () => {
    it('handles each event once, and each request, shared by the instances', async () => {
      const group = 'billing';
      const instances = [await serve({ group, concurrency: 1 }), await serve({ group, concurrency: 1 })];
      const other = await serve({ group: 'other' });
      const sender = client();
      for (let n = 0; n < 50; n++) sender.emit('notification', n);
      const notified = () => instances.flatMap((instance) => sums(instance).notified);
      await until(() => notified().length >= 50 && sums(other).notified.length >= 50);
      const answers = sender.send<number>({ cmd: 'streaming' }, [1, 2, 3]).pipe(toArray());
      await other.app.close();
      expect(await lastValueFrom(answers)).toEqual([1, 2, 3]);
      const numbers = Array.from({ length: 50 }, (_, n) => n);
      expect(notified().sort((one, two) => Number(one) - Number(two))).toEqual(numbers);
    });

    it('gives nothing to an instance that has no room', async () => {
      const group = 'billing';
      const instances = [await serve({ group, concurrency: 1 }), await serve({ group, concurrency: 1 })];
      const sender = client();
      const held = [firstValueFrom(sender.send('held', 1)), firstValueFrom(sender.send('held', 2))];
      await until(() => instances.every((instance) => sums(instance).held === 1));
      for (const instance of instances) sums(instance).release$.next();
      expect(await Promise.all(held)).toEqual(['released', 'released']);
    });
  });

  describe('with wildcards', () => {
    @Controller()
    class Wild {
      readonly events: string[] = [];

      @EventPattern('news.*')
      news(@Ctx() context: RedisContext) {
        this.events.push(`news.* ${context.getChannel()}`);
      }

      @EventPattern('news.sport')
      sport(@Ctx() context: RedisContext) {
        this.events.push(`news.sport ${context.getChannel()}`);
      }

      @MessagePattern('ask.*')
      ask(@Ctx() context: RedisContext) {
        return `pattern ${context.getChannel()}`;
      }

      @MessagePattern('ask.a*')
      alsoAsk() {
        return 'another pattern';
      }

      @MessagePattern('ask.me')
      me() {
        return 'exactly';
      }
    }

    it.each([undefined, 'group'])(
      'takes patterns beside channels, and answers a request once (group %s)',
      async (group) => {
        const { app } = await serve({ wildcards: true, group }, Wild);
        const sender = client();
        sender.emit('news.sport', 1);
        await until(() => app.get(Wild).events.length === 2);
        expect(app.get(Wild).events.sort()).toEqual(['news.* news.sport', 'news.sport news.sport']);
        expect(await lastValueFrom(sender.send('ask.me', 1).pipe(toArray()))).toEqual(['exactly']);
        expect(await lastValueFrom(sender.send('ask.you', 1).pipe(toArray()))).toEqual(['pattern ask.you']);
        expect(await lastValueFrom(sender.send('ask.all', 1).pipe(toArray()))).toHaveLength(1);
      },
    );

    it('takes them for channels without the option', async () => {
      const { app } = await serve({}, Wild);
      const sender = client();
      await expect(firstValueFrom(sender.send('ask.you', 1))).rejects.toThrow('No server listens');
      expect(await firstValueFrom(sender.send('ask.*', 1))).toBe('pattern ask.*');
      expect(app.get(Wild).events).toEqual([]);
    });
  });

  it('lets handlers finish and answer when it is closed, and takes nothing more', async () => {
    const one = await serve();
    const sender = client();
    const answer = firstValueFrom(sender.send('held', 1));
    await until(() => sums(one).held === 1);
    const controller = sums(one);
    const closed = one.app.close();
    await eventually(
      () => makeClient(server().url).pubsubNumsub(['held']),
      ({ held }) => held === 0,
    );
    controller.release$.next();
    expect(await answer).toBe('released');
    await closed;
    await expect(firstValueFrom(sender.send('held', 1))).rejects.toThrow('No server listens');
  });

  it('says what is still handled when drainTimeout is over', async () => {
    const one = await serve({ drainTimeout: 20 });
    client().emit('notification', 1);
    const failed = firstValueFrom(client({ drainTimeout: 20 }).send('held', 1)).catch(() => undefined);
    await until(() => sums(one).held === 1);
    await one.app.close();
    expect(logged().lines.join()).toContain('1 messages are still handled after 20 ms');
    sums(one).release$.next();
    void failed;
  });

  it('errors what is pending when the client is closed, after drainTimeout, and refuses what comes later', async () => {
    const one = await serve();
    const sender = client({ drainTimeout: 20 });
    const asked = firstValueFrom(sender.send('held', 1));
    await until(() => sums(one).held === 1);
    const failed = expect(asked).rejects.toThrow('The client was closed before there was an answer');
    await sender.close();
    await failed;
    await expect(firstValueFrom(sender.send('held', 1))).rejects.toThrow('RedisPubSubClient is closed');
    sums(one).release$.next();
  });

  it('says what it cannot read, and goes on', async () => {
    await serve();
    await makeClient(server().url).publish('held', JSON.stringify({ pattern: 'held', data: 1, id: 'x' }));
    await until(() => logged().lines.length > 0 && logged().lines.join().includes('says no channel for its answer'));
    expect(await firstValueFrom(client().send({ cmd: 'sum' }, [1]))).toBe(1);
  });

  it('takes a client that is there already, and leaves it open', async () => {
    const redis = makeClient(server().url);
    const strategy = new RedisPubSubServer({ redis });
    expect(strategy.unwrap()).toBe(redis);
    await strategy.close();
    expect(await redis.ping()).toBe('PONG');
    expect(() => strategy.unwrap()).toThrow('RedisPubSubServer is closed');
  });

  it('names the option that is wrong', () => {
    const wrong = (options: object) => () => new RedisPubSubServer(options);
    expect(wrong({ group: '' })).toThrow("RedisPubSubServer: the option 'group'");
    expect(wrong({ concurrency: 0 })).toThrow("the option 'concurrency'");
    expect(wrong({ wildcards: 1 })).toThrow("the option 'wildcards'");
    expect(wrong({ drainTimeout: -1 })).toThrow("the option 'drainTimeout'");
    expect(wrong({ redis: {} })).toThrow("the option 'redis'");
    expect(wrong({ redis: makeClient(server().url), port: 1 })).toThrow(
      "'port' is not for a client that is there already",
    );
    expect(() => new RedisPubSubClient({ timeout: 0 })).toThrow("RedisPubSubClient: the option 'timeout'");
    expect(() => new RedisPubSubServer().on('gone', () => undefined)).toThrow("there is no event 'gone'");
  });
});
