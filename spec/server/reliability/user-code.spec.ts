import {
  BehaviorSubject,
  NEVER,
  UnsubscriptionError,
  concatMap,
  config,
  filter,
  finalize,
  firstValueFrom,
  lastValueFrom,
  map,
  merge,
  toArray,
} from 'rxjs';
import { RedisError, type Redis } from 'rxjs-redis';
import { reaches, record, useClients } from '../../support/clients';
import { outcome } from '../../support/outcomes';
import { useProxy, useServer } from '../../support/server';
import { until } from '../../support/until';

const quick = { initialDelay: 2, maxDelay: 10 };

describe('User code', () => {
  const server = useServer();
  const proxy = useProxy(server);
  const make = useClients();
  const thrown: unknown[] = [];
  beforeEach(() => {
    thrown.length = 0;
    config.onUnhandledError = (error) => thrown.push(error);
  });
  // What is thrown while clients are destroyed behind a spec is still the spec's.
  afterAll(() => void (config.onUnhandledError = null));
  const fail = (what: string) => () => {
    throw new Error(what);
  };

  it('that throws at a reply sends no other reply astray', async () => {
    const redis = make(server().url);
    await redis.connect();
    const replies = Array.from({ length: 100 }, (_, n) => {
      if (n % 10 === 0) redis.echo('thrower').subscribe(fail('at a reply'));
      if (n % 10 === 5) redis.call('NO-SUCH-COMMAND').subscribe({ error: fail('at an error') });
      return redis.echo(n).then();
    });
    expect(await Promise.all(replies)).toStrictEqual(Array.from({ length: 100 }, (_, n) => String(n)));
    await until(() => thrown.length === 20);
    expect(await redis.echo('next')).toBe('next');
  });

  describe('that ends the client', () => {
    const onlyErrors = (outcomes: readonly unknown[]) =>
      expect(outcomes).toStrictEqual(outcomes.map(() => ({ error: expect.any(RedisError) as unknown })));

    it.each([0, 50])('while it decides about what was lost (and says %d) leaves no command waiting', async (delay) => {
      const decide = () => {
        void redis.destroy();
        return delay;
      };
      const redis: Redis = make({ url: proxy().url(), reconnect: quick, retry: decide });
      await redis.connect();
      proxy().stall('toClient', true);
      const replies = [redis.get('a'), redis.get('b'), redis.incr('c')].map((reply) => outcome<unknown>(reply));
      await new Promise(setImmediate);
      proxy().cut();
      onlyErrors(await Promise.all(replies));
    });

    it.each([0, 50])(
      'while it decides about what was refused (and says %d) leaves no command waiting',
      async (delay) => {
        const decide = () => {
          void redis.destroy();
          return delay;
        };
        const redis: Redis = make({ url: server().url, reconnect: quick, retry: decide });
        await redis.set('text', 'text');
        onlyErrors(await Promise.all([outcome<unknown>(redis.lpush('text', 'a')), outcome<unknown>(redis.get('b'))]));
      },
    );

    it('while it decides about the connection leaves no command waiting', async () => {
      const decide = () => {
        void redis.destroy();
        return 'resend' as const;
      };
      const redis: Redis = make({ url: server().url, reconnect: quick, reconnectOnError: decide });
      await redis.set('text', 'text');
      onlyErrors(await Promise.all([outcome<unknown>(redis.lpush('text', 'a')), outcome<unknown>(redis.get('b'))]));
    });

    it.each(['credentials', 'onConnect'] as const)(
      'while it is asked for %s leaves no command waiting',
      async (option) => {
        const provide = () => {
          void redis.destroy();
          return option === 'onConnect' ? [] : { password: 'none' };
        };
        const redis: Redis = make({ url: server().url, reconnect: quick, [option]: provide });
        onlyErrors([await outcome(redis.ping())]);
        expect(await firstValueFrom(redis.state$)).toStrictEqual({ kind: 'closed' });
      },
    );

    it.each(['connecting', 'ready', 'reconnecting'] as const)('when it is told of "%s" ends it', async (kind) => {
      const url = kind === 'reconnecting' ? 'redis://127.0.0.1:1' : server().url;
      const redis: Redis = make({ url, reconnect: quick });
      redis.state$.pipe(filter((state) => state.kind === kind)).subscribe(() => void redis.destroy());
      const states = record(redis.state$);
      onlyErrors([await outcome(redis.ping())]);
      expect([states.values.at(-1)!.kind, states.ended]).toStrictEqual(['closed', 'complete']);
    });
  });

  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['0', 0],
    ['a Promise', Promise.resolve(false)],
  ])('that answers whether to reconnect with %s keeps the connection', async (_, answer) => {
    const redis = make({ url: server().url, reconnect: quick, reconnectOnError: (() => answer) as () => boolean });
    const states = record(redis.state$);
    await redis.set('text', 'text');
    expect(await outcome(redis.lpush('text', 'a'))).toMatchObject({ error: { kind: 'WRONGTYPE' } });
    await redis.ping();
    expect(states.values.map(({ kind }) => kind)).toStrictEqual(['idle', 'connecting', 'ready']);
  });

  it('that throws at a message stops neither the messages of others nor the replies', async () => {
    const redis = make(server().url);
    redis.subscribe('news').subscribe({ next: fail('at a message'), error: () => undefined });
    const heard = record(redis.subscribe('news').pipe(map(({ data }) => data)));
    await redis.ping();
    for (const data of ['a', 'b', 'c']) await redis.publish('news', data);
    expect(await redis.echo('next')).toBe('next');
    expect(heard.values).toStrictEqual(['a', 'b', 'c']);
    await until(() => thrown.length === 3);
  });

  describe('that throws when its own stream ends keeps no other stream open', () => {
    const watch = (redis: Redis) => {
      const careless$ = redis.subscribe('a').pipe(finalize(fail('at the end')));
      careless$.subscribe({ error: () => undefined });
      const { bytes } = redis;
      const streams = [redis.subscribe('a'), redis.subscribe('b'), redis.subscribe('p*'), bytes.subscribe('a')];
      return streams.map((stream) => record<unknown>(stream));
    };
    const reported = async () => {
      await until(() => thrown.length > 0);
      expect(thrown).toStrictEqual([new UnsubscriptionError([new Error('at the end')])]);
    };

    it('when the client is closed', async () => {
      const redis = make(server().url);
      const others = watch(redis);
      await redis.ping();
      await redis.close();
      expect(others.map(({ ended }) => ended)).toStrictEqual(others.map(() => 'complete'));
      await reported();
    });

    it('when the client gives up', async () => {
      const redis = make({ url: proxy().url(), reconnect: { initialDelay: 1, maxAttempts: 1 } });
      const others = watch(redis);
      await redis.ping();
      await proxy().refuse(true);
      proxy().cut();
      await reaches(redis, 'closed');
      expect(others.map(({ ended }) => ended)).toMatchObject(others.map(() => ({ code: 'CONNECTION' })));
      await reported();
    });

    it('when the client is not signed in', async () => {
      const redis = make({ url: server().url, username: 'nobody', password: 'none', reconnect: quick });
      const others = watch(redis);
      await until(() => others.every(({ ended }) => ended !== undefined));
      expect(others.map(({ ended }) => ended)).toMatchObject(others.map(() => ({ code: 'AUTHENTICATION' })));
      await reported();
    });

    it('when events come to their end', async () => {
      const redis = make(server().url);
      redis.events$.pipe(finalize(fail('at the end'))).subscribe();
      const others = [record<unknown>(redis.events$), record<unknown>(redis.subscribe('a'))];
      await redis.ping();
      await redis.destroy();
      expect(others.map(({ ended }) => ended)).toMatchObject(['complete', { code: 'DISCONNECTED' }]);
      await reported();
    });
  });

  it('that throws at a state or an event stops no connection', async () => {
    const redis = make({ url: proxy().url(), reconnect: quick });
    redis.state$.subscribe(fail('at a state'));
    redis.events$.subscribe(fail('at an event'));
    await redis.connect();
    proxy().cut();
    await reaches(redis, 'reconnecting');
    expect(await redis.ping()).toBe('PONG');
    await until(() => thrown.length >= 2);
  });

  describe('that throws when it is left or told of the end', () => {
    const left = <T>() => finalize<T>(fail('on the way out'));
    const password$ = () => new BehaviorSubject({ username: 'default', password: '' });

    it('as credentials do keeps nothing from ending', async () => {
      const redis = make({ url: proxy().url(), reconnect: quick, credentials: password$().pipe(left()) });
      await redis.connect();
      proxy().stall('toClient', true);
      const events = record(redis.events$);
      const replies = [outcome(redis.incr('n')), outcome(redis.get('k'))];
      await new Promise(setImmediate);
      await redis.destroy();
      expect(await Promise.all(replies)).toMatchObject([
        { error: { code: 'DISCONNECTED' } },
        { error: { code: 'DISCONNECTED' } },
      ]);
      expect(events.ended).toBe('complete');
      await until(() => thrown.length > 0);
    });

    it('as credentials do keeps no lost command waiting', async () => {
      const redis = make({ url: proxy().url(), reconnect: quick, credentials: password$().pipe(left()) });
      await redis.connect();
      proxy().stall('toClient', true);
      const lost = outcome(redis.incr('n'));
      await new Promise(setImmediate);
      proxy().cut();
      expect(await lost).toMatchObject({ error: { delivery: 'unknown' } });
      proxy().stall('toClient', false);
      expect(await redis.ping()).toBe('PONG');
    });

    it('as what decides about reconnecting does keeps nothing from ending', async () => {
      const redis = make({ url: 'redis://127.0.0.1:1', reconnect: () => NEVER.pipe(left()) });
      const waiting = outcome(redis.get('k'));
      await reaches(redis, 'reconnecting');
      await redis.destroy();
      expect(await waiting).toMatchObject({ error: { code: 'DISCONNECTED', delivery: 'unsent' } });
    });

    it('as what decides about reconnecting does keeps no connection from being made', async () => {
      const redis = make({ url: proxy().url(), reconnect: () => new BehaviorSubject(0).pipe(left()) });
      await redis.connect();
      proxy().cut();
      await reaches(redis, 'reconnecting');
      expect(await redis.ping()).toBe('PONG');
    });

    it('as one who waits for the end does keeps it from nobody else', async () => {
      const redis = make(server().url);
      const connected = redis.connect();
      connected.pipe(left()).subscribe();
      await connected;
      const pending = redis.echo('a').then();
      const closed = redis.close();
      closed.pipe(left()).subscribe();
      await closed;
      expect(await pending).toBe('a');
      await until(() => thrown.length === 2);
    });

    it('as one who is not to get a reply does keeps it from nobody else', async () => {
      const redis = make(server().url);
      const told = await lastValueFrom(
        redis.dedicated((connection) => {
          connection.clientReply('OFF').subscribe();
          connection.echo('first').pipe(left()).subscribe();
          return Promise.all([outcome(connection.echo('second')), outcome(connection.echo('third'))]);
        }),
      );
      expect(told).toStrictEqual([{ value: undefined }, { value: undefined }]);
      await until(() => thrown.length > 0);
    });
  });

  it('that is slow with messages stalls neither replies nor those who are quick', async () => {
    const redis = make(server().url);
    const slow = record(redis.subscribe('news').pipe(concatMap(() => NEVER)));
    const quickly = record(redis.subscribe('news').pipe(map(({ data }) => data)));
    await redis.ping();
    for (let n = 0; n < 500; n++) await redis.publish('news', n);
    await until(() => quickly.values.length === 500);
    expect(slow.values).toStrictEqual([]);
    slow.stop();
  });

  it('that leaves in the middle of everything takes no reply from anybody', async () => {
    const redis = make(server().url);
    const replies = merge(
      ...Array.from({ length: 1_000 }, (_, n) => {
        const left = redis.echo('left').subscribe(fail('never heard'));
        if (n % 3 === 0) left.unsubscribe();
        if (n % 3 === 1) process.nextTick(() => left.unsubscribe());
        if (n % 3 === 2) setImmediate(() => left.unsubscribe());
        return redis.echo(n);
      }),
    );
    expect(await lastValueFrom(replies.pipe(toArray()))).toStrictEqual(
      Array.from({ length: 1_000 }, (_, n) => String(n)),
    );
  });

  it('that closes the client in the middle of a reply settles all others', async () => {
    const redis = make(server().url);
    await redis.connect();
    const settled: Promise<unknown>[] = [];
    for (let n = 0; n < 10; n++) {
      if (n === 5) redis.echo('closer').subscribe(() => void redis.destroy());
      settled.push(outcome(redis.echo(n)));
    }
    expect(await Promise.all(settled)).toMatchObject([
      ...Array.from({ length: 5 }, (_, n) => ({ value: String(n) })),
      ...Array.from({ length: 5 }, () => ({ error: { delivery: 'unknown' } })),
    ]);
  });
});

describe('A burst of commands', () => {
  const server = useServer();
  const proxy = useProxy(server);
  const make = useClients();

  it('is held back while the other end takes nothing, and sent in order when it does', async () => {
    const redis = make(proxy().url());
    await redis.del('list');
    proxy().stall('toServer', true);
    const value = 'v'.repeat(100_000);
    const sent = Array.from({ length: 400 }, (_, n) => redis.rpush('list', `${n}${value}`).then());
    const held = await outcome(redis.withOptions({ commandTimeout: 50 }).incr('n'));
    expect(held).toMatchObject({ error: { code: 'TIMEOUT', delivery: 'unsent' } });
    proxy().stall('toServer', false);
    expect(await Promise.all(sent)).toStrictEqual(Array.from({ length: 400 }, (_, n) => n + 1));
    expect(await redis.llen('list')).toBe(400);
  });
});
