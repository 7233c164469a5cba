import type { Redis } from 'rxjs-redis';
import { eventually, reaches, record, useClients } from '../../support/clients';
import { failure, outcome } from '../../support/outcomes';
import { ScriptedServer, afterHandshake } from '../../support/scripted-server';
import { useProxy, useServer } from '../../support/server';

/** A delay that no spec survives: what is made anew by the user does not wait for it. */
const never = { initialDelay: 1e9, maxDelay: 1e9, maxDelayWaiting: 1e9 };

describe('reconnect()', () => {
  const server = useServer();
  const proxy = useProxy(server);
  const make = useClients();

  it('makes the connection anew at once, whatever the delay', async () => {
    const redis = make({ url: server().url, reconnect: never });
    const id = await redis.clientId();
    const states = record(redis.state$);
    await redis.reconnect();
    expect(states.values.map(({ kind }) => kind)).toStrictEqual(['ready', 'reconnecting', 'connecting', 'ready']);
    expect(await redis.clientId()).not.toBe(id);
  });

  it('leaves the connection once its replies have come, and what is called meanwhile waits for the next', async () => {
    const answers: (() => void)[] = [];
    const peer = await ScriptedServer.start(
      afterHandshake(([word], socket) => {
        if (word === 'INCR') answers.push(() => socket.write(':1\r\n'));
        return word === 'INCR' ? undefined : '+v\r\n';
      }),
    );
    const redis = make({ url: peer.url, reconnect: never });
    const asked = peer.next('INCR');
    const owed = outcome(redis.incr('n'));
    await asked;
    const renewed = outcome(redis.reconnect());
    const behind = outcome(redis.get('k'));
    await new Promise(setImmediate);
    expect(peer.seen.map(([word]) => word)).not.toContain('GET');
    answers[0]!();
    expect(await owed).toStrictEqual({ value: 1 });
    expect(await renewed).toStrictEqual({ value: undefined });
    expect(await behind).toStrictEqual({ value: 'v' });
    expect(peer.reads).toHaveLength(2);
    await redis.destroy();
    await peer.stop();
  });

  it.each([0, 1000])('refuses nothing that is called meanwhile, where %d commands may wait', async (offlineQueue) => {
    const redis = make({ url: server().url, reconnect: never, offlineQueue });
    await redis.connect();
    await redis.del('renewed');
    const count = 2_000;
    const before = Array.from({ length: count }, () => outcome(redis.incr('renewed')));
    const renewed = outcome(redis.reconnect());
    const behind = Array.from({ length: count }, () => outcome(redis.incr('renewed')));
    await new Promise(setImmediate);
    behind.push(outcome(redis.incr('renewed')));
    expect(await renewed).toStrictEqual({ value: undefined });
    expect(await Promise.all([...before, ...behind])).toStrictEqual(
      Array.from({ length: 2 * count + 1 }, (_, n) => ({ value: n + 1 })),
    );
  });

  it('leaves as many waiting as may where the next connection cannot be made', async () => {
    const redis = make({ url: proxy().url(), reconnect: never, offlineQueue: 1 });
    await redis.connect();
    await proxy().refuse(true);
    const renewed = outcome(redis.reconnect());
    const replies = [redis.echo('a'), redis.echo('b'), redis.echo('c')].map((reply) => outcome(reply));
    expect(await Promise.all(replies.slice(1))).toMatchObject([
      { error: { code: 'DISCONNECTED', delivery: 'unsent' } },
      { error: { code: 'DISCONNECTED', delivery: 'unsent' } },
    ]);
    expect(await outcome(redis.echo('d'))).toMatchObject({ error: { code: 'DISCONNECTED', delivery: 'unsent' } });
    await proxy().refuse(false);
    await redis.reconnect();
    expect(await replies[0]).toStrictEqual({ value: 'a' });
    expect(await renewed).toStrictEqual({ value: undefined });
  });

  it.each([true, false])('is no error, and events say that the user wanted it (now: %s)', async (now) => {
    const redis = make({ url: server().url, reconnect: never });
    await redis.connect();
    const events = record(redis.events$);
    await redis.reconnect({ now });
    expect(events.values).toStrictEqual([
      { connection: 'commands', type: 'disconnect', reason: 'renewed_by_user' },
      { connection: 'commands', type: 'reconnecting', attempt: 1, delay: 0 },
      { connection: 'commands', type: 'connect', protocol: 3 },
    ]);
  });

  it('leaves it now where that is wanted: reads are repeated, what may have run fails', async () => {
    let isFirst = true;
    const peer = await ScriptedServer.start(
      afterHandshake(([word]) => {
        const isSilent = isFirst;
        if (word === 'INCR') isFirst = false;
        return isSilent ? undefined : '+v\r\n';
      }),
    );
    const redis = make({ url: peer.url, reconnect: never });
    const asked = peer.next('INCR');
    const [read, write] = [outcome(redis.get('k')), outcome(redis.incr('n'))];
    await asked;
    await redis.reconnect({ now: true });
    expect(await read).toStrictEqual({ value: 'v' });
    expect(await write).toMatchObject({ error: { code: 'CONNECTION', delivery: 'unknown', command: 'INCR' } });
    await redis.destroy();
    await peer.stop();
  });

  it('repeats a read as often as it is left now: its reply has broken nothing', async () => {
    let asked = 0;
    const peer = await ScriptedServer.start(afterHandshake(() => (++asked <= 3 ? undefined : '+v\r\n')));
    const redis = make({ url: peer.url, reconnect: never });
    let next = peer.next('GET');
    const read = outcome(redis.get('k'));
    for (let time = 1; time <= 3; time++) {
      await Promise.race([next, read]);
      next = peer.next('GET');
      await redis.reconnect({ now: true });
    }
    expect(await read).toStrictEqual({ value: 'v' });
    await redis.destroy();
    await peer.stop();
  });

  it.each([2, 3] as const)(
    'makes the connection of messages anew as well, subscriptions included (RESP%d)',
    async (protocol) => {
      const redis = make({ url: server().url, protocol, reconnect: never });
      const messages = record(redis.subscribe('renewing'));
      const admin = make(server().url);
      const subscriber = async () => /^id=(\d+)/.exec(await admin.call<string>('CLIENT LIST', 'TYPE', 'PUBSUB'))?.[1];
      const publish = (count: number) =>
        eventually(
          () => admin.publish('renewing', 'hello'),
          () => messages.values.length > count,
        );
      await publish(0);
      const before = await subscriber();
      await redis.reconnect();
      await publish(messages.values.length);
      expect(await subscriber()).not.toBe(before);
      expect(messages.ended).toBeUndefined();
    },
  );

  it('ends the wait for a server that is back', async () => {
    const redis = make({ url: proxy().url(), reconnect: never });
    await redis.connect();
    await proxy().refuse(true);
    proxy().cut();
    await reaches(redis, 'reconnecting');
    await proxy().refuse(false);
    await redis.reconnect();
    expect(await redis.echo('a')).toBe('a');
  });

  it('also works where the client does not reconnect by itself', async () => {
    const redis = make({ url: server().url, reconnect: false });
    const id = await redis.clientId();
    await redis.reconnect({ now: true });
    expect(await redis.clientId()).not.toBe(id);
  });

  it('opens a connection where there is none, and is refused by a client that is closed', async () => {
    const redis = make(server().url);
    await redis.reconnect();
    await reaches(redis, 'ready');
    await redis.close();
    expect(await failure(redis.reconnect())).toMatchObject({ code: 'DISCONNECTED' });
  });

  it('leaves what is lent as it is', async () => {
    const redis = make({ url: server().url, reconnect: never });
    const ids = redis.dedicated(async (connection) => {
      const id = await connection.clientId();
      await redis.reconnect({ now: true });
      return [id, await connection.clientId()];
    });
    const [before, after] = (await ids) ?? [];
    expect(after).toBe(before);
  });

  it('takes a boolean alone', () => {
    const redis: Redis = make(server().url);
    expect(() => redis.reconnect({ now: 'yes' as unknown as boolean })).toThrow(
      new TypeError("reconnect: 'now' is a boolean, got a string"),
    );
  });
});
