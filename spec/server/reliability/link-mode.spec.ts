import { firstValueFrom, filter } from 'rxjs';
import { knownCall } from '../../../src/commands/known-commands';
import { Reply } from '../../../src/commands/reply';
import { plainContext } from '../../../src/commands/request-context';
import { Connection } from '../../../src/connection/connection';
import { ConnectionError } from '../../../src/errors';
import { resolveOptions } from '../../../src/options';
import { useServer } from '../../support/server';

/** What CLIENT INFO tells of a connection that its commands do not change for good. */
const PASSING =
  /\b(age|idle|qbuf|qbuf-free|argv-mem|multi-mem|tot-mem|rbs|rbp|obl|oll|omem|tot-net-in|tot-net-out|tot-cmds|cmd|events|watch|io-thread)=\S*/g;

describe.each([2, 3] as const)('A link that calls itself clean (RESP%d)', (protocol) => {
  const server = useServer({}, '6.2');
  const connections: Connection[] = [];
  afterEach(() => connections.splice(0).forEach((connection) => connection.destroy()));

  async function setUp() {
    const connection = new Connection(resolveOptions({ url: server().url, protocol }), { once: true });
    connections.push(connection);
    connection.open();
    await firstValueFrom(connection.state$.pipe(filter(({ kind }) => kind === 'ready')));
    const context = { ...plainContext, executor: connection };
    const run = (line: string) => {
      const [name, ...args] = line.split(' ');
      return Reply.from(context, knownCall(name!, args)).then(
        (value) => value,
        (error: unknown) => error,
      );
    };
    const info = async () =>
      String(await run('CLIENT INFO'))
        .replace(PASSING, '')
        // Valkey goes on counting behind the end of a transaction; the flag x is what says that one is open.
        .replace(/(?<= flags=[^x ]+ .*) multi=0 /, ' multi=-1 ')
        .trim();
    return { run, info, mode: connection.line.link!.mode };
  }

  it.each([
    [['GET k', 'BLPOP none 0.01', 'SELECT 99']],
    [['WATCH k', 'UNWATCH']],
    [['WATCH k', 'MULTI', 'GET k', 'SELECT 5', 'DISCARD']],
    [['MULTI', 'SELECT 99', 'GET k', 'EXEC']],
    [['MULTI', 'SELECT 5', 'NONSENSE', 'EXEC']],
    [['WATCH k', 'SET k v', 'MULTI', 'SELECT 5', 'CLIENT SETNAME n', 'EXEC']],
    [['MULTI', 'MULTI', 'WATCH k', 'SELECT 99', 'EXEC']],
  ])('is to the server what it was: %j', async (lines) => {
    const { run, info, mode } = await setUp();
    const before = await info();
    for (const line of lines) await run(line);
    expect(mode.clean).toBe(true);
    expect(await info()).toBe(before);
  });

  it.each([
    [['SELECT 5']],
    [['CLIENT SETNAME n']],
    [['CLIENT TRACKING ON']],
    [['MULTI']],
    [['MULTI', 'SELECT 5', 'GET k', 'EXEC']],
    [['MULTI', 'SELECT 99', 'CLIENT SETNAME n', 'EXEC']],
    [['CLIENT TRACKING ON', 'MULTI', 'CLIENT TRACKING OFF', 'DISCARD']],
    ...(protocol === 3 ? [[['RESET']]] : []),
  ])('is another to the server, and does not: %j', async (lines) => {
    const { run, info, mode } = await setUp();
    const before = await info();
    for (const line of lines) await run(line);
    expect(mode.clean).toBe(false);
    expect(await info()).not.toBe(before); // QUEUED, between MULTI and EXEC
  });

  it('takes a watched key for one until EXEC has looked at it', async () => {
    const { run, mode } = await setUp();
    await run('WATCH k');
    expect(mode.clean).toBe(false);
    expect(await run('EXEC')).toMatchObject({ code: 'REPLY' });
    expect(mode.clean).toBe(false); // the server watches on
    await run('MULTI');
    await run('EXEC');
    expect(mode.clean).toBe(true);
  });
});

describe('What a server says of itself', () => {
  const server = useServer();

  it.each([2, 3, 'auto'] as const)("is kept as long as its link is there (protocol: '%s')", async (protocol) => {
    const connection = new Connection(resolveOptions({ url: server().url, protocol, reconnect: { initialDelay: 1 } }));
    expect(connection.server).toBeUndefined();
    connection.open();
    await firstValueFrom(connection.state$.pipe(filter(({ kind }) => kind === 'ready')));
    const ask = (name: string) => Reply.from({ ...plainContext, executor: connection }, knownCall<unknown>(name, []));
    const { server: first } = connection;
    // A server that is not asked by HELLO says nothing.
    if (protocol === 2) expect(first).toStrictEqual({ protocol });
    else {
      const id = await ask('CLIENT ID');
      const versions = [...String(await ask('INFO')).matchAll(/^(?:redis|valkey)_version:(\S+)/gm)].map(
        ([, own]) => own,
      );
      expect(versions).toContain(first?.version);
      expect(first).toMatchObject({ protocol: 3, id, role: 'master', mode: 'standalone' });
    }
    connection.line.link!.retire(new ConnectionError('Another one is wanted'));
    connection.line.rest();
    await firstValueFrom(connection.state$.pipe(filter(({ kind }) => kind !== 'ready')));
    await firstValueFrom(connection.state$.pipe(filter(({ kind }) => kind === 'ready')));
    const { server: second } = connection;
    expect(second?.id).toBe(protocol === 2 ? undefined : await ask('CLIENT ID'));
    expect(second).not.toBe(first);
    connection.destroy();
  });
});
