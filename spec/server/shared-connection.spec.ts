import { concatMap, firstValueFrom, forkJoin, lastValueFrom, toArray } from 'rxjs';
import { eventually, reaches, useClients } from '../support/clients';
import { useProxy, useServer } from '../support/server';

describe('The shared connection', () => {
  const server = useServer();
  const proxy = useProxy(server);
  const make = useClients();

  it.each([
    ['MULTI', 'dedicated'],
    ['exec', 'dedicated'],
    ['DISCARD', 'dedicated'],
    ['WATCH', 'dedicated'],
    ['MONITOR', 'dedicated'],
    ['CLIENT REPLY', 'dedicated'],
    ['RESET', 'dedicated'],
    ['QUIT', 'close'],
    ['HELLO', 'protocol'],
    ['SUBSCRIBE', 'subscribe'],
    ['PSUBSCRIBE', 'psubscribe'],
    ['SSUBSCRIBE', 'ssubscribe'],
  ])('is not changed through call: %s is refused and %s is named', async (command, instead) => {
    const redis = make(server().url);
    expect(() => redis.call(command, 'x')).toThrow(TypeError);
    expect(() => redis.call(command, 'x')).toThrow(new RegExp(`${command.toUpperCase()}.*use .*${instead}`));
    expect(await firstValueFrom(redis.state$)).toStrictEqual({ kind: 'idle' });
  });

  it('sees through a name in two words', () => {
    const redis = make(server().url);
    expect(() => redis.call('client', 'reply', 'off')).toThrow(/CLIENT REPLY/);
    expect(() => redis.call(' Client  Reply ', 'off')).toThrow(/CLIENT REPLY/);
  });

  it('keeps SELECT and CLIENT SETNAME over a reconnect', async () => {
    const redis = make({ url: proxy().url(), reconnect: { initialDelay: 5 } });
    await redis.select(4);
    await redis.clientSetname('kept');
    await redis.set('only-in', 'four');
    proxy().cut();
    await reaches(redis, 'reconnecting');
    expect(await redis.get('only-in')).toBe('four');
    expect(await redis.clientGetname()).toBe('kept');
  });

  it('keeps AUTH over a reconnect', async () => {
    const redis = make({ url: proxy().url(), reconnect: { initialDelay: 5 } });
    await redis.call('ACL SETUSER', 'late', 'on', '>pw', '+@all', '~*');
    await redis.auth('late', 'pw');
    proxy().cut();
    await reaches(redis, 'reconnecting');
    expect(await redis.aclWhoami()).toBe('late');
  });

  it('forgets a SELECT that the server refused', async () => {
    const redis = make({ url: proxy().url(), reconnect: { initialDelay: 5 } });
    await expect(redis.select(9999)).rejects.toMatchObject({ kind: 'ERR' });
    proxy().cut();
    await reaches(redis, 'reconnecting');
    expect(await redis.ping()).toBe('PONG');
  });
});

describe('A dedicated connection', () => {
  const server = useServer();
  const make = useClients();

  it('runs WATCH, MULTI and EXEC by hand', async () => {
    const redis = make(server().url);
    const outcome = redis.dedicated((connection) =>
      connection.watch('balance').pipe(
        concatMap(() => connection.multi()),
        concatMap(() => forkJoin([connection.incr('balance'), connection.call('INCR', 'balance')])),
        concatMap(() => connection.exec()),
      ),
    );
    expect(await lastValueFrom(outcome)).toStrictEqual([1, 2]);
  });

  it('allows through call what the shared one refuses', async () => {
    const redis = make(server().url);
    const queued = redis.dedicated((connection) =>
      connection.call('MULTI').pipe(
        concatMap(() => connection.call('SET', 'k', 'v')),
        concatMap(() => connection.call('DISCARD')),
        toArray(),
      ),
    );
    expect(await lastValueFrom(queued)).toStrictEqual(['OK']);
    expect(await redis.get('k')).toBeNull();
  });

  it('is signed in, on the database of the client, and gone when the work is done, fails or is left', async () => {
    const redis = make({ url: server().url, database: 2, clientName: 'owner' });
    const others = async () => (await redis.call<string>('CLIENT LIST')).trim().split('\n').length - 1;
    await redis.ping();
    const list = await lastValueFrom(redis.dedicated((connection) => connection.call<string>('CLIENT LIST')));
    expect(list.match(/ name=owner .* db=2 /g)).toHaveLength(2);
    await eventually(others, (count) => count === 0);
    await expect(
      lastValueFrom(
        redis.dedicated((connection) => connection.incr('owner:text').pipe(concatMap(() => connection.call('NOSUCH')))),
      ),
    ).rejects.toMatchObject({ kind: 'ERR' });
    await eventually(others, (count) => count === 0);
    const left = redis.dedicated((connection) => connection.blpop('nothing', 0)).subscribe();
    await eventually(others, (count) => count === 1);
    left.unsubscribe();
    await eventually(others, (count) => count === 0);
  });
});
