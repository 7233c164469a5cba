import {
  BehaviorSubject,
  NEVER,
  Subject,
  concat,
  defer,
  filter,
  firstValueFrom,
  from,
  lastValueFrom,
  of,
  range,
  mergeMap,
  toArray,
} from 'rxjs';
import type { Credentials, Redis, RedisOptions } from 'rxjs-redis';
import { call, type Command } from 'rxjs-redis/commands';
import { eventually, reaches, record, useClients } from '../../support/clients';
import { failure, outcome } from '../../support/outcomes';
import { ScriptedServer, greeting } from '../../support/scripted-server';
import { useServer } from '../../support/server';
import { shown } from '../../support/shown';

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

  it('of an AUTH by hand are those of the connection of RESP2 messages as well', async () => {
    const redis = client(ann, { protocol: 2 });
    await redis.auth(bob.username!, bob.password);
    record(redis.subscribe('news'));
    await eventually(
      () => admin().call<string>('CLIENT LIST', 'TYPE', 'PUBSUB'),
      (list) => list.includes(' user=bob '),
    );
  });

  it('that are refused on the connection of RESP2 messages fail those who observe', async () => {
    const given = [ann, { username: 'ann', password: 'wrong' }];
    const redis = client(() => given.shift()!, { protocol: 2 });
    await redis.connect();
    const told = firstValueFrom(redis.events$.pipe(filter(({ type }) => type === 'error')));
    const messages = redis.subscribe('news');
    expect(await failure(firstValueFrom(messages))).toMatchObject({ code: 'AUTHENTICATION', kind: 'WRONGPASS' });
    expect(await told).toMatchObject({ error: { code: 'AUTHENTICATION' } });
    expect(await redis.aclWhoami()).toBe('ann');
  });

  it('do not bring back a connection of RESP2 messages that may not be made again: those who observe are told', async () => {
    const redis = client(ann, { protocol: 2, reconnect: false });
    const messages = failure(firstValueFrom(redis.subscribe('news')));
    await eventually(
      () => admin().pubsubNumsub('news'),
      (count) => count['news'] === 1,
    );
    await admin().clientKill({ TYPE: 'PUBSUB' });
    expect(await messages).toMatchObject({ code: 'CONNECTION' });
    expect(await redis.aclWhoami()).toBe('ann');
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

  it('that came while there was no connection take the place of an AUTH that the server refuses by now', async () => {
    const tokens$ = new BehaviorSubject(ann);
    const redis = client(tokens$);
    await redis.auth(ann.username!, ann.password);
    await admin().call('ACL SETUSER', 'ann', 'resetpass', '>newer');
    await kill(redis);
    tokens$.next({ username: 'ann', password: 'newer' });
    await reaches(redis, 'ready');
    expect(await redis.aclWhoami()).toBe('ann');
  });

  it.each([2, 3] as const)('are asked for again once an AUTH of the user is refused (RESP%d)', async (protocol) => {
    const redis = client(() => ann, { protocol });
    await redis.auth(bob.username!, bob.password);
    await admin().call('ACL SETUSER', 'bob', 'resetpass', '>newer');
    const states = record(redis.state$);
    await kill(redis);
    await reaches(redis, 'ready');
    expect(await redis.aclWhoami()).toBe('ann');
    const refused = states.values.filter((state) => state.kind === 'reconnecting' && 'kind' in state.error);
    expect(refused).toMatchObject([{ error: { code: 'AUTHENTICATION', kind: 'WRONGPASS' } }]);
  });

  it('are not asked for again for what a command of onConnect is told: the AUTH of the user was accepted', async () => {
    let onConnect: Command[] = [];
    const redis = client(() => ann, { onConnect: () => onConnect });
    await redis.auth(bob.username!, bob.password);
    onConnect = [call('EVAL', "return redis.error_reply('NOAUTH no')", 0)];
    await kill(redis);
    await firstValueFrom(
      redis.state$.pipe(filter((state) => state.kind === 'reconnecting' && state.error.command === 'EVAL')),
    );
    onConnect = [];
    await reaches(redis, 'ready');
    expect(await redis.aclWhoami()).toBe('bob');
  });

  it('are asked for again by what is lent once an AUTH of the user is refused there', async () => {
    const redis = client(() => ann);
    await redis.auth(bob.username!, bob.password);
    await admin().call('ACL SETUSER', 'bob', 'resetpass', '>newer');
    const whoami = () => lastValueFrom(redis.dedicated((connection) => connection.aclWhoami()));
    expect(await failure(whoami())).toMatchObject({ code: 'AUTHENTICATION', kind: 'WRONGPASS' });
    // The next attempt asks the options.
    const asked = await eventually(
      () => outcome(whoami()),
      (ended) => 'value' in ended,
    );
    expect(asked).toStrictEqual({ value: 'ann' });
    expect(await redis.aclWhoami()).toBe('bob');
  });

  it('that are none leave the live connection as it is, are told as an event, and the next ones count', async () => {
    const tokens$ = new BehaviorSubject<unknown>(ann);
    const redis = client(tokens$ as BehaviorSubject<Credentials>);
    const id = await redis.clientId();
    const events = record(redis.events$);
    const pending = outcome(redis.incr('n'));
    for (const wrong of [{ username: 'bob' }, 'hunter2', undefined]) tokens$.next(wrong);
    expect(await pending).toHaveProperty('value');
    expect(events.values).toMatchObject(
      Array(3).fill({ type: 'error', error: { code: 'CONNECTION', cause: expect.any(TypeError) as unknown } }),
    );
    expect(shown(events.values)).not.toContain('hunter2');
    tokens$.next(bob);
    await becomes(redis, 'bob');
    expect(await redis.clientId()).toBe(id);
  });

  it.each<[string, unknown]>([
    ['a string', () => 'hunter2'],
    ['a Promise of a string', () => Promise.resolve('hunter2')],
    ['a password that is a number', () => ({ password: 42, username: 'hunter2' })],
    ['a user name that is an object', () => ({ password: 'hunter2', username: {} })],
    ['undefined', () => undefined],
    ['a Promise of undefined', () => Promise.resolve(undefined)],
    ['a Promise of null', () => Promise.resolve(null)],
  ])('that are none from the start are a failed attempt and shown to nobody: %s', async (_, credentials) => {
    const redis = client(credentials as () => Credentials);
    void redis.connect();
    const state = await reaches(redis, 'reconnecting');
    expect(state).toMatchObject({
      error: { code: 'CONNECTION', message: 'There are no credentials', cause: expect.any(TypeError) as unknown },
    });
    expect(shown(state)).not.toContain('hunter2');
  });

  it('wait for the end of a transaction that is open on a dedicated connection', async () => {
    const tokens$ = new BehaviorSubject(ann);
    const redis = client(tokens$);
    const done = redis.dedicated(async (connection) => {
      await connection.call('MULTI');
      await connection.incr('rotation:transaction');
      tokens$.next(bob);
      await connection.incr('rotation:transaction');
      const replies = await connection.exec();
      return [replies, await connection.aclWhoami()];
    });
    expect(await lastValueFrom(done)).toMatchObject([[expect.any(Number), expect.any(Number)], 'bob']);
  });

  it('wait for the handshake, and come one after the other', async () => {
    const server = await ScriptedServer.start(([word]) => {
      if (word !== 'HELLO') return '+OK\r\n';
      tokens$.next(bob);
      tokens$.next({ ...ann, password: 'newest' });
      return greeting;
    });
    const tokens$ = new BehaviorSubject(ann);
    const redis = make({ url: server.url, reconnect: quick, credentials: tokens$ });
    const newest = firstValueFrom(server.seen$.pipe(filter(({ words }) => words.includes('newest'))));
    await redis.connect();
    await newest;
    expect(server.seen.map((words) => words.join(' ')).filter((line) => /AUTH/.test(line))).toStrictEqual([
      'HELLO 3 AUTH ann of-ann',
      'AUTH bob of-bob',
      'AUTH ann newest',
    ]);
    await server.stop();
  });

  it('that never come are what the error names', async () => {
    const redis = client(NEVER, { connectTimeout: 50, reconnect: false });
    expect(await failure(redis.connect())).toMatchObject({
      cause: { code: 'TIMEOUT', message: 'There were no credentials within 50 ms' },
    });
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
