import {
  BehaviorSubject,
  Subject,
  concat,
  defer,
  filter,
  firstValueFrom,
  from,
  of,
  range,
  mergeMap,
  toArray,
} from 'rxjs';
import type { Credentials, Redis, RedisOptions } from 'rxjs-redis';
import { eventually, reaches, record, useClients } from '../../support/clients';
import { useServer } from '../../support/server';

const quick = { initialDelay: 5, maxDelay: 20 };
const ann: Credentials = { username: 'ann', password: 'of-ann' };
const bob: Credentials = { username: 'bob', password: 'of-bob' };

describe('Credentials', () => {
  const server = useServer({ own: true }, '6.2');
  const make = useClients();
  const admin = () => make(server().url);
  const client = (credentials: NonNullable<RedisOptions['credentials']>, options: RedisOptions = {}) =>
    make({ url: server().url, reconnect: quick, credentials, ...options });
  const kill = async (redis: Redis) => {
    await admin().clientKill({ ID: await redis.clientId() });
    await reaches(redis, 'reconnecting');
  };
  const becomes = (redis: Redis, user: string) =>
    eventually(
      () => redis.aclWhoami(),
      (name) => name === user,
    );

  beforeEach(async () => {
    for (const { username, password } of [ann, bob]) {
      await admin().call('ACL SETUSER', username!, 'reset', 'on', `>${password}`, '~*', '&*', '+@all');
    }
  });

  it.each<[string, () => NonNullable<RedisOptions['credentials']>]>([
    ['a value', () => ann],
    ['a function', () => () => ann],
    ['a function that answers with a Promise', () => () => Promise.resolve(ann)],
    ['a function that answers with an Observable', () => () => of(ann)],
    ['an Observable', () => of(ann)],
    ['an Observable that emits later', () => defer(() => new Promise<Credentials>((r) => setImmediate(r, ann)))],
  ])('come from %s', async (_, source) => {
    for (const protocol of [2, 3] as const) expect(await client(source(), { protocol }).aclWhoami()).toBe('ann');
  });

  it('are asked for on every connection, so that a function may answer with newer ones', async () => {
    const given = [ann, bob, ann];
    const redis = client(() => given.shift()!);
    expect(await redis.aclWhoami()).toBe('ann');
    await kill(redis);
    expect(await redis.aclWhoami()).toBe('bob');
    await kill(redis);
    expect(await redis.aclWhoami()).toBe('ann');
  });

  it.each([2, 3] as const)('that an Observable emits later sign in the live connection (RESP%d)', async (protocol) => {
    const tokens$ = new BehaviorSubject(ann);
    const redis = client(tokens$, { protocol });
    const id = await redis.clientId();
    tokens$.next(bob);
    await becomes(redis, 'bob');
    expect(await redis.clientId()).toBe(id);
    expect(await admin().call<string>('CLIENT LIST', 'ID', id)).toContain(' user=bob ');
  });

  it('outlive those that they replace: the server drops the old user, the connection stays', async () => {
    const tokens$ = new BehaviorSubject(ann);
    const redis = client(tokens$);
    const states = record(redis.state$);
    await redis.connect();
    tokens$.next(bob);
    await becomes(redis, 'bob');
    await admin().call('ACL DELUSER', 'ann');
    expect(await redis.ping()).toBe('PONG');
    expect(states.values.map(({ kind }) => kind)).toStrictEqual(['idle', 'connecting', 'ready']);
  });

  it('may be a new password of the same user', async () => {
    const tokens$ = new BehaviorSubject(ann);
    const redis = client(tokens$);
    await redis.connect();
    await admin().call('ACL SETUSER', 'ann', '>newer');
    tokens$.next({ username: 'ann', password: 'newer' });
    await redis.ping();
    await admin().call('ACL SETUSER', 'ann', '<of-ann');
    await kill(redis);
    expect(await redis.aclWhoami()).toBe('ann');
  });

  it('are the latest on the next connection', async () => {
    const tokens$ = new BehaviorSubject(ann);
    const redis = client(tokens$);
    await redis.connect();
    tokens$.next(bob);
    await becomes(redis, 'bob');
    await kill(redis);
    expect(await redis.aclWhoami()).toBe('bob');
  });

  it('change under load without a command that fails', async () => {
    const tokens$ = new BehaviorSubject(ann);
    const redis = client(tokens$);
    await redis.connect();
    const numbers = range(0, 2_000).pipe(
      mergeMap((n) => {
        if (n % 100 === 0) tokens$.next(tokens$.value === ann ? bob : ann);
        return from(redis.incr('rotation'));
      }, 50),
      toArray(),
    );
    expect(await firstValueFrom(numbers)).toStrictEqual(Array.from({ length: 2_000 }, (_, n) => n + 1));
  });

  it('that are refused leave the connection signed in as it was, and are told as an event', async () => {
    const tokens$ = new Subject<Credentials>();
    const redis = client(concat(of(ann), tokens$));
    const id = await redis.clientId();
    const told = firstValueFrom(redis.events$.pipe(filter(({ type }) => type === 'error')));
    tokens$.next({ username: 'bob', password: 'wrong' });
    expect(await told).toMatchObject({ type: 'error', error: { code: 'AUTHENTICATION', kind: 'WRONGPASS' } });
    expect(await redis.aclWhoami()).toBe('ann');
    expect(await redis.clientId()).toBe(id);
    tokens$.next(bob);
    await becomes(redis, 'bob');
  });

  it('sign in the live connection of RESP2 messages, which keeps its subscriptions', async () => {
    const tokens$ = new BehaviorSubject(ann);
    const redis = client(tokens$, { protocol: 2 });
    const messages = record(redis.subscribe(['news', 'news:*']));
    const subscribers = () => admin().call<string>('CLIENT LIST', 'TYPE', 'PUBSUB');
    const idOf = (list: string) => /^id=(\d+)/.exec(list)?.[1];
    const before = await eventually(subscribers, (list) => list.includes(' user=ann ') && list.includes(' psub=1 '));
    tokens$.next(bob);
    const after = await eventually(subscribers, (list) => list.includes(' user=bob '));
    expect(idOf(after)).toBe(idOf(before));
    await admin().publish('news', 'hello');
    await admin().publish('news:1', 'hello');
    await eventually(
      () => redis.ping(),
      () => messages.values.length > 1,
    );
    expect(messages.values).toMatchObject([{ channel: 'news' }, { channel: 'news:1', pattern: 'news:*' }]);
  });

  it('that are refused leave the connection of RESP2 messages as it was', async () => {
    const tokens$ = new BehaviorSubject(ann);
    const redis = client(tokens$, { protocol: 2 });
    const messages = record(redis.subscribe('news'));
    await eventually(
      () => admin().pubsubNumsub('news'),
      (count) => count['news'] === 1,
    );
    const told = firstValueFrom(redis.events$.pipe(filter(({ type }) => type === 'error')));
    tokens$.next({ username: 'ann', password: 'wrong' });
    await told;
    await eventually(
      () => admin().publish('news', 'hello'),
      () => messages.values.length > 0,
    );
    expect(messages.ended).toBeUndefined();
    expect(await admin().call('CLIENT LIST', 'TYPE', 'PUBSUB')).toContain(' user=ann ');
  });

  it('that come later than an AUTH of the user take its place, also on the next connection', async () => {
    const tokens$ = new BehaviorSubject(ann);
    const redis = client(tokens$);
    await redis.auth(bob.username!, bob.password);
    await kill(redis);
    expect(await redis.aclWhoami()).toBe('bob');
    tokens$.next({ ...ann });
    await becomes(redis, 'ann');
    await kill(redis);
    expect(await redis.aclWhoami()).toBe('ann');
  });

  it('sign in the connection of RESP2 messages as well', async () => {
    const redis = client(ann, { protocol: 2 });
    const messages = record(redis.subscribe('news'));
    await eventually(
      () => admin().call<string>('CLIENT LIST', 'TYPE', 'PUBSUB'),
      (list) => list.includes(' user=ann '),
    );
    await redis.publish('news', 'hello');
    await eventually(
      () => redis.ping(),
      () => messages.values.length > 0,
    );
    expect(messages.values).toMatchObject([{ data: 'hello' }]);
  });
});
