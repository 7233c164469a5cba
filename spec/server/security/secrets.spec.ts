import { inspect } from 'node:util';
import { BehaviorSubject, lastValueFrom } from 'rxjs';
import { ReplyError, type Redis, type RedisOptions, type Reply } from 'rxjs-redis';
import { reaches, record, useClients } from '../../support/clients';
import { failure } from '../../support/outcomes';
import { ScriptedServer } from '../../support/scripted-server';
import { useProxy, useServer } from '../../support/server';
import { shown } from '../../support/shown';

const quick = { initialDelay: 1, maxDelay: 5 };

describe('A secret', () => {
  const server = useServer({ args: ['--requirepass', 'hunter2-server'] });
  const proxy = useProxy(server);
  const make = useClients();
  const client = (options: RedisOptions = {}) =>
    make({ url: proxy().url(), password: 'hunter2-server', reconnect: quick, ...options });

  it.each<[string, RedisOptions]>([
    ['as a password', { password: 'hunter2-wrong' }],
    ['with a user name', { username: 'hunter2-user', password: 'hunter2-wrong' }],
    ['as credentials', { credentials: { password: 'hunter2-wrong' } }],
    ['from a function', { credentials: () => Promise.resolve({ password: 'hunter2-wrong' }) }],
    ['from an Observable', { credentials: new BehaviorSubject({ password: 'hunter2-wrong' }) }],
  ])('that is refused stands in no error, event, state or client: %s', async (_, options) => {
    for (const protocol of [2, 3, 'auto'] as const) {
      const redis = make({ url: server().url, reconnect: quick, protocol, ...options });
      const events = record(redis.events$);
      const states = record(redis.state$);
      const waiting = failure(redis.ping());
      const errors = [await failure(redis.connect()), await waiting];
      expect(errors.map(({ code }) => code)).toStrictEqual(['AUTHENTICATION', 'AUTHENTICATION']);
      expect([...errors, redis, ...events.values, ...states.values].map(shown).join()).not.toContain('hunter2');
    }
  });

  it('in a URL that leads nowhere stands in no error', async () => {
    const redis = make({ url: 'redis://hunter2-user:hunter2-password@127.0.0.1:1', reconnect: false });
    const waiting = failure(redis.ping());
    const errors = [await failure(redis.connect()), await waiting, await failure(redis.ping())];
    expect(errors.map(shown).join()).not.toContain('hunter2');
  });

  const commands: [string, (redis: Redis) => PromiseLike<unknown>][] = [
    ['AUTH', (redis) => redis.auth('ann', 'hunter2')],
    ['AUTH by name', (redis) => redis.call('AUTH', 'ann', 'hunter2')],
    ['ACL SETUSER', (redis) => redis.aclSetuser('ann', ['on', '>hunter2', 'no-such-rule'])],
    ['ACL SETUSER that removes it', (redis) => redis.aclSetuser('ann', ['<hunter2'])],
    ['ACL SETUSER with its hash', (redis) => redis.aclSetuser('ann', ['#hunter2'])],
    ['a command that the server does not know', (redis) => redis.call('NO-SUCH-COMMAND', 'hunter2')],
    ['CONFIG SET', (redis) => redis.configSet({ requirepass: 'hunter2', 'no-such-parameter': 'x' })],
    ['CONFIG SET by name', (redis) => redis.call('CONFIG SET', 'masterauth', 'hunter2', 'masterauth', 'hunter2')],
    ['MIGRATE', (redis) => redis.migrate('127.0.0.1', 1, ['k'], 0, 10, { AUTH: 'hunter2' })],
    ['EVAL', (redis) => redis.eval('return redis.error_reply("no")', [], ['hunter2'])],
  ];

  it.each(commands)(
    'among the arguments of a command that is refused does not stand in the error: %s',
    async (_, send) => {
      const redis = client();
      await redis.set('k', 'v');
      const error = await failure(send(redis));
      expect(error.delivery).toBe('answered');
      expect(shown(error)).not.toContain('hunter2');
    },
  );

  it.each(commands)(
    'among the arguments of a command that is lost does not stand in the error: %s',
    async (_, send) => {
      const redis = client({ retry: false });
      await redis.connect();
      proxy().blackhole(true);
      const written = failure(send(redis));
      await new Promise(setImmediate);
      await proxy().refuse(true);
      proxy().cut();
      proxy().blackhole(false);
      await reaches(redis, 'reconnecting');
      const late = failure(redis.withOptions({ commandTimeout: 5 }).eval('return 1', [], ['hunter2']));
      const errors = [await written, await late];
      await redis.destroy();
      errors.push(await failure(send(redis)));
      expect(errors.map(({ code }) => code)).toStrictEqual(['CONNECTION', 'TIMEOUT', 'DISCONNECTED']);
      expect(errors.map(shown).join()).not.toContain('hunter2');
    },
  );

  it('that the server repeats in a reply to EXEC stands in none of its errors', async () => {
    const redis = client();
    const work = redis.dedicated(async (connection) => {
      await connection.call('MULTI');
      await connection.aclSetuser('ann', ['<hunter2']);
      await connection.aclSetuser('ann', ['(+get >hunter2)']);
      await connection.call('ACL', 'SETUSER', 'ann', '#hunter2');
      await connection.configSet({ masterauth: 'hunter2'.repeat(200) });
      return connection.exec();
    });
    const replies = (await lastValueFrom(work)) as ReplyError[];
    expect(replies.slice(0, 3).map(({ kind }) => kind)).toStrictEqual(['ERR', 'ERR', 'ERR']);
    expect(replies.map(shown).join()).not.toContain('hunter2');
    const named = redis.dedicated(async (connection) => {
      await connection.call('MULTI');
      await connection.aclSetuser('ann', ['<hunter2']);
      return connection.call<unknown[]>('EXEC');
    });
    const [refused] = await lastValueFrom(named);
    expect(refused).toBeInstanceOf(ReplyError);
    expect(shown(refused)).not.toContain('hunter2');
  });

  it.each(commands)('is shown neither by the command nor by its Reply: %s', (_, send) => {
    const { command } = send(client()) as Reply<unknown>;
    expect(shown(command)).not.toContain('hunter2');
    expect(shown({ nested: [{ ...command }] })).not.toContain('hunter2');
  });

  it('is shown by no command that a retry policy is given', async () => {
    let given: unknown;
    const redis = client({ retry: (_, __, command) => ((given = command), false) });
    await failure(redis.auth('ann', 'hunter2'));
    expect(given).toHaveProperty('spec.name', 'AUTH');
    expect(shown(given)).not.toContain('hunter2');
  });

  it('that is very long stands in no error either, which comes all the same', async () => {
    const secret = 'hunter2.'.repeat(5_000);
    const redis = client();
    const refused = await failure(redis.auth('ann', secret));
    expect(refused).toMatchObject({ code: 'AUTHENTICATION', delivery: 'answered' });
    expect(shown(refused)).not.toContain('hunter2');
  });

  it('that a server without HELLO repeats does not stand in the error', async () => {
    const ancient = await ScriptedServer.start(
      (words) => `-ERR unknown command '${words[0]}', with args beginning with: '${words.slice(1).join("' '")}' \r\n`,
    );
    const redis = make({ url: ancient.url, protocol: 3, username: 'ann', password: 'hunter2', reconnect: quick });
    const events = record(redis.events$);
    const connected = failure(redis.withOptions({ commandTimeout: 50 }).ping());
    const state = await reaches(redis, 'reconnecting');
    expect(state).toMatchObject({ error: { command: 'AUTH' } });
    expect([state, await connected, ...events.values].map(shown).join()).not.toContain('hunter2');
    await ancient.stop();
  });

  it('that signed in is not shown even to who looks past what the client shows of itself', async () => {
    const redis = client();
    await client().aclSetuser('ann', ['reset', 'on', '>hunter2', '~*', '+@all']);
    await redis.auth('ann', 'hunter2');
    expect(inspect(redis, { customInspect: false, depth: 20, showHidden: true })).not.toContain('hunter2');
  });

  it('among the options is not shown by the client', async () => {
    const secret = 'hunter2';
    const tls = { key: secret, passphrase: secret, pfx: secret };
    const redis = client({ tls, password: 'hunter2-server' });
    const withCredentials = make({ url: proxy().url(), tls, credentials: { username: 'ann', password: secret } });
    for (const one of [redis, withCredentials]) {
      expect(shown(one)).toContain(String(proxy().port));
      expect(shown(one)).not.toContain('hunter2');
      expect(shown({ nested: [one] })).not.toContain('hunter2');
    }
    const others = [redis.bytes, redis.withOptions({ commandTimeout: 5 }), redis.get('k'), redis.auth('ann', secret)];
    expect(others.map(shown).join()).not.toContain('hunter2');
    const connected = client();
    await connected.connect();
    expect(shown(connected)).not.toContain('hunter2');
    expect([connected.state$, connected.events$, connected.connect()].map(shown).join()).not.toContain('hunter2');
  });
});
