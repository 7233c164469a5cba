import { NEVER, concatMap, config, lastValueFrom, map, merge, toArray } from 'rxjs';
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
  afterEach(() => void (config.onUnhandledError = null));
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

  it('that throws at a message stops neither the messages of others nor the replies', async () => {
    const redis = make(server().url);
    redis.subscribe('news').subscribe(fail('at a message'));
    const heard = record(redis.subscribe('news').pipe(map(({ data }) => data)));
    await redis.ping();
    for (const data of ['a', 'b', 'c']) await redis.publish('news', data);
    expect(await redis.echo('next')).toBe('next');
    expect(heard.values).toStrictEqual(['a', 'b', 'c']);
    await until(() => thrown.length > 0);
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
