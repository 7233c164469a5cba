import {
  EMPTY,
  concat,
  concatMap,
  filter,
  firstValueFrom,
  from,
  lastValueFrom,
  map,
  of,
  switchMap,
  toArray,
} from 'rxjs';
import type { Redis } from 'rxjs-redis';
import { type ConnectionEvent, type RedisCommands } from 'rxjs-redis';
import { eventually, record, useClients } from '../support/clients';
import { failure } from '../support/outcomes';
import { useProxy, useServer } from '../support/server';

describe('connect() and close()', () => {
  const server = useServer();
  const proxy = useProxy(server);
  const make = useClients();

  it('emit once and complete, so that firstValueFrom waits for them and a pipe goes on from them', async () => {
    const redis = make(server().url);
    expect(await firstValueFrom(redis.connect())).toBeUndefined();
    expect(await firstValueFrom(redis.state$)).toMatchObject({ kind: 'ready' });
    expect(await lastValueFrom(redis.connect().pipe(switchMap(() => redis.echo('next'))))).toBe('next');
    expect(await lastValueFrom(redis.connect().pipe(toArray()))).toStrictEqual([undefined]);
    expect(await lastValueFrom(redis.close().pipe(toArray()))).toStrictEqual([undefined]);
    expect(await firstValueFrom(redis.state$)).toStrictEqual({ kind: 'closed' });
    expect(await lastValueFrom(redis.close().pipe(map(() => 'again')))).toBe('again');
    expect(await firstValueFrom(redis.destroy())).toBeUndefined();
  });

  it('are hot: they begin without an Observer, and do not begin again with one', async () => {
    const redis = make(proxy().url());
    const connected = redis.connect();
    await firstValueFrom(redis.state$.pipe(filter(({ kind }) => kind === 'ready')));
    await Promise.all([connected, lastValueFrom(connected), firstValueFrom(connected)]);
    expect(proxy().connections.total).toBe(1);
    const closed = redis.close();
    await lastValueFrom(redis.state$);
    await closed;
  });
});

describe('A reply that is forgotten', () => {
  const server = useServer();
  const make = useClients();

  it('is sent at once and runs', async () => {
    const redis = make(server().url);
    const key = 'forgotten:counter';
    await redis.del(key);
    redis.incr(key).forget();
    redis.withOptions({ commandTimeout: 1_000 }).incr(key).forget();
    redis.bytes.incr(key).forget();
    expect(await redis.get(key)).toBe('3');
  });

  it('tells its error on events$, with the name of its command', async () => {
    const redis = make(server().url);
    const events: ConnectionEvent[] = [];
    redis.events$.subscribe((event) => events.push(event));
    await redis.set('forgotten:text', 'no list');
    redis.lpush('forgotten:text', 'x').forget();
    await redis.dedicated((connection) => {
      connection.call('LPUSH', 'forgotten:text', 'y').forget();
      return connection.ping();
    });
    await redis.ping();
    const error = { code: 'REPLY', kind: 'WRONGTYPE', command: 'LPUSH', delivery: 'answered' };
    expect(events.filter(({ type }) => type === 'error')).toMatchObject([
      { type: 'error', error },
      { type: 'error', error },
    ]);
  });

  it('troubles nothing when nothing listens to events$', async () => {
    const redis = make(server().url);
    await redis.set('forgotten:text', 'no list');
    redis.lpush('forgotten:text', 'x').forget();
    expect(await redis.ping()).toBe('PONG');
    await redis.close();
    expect(() => redis.lpush('forgotten:text', 'x').forget()).not.toThrow();
  });

  it('tells on events$ what destroy() has failed', async () => {
    const redis = make(server().url);
    await redis.connect();
    const events = record(redis.events$);
    redis.blpop('forgotten:nothing', 0).forget();
    await new Promise(setImmediate);
    await redis.destroy();
    expect(events.values).toMatchObject([
      { type: 'error', error: { code: 'DISCONNECTED', command: 'BLPOP' } },
      { type: 'disconnect' },
    ]);
  });
});

describe('What dedicated() gives', () => {
  const server = useServer();
  const make = useClients();

  it('is awaited for the last value', async () => {
    const redis = make(server().url);
    const transfer = redis.dedicated((connection) =>
      connection.call('MULTI').pipe(
        concatMap(() => connection.echo('a')),
        concatMap(() => connection.exec()),
      ),
    );
    expect(await transfer).toStrictEqual(['a']);
    expect(await redis.dedicated((connection) => connection.ping())).toBe('PONG');
    const thrice: Promise<number | undefined> = redis.dedicated(() => of(1, 2, 3));
    expect(await thrice.finally(() => undefined)).toBe(3);
    const always: Promise<string> = redis.dedicated(async (connection) => `${await connection.ping()}!`);
    expect(await always).toBe('PONG!');
  });

  it('is awaited for undefined where there is no value', async () => {
    const redis = make(server().url);
    expect(await redis.dedicated(() => EMPTY)).toBeUndefined();
  });

  it('is subscribed to for all values', async () => {
    const redis = make(server().url);
    const work = redis.dedicated((connection) => concat(connection.echo('a'), connection.echo('b')));
    expect(await lastValueFrom(work.pipe(toArray()))).toStrictEqual(['a', 'b']);
    expect(await lastValueFrom(from(work).pipe(toArray()))).toStrictEqual(['a', 'b']);
  });

  it('does its work once however often it is awaited, once more per subscription, and not before', async () => {
    const redis = make(server().url);
    const key = 'dedicated:runs';
    await redis.del(key);
    const work = redis.dedicated((connection) => connection.incr(key));
    expect(await redis.exists(key)).toBe(0);
    expect(await Promise.all([work, work, work.catch(() => 0)])).toStrictEqual([1, 1, 1]);
    expect(await work).toBe(1);
    expect(await lastValueFrom(work)).toBe(2);
  });

  it('fails with the error of its work, and gives the connection back first', async () => {
    const redis = make({ url: server().url, leases: { idleTimeout: 50 } });
    const connections = async () => (await redis.clientList()).length;
    const before = await connections();
    const work = redis.dedicated((connection) => connection.call('NO-SUCH-COMMAND'));
    expect(await failure(work)).toMatchObject({ code: 'REPLY', kind: 'ERR' });
    await eventually(connections, (now) => now === before);
    await redis.destroy();
    expect(await failure(redis.dedicated((connection) => connection.ping()))).toMatchObject({ code: 'DISCONNECTED' });
  });
});

describe('A function that takes RedisCommands', () => {
  const server = useServer();
  const make = useClients();

  it('is given a client, a view of it or a lent connection', async () => {
    const key = 'commands:visits';
    const visit = (redis: RedisCommands) => redis.incr(key);
    const read = <S extends string | Buffer>(redis: RedisCommands<S>) => redis.get(key);
    const redis: Redis = make(server().url);
    await redis.del(key);
    expect(await visit(redis)).toBe(1);
    expect(await visit(redis.withOptions({ idempotent: true }))).toBe(2);
    expect(await redis.dedicated((connection) => visit(connection))).toBe(3);
    expect(await read(redis)).toBe('3');
    expect(await read(redis.bytes)).toStrictEqual(Buffer.from('3'));
  });
});
