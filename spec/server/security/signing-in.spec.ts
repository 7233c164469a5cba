import { filter, firstValueFrom, map } from 'rxjs';
import type { Redis, RedisOptions } from 'rxjs-redis';
import { reaches, record, useClients } from '../../support/clients';
import { failure, outcome } from '../../support/outcomes';
import { useServer } from '../../support/server';

const quick = { initialDelay: 5, maxDelay: 20 };

describe('Signing in', () => {
  const server = useServer({ own: true }, '6.2');
  const make = useClients();
  const admin = () => make(server().url);
  const client = (options: RedisOptions) => make({ url: server().url, reconnect: quick, ...options });
  /** The next reason to reconnect of that kind. */
  const refused = (redis: Redis, code: string) =>
    firstValueFrom(
      redis.state$.pipe(
        map((state) => (state.kind === 'reconnecting' ? state.error : undefined)),
        filter((error) => error?.code === code),
      ),
    );
  beforeEach(async () => {
    await admin().call('ACL SETUSER', 'ann', 'reset', 'on', '>first', '~*', '&*', '+@all');
  });

  it.each([2, 3] as const)('names the user in the URL or in the options (RESP%d)', async (protocol) => {
    const { host, port, url } = server();
    expect(await make({ url: `redis://ann:first@${host}:${port}`, protocol }).aclWhoami()).toBe('ann');
    expect(await make({ url, username: 'ann', password: 'first', protocol }).aclWhoami()).toBe('ann');
    expect(await make({ url, credentials: { username: 'ann', password: 'first' }, protocol }).aclWhoami()).toBe('ann');
  });

  it('is the same again on every connection', async () => {
    const redis = client({ username: 'ann', password: 'first' });
    for (let n = 0; n < 3; n++) {
      await admin().clientKill({ ID: await redis.clientId() });
      await reaches(redis, 'reconnecting');
      expect(await redis.aclWhoami()).toBe('ann');
    }
  });

  it('asks little of the permissions of the user', async () => {
    await admin().call('ACL SETUSER', 'guest', 'reset', 'on', '>pw', '~guest:*', '+get');
    const redis = client({ username: 'guest', password: 'pw' });
    expect(await redis.get('guest:k')).toBeNull();
    expect(await failure(redis.set('guest:k', 'v'))).toMatchObject({ code: 'REPLY', kind: 'NOPERM', command: 'SET' });
    expect(await failure(redis.get('k'))).toMatchObject({ code: 'REPLY', kind: 'NOPERM', delivery: 'answered' });
  });

  it('that is refused fails connect() and what waits, and is tried again', async () => {
    const redis = client({ username: 'ann', password: 'second' });
    const waiting = failure(redis.incr('signing-in'));
    expect(await failure(redis.connect())).toMatchObject({ code: 'AUTHENTICATION', kind: 'WRONGPASS' });
    expect(await waiting).toMatchObject({
      code: 'AUTHENTICATION',
      delivery: 'unsent',
      command: 'INCR',
      repeatable: false,
    });
    await admin().call('ACL SETUSER', 'ann', '>second');
    await reaches(redis, 'ready');
    expect(await redis.aclWhoami()).toBe('ann');
  });

  it('that is refused on a reconnect fails what waits, until it is accepted again', async () => {
    const redis = client({ username: 'ann', password: 'first' });
    await redis.connect();
    await admin().call('ACL SETUSER', 'ann', 'resetpass', '>second');
    const error = refused(redis, 'AUTHENTICATION');
    await admin().clientKill({ USER: 'ann' });
    await reaches(redis, 'reconnecting');
    const waiting = outcome(redis.incr('signing-in'));
    expect(await error).toMatchObject({ code: 'AUTHENTICATION', kind: 'WRONGPASS', command: 'HELLO' });
    expect(await waiting).toMatchObject({
      error: { code: 'AUTHENTICATION', delivery: 'unsent', command: 'INCR', repeatable: false },
    });
    await admin().call('ACL SETUSER', 'ann', '>first');
    await reaches(redis, 'ready');
    expect(await redis.aclWhoami()).toBe('ann');
  });

  it('comes to an end when the server deletes the user', async () => {
    const redis = client({ username: 'ann', password: 'first' });
    const events = record(redis.events$);
    await redis.connect();
    const error = refused(redis, 'AUTHENTICATION');
    await admin().call('ACL DELUSER', 'ann');
    await error;
    expect(events.values).toContainEqual({ connection: 'commands', type: 'disconnect', reason: 'server_closed' });
  });

  it('is a matter of the connection: a user may lose a permission and keep the connection', async () => {
    const redis = client({ username: 'ann', password: 'first' });
    const id = await redis.clientId();
    await admin().call('ACL SETUSER', 'ann', '-set');
    expect(await failure(redis.set('k', 'v'))).toMatchObject({ kind: 'NOPERM' });
    expect(await redis.clientId()).toBe(id);
  });
});
