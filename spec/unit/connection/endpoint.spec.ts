import { EMPTY, NEVER, Observable, concat, of, throwError } from 'rxjs';
import { get } from '../../../src/commands/generated/builders';
import { Reply } from '../../../src/commands/reply';
import { plainContext } from '../../../src/commands/request-context';
import { Connection } from '../../../src/connection/connection';
import type { ConnectionEvent } from '../../../src/connection/connection-state';
import { describe as addressOf, type Endpoint } from '../../../src/connection/socket';
import { resolveOptions } from '../../../src/options';
import { record } from '../../support/clients';
import { lose, tick } from '../../support/scripted-link';
import { ScriptedSocket } from '../../support/scripted-socket';
import { VirtualClock } from '../../support/virtual-clock';

const cleanUp: (() => void)[] = [];
afterEach(() => cleanUp.splice(0).forEach((end) => end()));

const options = resolveOptions({
  host: 'sentinel.example',
  connectTimeout: 1_000,
  reconnect: { initialDelay: 10, maxDelay: 10, jitter: 0 },
});
const at = (host: string): Endpoint => ({ ...options, host, port: 7000 });

/** A connection whose endpoints are told by these, one for each attempt, the last for all that follow. */
function setUp(...told: (() => Observable<Endpoint>)[]) {
  const clock = new VirtualClock();
  const dialled: string[] = [];
  const links: ScriptedSocket[] = [];
  let asked = 0;
  const connection = new Connection(options, {
    clock,
    endpoint: () => told[Math.min(asked++, told.length - 1)]!(),
    dial: (endpoint) => {
      dialled.push(addressOf(endpoint));
      links.push(new ScriptedSocket());
      return concat(of(links.at(-1)!), NEVER);
    },
  });
  cleanUp.push(() => connection.destroy());
  const events = record<ConnectionEvent>(connection.events$);
  const errors = () => events.values.flatMap((event) => (event.type === 'error' ? [event.error] : []));
  const reply = record(Reply.from({ ...plainContext, executor: connection }, get('k')));
  const pass = async (ms: number) => {
    clock.advance(ms);
    await tick();
  };
  return { connection, clock, dialled, links, errors, reply, asked: () => asked, pass };
}

const GREETING = '%1\r\n+proto\r\n:3\r\n+OK\r\n+OK\r\n';

describe('The endpoint of a link', () => {
  it('is asked for anew for each', async () => {
    const { connection, dialled, links, reply, asked, pass } = setUp(
      () => of(at('a.example'), at('never.example')),
      () => of(at('b.example')),
    );
    await pass(0);
    links[0]!.receive(GREETING);
    await pass(0);
    expect([connection.state$.value.kind, asked()]).toStrictEqual(['ready', 1]);
    lose(links[0]!);
    await pass(10);
    links[1]!.receive(GREETING);
    await pass(0);
    links[1]!.receive('$1\r\nv\r\n');
    expect(dialled).toStrictEqual(['a.example:7000', 'b.example:7000']);
    expect(asked()).toBe(2);
    expect(connection.address).toBe('b.example:7000');
    expect(reply.ended).toMatchObject({ code: 'CONNECTION' }); // a GET of this context is not repeated
  });

  it.each<[string, number, () => Observable<Endpoint>, object]>([
    ['is not told', 0, () => EMPTY, { code: 'CONNECTION', message: 'There is no endpoint: none was told' }],
    [
      'cannot be told',
      0,
      () => throwError(() => new Error('no sentinel')),
      { code: 'CONNECTION', message: 'There is no endpoint', cause: new Error('no sentinel') },
    ],
    [
      'is asked of what throws',
      0,
      () => {
        throw new Error('no sentinel');
      },
      { code: 'CONNECTION', message: 'There is no endpoint', cause: new Error('no sentinel') },
    ],
    ['is not told in time', 1_000, () => NEVER, { code: 'TIMEOUT', message: 'There was no endpoint within 1000 ms' }],
  ])('that %s fails the attempt, and the next one asks again', async (_, after, told, error) => {
    const { connection, dialled, links, errors, reply, asked, pass } = setUp(told, () => of(at('a.example')));
    await pass(after);
    expect(errors()).toStrictEqual([expect.objectContaining(error)]);
    expect([connection.state$.value.kind, dialled.length, asked()]).toStrictEqual(['reconnecting', 0, 1]);
    await pass(10);
    links[0]!.receive(GREETING);
    await pass(0);
    links[0]!.receive('$1\r\nv\r\n');
    expect([dialled, reply.values]).toStrictEqual([['a.example:7000'], ['v']]);
  });

  it('is asked no more once the connection is closed', () => {
    let left = 0;
    const { connection, clock } = setUp(() => new Observable(() => () => left++));
    connection.destroy();
    expect([left, clock.waiting]).toStrictEqual([1, 0]);
  });

  it('is what errors name', async () => {
    const { connection, errors, links, pass } = setUp(() => of(at('master.example')));
    expect(connection.address).toBe('master.example:7000');
    await pass(1_000);
    expect(errors().map(({ message }) => message)).toStrictEqual([
      'master.example:7000 did not answer the handshake within 1000 ms',
    ]);
    await pass(10);
    links[1]!.receive('HTTP/1.1 400 Bad Request\r\n\r\n');
    expect(errors()[1]!.message).toContain('master.example:7000 is no Redis: it speaks HTTP');
  });
});
