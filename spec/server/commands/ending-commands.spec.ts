import { once } from 'node:events';
import { startServer } from '../../../infra/servers';
import { eventually } from '../../support/clients';
import { useServer } from '../../support/server';
import { codeOf } from './known-to';
import { outcomeOf } from './outcomes';
import { RawSession } from './raw-session';

/** A script that runs till it is killed. */
const ENDLESS = 'while true do end';

const ENDLESS_LIBRARY = `#!lua name=endless
redis.register_function{function_name='loop', callback=function() while true do end end, flags={'no-writes'}}`;

const server = useServer({ own: true });
const sessions: RawSession[] = [];
afterEach(() => sessions.splice(0).forEach((session) => session.close()));

async function open(address: { host: string; port: number } = server()): Promise<RawSession> {
  const session = await RawSession.open(address, { protocol: 3 });
  sessions.push(session);
  return session;
}

describe('commands that end or change what they run on', () => {
  it('QUIT answers and closes the connection', async () => {
    const session = await open();
    const closed = once(session.socket, 'close');
    expect(await session.quit()).toBe('OK');
    await closed;
  });

  it('CLIENT REPLY SKIP and OFF answer nothing, ON answers again', async () => {
    const session = await open();
    session.submitUnanswered(session.clientReply('SKIP').command);
    session.submitUnanswered(session.echo('skipped').command);
    expect(await session.echo('heard')).toBe('heard');
    session.submitUnanswered(session.clientReply('OFF').command);
    session.submitUnanswered(session.echo('unheard').command);
    expect(await session.clientReply('ON')).toBe('OK');
  });

  it('SCRIPT KILL ends a script that only reads', async () => {
    const [session, other] = [await open(), await open()];
    await session.configSet(
      'busy-reply-threshold' in (await session.configGet('busy-reply-threshold'))
        ? 'busy-reply-threshold'
        : 'lua-time-limit',
      10,
    );
    const running = Promise.resolve(other.eval(ENDLESS)).catch((error: Error) => error.message);
    const killed = await eventually(
      () => outcomeOf(session, session.scriptKill().command),
      (outcome) => 'value' in outcome,
    );
    expect(killed).toEqual({ value: 'OK' });
    expect(await running).toMatch(/killed/i);
  });

  it('FUNCTION KILL ends a function that only reads', async () => {
    const [session, other] = [await open(), await open()];
    if ((await codeOf(session)) === 'r6.0') return;
    await session.configSet('busy-reply-threshold', 10);
    await session.functionLoad(ENDLESS_LIBRARY);
    const running = Promise.resolve(other.fcall('loop')).catch((error: Error) => error.message);
    const killed = await eventually(
      () => outcomeOf(session, session.functionKill().command),
      (outcome) => 'value' in outcome,
    );
    expect(killed).toEqual({ value: 'OK' });
    expect(await running).toMatch(/killed/i);
  });
});

describe('commands between two servers', () => {
  const other = useServer({ own: true });

  it('MIGRATE moves keys, and answers NOKEY when there are none', async () => {
    const [session, there] = [await open(), await open(other())];
    await session.mset({ 'key:1': 1, 'key:2': 2 });
    const { host, port } = other();
    expect(await session.migrate(host, port, ['key:1', 'key:2'], 0, 1000, { REPLACE: true })).toBe('OK');
    expect(await there.mget('key:1', 'key:2')).toEqual(['1', '2']);
    expect(await session.migrate(host, port, 'key:1', 0, 1000)).toBe('NOKEY');
  });

  it('REPLICAOF makes a replica, FAILOVER makes it the master', async () => {
    const [session, there] = [await open(), await open(other())];
    const { host, port } = server();
    expect(await there.replicaof(host, port)).toMatch(/^OK/);
    const role = await eventually(
      () => there.role(),
      (now) => now.role === 'slave' && now.state === 'connected',
    );
    expect(role).toMatchObject({ host, port });
    const master = await eventually(
      () => session.role(),
      (now) => now.role === 'master' && now.replicas.length === 1,
    );
    expect(master).toMatchObject({ replicas: [{ port: other().port }] });
    if ((await codeOf(session)) !== 'r6.0') {
      expect(await session.failover({ TO: [other().host, other().port], TIMEOUT: 5000 })).toBe('OK');
      await eventually(
        () => there.role(),
        (now) => now.role === 'master',
      );
    }
    expect(await there.replicaof('NO ONE')).toMatch(/^OK/);
    expect(await session.replicaof('NO ONE')).toMatch(/^OK/);
  });
});

describe('SHUTDOWN', () => {
  it('closes the connection without an answer', async () => {
    const doomed = await startServer({ own: true, log: () => undefined });
    const session = await open(doomed);
    const closed = once(session.socket, 'close');
    session.submitUnanswered(session.shutdown({ NOSAVE: true }).command);
    await closed;
    await doomed.stop();
  });

  it('has nothing to abort when nobody shuts down', async () => {
    const session = await open();
    if ((await codeOf(session)) === 'r6.0') return;
    expect(await outcomeOf(session, session.shutdown({ ABORT: true }).command)).toEqual({
      refused: expect.stringMatching(/No shutdown/) as unknown,
    });
  });
});
