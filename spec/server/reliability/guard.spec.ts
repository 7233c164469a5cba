import type { Redis } from 'rxjs-redis';
import { call, incr, set } from 'rxjs-redis/commands';
import { Command } from '../../../src/commands/command';
import { Group } from '../../../src/commands/group';
import { Reply } from '../../../src/commands/reply';
import { plainContext } from '../../../src/commands/request-context';
import { record, useClients } from '../../support/clients';
import { failure, outcome } from '../../support/outcomes';
import { scriptedConnection, tick } from '../../support/scripted-link';
import { ScriptedServer, afterHandshake, type Script } from '../../support/scripted-server';
import { useServer } from '../../support/server';

const bulk = (text: string) => `$${text.length}\r\n${text}\r\n`;
const quick = { initialDelay: 1, maxDelay: 5 };

/** Answers what the commands of these specs promise. */
const answer: Script = ([word, first]) => {
  switch (word) {
    case 'ECHO':
      return bulk(first!);
    case 'INCR':
      return ':1\r\n';
    case 'MGET':
      return '*1\r\n$1\r\nv\r\n';
    case 'GET':
      return '$1\r\nv\r\n';
    default:
      return '+OK\r\n';
  }
};

describe('A reply that its command cannot give', () => {
  const make = useClients();
  const servers: ScriptedServer[] = [];
  afterEach(() => Promise.all(servers.splice(0).map((server) => server.stop())));
  const serve = async (script: Script) => {
    const server = await ScriptedServer.start(afterHandshake(script));
    servers.push(server);
    return server;
  };
  /** A server that leaves one GETSET unanswered, so that each reply behind it comes one too early. */
  const shifting = () => {
    let swallowed = false;
    return serve((words, socket) => {
      if (words[0] !== 'GETSET' || swallowed) return answer(words, socket);
      swallowed = true;
      return undefined;
    });
  };

  it.each<[string, (redis: Redis) => PromiseLike<unknown>, string]>([
    ['an integer', (redis) => redis.incr('n'), 'INCR'],
    ['a status', (redis) => redis.set('k', 'v'), 'SET'],
    ['a list', (redis) => redis.mget('k'), 'MGET'],
    ['a text', (redis) => redis.getrange('k', 0, 1), 'GETRANGE'],
  ])('ends the connection: %s', async (_, send, command) => {
    const wrong = { INCR: '+OK\r\n', SET: bulk('text'), MGET: ':1\r\n', GETRANGE: ':1\r\n' }[command]!;
    let isFirst = true;
    const server = await serve((words, socket) => {
      if (words[0] !== command || !isFirst) return answer(words, socket);
      isFirst = false;
      return wrong;
    });
    const redis = make({ url: server.url, reconnect: quick });
    const events = record(redis.events$);
    await redis.connect();
    const gone = server.gone();
    const [failed, read, write] = [failure(send(redis)), outcome(redis.echo('behind')), outcome(redis.call('WRITE'))];
    expect(await failed).toMatchObject({
      code: 'PROTOCOL',
      command,
      delivery: 'unknown',
      repeatable: false,
      message: expect.stringMatching(`^The reply to ${command} cannot be its own: expected `) as string,
    });
    await gone;
    expect(await read).toStrictEqual({ value: 'behind' });
    expect(await write).toMatchObject({ error: { code: 'CONNECTION', delivery: 'unknown', command: 'WRITE' } });
    expect(events.values.find(({ type }) => type === 'error')).toMatchObject({ error: { code: 'PROTOCOL', command } });
    expect(await redis.echo('next')).toBe('next');
  });

  it.each([1, 3])(
    'fails each of %d callers that wait for one read of a cache, and is kept for none',
    async (callers) => {
      let isFirst = true;
      const server = await serve((words, socket) => {
        if (words[0] !== 'GET' || !isFirst) return answer(words, socket);
        isFirst = false;
        return '*1\r\n$1\r\nv\r\n';
      });
      const redis = make({ url: server.url, reconnect: quick, cache: true });
      await redis.connect();
      const read = () => redis.get('k');
      const failures = await Promise.all(Array.from({ length: callers }, () => failure(read())));
      for (const error of failures) expect(error).toMatchObject({ code: 'PROTOCOL', command: 'GET' });
      expect(redis.cache.stats).toMatchObject({ misses: callers, entries: 0, bytes: 0 });
      expect([await read(), await read()]).toStrictEqual(['v', 'v']);
      expect(redis.cache.stats.hits).toBe(1);
    },
  );

  it('stops the shift of replies where one is left out, and no write is taken for done', async () => {
    const server = await shifting();
    const redis = make({ url: server.url, reconnect: quick });
    await redis.connect();
    const all = [redis.call('GETSET', 'k', 'v'), redis.incr('n'), redis.mget('k'), redis.set('k', 'v')];
    const outcomes = await Promise.all(all.map((reply: PromiseLike<unknown>) => outcome(reply)));
    // `call` takes what comes: nothing is known of its reply.
    expect(outcomes[0]).toStrictEqual({ value: 1 });
    expect(outcomes[1]).toMatchObject({ error: { code: 'PROTOCOL', command: 'INCR', delivery: 'unknown' } });
    expect(outcomes[2]).toStrictEqual({ value: ['v'] });
    expect(await redis.echo('next')).toBe('next');
  });

  it.each([
    ['more', '*3\r\n+OK\r\n$1\r\nx\r\n:1\r\n'],
    ['fewer', '*1\r\n+OK\r\n'],
    ['a number', ':1\r\n'],
  ])('ends the connection: %s than EXEC has commands, where MULTI was sent by hand', async (_, replies) => {
    const server = await serve(([word]) => (word === 'MULTI' ? '+OK\r\n' : word === 'EXEC' ? replies : '+QUEUED\r\n'));
    for (const exec of ['exec', 'call'] as const) {
      const work = make({ url: server.url }).dedicated(async (connection) => {
        await connection.call('MULTI');
        connection.set('k', 'v').subscribe().unsubscribe();
        const queued = [connection.set('k', 'v'), connection.get('k')].map((reply: PromiseLike<unknown>) =>
          outcome(reply),
        );
        await Promise.all(queued);
        return failure(exec === 'exec' ? connection.exec() : connection.call('EXEC'));
      });
      expect(await work).toMatchObject({
        code: 'PROTOCOL',
        command: 'EXEC',
        delivery: 'unknown',
        message: expect.stringMatching(
          '^The reply to EXEC cannot be its own: expected the replies of 2 commands',
        ) as string,
      });
    }
  });

  it("fails a user's own command alone, where its own reader does not like it", async () => {
    const { connection, links, send, greeted } = scriptedConnection();
    connection.open();
    const link = await greeted();
    const { spec } = call('GET');
    const own = new Command(spec, ['k'], () => {
      throw new TypeError('a colour was expected');
    });
    const context = { ...plainContext, executor: connection };
    const [failed, next] = [failure(Reply.from(context, own)), outcome(send('ECHO', 'b'))];
    await tick();
    link.receive('+blue\r\n+b\r\n');
    expect(await failed).toMatchObject({ code: 'PROTOCOL', delivery: 'answered', command: 'GET' });
    expect(await next).toStrictEqual({ value: 'b' });
    expect(links).toHaveLength(1);
    connection.destroy();
  });

  it('in a group ends the connection, and the group tells how far it came', async () => {
    const { connection, links, greeted } = scriptedConnection();
    connection.open();
    const link = await greeted();
    const context = { ...plainContext, executor: connection };
    const failed = failure(Reply.from(context, new Group([set('a', '1'), incr('n'), set('b', '2')])));
    await tick();
    link.receive('+OK\r\n+OK\r\n');
    expect(await failed).toMatchObject({
      code: 'CONNECTION',
      delivery: 'unknown',
      cause: { code: 'PROTOCOL', command: 'INCR' },
      group: { results: ['OK'], deliveries: ['answered', 'unknown', 'unknown'] },
    });
    expect(links[0]!.destroyed).toBe(true);
    connection.destroy();
  });

  it('in a group resets the connection, so that the members behind it do not run later', async () => {
    const { connection, links, greeted } = scriptedConnection();
    connection.open();
    const link = await greeted();
    const failed = failure(Reply.from({ ...plainContext, executor: connection }, new Group([incr('n'), incr('m')])));
    await tick();
    link.receive('+OK\r\n');
    expect(await failed).toMatchObject({ group: { results: [], deliveries: ['unknown', 'unknown'] } });
    expect(links[0]!.wasReset).toBe(true);
    connection.destroy();
  });

  it('in a group tells the group behind it nothing of the results before', async () => {
    const { connection, greeted } = scriptedConnection();
    connection.open();
    const link = await greeted();
    const context = { ...plainContext, executor: connection };
    const first = failure(Reply.from(context, new Group([set('a', '1'), incr('n')])));
    const second = failure(Reply.from(context, new Group([set('b', '2'), set('c', '3')])));
    await tick();
    link.receive('+OK\r\n+OK\r\n');
    expect(await first).toMatchObject({ group: { results: ['OK'], deliveries: ['answered', 'unknown'] } });
    expect(await second).toMatchObject({ group: { results: [], deliveries: ['unknown', 'unknown'] } });
    connection.destroy();
  });
});

describe('verify', () => {
  const server = useServer();
  const make = useClients();

  it('sends an ECHO after every so many commands, and gives the commands their own replies', async () => {
    const redis = make({ url: server().url, verify: 10 });
    await redis.configResetstat();
    const echoes = Array.from({ length: 100 }, (_, n) => redis.set('verify', String(n)).then());
    expect(await Promise.all(echoes)).toStrictEqual(Array(100).fill('OK'));
    expect(await redis.call<string>('INFO', 'commandstats')).toMatch(/cmdstat_echo:calls=10,/);
  });

  it('counts PUBLISH as well, whether it waits for a subscription or not', async () => {
    const redis = make({ url: server().url, verify: 5 });
    await redis.call('CONFIG RESETSTAT');
    for (let n = 0; n < 4; n++) await redis.publish('verify', String(n));
    expect(await redis.call<string>('INFO', 'commandstats')).toMatch(/cmdstat_echo:calls=1,/);
    const messages = record(redis.subscribe('verify'));
    const held = Array.from({ length: 4 }, (_, n) => redis.publish('verify', String(n)).then());
    expect(await Promise.all(held)).toStrictEqual([1, 1, 1, 1]);
    expect(await redis.call<string>('INFO', 'commandstats')).toMatch(/cmdstat_echo:calls=2,/);
    messages.stop();
  });

  it('is sent on a lease as well, and counts anew there', async () => {
    const redis = make({ url: server().url, verify: 4 });
    await redis.configResetstat();
    await redis.dedicated(async (connection) => {
      for (let n = 0; n < 8; n++) await connection.set('k', 'v');
    });
    expect(await redis.call<string>('INFO', 'commandstats')).toMatch(/cmdstat_echo:calls=2,/);
  });

  it('sends none where it is off', async () => {
    const redis = make(server().url);
    await redis.configResetstat();
    await Promise.all(Array.from({ length: 100 }, (_, n) => redis.set('verify', String(n)).then()));
    expect(await redis.call<string>('INFO', 'commandstats')).not.toContain('cmdstat_echo');
  });

  it('does not mind a user who may not ECHO', async () => {
    await make(server().url).call('ACL SETUSER', 'mute', 'reset', 'on', '>pw', '~*', '+@all', '-echo');
    const redis = make({ url: server().url, username: 'mute', password: 'pw', verify: 1 });
    const events = record(redis.events$);
    expect(await Promise.all([redis.set('k', 'v'), redis.get('k'), redis.get('k')])).toStrictEqual(['OK', 'v', 'v']);
    expect(events.values.map(({ type }) => type)).toStrictEqual(['connect']);
  });

  it.each([2, 3] as const)('ends the connection when a reply was left out before (RESP%d)', async (protocol) => {
    let swallowed = false;
    const server = await ScriptedServer.start((words, socket) => {
      if (words[0] === 'HELLO') return afterHandshake(answer)(words, socket);
      if (words[1] !== 'lost' || swallowed) return answer(words, socket);
      swallowed = true;
      return undefined;
    });
    const redis = make({ url: server.url, protocol, verify: 5, reconnect: quick });
    const events = record(redis.events$);
    await redis.connect();
    const gone = server.gone();
    // Any text will do for GET and ECHO: the reader cannot tell.
    const sent = ['lost', 'b', 'c', 'd', 'e', 'f', 'g'].map((text) => outcome(redis.call('ECHO', text)));
    await gone;
    await Promise.all(sent);
    expect(events.values).toContainEqual({
      connection: 'commands',
      type: 'error',
      error: expect.objectContaining({
        code: 'PROTOCOL',
        command: 'ECHO',
        message: expect.stringContaining('sent to verify the order of replies') as string,
      }) as unknown,
    });
    expect(await redis.call('ECHO', 'next')).toBe('next');
    await redis.destroy();
    await server.stop();
  });

  it('waits on a lease for the end of a transaction, which would take it', async () => {
    const redis = make({ url: server().url, verify: 1 });
    const work = redis.dedicated(async (connection) => {
      const sent = [connection.call('MULTI'), connection.set('k', 'v'), connection.exec(), connection.get('k')];
      return Promise.all(sent.map((reply: PromiseLike<unknown>) => reply));
    });
    expect(await work).toStrictEqual(['OK', 'QUEUED', ['OK'], 'v']);
  });

  it.each([-1, 0.5, NaN, '5'])('is a whole number: %p is refused', (verify) => {
    expect(() => make({ verify: verify as number })).toThrow("The option 'verify'");
  });
});
