import { get, set } from 'rxjs-redis/commands';
import { knownCall } from '../../../src/commands/known-commands';
import { Reply } from '../../../src/commands/reply';
import { plainContext } from '../../../src/commands/request-context';
import { Transaction } from '../../../src/commands/transaction';
import { LinkMode } from '../../../src/connection/link-mode';
import { record } from '../../support/clients';
import { scriptedConnection, tick } from '../../support/scripted-link';

/** A connection on whose link commands are sent, each with what the server answers; undefined for nothing. */
async function setUp() {
  const { connection, greeted } = scriptedConnection();
  connection.open();
  const socket = await greeted();
  const noted: string[] = [];
  connection.line.sessionCommands$.subscribe(({ spec, args }) => noted.push([spec.name, ...args].join(' ')));
  const link = connection.line.link!;
  const send = async (line: string) => {
    const [name, ...args] = line.split(' ');
    record(Reply.from({ ...plainContext, executor: connection }, knownCall(name!, args)));
    await tick();
  };
  const run = async (steps: readonly (readonly [string, string?])[]) => {
    for (const [line, reply] of steps) {
      await send(line);
      if (reply !== undefined) socket.receive(`${reply}\r\n`);
    }
  };
  return { connection, link, socket, noted, send, run };
}

type Steps = readonly (readonly [command: string, reply?: string])[];

const CLEAN: Readonly<Record<string, Steps>> = {
  'commands alone': [
    ['GET k', '+v'],
    ['BLPOP q 0', '*-1'],
  ],
  'a refused SELECT': [['SELECT 99', '-ERR DB index is out of range']],
  'a transaction that has run': [
    ['WATCH k', '+OK'],
    ['MULTI', '+OK'],
    ['GET k', '+QUEUED'],
    ['EXEC', '*1\r\n+v'],
  ],
  'a transaction that has not run, for a watched key has changed': [
    ['WATCH k', '+OK'],
    ['MULTI', '+OK'],
    ['SELECT 5', '+QUEUED'],
    ['EXEC', '*-1'],
  ],
  'a transaction that was aborted': [
    ['WATCH k', '+OK'],
    ['MULTI', '+OK'],
    ['SELECT 5', '+QUEUED'],
    ['NONSENSE', '-ERR unknown command'],
    ['EXEC', '-EXECABORT Transaction discarded because of previous errors.'],
  ],
  'a transaction that was discarded': [
    ['WATCH k', '+OK'],
    ['MULTI', '+OK'],
    ['CLIENT TRACKING ON', '+QUEUED'],
    ['DISCARD', '+OK'],
  ],
  'a SELECT that was refused in a transaction': [
    ['MULTI', '+OK'],
    ['GET k', '+QUEUED'],
    ['SELECT 99', '+QUEUED'],
    ['EXEC', '*2\r\n+v\r\n-ERR DB index is out of range'],
  ],
  UNWATCH: [
    ['WATCH k', '+OK'],
    ['UNWATCH', '+OK'],
  ],
  'CLIENT REPLY ON': [['CLIENT REPLY OFF'], ['GET k'], ['CLIENT REPLY ON', '+OK']],
};

const ALTERED: Readonly<Record<string, Steps>> = {
  SELECT: [['SELECT 5', '+OK']],
  AUTH: [['AUTH u p', '+OK']],
  READONLY: [['READONLY', '+OK']],
  ASKING: [['ASKING', '+OK']],
  'CLIENT CACHING': [['CLIENT CACHING YES', '+OK']],
  'CLIENT SETNAME': [['CLIENT SETNAME n', '+OK']],
  'CLIENT NO-EVICT': [['CLIENT NO-EVICT ON', '+OK']],
  'CLIENT TRACKING': [['CLIENT TRACKING ON', '+OK']],
  'CLIENT TRACKING OFF, for the handshake may have begun it': [['CLIENT TRACKING OFF', '+OK']],
  MONITOR: [['MONITOR', '+OK']],
  RESET: [['RESET', '+RESET']],
  SUBSCRIBE: [['SUBSCRIBE c', '>3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1']],
  WATCH: [['WATCH k', '+OK']],
  'WATCH, and an EXEC without MULTI': [
    ['WATCH k', '+OK'],
    ['EXEC', '-ERR EXEC without MULTI'],
  ],
  'WATCH, and UNWATCH in a transaction that goes on': [
    ['WATCH k', '+OK'],
    ['MULTI', '+OK'],
    ['UNWATCH', '+QUEUED'],
  ],
  MULTI: [['MULTI', '+OK']],
  'a SELECT whose reply has not come': [['SELECT 5']],
  'an EXEC whose reply has not come': [['MULTI', '+OK'], ['EXEC']],
  'a SELECT that ran in a transaction': [
    ['MULTI', '+OK'],
    ['GET k', '+QUEUED'],
    ['SELECT 5', '+QUEUED'],
    ['EXEC', '*2\r\n+v\r\n+OK'],
  ],
  'tracking that was to be ended in a transaction that was discarded': [
    ['CLIENT TRACKING ON', '+OK'],
    ['MULTI', '+OK'],
    ['CLIENT TRACKING OFF', '+QUEUED'],
    ['DISCARD', '+OK'],
  ],
  'CLIENT REPLY OFF': [['CLIENT REPLY OFF']],
  'CLIENT REPLY SKIP': [['CLIENT REPLY SKIP']],
  'a SELECT that was not to be answered': [['CLIENT REPLY OFF'], ['SELECT 5'], ['CLIENT REPLY ON', '+OK']],
};

describe('The link of a connection', () => {
  it.each(Object.entries(CLEAN))('is as it was greeted after %s', async (_, steps) => {
    const { connection, link, run } = await setUp();
    await run(steps);
    expect([link.isLost, link.mode.clean]).toStrictEqual([false, true]);
    connection.destroy();
  });

  it.each(Object.entries(ALTERED))('is not as it was greeted after %s', async (_, steps) => {
    const { connection, link, run } = await setUp();
    await run(steps);
    expect([link.isLost, link.mode.clean]).toStrictEqual([false, false]);
    connection.destroy();
  });
});

describe('A command that a transaction queues', () => {
  it('has its effect when EXEC has run it, not before', async () => {
    const { connection, noted, run } = await setUp();
    await run([
      ['MULTI', '+OK'],
      ['GET k', '+QUEUED'],
      ['SELECT 5', '+QUEUED'],
      ['CLIENT SETNAME n', '+QUEUED'],
    ]);
    expect([connection.session.database, connection.session.clientName]).toStrictEqual([0, undefined]);
    expect(noted).toStrictEqual(['MULTI']);
    await run([['EXEC', '*3\r\n+v\r\n+OK\r\n-ERR Client names cannot contain spaces']]);
    expect([connection.session.database, connection.session.clientName]).toStrictEqual([5, undefined]);
    expect(noted).toStrictEqual(['MULTI', 'SELECT 5', 'EXEC']);
    connection.destroy();
  });

  it('has its effect also behind what is refused in a transaction and does not end it', async () => {
    const { connection, run } = await setUp();
    await run([
      ['MULTI', '+OK'],
      ['WATCH k', '-ERR WATCH inside MULTI is not allowed'],
      ['SELECT 5', '+QUEUED'],
      ['MULTI', '-ERR MULTI calls can not be nested'],
      ['CLIENT SETNAME n', '+QUEUED'],
      ['EXEC', '*2\r\n+OK\r\n-ERR Client names cannot contain spaces'],
    ]);
    expect([connection.session.database, connection.session.clientName]).toStrictEqual([5, undefined]);
    connection.destroy();
  });

  it.each([
    ['DISCARD', '+OK'],
    ['EXEC', '*-1'],
    ['EXEC', '-EXECABORT Transaction discarded because of previous errors.'],
  ])('has none where %s is answered %s', async (name, reply) => {
    const { connection, noted, run } = await setUp();
    await run([
      ['MULTI', '+OK'],
      ['SELECT 5', '+QUEUED'],
      [name, reply],
      ['MULTI', '+OK'],
      ['EXEC', '*0'],
    ]);
    expect(connection.session.database).toBe(0);
    expect(noted).not.toContain('SELECT 5');
    connection.destroy();
  });

  it('has its effect where its replies were asked for in one write', async () => {
    const { connection, link, socket, send } = await setUp();
    for (const line of ['MULTI', 'SELECT 5', 'EXEC', 'WATCH k']) void send(line);
    await tick();
    socket.receive('+OK\r\n+QUEUED\r\n*1\r\n+OK\r\n');
    expect([connection.session.database, link.mode.clean]).toStrictEqual([5, false]);
    connection.destroy();
  });
});

describe('A transaction that is written whole', () => {
  it('leaves its link ordinary: later commands pass as fast as before', () => {
    const mode = new LinkMode();
    mode.writeGroup(new Transaction([set('k', 'v'), get('k')]));
    expect([mode.isOrdinary, mode.inTransaction]).toStrictEqual([true, false]);
  });
});
