import { config, Subject, Subscriber } from 'rxjs';
import { call as plainCall } from '../../../src/commands/call';
import { get, incr } from '../../../src/commands/generated/builders';
import { knownCommand } from '../../../src/commands/known-commands';
import { Command } from '../../../src/commands/command';
import { Reply } from '../../../src/commands/reply';
import type { Request } from '../../../src/commands/request';
import { plainContext } from '../../../src/commands/request-context';
import { systemClock } from '../../../src/connection/clock';
import { Line, type LineOptions } from '../../../src/connection/line';
import { ConnectionError, ProtocolError, ReplyError } from '../../../src/errors';
import { record } from '../../support/clients';
import { commandsOf, greet, lose, scriptedConnection } from '../../support/scripted-link';
import { Pushes } from '../../support/pushes';
import { ScriptedSocket } from '../../support/scripted-socket';
import { VirtualClock } from '../../support/virtual-clock';
import { retryPolicy } from '../../../src/connection/retry';
import { resolveOptions } from '../../../src/options';

/** A command by its name, with the facts that the client has of it and the reply as it comes. */
function call(name: string, ...args: string[]): Command {
  const plain = plainCall(name, ...args);
  const known = knownCommand(name, args);
  return known === undefined ? plain : new Command(known.spec, known.args, plain.read, known.keys);
}

const tick = () => new Promise<void>((resolve) => setImmediate(resolve));
const wire = (...words: string[]) =>
  `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`;

const defaults: LineOptions = {
  autoPipeline: true,
  pipelineDepth: 100,
  writeBufferSize: 65536,
  readTimeout: 1000,
  writeTimeout: 1000,
  blockingGrace: 100,
  reconnectOnError: () => false,
  clock: systemClock,
  connectTimeout: 1000,
  lastError: () => undefined,
  carriesMessages: false,
};

/** What a line is pushed. */
function pushesOf(line: Line): Pushes {
  const pushes = new Pushes();
  line.residents.add(pushes);
  return pushes;
}

function setUp(options: Partial<LineOptions> = {}) {
  const line = new Line({ ...defaults, ...options });
  const socket = new ScriptedSocket();
  const link = record(line.connect(socket).serve());
  line.open();
  const from = {
    ...plainContext,
    executor: { submit: (request: Request) => line.requests$.next(request) },
  };
  const send = (name: string, ...args: string[]) => Reply.from(from, call(name, ...args));
  return { line, socket, link, from, send };
}

describe('Line', () => {
  it('writes what one tick brings in one write', async () => {
    const { socket, send } = setUp();
    record(send('GET', 'a'));
    record(send('GET', 'b'));
    await Promise.resolve().then(() => record(send('GET', 'c')));
    expect(socket.writes).toStrictEqual([]);
    await tick();
    expect(socket.writes).toStrictEqual([wire('GET', 'a') + wire('GET', 'b') + wire('GET', 'c')]);
  });

  it('writes each command by itself where auto-pipelining is off', () => {
    const { socket, send } = setUp({ autoPipeline: false });
    record(send('GET', 'a'));
    record(send('GET', 'b'));
    expect(socket.writes).toStrictEqual([wire('GET', 'a'), wire('GET', 'b')]);
  });

  it('puts at most pipelineDepth commands into a write', async () => {
    const { socket, send } = setUp({ pipelineDepth: 2 });
    for (const key of ['a', 'b', 'c', 'd', 'e']) record(send('GET', key));
    await tick();
    expect(socket.writes.map((text) => text.split('GET').length - 1)).toStrictEqual([2, 2, 1]);
  });

  it('holds further writes back while the send buffer is full', async () => {
    const { socket, send, line } = setUp();
    socket.accepts = false;
    record(send('GET', 'a'));
    await tick();
    record(send('GET', 'b'));
    await tick();
    expect([socket.writes.length, line.queued]).toStrictEqual([1, 1]);
    socket.accepts = true;
    socket.drain$.next();
    expect(socket.writes).toStrictEqual([wire('GET', 'a'), wire('GET', 'b')]);
  });

  it('drops what has left while the send buffer is full, and writes the rest in its order', async () => {
    const { socket, send, line } = setUp();
    socket.accepts = false;
    record(send('GET', 'a'));
    await tick();
    const kept: string[] = [];
    let most = 0;
    for (let n = 0; n < 2_000; n++) {
      const left = send('GET', `left ${n}`).subscribe();
      if (n % 20 === 0) {
        kept.push(`k${n}`);
        record(send('GET', `k${n}`));
      }
      await tick();
      left.unsubscribe();
      most = Math.max(most, line.queued);
    }
    expect(most).toBeLessThan(2 * kept.length + 40);
    socket.accepts = true;
    socket.drain$.next();
    expect(socket.writes.join('')).toBe(['a', ...kept].map((key) => wire('GET', key)).join(''));
  });

  it('leaves written memory alone until the system has taken it', async () => {
    const { socket, send } = setUp();
    const written: Uint8Array[] = [];
    socket.write = (chunks) => {
      written.push(...chunks);
      return true;
    };
    socket.drained = false;
    record(send('GET', 'first'));
    await tick();
    record(send('GET', 'other'));
    await tick();
    expect(written.map((chunk) => Buffer.from(chunk).toString())).toStrictEqual([
      wire('GET', 'first'),
      wire('GET', 'other'),
    ]);
  });

  it('never writes a command whose subscriber left before the flush', async () => {
    const { socket, send } = setUp();
    record(send('GET', 'a'));
    record(send('SET', 'k', 'v')).stop();
    record(send('GET', 'b'));
    await tick();
    expect(socket.writes).toStrictEqual([wire('GET', 'a') + wire('GET', 'b')]);
  });

  it('swallows the reply of a subscriber that left after the flush', async () => {
    const { socket, send } = setUp();
    const left = record(send('GET', 'a'));
    const stays = record(send('GET', 'b'));
    await tick();
    left.stop();
    socket.receive('$1\r\nA\r\n$1\r\nB\r\n');
    expect([left.values, stays.values]).toStrictEqual([[], ['B']]);
  });

  it('gives an error reply to its own command', async () => {
    const { socket, send } = setUp();
    const [first, second] = [record(send('GET', 'a')), record(send('GET', 'b'))];
    await tick();
    socket.receive('-WRONGTYPE no string\r\n$1\r\nB\r\n');
    expect(first.ended).toBeInstanceOf(ReplyError);
    expect(first.ended).toMatchObject({
      kind: 'WRONGTYPE',
      command: 'GET',
      delivery: 'answered',
      message: 'WRONGTYPE no string',
    });
    expect(second).toMatchObject({ values: ['B'], ended: 'complete' });
  });

  it('fails one subscriber alone when its reply cannot be read', async () => {
    const { socket, send, from } = setUp();
    const { spec } = call('GET');
    const unreadable = new Command(spec, ['a'], () => {
      throw new Error('a map was expected');
    });
    const [first, second] = [record(Reply.from(from, unreadable)), record(send('GET', 'b'))];
    await tick();
    socket.receive('$1\r\nA\r\n$1\r\nB\r\n');
    expect(first.ended).toMatchObject({
      code: 'PROTOCOL',
      delivery: 'answered',
      message: expect.stringContaining('a map was expected'),
    });
    expect(second.values).toStrictEqual(['B']);
  });

  it('breaks the link on a reply that no command waits for', async () => {
    const { socket, send, link } = setUp();
    const first = record(send('GET', 'a'));
    await tick();
    socket.receive('$1\r\nA\r\n$1\r\nX\r\n$1\r\nY\r\n');
    const second = record(send('GET', 'b'));
    expect([first.values, second.values]).toStrictEqual([['A'], []]);
    expect(link.ended).toBeInstanceOf(ProtocolError);
    expect(socket.destroyed).toBe(true);
  });

  it('breaks the link on garbage: what is in flight may have run, what is queued is kept for the next link', async () => {
    const { socket, send, link, line } = setUp();
    const first = record(send('GET', 'a'));
    const [broken, second] = [record(send('GET', 'x')), record(send('INCR', 'b'))];
    await tick();
    const third = record(send('GET', 'c'));
    socket.receive('$1\r\nA\r\nnonsense\r\n');
    expect(first.values).toStrictEqual(['A']);
    expect(broken.ended).toBeInstanceOf(ProtocolError);
    expect(second.ended).toBeInstanceOf(ConnectionError);
    expect(second.ended).toMatchObject({ delivery: 'unknown', command: 'INCR' });
    expect(third.ended).toBeUndefined();
    expect(link.ended).toBeInstanceOf(ProtocolError);

    const next = new ScriptedSocket();
    record(line.connect(next).serve());
    line.open();
    expect(next.writes).toStrictEqual([wire('GET', 'c')]);
    next.receive('$1\r\nC\r\n');
    expect(third.values).toStrictEqual(['C']);
  });

  it('keeps the queue behind the gate until the handshake is through', async () => {
    const line = new Line(defaults);
    const socket = new ScriptedSocket();
    const from = { ...plainContext, executor: { submit: (request: Request) => line.requests$.next(request) } };
    record(Reply.from(from, call('GET', 'a')));
    record(line.connect(socket).serve());
    record(line.sendAhead(call('HELLO', '3')));
    await tick();
    expect(socket.writes).toStrictEqual([wire('HELLO', '3')]);
    socket.receive('%1\r\n+proto\r\n:3\r\n');
    expect(socket.writes).toHaveLength(1);
    line.open();
    expect(socket.writes[1]).toBe(wire('GET', 'a'));
  });

  describe('when user code throws', () => {
    const reported: unknown[] = [];
    beforeEach(() => (config.onUnhandledError = (error) => reported.push(error)));
    afterEach(async () => {
      await new Promise((resolve) => setTimeout(resolve)); // behind the timers by which RxJS reports
      config.onUnhandledError = null;
      expect(reported.splice(0).map(String)).toContain('Error: careless');
    });
    const careless = () => {
      throw new Error('careless');
    };

    it('delivers the replies that follow in the same chunk', async () => {
      const { socket, send, link } = setUp();
      send('GET', 'a').subscribe(careless);
      const second = record(send('GET', 'b'));
      send('GET', 'c').subscribe({ error: careless });
      const fourth = record(send('GET', 'd'));
      await tick();
      socket.receive('$1\r\nA\r\n$1\r\nB\r\n-ERR C\r\n$1\r\nD\r\n');
      expect([second.values, fourth.values, link.ended]).toStrictEqual([['B'], ['D'], undefined]);
    });

    it('delivers them even where the subscriber lets the error out', async () => {
      const { socket, from, send, link } = setUp();
      class Bare extends Subscriber<unknown> {
        override next(): void {
          careless();
        }
      }
      Reply.from(from, call('GET', 'a')).subscribe(new Bare());
      const second = record(send('GET', 'b'));
      await tick();
      socket.receive('$1\r\nA\r\n$1\r\nB\r\n');
      expect([second.values, link.ended]).toStrictEqual([['B'], undefined]);
    });

    it('delivers the messages that follow', () => {
      const { socket, line } = setUp();
      const messages = new Subject<unknown>();
      pushesOf(line).subscribe(careless);
      pushesOf(line).subscribe(messages);
      const seen = record(messages);
      socket.receive('>2\r\n+invalidate\r\n*0\r\n>2\r\n+invalidate\r\n*0\r\n');
      expect(seen.values).toHaveLength(2);
    });
  });

  it('delivers nothing more of a chunk once a subscriber has given the link up', async () => {
    const { line, from } = setUp();
    const socket = new ScriptedSocket();
    const link = line.connect(socket).serve().subscribe();
    line.open();
    Reply.from(from, call('GET', 'a')).subscribe(() => link.unsubscribe());
    const second = record(Reply.from(from, call('GET', 'b')));
    await tick();
    socket.receive('$1\r\nA\r\n$1\r\nB\r\n');
    expect(second.values).toStrictEqual([]);
    expect(second.ended).toMatchObject({ code: 'CONNECTION', delivery: 'unknown' });
  });

  it('takes a push between replies for what it is', async () => {
    const { socket, send, line } = setUp();
    const pushes = record(pushesOf(line));
    const reply = record(send('GET', 'a'));
    await tick();
    socket.receive('>3\r\n+message\r\n+c\r\n+hello\r\n$1\r\nA\r\n');
    expect(reply.values).toStrictEqual(['A']);
    expect(pushes.values).toMatchObject([{ items: ['message', 'c', 'hello'] }]);
  });

  it('holds the queue back after a loss until the next handshake is through', async () => {
    const { connection, links, send, greeted } = scriptedConnection();
    connection.open();
    const first = await greeted();
    lose(first);
    record(send('GET', 'a'));
    while (links.length < 2) await tick();
    await tick();
    expect(commandsOf(links[1]!).map((command) => command.split(' ')[0])).toStrictEqual(['HELLO', 'CLIENT', 'CLIENT']);
    await greet(links[1]!);
    expect(commandsOf(links[1]!).slice(3)).toStrictEqual(['GET a']);
    connection.destroy();
  });

  it('repeats reads that were lost, in their order, ahead of what was never written', async () => {
    const { line, socket, from } = setUp();
    const retrying = { ...from, retry: retryPolicy(resolveOptions().retry) };
    const read = (key: string) => record(Reply.from(retrying, get(key)));
    const write = record(Reply.from(retrying, incr('n')));
    const [first, second] = [read('a'), read('b')];
    await tick();
    const third = read('c');
    socket.receive('nonsense');
    const next = new ScriptedSocket();
    record(line.connect(next).serve());
    line.open();
    // One by one, for perhaps the answer to one of them is what broke the link.
    expect(commandsOf(next)).toStrictEqual(['GET a']);
    next.receive('$1\r\nA\r\n');
    expect(commandsOf(next)).toStrictEqual(['GET a', 'GET b']);
    next.receive('$1\r\nB\r\n');
    expect(commandsOf(next)).toStrictEqual(['GET a', 'GET b', 'GET c']);
    next.receive('$1\r\nC\r\n');
    expect([first, second, third].map(({ values }) => values)).toStrictEqual([['A'], ['B'], ['C']]);
    expect(write.ended).toMatchObject({ delivery: 'unknown', command: 'INCR' });
  });

  it('does not ask again for a reply that is no RESP', async () => {
    const { line, socket, from } = setUp();
    const retrying = { ...from, retry: retryPolicy(resolveOptions().retry) };
    const poisonous = record(Reply.from(retrying, get('a')));
    await tick();
    socket.receive('nonsense');
    expect(poisonous.ended).toMatchObject({ code: 'PROTOCOL', delivery: 'unknown', command: 'GET', repeatable: false });
    expect(line.pending).toBe(0);
  });

  it('fails a command that cannot be encoded, and writes nothing of it', async () => {
    const { socket, send, from } = setUp();
    const { spec } = call('SET');
    const broken = record(Reply.from(from, new Command(spec, ['k', undefined as never], String)));
    record(send('GET', 'a'));
    await tick();
    expect(broken.ended).toMatchObject({ code: 'PROTOCOL', delivery: 'unsent', command: 'SET' });
    expect(socket.writes).toStrictEqual([wire('GET', 'a')]);
  });

  it('has told the state of the link when it tells of the failures', async () => {
    const { connection, send, greeted } = scriptedConnection({ retry: false });
    connection.open();
    const link = await greeted();
    const states: string[] = [];
    send('GET', 'a').subscribe({ error: () => states.push(connection.state$.value.kind) });
    await tick();
    lose(link);
    expect(states).toStrictEqual(['reconnecting']);
    connection.destroy();
  });

  describe('when a callback throws', () => {
    const reported: unknown[] = [];
    beforeEach(() => (config.onUnhandledError = (error) => reported.push(error)));
    afterEach(async () => {
      await new Promise((resolve) => setTimeout(resolve)); // behind the timers by which errors are reported
      config.onUnhandledError = null;
      expect(reported.splice(0).map(String)).toStrictEqual(['Error: careless']);
    });
    const careless = (): never => {
      throw new Error('careless');
    };
    class Bare extends Subscriber<unknown> {
      override error(): void {
        careless();
      }
    }

    it('of one that waited, all others are told of the loss and the link is made anew', async () => {
      const { connection, links, send, greeted } = scriptedConnection({ retry: false });
      connection.open();
      const link = await greeted();
      send('GET', 'a').subscribe(new Bare());
      const other = record(send('GET', 'b'));
      await tick();
      lose(link);
      expect(other.ended).toMatchObject({ code: 'CONNECTION', delivery: 'unknown' });
      while (links.length < 2) await tick();
      connection.destroy();
    });

    it('of one that waited in the queue, all others are told of the end', () => {
      const { connection, send } = scriptedConnection();
      send('GET', 'a').subscribe(new Bare());
      const other = record(send('GET', 'b'));
      connection.destroy();
      expect(other.ended).toMatchObject({ code: 'DISCONNECTED', delivery: 'unsent' });
    });

    it('that decides about reconnecting, the command fails with the error that was answered', async () => {
      const { socket, send } = setUp({ reconnectOnError: careless });
      const reply = record(send('GET', 'a'));
      await tick();
      socket.receive('-READONLY no\r\n');
      expect(reply.ended).toMatchObject({ kind: 'READONLY' });
    });

    it('that decides about repeating, the command fails', async () => {
      const { socket, from } = setUp();
      const reply = record(Reply.from({ ...from, retry: careless }, get('a')));
      await tick();
      socket.receive('-LOADING wait\r\n');
      expect(reply.ended).toMatchObject({ kind: 'LOADING' });
    });
  });

  it.each([true, false])(
    'lets who learns that a command cannot be sent end the client (autoPipeline %p)',
    async (autoPipeline) => {
      const { connection, send, greeted } = scriptedConnection({ autoPipeline });
      connection.open();
      const link = await greeted();
      const odd = send('MGET', 'a', 'a');
      (odd.command.args as unknown[])[0] = {};
      const other = record(send('GET', 'b'));
      odd.subscribe({ error: () => connection.destroy() });
      await tick();
      expect(link.destroyed).toBe(true);
      expect(other.ended).toMatchObject({ command: 'GET' });
    },
  );

  it('writes nothing into a full buffer, whatever is sent by who learns that a command cannot be', () => {
    const { socket, send } = setUp({ autoPipeline: false });
    socket.accepts = false;
    record(send('GET', 'a'));
    const odd = send('MGET', 'b', 'b');
    (odd.command.args as unknown[])[0] = {};
    odd.subscribe({ error: () => record(send('GET', 'c')) });
    expect(socket.writes).toStrictEqual([wire('GET', 'a')]);
    socket.accepts = true;
    socket.drain$.next();
    expect(socket.writes).toStrictEqual([wire('GET', 'a'), wire('GET', 'c')]);
  });

  it('reads what is at hand before it leaves a link, whatever is sent meanwhile', () => {
    const { socket, link, send } = setUp({ autoPipeline: false, reconnectOnError: () => true });
    const refused = send('INCR', 'a');
    refused.subscribe({ error: () => record(send('GET', 'b')) });
    const popped = record(send('BLPOP', 'list', '0'));
    socket.receive('-READONLY no\r\n*2\r\n$4\r\nlist\r\n$1\r\nx\r\n');
    expect(popped.values).toStrictEqual([['list', 'x']]);
    expect(link.ended).toBeInstanceOf(ConnectionError);
  });

  it.each([true, false])(
    'sends nothing of the queue any more on a link that leads to the wrong server (autoPipeline %p)',
    async (autoPipeline) => {
      const { socket, send } = setUp({ autoPipeline, reconnectOnError: () => true });
      send('INCR', 'a').subscribe({ error: () => record(send('GET', 'b')) });
      record(send('ECHO', 'c'));
      await tick();
      const sent = socket.writes.join('');
      socket.receive('-READONLY no\r\n');
      await tick();
      expect(socket.writes.join('')).toBe(sent);
    },
  );

  it('gives a command its whole time also in a tick that began with something else', () => {
    const clock = new VirtualClock();
    const { line, from } = setUp({ clock });
    clock.advance(10_000);
    line.scheduleFlush();
    const reply = record(Reply.from({ ...from, commandTimeout: 50 }, get('a')));
    clock.advance(49);
    expect(reply.ended).toBeUndefined();
    clock.advance(6);
    expect(reply.ended).toMatchObject({ code: 'TIMEOUT' });
  });

  it('sends a lost command again no sooner than its policy wants', async () => {
    const clock = new VirtualClock();
    const { line, socket, from } = setUp({ clock });
    record(Reply.from({ ...from, retry: () => 300 }, get('a')));
    record(Reply.from({ ...from, retry: () => 0 }, get('b')));
    await tick();
    socket.bytes$.error(new ConnectionError('lost'));
    const next = new ScriptedSocket();
    record(line.connect(next).serve());
    line.open();
    clock.advance(299);
    await tick();
    expect(next.writes).toStrictEqual([wire('GET', 'b')]);
    next.receive('$1\r\nB\r\n');
    clock.advance(1);
    await tick();
    expect(next.writes[1]).toBe(wire('GET', 'a'));
  });

  it('leaves the memory of what a lost socket holds to that', async () => {
    const { line, socket, send } = setUp();
    const held: Uint8Array[] = [];
    socket.drained = false;
    socket.write = (chunks) => held.push(...chunks) > 0;
    record(send('SET', 'a', 'first'));
    await tick();
    const before = Buffer.concat(held).toString();
    socket.bytes$.error(new ConnectionError('lost'));
    const next = new ScriptedSocket();
    record(line.connect(next).serve());
    line.open();
    record(send('SET', 'b', 'other'));
    await tick();
    expect(Buffer.concat(held).toString()).toBe(before);
    expect(next.writes.at(-1)).toBe(wire('SET', 'b', 'other'));
  });

  it('completes what the server was asked not to answer', async () => {
    const { socket, send } = setUp();
    const off = record(send('CLIENT REPLY', 'OFF'));
    const muted = record(send('SET', 'a', '1'));
    const on = record(send('CLIENT REPLY', 'ON'));
    const skip = record(send('CLIENT REPLY', 'SKIP'));
    const skipped = record(send('SET', 'b', '1'));
    const read = record(send('GET', 'a'));
    await tick();
    socket.receive('+OK\r\n$1\r\n1\r\n');
    for (const silent of [off, muted, skip, skipped]) expect(silent).toMatchObject({ values: [], ended: 'complete' });
    expect([on.values, read.values]).toStrictEqual([['OK'], ['1']]);
  });
});
