import type { Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { useClients } from '../../support/clients';
import { failure, outcome } from '../../support/outcomes';
import { afterHandshake, ScriptedServer } from '../../support/scripted-server';
import { useServer } from '../../support/server';
import { until } from '../../support/until';

const TURNS = [0, 1, 2, 3, 4, 5, 6, 7];

describe('A write that Node refuses', () => {
  const make = useClients();
  const server = useServer();
  let peer: ScriptedServer;
  /** The connections that INCR arrived on. */
  let ran: Socket[] = [];
  let end: (socket: Socket) => void;
  beforeEach(async () => {
    ran = [];
    peer = await ScriptedServer.start(
      afterHandshake((words, socket) => {
        if (words[0] === 'PUBLISH') end(socket);
        if (words[0] === 'INCR') ran.push(socket);
        // The connection that was ended is read from, and answers no more.
        return socket.writableEnded || socket.destroyed ? undefined : words[0] === 'INCR' ? ':1\r\n' : '+OK\r\n';
      }),
    );
  });
  afterEach(() => peer.stop());

  const client = (options = {}) => make({ url: peer.url, reconnect: { initialDelay: 1 }, ...options });

  it.each(TURNS)(
    'because the end had come is not sent, and waits for the next link: INCR %d turns later',
    async (turns) => {
      end = (socket) => socket.end(':0\r\n');
      const redis = client();
      await redis.publish('c', 'm');
      for (let turn = 0; turn < turns; turn++) await setImmediate();
      const ended = await outcome(redis.incr('n'));
      // It fails only where it reached the connection that gives no answer; otherwise it ran on the next one. Never both.
      await until(() => ran.length > 0);
      if ('error' in ended) expect(ended.error).toMatchObject({ code: 'CONNECTION', delivery: 'unknown' });
      else expect(ended.value).toBe(1);
      expect(ran.map((socket) => socket.writableEnded)).toStrictEqual(['error' in ended]);
      // Two turns later the end has been read.
      if (turns >= 2) expect(ended).toStrictEqual({ value: 1 });
    },
  );

  it.each(TURNS)('because the peer had reset the link is not sent either: INCR %d turns later', async (turns) => {
    const reset = new Promise<void>((done) => {
      end = (socket) => {
        socket.resetAndDestroy();
        done();
      };
    });
    const redis = client();
    await redis.connect();
    const lost = outcome(redis.publish('c', 'm'));
    await reset;
    for (let turn = 0; turn < turns; turn++) await setImmediate();
    expect(await outcome(redis.incr('n'))).toStrictEqual({ value: 1 });
    expect(ran).toHaveLength(1);
    await lost;
  });

  it.each(TURNS)('because a server had closed the link is not sent either: INCR %d turns later', async (turns) => {
    const redis = client({ url: server().url });
    const admin = make(server().url);
    await redis.del('n');
    await admin.clientKill({ ID: await redis.clientId() });
    for (let turn = 0; turn < turns; turn++) await setImmediate();
    const ended = await outcome(redis.incr('n'));
    if ('error' in ended) expect(ended.error).toMatchObject({ code: 'CONNECTION', delivery: 'unknown' });
    expect(await admin.get('n')).toBe('error' in ended ? null : '1');
    if (turns >= 2) expect(ended).toStrictEqual({ value: 1 });
  });

  it('is told as unsent where no link follows, whole groups of commands alike', async () => {
    const reset = new Promise<void>((done) => {
      end = (socket) => {
        socket.resetAndDestroy();
        done();
      };
    });
    const redis = client({ reconnect: false, retry: false });
    await redis.connect();
    void failure(redis.publish('c', 'm'));
    await reset;
    const failures = await Promise.all(Array.from({ length: 100 }, () => failure(redis.incr('n'))));
    expect(new Set(failures.map(({ delivery }) => delivery))).toStrictEqual(new Set(['unsent']));
    expect(ran).toHaveLength(0);
  });
});
