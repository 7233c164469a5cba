import { BehaviorSubject, filter, firstValueFrom, map, range, mergeMap, from, lastValueFrom, toArray } from 'rxjs';
import type { Credentials, DedicatedConnection, Redis, RedisOptions } from 'rxjs-redis';
import { record, useClients } from '../../support/clients';
import { outcome } from '../../support/outcomes';
import { ScriptedServer, greeting } from '../../support/scripted-server';
import { useServer } from '../../support/server';

const quick = { initialDelay: 5, maxDelay: 20 };
const ann: Credentials = { username: 'ann', password: 'of-ann' };
const stranger: Credentials = { username: 'ann', password: 'wrong' };
const wrongpass = { error: { code: 'AUTHENTICATION', kind: 'WRONGPASS', command: 'AUTH', delivery: 'answered' } };

const toldAuthentication = (redis: Redis) =>
  firstValueFrom(
    redis.events$.pipe(
      map((event) => (event.type === 'error' ? event.error : undefined)),
      filter((error) => error?.code === 'AUTHENTICATION'),
    ),
  );

/** A peer like Redis 8.0, 8.6 and Valkey 8.1: a refused AUTH that was read together with commands before it gets no answer. */
async function startForgetful(answerAuth: (line: string) => string | undefined): Promise<ScriptedServer> {
  let readBefore = 0;
  const blocked = new Set<unknown>();
  return ScriptedServer.start((words, socket) => {
    if (words[0] === 'WAIT') blocked.add(socket);
    if (blocked.has(socket)) return undefined;
    const isFirst = readBefore++ === 0;
    setImmediate(() => (readBefore = 0));
    switch (words[0]) {
      case 'HELLO':
        return greeting;
      case 'ECHO':
        return `$${words[1]!.length}\r\n${words[1]}\r\n`;
      case 'AUTH':
        return isFirst ? answerAuth(words.join(' ')) : undefined;
      default:
        return '+OK\r\n';
    }
  });
}

describe('A refused AUTH', () => {
  const server = useServer({ own: true }, '6.2');
  const make = useClients();
  const admin = () => make(server().url);
  const client = (options: RedisOptions = {}) => make({ url: server().url, reconnect: quick, ...options });
  beforeEach(async () => {
    await admin().call('ACL SETUSER', 'ann', 'reset', 'on', '>of-ann', '~*', '&*', '+@all');
  });

  it.each([2, 3] as const)('takes no reply of what is sent in the same tick (RESP%d)', async (protocol) => {
    const redis = client({ protocol });
    await redis.connect();
    const [x, auth, y, z] = [redis.echo('x'), redis.auth('ann', 'wrong'), redis.echo('y'), redis.echo('z')].map(
      outcome,
    );
    expect([await x, await auth, await y, await z]).toMatchObject([
      { value: 'x' },
      wrongpass,
      { value: 'y' },
      { value: 'z' },
    ]);
  });

  it('that is the first thing of all takes no reply either', async () => {
    const redis = client();
    const all = [redis.auth('ann', 'wrong'), redis.echo('y'), redis.auth('ann', 'wrong'), redis.echo('z')].map(outcome);
    expect(await Promise.all(all)).toMatchObject([wrongpass, { value: 'y' }, wrongpass, { value: 'z' }]);
  });

  it.each([2, 3] as const)(
    'of rotated credentials under traffic is told, and shifts no reply (RESP%d)',
    async (protocol) => {
      const tokens$ = new BehaviorSubject(ann);
      const redis = client({ protocol, credentials: tokens$ });
      await redis.connect();
      const told = toldAuthentication(redis);
      const echoes = range(0, 1_000).pipe(
        mergeMap((n) => {
          if (n % 200 === 100) tokens$.next({ ...stranger });
          return from(redis.echo(String(n))).pipe(map((reply) => reply === String(n)));
        }, 50),
        toArray(),
      );
      expect(await lastValueFrom(echoes)).toStrictEqual(Array(1_000).fill(true));
      expect(await told).toMatchObject({ kind: 'WRONGPASS', command: 'AUTH' });
      expect(await redis.aclWhoami()).toBe('ann');
    },
  );

  it.each([2, 3] as const)(
    'of rotated credentials on the connection of messages is told, and no message is lost (RESP%d)',
    async (protocol) => {
      const tokens$ = new BehaviorSubject(ann);
      const redis = client({ protocol, credentials: tokens$ });
      const messages = record(redis.subscribe('news'));
      const publisher = admin();
      while ((await publisher.publish('news', 'first')) === 0);
      const told = toldAuthentication(redis);
      tokens$.next({ ...stranger });
      expect(await told).toMatchObject({ kind: 'WRONGPASS', command: 'AUTH' });
      await redis.publish('news', 'last');
      while (!messages.values.some(({ data }) => data === 'last')) await publisher.publish('news', 'last');
      expect(messages.ended).toBeUndefined();
      expect(await admin().call<string>('CLIENT LIST', 'TYPE', 'PUBSUB')).toContain(' user=ann ');
    },
  );

  it('behind a command that blocks leaves the link after connectTimeout, and the next one answers', async () => {
    const redis = client({ connectTimeout: 300 });
    const id = await redis.clientId();
    const waiting = outcome(redis.wait(1, 0));
    const events = record(redis.events$);
    const all = [redis.echo('x'), redis.auth('ann', 'wrong'), redis.echo('y')].map(outcome);
    expect(await Promise.all(all)).toMatchObject([{ value: 'x' }, wrongpass, { value: 'y' }]);
    expect(events.values).toContainEqual(
      expect.objectContaining({
        type: 'error',
        error: expect.objectContaining({
          code: 'TIMEOUT',
          message: expect.stringContaining('AUTH') as string,
        }) as unknown,
      }),
    );
    expect(await redis.clientId()).not.toBe(id);
    expect(await waiting).toMatchObject({ error: { command: 'WAIT' } });
  });

  it('takes no reply of what follows it on a lease, nor does a refused HELLO', async () => {
    const redis = client();
    const done = redis.dedicated(async (connection) => {
      const sent: PromiseLike<unknown>[] = [
        connection.echo('a'),
        connection.auth('ann', 'wrong'),
        connection.echo('b'),
        connection.hello(3, { AUTH: ['ann', 'wrong'] }),
        connection.echo('c'),
      ];
      return Promise.all(sent.map(outcome));
    });
    expect(await done).toMatchObject([
      { value: 'a' },
      wrongpass,
      { value: 'b' },
      { error: { code: 'AUTHENTICATION', kind: 'WRONGPASS', command: 'HELLO' } },
      { value: 'c' },
    ]);
  });

  it.each([
    ['AUTH', (connection: DedicatedConnection) => connection.auth('ann', 'wrong')],
    ['HELLO', (connection: DedicatedConnection) => connection.hello(3, { AUTH: ['ann', 'wrong'] })],
  ])('is not sent in a transaction, where EXEC would leave out its reply: %s', async (command, signIn) => {
    const redis = client();
    const done = redis.dedicated(async (connection) => {
      const sent: PromiseLike<unknown>[] = [
        connection.call('MULTI'),
        connection.echo('a'),
        signIn(connection),
        connection.echo('b'),
        connection.exec(),
        connection.echo('c'),
      ];
      return Promise.all(sent.map(outcome));
    });
    expect(await done).toMatchObject([
      { value: 'OK' },
      { value: 'QUEUED' },
      {
        error: {
          code: 'PROTOCOL',
          command,
          delivery: 'unsent',
          repeatable: false,
          cause: expect.any(TypeError) as unknown,
        },
      },
      { value: 'QUEUED' },
      { value: ['a', 'b'] },
      { value: 'c' },
    ]);
  });
});

describe('A server that leaves a refused AUTH unanswered behind other replies', () => {
  const make = useClients();
  const servers: ScriptedServer[] = [];
  afterEach(() => Promise.all(servers.splice(0).map((server) => server.stop())));
  const start = async (answerAuth: (line: string) => string | undefined) => {
    const server = await startForgetful(answerAuth);
    servers.push(server);
    return server;
  };
  const refusing = (line: string) => (line.includes('wrong') ? '-WRONGPASS no\r\n' : '+OK\r\n');

  it.each([2, 3] as const)('shifts no reply (RESP%d)', async (protocol) => {
    const server = await start(refusing);
    const redis = make({ url: server.url, protocol, reconnect: quick });
    await redis.connect();
    const all = [redis.echo('x'), redis.auth('ann', 'wrong'), redis.echo('y'), redis.echo('z')].map(outcome);
    expect(await Promise.all(all)).toMatchObject([{ value: 'x' }, wrongpass, { value: 'y' }, { value: 'z' }]);
  });

  it('shifts no reply under traffic while credentials are rotated, and the refusal is told', async () => {
    const server = await start(refusing);
    const tokens$ = new BehaviorSubject(ann);
    const redis = make({ url: server.url, credentials: tokens$, reconnect: quick });
    await redis.connect();
    const told = toldAuthentication(redis);
    const replies = Array.from({ length: 200 }, (_, n) => {
      if (n === 100) tokens$.next(stranger);
      return redis.echo(String(n)).then();
    });
    expect(await Promise.all(replies)).toStrictEqual(Array.from({ length: 200 }, (_, n) => String(n)));
    expect(await told).toMatchObject({ kind: 'WRONGPASS', command: 'AUTH' });
  });

  it('is left when it owes a reply for connectTimeout: a command that blocks', async () => {
    const server = await start(refusing);
    const redis = make({ url: server.url, connectTimeout: 50, reconnect: quick });
    await redis.connect();
    const gone = server.gone();
    const waiting = outcome(redis.wait(1, 0));
    const all = [redis.echo('x'), redis.auth('ann', 'wrong'), redis.echo('y')].map(outcome);
    await gone;
    expect(await Promise.all(all)).toMatchObject([{ value: 'x' }, wrongpass, { value: 'y' }]);
    void redis.destroy();
    expect(await waiting).toHaveProperty('error');
  });

  it('is left when AUTH alone gets no answer for connectTimeout, and the next link signs in with what is new', async () => {
    const server = await start((line) => (line.includes('newer') ? undefined : '+OK\r\n'));
    const tokens$ = new BehaviorSubject(ann);
    const redis = make({ url: server.url, credentials: tokens$, connectTimeout: 50, reconnect: quick });
    const events = record(redis.events$);
    await redis.connect();
    const gone = server.gone();
    tokens$.next({ username: 'ann', password: 'newer' });
    const reply = outcome(redis.echo('held back'));
    await gone;
    expect(await reply).toStrictEqual({ value: 'held back' });
    const signedIn = server.seen.filter(([word]) => word === 'HELLO').map((words) => words.join(' '));
    expect(signedIn).toStrictEqual(['HELLO 3 AUTH ann of-ann', 'HELLO 3 AUTH ann newer']);
    expect(events.values).toContainEqual({ connection: 'commands', type: 'disconnect', reason: 'timeout' });
  });
});
