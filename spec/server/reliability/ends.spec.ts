import type { Redis } from 'rxjs-redis';
import { startServer } from '../../../infra/servers';
import { reaches, record, useClients } from '../../support/clients';
import { startDebuggableServer } from '../../support/debuggable';
import { outcome } from '../../support/outcomes';
import { ScriptedServer, afterHandshake } from '../../support/scripted-server';
import { useServer } from '../../support/server';

const quick = { initialDelay: 1, maxDelay: 5 };

describe('A command that ends its connection', () => {
  const server = useServer({ own: true });
  const make = useClients();
  const isOld = () => server().version.startsWith('6.0');

  it.each([2, 3] as const)('is answered by the end: SHUTDOWN (RESP%d)', async (protocol) => {
    const doomed = await startServer({ own: true, log: () => undefined });
    const redis = make({ url: doomed.url, protocol, reconnect: quick });
    await redis.connect();
    const down = reaches(redis, 'reconnecting');
    expect(await outcome(redis.shutdown({ NOSAVE: true }))).toStrictEqual({ value: undefined });
    await down;
    await doomed.stop();
  });

  it('is answered by the end on a lease as well: SHUTDOWN', async () => {
    const doomed = await startServer({ own: true, log: () => undefined });
    const redis = make({ url: doomed.url, reconnect: quick });
    const work = redis.dedicated((connection) => outcome(connection.shutdown({ NOSAVE: true })));
    expect(await work).toStrictEqual({ value: undefined });
    await doomed.stop();
  });

  it.each<[string, (redis: Redis) => PromiseLike<unknown>]>([
    ['SHUTDOWN', (redis) => redis.shutdown({ NOSAVE: true })],
    ['DEBUG RESTART', (redis) => redis.call('DEBUG', 'RESTART')],
  ])('is answered by the end also where the server owes replies to what came before: %s', async (_, end) => {
    const doomed = await startDebuggableServer();
    const redis = make({ url: doomed.url, reconnect: false });
    await redis.connect();
    const others = [redis.get('k'), redis.incr('n')].map((reply: PromiseLike<unknown>) => outcome(reply));
    const ended = [outcome(end(redis)), outcome(end(redis))];
    others.push(outcome(redis.incr('n')));
    expect(await Promise.all(ended)).toStrictEqual([{ value: undefined }, { value: undefined }]);
    for (const other of await Promise.all(others)) {
      // A server may have answered what came first, and ends without doing what comes behind.
      if ('error' in other) expect(other.error).toMatchObject({ delivery: 'unknown' });
      else expect([null, 1]).toContain(other.value);
    }
    await doomed.stop();
  });

  it('fails where the server refuses it: SHUTDOWN ABORT', async () => {
    if (isOld()) return;
    const redis = make(server().url);
    expect(await outcome(redis.shutdown({ ABORT: true }))).toMatchObject({ error: { code: 'REPLY', kind: 'ERR' } });
    expect(await redis.echo('a')).toBe('a');
  });

  it('is answered before the end: QUIT', async () => {
    const work = make(server().url).dedicated(async (connection) => [
      await outcome(connection.quit()),
      await outcome(connection.echo('behind')),
    ]);
    const [quit, behind] = await work;
    expect(quit).toStrictEqual({ value: 'OK' });
    expect(behind).toHaveProperty('error');
  });

  it('is answered before the end, as is all that came before it: QUIT behind others', async () => {
    const work = make(server().url).dedicated((connection) =>
      Promise.all([connection.echo('a'), connection.quit(), connection.quit(), connection.echo('b')].map(outcome)),
    );
    expect(await work).toMatchObject([{ value: 'a' }, { value: 'OK' }, { value: undefined }, { error: {} }]);
  });

  it('is answered before the end, as is all that came before it: CLIENT KILL of oneself behind others', async () => {
    const redis = make({ url: server().url, reconnect: quick });
    const ID = await redis.clientId();
    const replies = [redis.echo('a'), redis.clientKill({ ID, SKIPME: false })].map((reply: PromiseLike<unknown>) =>
      outcome(reply),
    );
    expect(await Promise.all(replies)).toStrictEqual([{ value: 'a' }, { value: 1 }]);
  });

  it('is answered before the end: CLIENT KILL of oneself', async () => {
    const redis = make({ url: server().url, reconnect: quick });
    const ID = await redis.clientId();
    expect(await outcome(redis.clientKill({ ID, SKIPME: false }))).toStrictEqual({ value: 1 });
    const next = await redis.clientId();
    expect(next).not.toBe(ID);
    const clients = await redis.call<string>('CLIENT LIST');
    const [, address] = new RegExp(`^id=${next} addr=(\\S+)`, 'm').exec(clients)!;
    expect(await outcome(redis.clientKill(address!))).toStrictEqual({ value: 'OK' });
    expect(await redis.echo('a')).toBe('a');
  });

  it.each([
    ['SHUTDOWN', ['NOSAVE']],
    ['DEBUG', ['SEGFAULT']],
    ['DEBUG', ['restart', '100']],
    ['DEBUG', ['CRASH-AND-RECOVER']],
  ])('is answered by the end, and nothing is sent twice: %s %s', async (name, args) => {
    let ending: unknown;
    const peer = await ScriptedServer.start(
      afterHandshake(([word], socket) => {
        if (word === name) {
          ending = socket;
          setImmediate(() => socket.end());
        }
        return ending === socket ? undefined : '+v\r\n';
      }),
    );
    const redis = make({ url: peer.url, reconnect: quick });
    await redis.connect();
    const [first, ended, write, read] = [
      redis.get('k'),
      redis.call(name, ...args),
      redis.call('WRITE'),
      redis.get('k'),
    ].map((reply: PromiseLike<unknown>) => outcome(reply));
    expect(await Promise.all([first, ended])).toStrictEqual([{ value: 'v' }, { value: undefined }]);
    expect(await write).toMatchObject({ error: { code: 'CONNECTION', delivery: 'unknown' } });
    expect(await read).toStrictEqual({ value: 'v' });
    expect(peer.seen.filter(([word]) => word === name)).toHaveLength(1);
    await redis.destroy();
    await peer.stop();
  });

  it('is not answered by the end that the client itself makes, nor by a limit of time', async () => {
    const peer = await ScriptedServer.start(afterHandshake(() => undefined));
    const impatient = make({ url: peer.url, readTimeout: 50, reconnect: quick });
    expect(await outcome(impatient.call('SHUTDOWN'))).toMatchObject({
      error: { code: 'CONNECTION', delivery: 'unknown' },
    });
    const redis = make({ url: peer.url, reconnect: quick });
    const asked = peer.next('SHUTDOWN');
    const ending = outcome(redis.call('SHUTDOWN'));
    await asked;
    await redis.destroy();
    expect(await ending).toMatchObject({ error: { delivery: 'unknown' } });
    await peer.stop();
  });

  it('leaves an ordinary command alone, whose connection ends', async () => {
    const peer = await ScriptedServer.start(
      afterHandshake((_, socket) => {
        socket.end();
        return undefined;
      }),
    );
    const redis = make({ url: peer.url, reconnect: quick });
    record(redis.state$);
    expect(await outcome(redis.call('DEBUG', 'SLEEP', '0'))).toMatchObject({ error: { delivery: 'unknown' } });
    await redis.destroy();
    await peer.stop();
  });
});
