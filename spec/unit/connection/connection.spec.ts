import { EMPTY, NEVER, Observable, Subject, of, throwError, type ObservableInput } from 'rxjs';
import { blpop, call, get, incr, set } from 'rxjs-redis/commands';
import type { Credentials, RedisOptions } from 'rxjs-redis';
import type { Command } from '../../../src/commands/command';
import { Reply } from '../../../src/commands/reply';
import type { Request } from '../../../src/commands/request';
import { plainContext } from '../../../src/commands/request-context';
import { Connection } from '../../../src/connection/connection';
import type { ConnectionEvent, ConnectionState } from '../../../src/connection/connection-state';
import { retryPolicy } from '../../../src/connection/retry';
import type { Resident } from '../../../src/connection/resident';
import type { ByteSocket } from '../../../src/connection/socket';
import { ConnectionError, type RedisError } from '../../../src/errors';
import { resolveOptions } from '../../../src/options';
import { record } from '../../support/clients';
import { failure, outcome } from '../../support/outcomes';
import { scriptedConnection } from '../../support/scripted-link';
import { ScriptedSocket } from '../../support/scripted-socket';
import { VirtualClock } from '../../support/virtual-clock';

const tick = () => new Promise<void>((resolve) => setImmediate(resolve));
const greeting = '%1\r\n$5\r\nproto\r\n:3\r\n';
const refused = () => new ConnectionError('there: connect ECONNREFUSED');

/** A connection in virtual time, whose dials end as the spec says. */
function setUp(given: RedisOptions = {}) {
  const options = resolveOptions({ reconnect: { initialDelay: 100, jitter: 0 }, ...given });
  const clock = new VirtualClock();
  const dials: { at: number; opened: Subject<ByteSocket>; closed: boolean }[] = [];
  const dial = () =>
    new Observable<ByteSocket>((subscriber) => {
      const attempt = { at: clock.now(), opened: new Subject<ByteSocket>(), closed: false };
      dials.push(attempt);
      subscriber.add(attempt.opened.subscribe(subscriber));
      subscriber.add(() => (attempt.closed = true));
    });
  const connection = new Connection(options, { dial, clock });
  const context = { ...plainContext, commandTimeout: options.commandTimeout, retry: retryPolicy(options.retry) };
  const send = <T>(command: Command<T>, others: { idempotent?: boolean } = {}) =>
    Reply.from({ ...context, ...others, executor: connection }, command);
  const events = record<ConnectionEvent>(connection.events$);
  const states = record<ConnectionState>(connection.state$);
  /** Makes the latest dial succeed. */
  const accept = async () => {
    const socket = new ScriptedSocket();
    dials.at(-1)!.opened.next(socket);
    await tick();
    return socket;
  };
  /** The same, and the server greets. */
  const ready = async () => {
    const socket = await accept();
    socket.receive(greeting + '+OK\r\n'.repeat(commandsIn(socket) - 1));
    await tick();
    return socket;
  };
  const fail = (error: RedisError = refused()) => dials.at(-1)!.opened.error(error);
  return { connection, clock, dials, send, events, states, accept, ready, fail };
}

function thrower(thrown: unknown): never {
  throw thrown;
}

function commandsIn(socket: ScriptedSocket): number {
  return socket.writes
    .join('')
    .split('\r\n')
    .filter((line) => line.startsWith('*')).length;
}

function written(socket: ScriptedSocket): string[] {
  return socket.writes
    .join('')
    .split(/^\*\d+\r\n/m)
    .filter((request) => request !== '')
    .map((request) =>
      request
        .replace(/\$\d+\r\n/g, '')
        .replace(/\r\n/g, ' ')
        .trim(),
    );
}

describe('Reconnecting', () => {
  it('waits before the first attempt as before each that follows', async () => {
    const { connection, clock, dials, ready, fail } = setUp();
    connection.open();
    const socket = await ready();
    clock.advance(1_000);
    socket.bytes$.error(new ConnectionError('lost'));
    expect(dials).toHaveLength(1);
    clock.advance(99);
    expect(dials).toHaveLength(1);
    clock.advance(1);
    expect(dials.map(({ at }) => at)).toStrictEqual([0, 1_100]);
    fail();
    clock.advance(200);
    expect(dials.map(({ at }) => at)).toStrictEqual([0, 1_100, 1_300]);
  });

  it('waits no longer than maxDelayWaiting while a command waits, and cuts a long delay short when one comes', async () => {
    const { connection, clock, dials, send, ready, fail } = setUp({
      reconnect: { initialDelay: 50_000, jitter: 0, maxDelayWaiting: 300 },
    });
    connection.open();
    (await ready()).bytes$.error(new ConnectionError('lost'));
    clock.advance(20_000);
    expect(dials).toHaveLength(1);
    const waiting = outcome(send(get('k')));
    await tick();
    clock.advance(299);
    expect(dials).toHaveLength(1);
    clock.advance(1);
    expect(dials).toHaveLength(2);
    fail();
    clock.advance(300);
    expect(dials).toHaveLength(3);
    (await ready()).receive('+v\r\n');
    expect(await waiting).toStrictEqual({ value: 'v' });
  });

  it('waits no longer than maxDelayWaiting for connect()', () => {
    const { connection, clock, dials, fail } = setUp({
      reconnect: { initialDelay: 50_000, jitter: 0, maxDelayWaiting: 300 },
    });
    const connected = record(connection.connect());
    fail();
    clock.advance(300);
    expect(dials).toHaveLength(2);
    connected.stop();
    fail();
    clock.advance(10_000);
    expect(dials).toHaveLength(2);
  });

  it('waits no longer than 2 000 ms by default while something waits', () => {
    const { connection, clock, dials, fail } = setUp({ reconnect: { initialDelay: 30_000, jitter: 0 } });
    record(connection.connect());
    fail();
    clock.advance(1_999);
    expect(dials).toHaveLength(1);
    clock.advance(1);
    expect(dials).toHaveLength(2);
  });

  it('tells the attempt, the delay and the reason', () => {
    const { connection, clock, states, fail } = setUp();
    connection.open();
    const error = refused();
    fail(error);
    clock.advance(100);
    fail(error);
    const waits = states.values.filter(({ kind }) => kind === 'reconnecting');
    expect(waits).toStrictEqual([
      { kind: 'reconnecting', attempt: 1, delay: 100, error },
      { kind: 'reconnecting', attempt: 2, delay: 200, error },
    ]);
  });

  it('starts anew to count once a connection has lasted as long as the wait before it', async () => {
    const { connection, clock, states, ready, fail } = setUp();
    connection.open();
    fail();
    clock.advance(100);
    fail();
    clock.advance(200);
    const socket = await ready();
    clock.advance(200);
    socket.bytes$.error(new ConnectionError('lost'));
    expect(states.values.at(-1)).toMatchObject({ kind: 'reconnecting', attempt: 1, delay: 100 });
  });

  it('waits longer each time for a server that greets and hangs up, and gives up', async () => {
    const { connection, clock, states, ready } = setUp({ reconnect: { initialDelay: 100, jitter: 0, maxAttempts: 3 } });
    connection.open();
    for (let n = 0; n < 4; n++) {
      const socket = await ready();
      clock.advance(1);
      socket.bytes$.error(new ConnectionError('lost'));
      clock.advance(400);
    }
    expect(states.values.filter(({ kind }) => kind === 'reconnecting' || kind === 'closed')).toMatchObject([
      { attempt: 1, delay: 100 },
      { attempt: 2, delay: 200 },
      { attempt: 3, delay: 400 },
      { kind: 'closed', error: { message: 'lost' } },
    ]);
  });

  it('happens when an Observable emits, where a function answers with one', () => {
    const network$ = new Subject<string>();
    const asked: unknown[] = [];
    const decide = (attempt: number, error: RedisError) => {
      asked.push([attempt, error.code]);
      return network$;
    };
    const { connection, clock, dials, states, fail } = setUp({ reconnect: decide });
    connection.open();
    fail();
    clock.advance(1e6);
    expect(dials).toHaveLength(1);
    expect(states.values.at(-1)).toMatchObject({ kind: 'reconnecting', attempt: 1, delay: undefined });
    network$.next('back');
    expect(dials).toHaveLength(2);
    fail();
    expect(asked).toStrictEqual([
      [1, 'CONNECTION'],
      [2, 'CONNECTION'],
    ]);
  });

  it('ends when a function says false, with the last error as the reason', async () => {
    const { connection, clock, send, states, fail } = setUp({ reconnect: (attempt) => attempt < 2 && 5 });
    const waiting = failure(send(get('k')));
    fail();
    clock.advance(5);
    const error = refused();
    fail(error);
    expect(states.values.at(-1)).toStrictEqual({ kind: 'closed', error });
    expect(await waiting).toMatchObject({ code: 'DISCONNECTED', delivery: 'unsent', cause: error });
    expect(await failure(send(get('k')))).toMatchObject({ code: 'DISCONNECTED', cause: error });
    expect(connection.closed).toBe(true);
  });

  it('ends when the Observable of a function completes without a value, with the last error as the reason', () => {
    const network$ = new Subject<void>();
    const { connection, states, fail } = setUp({ reconnect: () => network$ });
    connection.open();
    const error = refused();
    fail(error);
    network$.complete();
    expect(states.values.at(-1)).toStrictEqual({ kind: 'closed', error });
  });

  it.each<[string, () => never | Observable<never>, unknown]>([
    ['an Error', () => thrower(new RangeError('a bug')), { name: 'RangeError' }],
    ['a string', () => thrower('a bug'), 'a bug'],
    ['nothing', () => thrower(undefined), undefined],
    ['an Observable that errors', () => throwError(() => null), null],
  ])('ends when a function throws, and tells why: %s', async (_, reconnect, cause) => {
    const { connection, states, events, send, fail } = setUp({ reconnect });
    const waiting = failure(send(get('k')));
    fail();
    const { error } = states.values.at(-1) as { error: RedisError };
    expect(error).toMatchObject({
      code: 'CONNECTION',
      message: expect.stringMatching(/^The option 'reconnect' failed/),
    });
    if (cause === undefined || cause === null) expect(error.cause ?? undefined).toBeUndefined();
    else expect(error).toMatchObject({ cause });
    expect(events.values.at(-1)).toStrictEqual({ connection: 'commands', type: 'error', error });
    expect(await waiting).toMatchObject({ code: 'DISCONNECTED', cause: error });
    expect(connection.closed).toBe(true);
  });

  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['NaN', NaN],
    ['-1', -1],
    ['a boolean', true],
    ['a string', 'soon'],
    ['an object (Promise)', Promise.resolve(60_000)],
  ])('ends when a function answers with what is no time: %s', (got, answer) => {
    const { connection, dials, states, fail } = setUp({ reconnect: (() => answer) as () => number });
    connection.open();
    fail();
    expect(dials).toHaveLength(1);
    expect(states.values.at(-1)).toMatchObject({
      kind: 'closed',
      error: {
        message: `The option 'reconnect' failed: a delay, an Observable or false was expected, got ${got}`,
        cause: expect.any(TypeError) as unknown,
      },
    });
  });

  it.each([2 ** 31, 2 ** 40, Infinity])('waits as long as a timer can where a function says %d', (delay) => {
    const { connection, clock, dials, states, fail } = setUp({ reconnect: () => delay });
    connection.open();
    fail();
    expect(states.values.at(-1)).toMatchObject({ kind: 'reconnecting', delay: 2 ** 31 - 1 });
    clock.advance(2 ** 31 - 2);
    expect(dials).toHaveLength(1);
    clock.advance(1);
    expect(dials).toHaveLength(2);
  });

  it.each(['destroy', 'close'] as const)('is over when the function itself calls %s', async (end) => {
    const { connection, clock, dials, states, events, send, fail } = setUp({
      reconnect: () => {
        void connection[end]();
        return 10;
      },
    });
    const waiting = failure(send(get('k')));
    fail();
    clock.advance(1_000);
    expect(dials).toHaveLength(1);
    expect(states.values.at(-1)).toStrictEqual({ kind: 'closed' });
    expect(events.ended).toBe('complete');
    expect(await waiting).toMatchObject({ code: 'DISCONNECTED' });
    expect(await failure(send(get('k')))).toMatchObject({ code: 'DISCONNECTED' });
  });
});

describe('Waiting while disconnected', () => {
  const many = (send: ReturnType<typeof setUp>['send'], count: number) =>
    Array.from({ length: count }, (_, n) => outcome(send(get(`k${n}`))));

  it('is open to all before the first dial has succeeded or failed', async () => {
    const { send, ready } = setUp({ offlineQueue: 2 });
    const waiting = many(send, 1_500);
    const socket = await ready();
    socket.receive('+a\r\n'.repeat(1_500));
    expect(await Promise.all(waiting)).toStrictEqual(Array(1_500).fill({ value: 'a' }));
  });

  it('is over for what exceeds the bound when the first dial fails, the earliest stay', async () => {
    const { clock, send, fail, ready } = setUp({ offlineQueue: 2 });
    const waiting = many(send, 5);
    fail();
    expect(await Promise.all(waiting.slice(2))).toMatchObject(
      Array(3).fill({ error: { code: 'DISCONNECTED', delivery: 'unsent', command: 'GET' } }),
    );
    clock.advance(100);
    const socket = await ready();
    expect(written(socket).slice(-2)).toStrictEqual(['GET k0', 'GET k1']);
  });

  it('keeps the earliest calls when the first dial fails, also those that others have passed since', async () => {
    const { clock, connection, send, fail, ready } = setUp({ offlineQueue: 2 });
    const held: Request[] = [];
    const hold = { submit: (request: Request) => (held.push(request), connection.submitHeld(request, 10)) };
    const first = outcome(Reply.from({ ...plainContext, executor: hold }, get('first')));
    const second = outcome(Reply.from({ ...plainContext, executor: hold }, get('second')));
    const third = outcome(send(get('third')));
    connection.line.release(held.slice(0, 1));
    fail();
    expect(await Promise.race([third, tick()])).toMatchObject({ error: { code: 'DISCONNECTED', delivery: 'unsent' } });
    clock.advance(100);
    const socket = await ready();
    expect(written(socket).slice(-2).sort()).toStrictEqual(['GET first', 'GET second']);
    socket.receive('+a\r\n+a\r\n');
    expect(await Promise.all([first, second])).toStrictEqual([{ value: 'a' }, { value: 'a' }]);
  });

  it('is refused beyond the bound, and open again when there is room', async () => {
    const { clock, connection, send, fail } = setUp({ offlineQueue: 2, commandTimeout: 50 });
    connection.open();
    fail();
    const waiting = many(send, 2);
    await tick();
    expect(await failure(send(incr('n')))).toMatchObject({
      code: 'DISCONNECTED',
      delivery: 'unsent',
      command: 'INCR',
      message: expect.stringContaining('2 commands already wait') as string,
      cause: { code: 'CONNECTION' },
    });
    clock.advance(50);
    expect(await Promise.all(waiting)).toMatchObject(Array(2).fill({ error: { code: 'TIMEOUT', delivery: 'unsent' } }));
    const later = outcome(send(get('k')));
    clock.advance(49);
    expect(await Promise.race([later, tick()])).toBeUndefined();
  });

  it('is refused while a dial is under way that is not the first', async () => {
    const { clock, connection, send, fail, dials } = setUp({ offlineQueue: 0 });
    connection.open();
    fail();
    clock.advance(100);
    expect(dials).toHaveLength(2);
    expect(await failure(send(get('k')))).toMatchObject({ code: 'DISCONNECTED', delivery: 'unsent' });
  });

  it('is refused altogether where the bound is 0, the first dial excepted', async () => {
    const { send, connection, ready } = setUp({ offlineQueue: 0 });
    const first = outcome(send(get('k')));
    const socket = await ready();
    socket.receive('+a\r\n');
    expect(await first).toStrictEqual({ value: 'a' });
    socket.bytes$.error(new ConnectionError('lost'));
    expect(await failure(send(get('k')))).toMatchObject({
      code: 'DISCONNECTED',
      delivery: 'unsent',
      message: expect.stringContaining('nothing may wait') as string,
    });
    connection.destroy();
  });

  it('has no bound where that is Infinity', async () => {
    const { connection, clock, send, fail, ready } = setUp({ offlineQueue: Infinity });
    connection.open();
    fail();
    const waiting = many(send, 20_000);
    clock.advance(100);
    const socket = await ready();
    clock.advance(1); // they are written over several turns of the event loop
    socket.receive('+a\r\n'.repeat(20_000));
    expect(await Promise.all(waiting)).toStrictEqual(Array(20_000).fill({ value: 'a' }));
  });
});

describe('A read that was the oldest in flight when its link was lost', () => {
  const lose = (socket: ScriptedSocket) => socket.bytes$.error(new ConnectionError('lost'));

  it('twice in a row is not sent a third time', async () => {
    const { clock, send, ready } = setUp();
    const waiting = outcome(send(get('k')));
    lose(await ready());
    clock.advance(100);
    lose(await ready());
    expect(await waiting).toMatchObject({
      error: {
        code: 'CONNECTION',
        delivery: 'unknown',
        repeatable: false,
        message: expect.stringContaining('third time') as string,
      },
    });
  });

  it('twice, and left on purpose in between, is not sent a third time: only its reply could have told the opposite', async () => {
    const { connection, clock, send, ready } = setUp();
    const waiting = outcome(send(get('k')));
    lose(await ready());
    clock.advance(100);
    await ready();
    record(connection.reconnect(true));
    clock.advance(0);
    lose(await ready());
    expect(await waiting).toMatchObject({ error: { message: expect.stringContaining('third time') as string } });
  });

  it('twice, and was refused in between, is sent again: its answer breaks no link', async () => {
    const { clock, send, ready } = setUp({ retry: { jitter: 0 } });
    const waiting = outcome(send(get('k')));
    lose(await ready());
    clock.advance(100);
    const second = await ready();
    second.receive('-LOADING Redis is loading the dataset in memory\r\n');
    clock.advance(100);
    await tick();
    expect(written(second).filter((words) => words === 'GET k')).toHaveLength(2);
    lose(second);
    clock.advance(200);
    const third = await ready();
    third.receive('+a\r\n');
    expect(await waiting).toStrictEqual({ value: 'a' });
  });
});

describe('What was in flight when its link was lost', () => {
  const lose = (socket: ScriptedSocket) => socket.bytes$.error(new ConnectionError('lost'));
  const readsOn = (socket: ScriptedSocket) => written(socket).filter((words) => words.startsWith('GET'));
  const suspected = expect.objectContaining({ message: expect.stringContaining('third time') as string }) as unknown;

  it('is tried one by one, so that a read which breaks links is sent twice wherever it stood', async () => {
    const { clock, send, ready } = setUp();
    const replies = ['a', 'b', 'poison', 'c'].map((key) => outcome(send(get(key))));
    lose(await ready());
    const counted = outcome(send(incr('n')));
    clock.advance(100);
    const second = await ready();
    for (const key of ['a', 'b']) {
      expect(readsOn(second).at(-1)).toBe(`GET ${key}`);
      second.receive(`+${key}\r\n`);
      await tick();
    }
    expect(readsOn(second)).toStrictEqual(['GET a', 'GET b', 'GET poison']);
    lose(second);
    clock.advance(200);
    const third = await ready();
    expect(readsOn(third)).toStrictEqual(['GET c']);
    third.receive('+c\r\n');
    await tick();
    third.receive(':1\r\n');
    expect(await Promise.all(replies)).toStrictEqual([
      { value: 'a' },
      { value: 'b' },
      { error: suspected },
      { value: 'c' },
    ]);
    expect(await counted).toStrictEqual({ value: 1 });
  });

  it('is tried in windows that grow behind the first, and one by one after a second loss: three times at the most', async () => {
    const { clock, send, ready } = setUp();
    const keys = Array.from({ length: 1_000 }, (_, n) => (n === 600 ? 'poison' : `k${n}`));
    const answers = new Map<ScriptedSocket, number>();
    const answeredOn = (one: ScriptedSocket) => answers.get(one) ?? 0;
    const outcomes = keys.map((key) => outcome(send(get(key))));
    lose(await ready());
    const windows: number[] = [];
    let losses = 1;
    let socket: ScriptedSocket | undefined;
    const sent = new Map<string, number>();
    for (let left = keys.length - 1; left > 0;) {
      if (socket === undefined) {
        clock.advance(1_000);
        socket = await ready();
      }
      const written = readsOn(socket).slice(answeredOn(socket));
      for (const words of written) sent.set(words, (sent.get(words) ?? 1) + 1);
      windows.push(written.length);
      if (written.includes('GET poison')) {
        lose(socket);
        losses++;
        socket = undefined;
        continue;
      }
      answers.set(socket, answeredOn(socket) + written.length);
      left -= written.length;
      socket.receive('+v\r\n'.repeat(written.length));
      await tick();
    }
    expect(windows.slice(0, 20)).toStrictEqual([...Array<number>(16).fill(1), 2, 4, 8, 16]);
    expect(Math.max(...windows)).toBe(256);
    expect([losses, Math.max(...sent.values()), sent.get('GET poison')]).toStrictEqual([3, 3, 3]);
    const ends = await Promise.all(outcomes);
    expect(ends.flatMap((end, n) => ('error' in end ? [keys[n]] : []))).toStrictEqual(['poison']);
  });
});

describe('A deadline', () => {
  it('that is up for a write that was sent lets none repeat it: the first copy may still run, behind later writes', async () => {
    const { clock, send, ready } = setUp({ commandTimeout: 1_000 });
    const idempotent = { idempotent: true };
    const ends = [get('k'), set('k', 'v')].map((command) => outcome(send<unknown>(command)));
    const vouched = outcome(send<unknown>(set('k', 'v'), idempotent));
    await ready();
    clock.advance(1_010);
    expect(await Promise.all([...ends, vouched])).toMatchObject([
      { error: { code: 'TIMEOUT', delivery: 'unknown', repeatable: true } },
      { error: { code: 'TIMEOUT', delivery: 'unknown', repeatable: false } },
      { error: { code: 'TIMEOUT', delivery: 'unknown', repeatable: true } },
    ]);
  });

  it('covers the wait for the connection: nothing was sent', async () => {
    const { clock, send } = setUp({ commandTimeout: 50 });
    const waiting = failure(send(incr('n')));
    await tick();
    clock.advance(50);
    expect(await waiting).toMatchObject({ code: 'TIMEOUT', delivery: 'unsent', command: 'INCR', repeatable: true });
  });

  it('that passes while there is no connection names the reason why there is none', async () => {
    const { clock, connection, send, fail } = setUp({ commandTimeout: 50 });
    connection.open();
    const error = refused();
    fail(error);
    const waiting = failure(send(get('k')));
    await tick();
    clock.advance(50);
    expect(await waiting).toMatchObject({ code: 'TIMEOUT', delivery: 'unsent', cause: error });
    expect((await waiting).message).toContain(error.message);
  });

  it('covers the wait for the reply: it may have run', async () => {
    const { clock, send, ready } = setUp({ commandTimeout: 50 });
    const waiting = failure(send(incr('n')));
    await ready();
    clock.advance(50);
    expect(await waiting).toMatchObject({ code: 'TIMEOUT', delivery: 'unknown', command: 'INCR', repeatable: false });
  });

  it('covers all repetitions together', async () => {
    const { clock, send, ready } = setUp({ commandTimeout: 300 });
    const waiting = outcome(send(get('k')));
    const first = await ready();
    clock.advance(150);
    first.bytes$.error(new ConnectionError('lost'));
    clock.advance(100);
    const second = await ready();
    expect(written(second).at(-1)).toBe('GET k');
    clock.advance(49);
    expect(await Promise.race([waiting, tick()])).toBeUndefined();
    clock.advance(1);
    expect(await waiting).toMatchObject({ error: { code: 'TIMEOUT', delivery: 'unknown', command: 'GET' } });
  });

  it('ends what waits behind others that were dropped, for their observers had left and the queue was full', async () => {
    const { clock, connection, send, fail } = setUp({ offlineQueue: 2, commandTimeout: 50 });
    connection.open();
    fail();
    const left = send(get('left')).subscribe();
    await tick();
    clock.advance(30);
    const waiting = outcome(send(get('k')));
    await tick();
    left.unsubscribe();
    clock.advance(20); // what has left would be due, and is passed over
    const third = outcome(send(get('third')));
    await tick();
    clock.advance(30);
    expect(await Promise.race([waiting, tick()])).toMatchObject({ error: { code: 'TIMEOUT', delivery: 'unsent' } });
    connection.destroy();
    await third;
  });

  it('lets the server refuse no longer than it lasts', async () => {
    const { clock, send, ready } = setUp({ commandTimeout: 100, retry: { initialDelay: 60, factor: 1, jitter: 0 } });
    const waiting = outcome(send(incr('n')));
    const socket = await ready();
    socket.receive('-LOADING not yet\r\n');
    clock.advance(60);
    await tick();
    socket.receive('-LOADING not yet\r\n');
    expect(await waiting).toMatchObject({ error: { code: 'REPLY', kind: 'LOADING', delivery: 'answered' } });
    expect(written(socket).filter((words) => words === 'INCR n')).toHaveLength(2);
  });

  it.each([undefined, null, true, NaN, -1, Infinity, 'soon'])(
    'ends what a policy answers about with no time: %p',
    async (answer) => {
      const { send, ready } = setUp({ retry: () => answer as never });
      const waiting = outcome(send(incr('n')));
      const socket = await ready();
      socket.receive('-LOADING not yet\r\n');
      expect(await waiting).toMatchObject({ error: { kind: 'LOADING' } });
    },
  );

  it('of a blocking command lies blockingGrace behind its own wait', async () => {
    const { clock, send, ready } = setUp({ commandTimeout: 50, blockingGrace: 20 });
    const waiting = outcome(send(blpop('queue', 1)));
    await ready();
    clock.advance(1_019);
    expect(await Promise.race([waiting, tick()])).toBeUndefined();
    clock.advance(1);
    expect(await waiting).toMatchObject({ error: { code: 'TIMEOUT', delivery: 'unknown', command: 'BLPOP' } });
  });

  it('of a blocking command counts from the write: no item is taken for one who has left', async () => {
    const { clock, send, ready } = setUp({ blockingGrace: 100 });
    const waiting = outcome(send(blpop('queue', 1)));
    clock.advance(1_000);
    const socket = await ready();
    clock.advance(999);
    socket.receive('*2\r\n$5\r\nqueue\r\n$4\r\nitem\r\n');
    expect(await waiting).toStrictEqual({ value: ['queue', 'item'] });
  });

  it('of a blocking command that cannot be sent is over when its wait would be', async () => {
    const { clock, send } = setUp({ blockingGrace: 100 });
    const waiting = outcome(send(blpop('queue', 1)));
    await tick();
    clock.advance(1_100);
    expect(await waiting).toMatchObject({ error: { code: 'TIMEOUT', delivery: 'unsent' } });
  });

  it('is none for a command that blocks for ever', async () => {
    const { clock, send, ready } = setUp({ commandTimeout: 50 });
    const waiting = outcome(send(blpop('queue', 0)));
    const socket = await ready();
    clock.advance(1e9);
    socket.receive('*2\r\n$5\r\nqueue\r\n$1\r\na\r\n');
    expect(await waiting).toStrictEqual({ value: ['queue', 'a'] });
  });

  it('leaves the late reply to nobody and the next replies to their commands', async () => {
    const { clock, send, ready } = setUp({ commandTimeout: 50 });
    const late = failure(send(call('ECHO', 'late')));
    const socket = await ready();
    clock.advance(30);
    const next = outcome(send(call('ECHO', 'next')));
    await tick();
    clock.advance(20);
    expect(await late).toMatchObject({ code: 'TIMEOUT' });
    socket.receive('+late\r\n+next\r\n');
    expect(await next).toStrictEqual({ value: 'next' });
  });
});

describe('A link that owes replies', () => {
  it('is destroyed after readTimeout of silence and made anew', async () => {
    const { clock, dials, send, events, ready } = setUp({ readTimeout: 200, commandTimeout: 50 });
    const waiting = failure(send(incr('n')));
    const socket = await ready();
    clock.advance(50);
    await waiting;
    expect(socket.destroyed).toBe(false);
    clock.advance(150);
    expect(socket.destroyed).toBe(true);
    expect(events.values).toContainEqual({ connection: 'commands', type: 'disconnect', reason: 'timeout' });
    clock.advance(100);
    expect(dials).toHaveLength(2);
  });

  it('is destroyed just so where nothing but pushes comes, also between the parts of a large reply that goes on no more', async () => {
    const pushes = '>2\r\n+invalidate\r\n*1\r\n+k\r\n';
    for (const part of ['', '*2\r\n+a\r\n']) {
      const { clock, send, ready } = setUp({ readTimeout: 200, commandTimeout: Infinity });
      const waiting = failure(send(incr('n')));
      const socket = await ready();
      clock.advance(50);
      socket.receive(part);
      const silentFor = part === '' ? 150 : 200;
      for (let passed = 10; passed < silentFor; passed += 10) {
        clock.advance(10);
        socket.receive(pushes);
      }
      expect(socket.destroyed).toBe(false);
      clock.advance(10);
      expect([part, socket.destroyed]).toStrictEqual([part, true]);
      expect(await waiting).toMatchObject({ cause: { code: 'TIMEOUT' } });
    }
  });

  it('is left alone when the replies come, late as they may be', async () => {
    const { clock, send, ready } = setUp({ readTimeout: 200, commandTimeout: 50 });
    const waiting = failure(send(incr('n')));
    const socket = await ready();
    clock.advance(199);
    await waiting;
    socket.receive(':1\r\n');
    clock.advance(1e6);
    expect(socket.destroyed).toBe(false);
  });

  it('is destroyed also where messages come in pieces meanwhile, which look like replies in RESP2', async () => {
    const clock = new VirtualClock();
    const { pubsub, connection, carrierGreeted } = scriptedConnection({ protocol: 2, readTimeout: 200 }, clock);
    const messages = record(pubsub.messages('channel', ['c']));
    const link = await carrierGreeted();
    const [head, rest] = ['*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$4\r\nne', 'ws\r\n'];
    link.receive(`*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n${head}`);
    pubsub.messages('channel', ['d']).subscribe({ error: () => undefined });
    await tick();
    expect(link.writes.at(-1)).toContain('SUBSCRIBE');
    for (let times = 0; times < 2; times++) {
      clock.advance(99);
      link.receive(rest + head);
    }
    expect(link.destroyed).toBe(false);
    expect(messages.values).toHaveLength(2);
    clock.advance(2);
    expect(link.destroyed).toBe(true);
    connection.destroy();
  });

  it('is destroyed after writeTimeout when its send buffer stays full', async () => {
    const { clock, send, events, ready } = setUp({ writeTimeout: 20 });
    const first = outcome(send(get('k')));
    const socket = await ready();
    socket.receive('+v\r\n');
    await first;
    socket.accepts = false;
    const waiting = outcome(send(incr('n')));
    await tick();
    clock.advance(19);
    expect(socket.destroyed).toBe(false);
    clock.advance(1);
    expect(socket.destroyed).toBe(true);
    expect(await waiting).toMatchObject({
      error: { code: 'CONNECTION', delivery: 'unknown', cause: { code: 'TIMEOUT' } },
    });
    expect(events.values).toContainEqual({ connection: 'commands', type: 'disconnect', reason: 'timeout' });
  });
});

describe('A link that owes nothing', () => {
  const resident = (listening: boolean): Resident => ({
    listening,
    receive: () => undefined,
    restore: () => EMPTY,
    suspend: () => EMPTY,
    resume: () => EMPTY,
    beforeWrite: () => undefined,
  });

  it.each([
    ['nothing', []],
    ['residents that do not', [resident(false), resident(false)]],
  ])('is left alone, silent as it is, where %s waits for pushes', async (_, residents) => {
    const { connection, clock, dials, ready } = setUp({ readTimeout: 1_000 });
    connection.open();
    const socket = await ready();
    for (const one of residents) connection.line.residents.add(one);
    socket.writes.length = 0;
    clock.advance(60_000);
    expect([written(socket), dials.length]).toStrictEqual([[], 1]);
  });

  it('is asked for a sign of life where one of its residents waits for pushes, and destroyed when it gives none', async () => {
    const { connection, clock, events, ready } = setUp({ readTimeout: 1_000 });
    for (const listening of [false, true, false]) connection.line.residents.add(resident(listening));
    connection.open();
    const socket = await ready();
    socket.writes.length = 0;
    clock.advance(1_000);
    await tick();
    expect(written(socket)).toStrictEqual(['PING']);
    clock.advance(1_000);
    expect(socket.destroyed).toBe(true);
    expect(events.values).toContainEqual({ connection: 'commands', type: 'disconnect', reason: 'timeout' });
  });
});

describe('Signing in', () => {
  const token = (password: string): Credentials => ({ username: 'ann', password });

  it('waits for credentials that come later', async () => {
    const credentials$ = new Subject<Credentials>();
    const { connection, accept } = setUp({ credentials: credentials$ });
    connection.open();
    const socket = await accept();
    expect(socket.writes).toStrictEqual([]);
    credentials$.next(token('first'));
    await tick();
    expect(written(socket)[0]).toBe('HELLO 3 AUTH ann first');
  });

  it('counts credentials that do not come in time as a failed attempt', async () => {
    const { connection, clock, states, accept } = setUp({ credentials: NEVER, connectTimeout: 70 });
    connection.open();
    const socket = await accept();
    clock.advance(70);
    expect(socket.destroyed).toBe(true);
    expect(states.values.at(-1)).toMatchObject({ kind: 'reconnecting', error: { code: 'TIMEOUT' } });
  });

  it.each<[string, () => ObservableInput<Credentials>]>([
    ['a rejected Promise', () => Promise.reject(new Error('the vault is sealed'))],
    [
      'an Observable that fails',
      () => new Observable((subscriber) => subscriber.error(new Error('the vault is sealed'))),
    ],
    [
      'a function that throws',
      () => {
        throw new Error('the vault is sealed');
      },
    ],
  ])('counts credentials that cannot be had as a failed attempt: %s', async (_, credentials) => {
    const { connection, states, accept } = setUp({ credentials });
    connection.open();
    await accept();
    expect(states.values.at(-1)).toMatchObject({
      kind: 'reconnecting',
      error: { code: 'CONNECTION', message: 'There are no credentials', cause: { message: 'the vault is sealed' } },
    });
  });

  it('counts credentials that are none as a failed attempt, and shows them to nobody', async () => {
    const credentials = () => ({ username: 'ann', password: undefined as unknown as string });
    const { connection, states, accept } = setUp({ credentials });
    connection.open();
    await accept();
    expect(states.values.at(-1)).toMatchObject({
      kind: 'reconnecting',
      error: { code: 'CONNECTION', message: 'There are no credentials', cause: expect.any(TypeError) as unknown },
    });
  });

  it('counts commands of onConnect that cannot be had as a failed attempt', async () => {
    const onConnect = () => {
      throw new RangeError('a bug');
    };
    const { connection, states, accept } = setUp({ onConnect });
    connection.open();
    await accept();
    expect(states.values.at(-1)).toMatchObject({
      kind: 'reconnecting',
      error: { code: 'CONNECTION', cause: { message: 'a bug' } },
    });
  });

  it('asks for credentials on every connection', async () => {
    let asked = 0;
    const { connection, clock, ready } = setUp({ credentials: () => token(`token-${++asked}`) });
    connection.open();
    const first = await ready();
    first.bytes$.error(new ConnectionError('lost'));
    clock.advance(100);
    const second = await ready();
    expect([first, second].map((socket) => written(socket)[0])).toStrictEqual([
      'HELLO 3 AUTH ann token-1',
      'HELLO 3 AUTH ann token-2',
    ]);
  });

  it('signs the live connection in anew with what an Observable emits later', async () => {
    const credentials$ = new Subject<Credentials>();
    const { connection, states, accept } = setUp({ credentials: credentials$ });
    connection.open();
    const socket = await accept();
    credentials$.next(token('first'));
    await tick();
    socket.receive(`${greeting}+OK\r\n+OK\r\n`);
    socket.writes.length = 0;
    credentials$.next(token('second'));
    await tick();
    expect(written(socket)).toStrictEqual(['AUTH ann second']);
    socket.receive('+OK\r\n');
    expect(states.values.at(-1)).toMatchObject({ kind: 'ready' });
  });

  it('stays signed in as it was when the new credentials are refused, and tells why', async () => {
    const credentials$ = new Subject<Credentials>();
    const { connection, send, events, states, accept } = setUp({ credentials: credentials$ });
    connection.open();
    const socket = await accept();
    credentials$.next(token('first'));
    await tick();
    socket.receive(`${greeting}+OK\r\n+OK\r\n`);
    credentials$.next(token('wrong'));
    await tick();
    socket.receive('-WRONGPASS invalid username-password pair\r\n');
    expect(events.values.at(-1)).toMatchObject({ type: 'error', error: { code: 'AUTHENTICATION', command: 'AUTH' } });
    expect(states.values.at(-1)).toMatchObject({ kind: 'ready' });
    const reply = outcome(send(get('k')));
    await tick();
    socket.receive('+a\r\n');
    expect(await reply).toStrictEqual({ value: 'a' });
  });

  it('stays signed in as it was when an Observable fails later, tells why, and asks it anew on the next connection', async () => {
    const credentials$ = new Subject<Credentials>();
    const { connection, clock, events, states, accept } = setUp({ credentials: () => credentials$ });
    connection.open();
    const socket = await accept();
    credentials$.next(token('first'));
    await tick();
    socket.receive(`${greeting}+OK\r\n+OK\r\n`);
    credentials$.error(new Error('the vault is sealed'));
    expect(events.values.at(-1)).toMatchObject({ type: 'error', error: { cause: { message: 'the vault is sealed' } } });
    expect(states.values.at(-1)).toMatchObject({ kind: 'ready' });
    expect(socket.destroyed).toBe(false);
    socket.bytes$.error(new ConnectionError('lost'));
    clock.advance(100);
    await accept();
    expect(states.values.at(-1)).toMatchObject({
      kind: 'reconnecting',
      error: { message: 'There are no credentials' },
    });
  });

  it('asks an Observable no more once the client is closed', async () => {
    const credentials$ = new Subject<Credentials>();
    const { connection, accept } = setUp({ credentials: credentials$ });
    connection.open();
    await accept();
    expect(credentials$.observed).toBe(true);
    connection.destroy();
    expect(credentials$.observed).toBe(false);
  });
});

describe('Closing', () => {
  it('waits for pending replies no longer than commands may take', async () => {
    const { connection, clock, send, states, ready } = setUp({ commandTimeout: 50, readTimeout: 1_000 });
    const pending = outcome(send(incr('n')));
    const socket = await ready();
    clock.advance(20);
    connection.close().subscribe();
    clock.advance(29);
    expect(states.values.at(-1)).toMatchObject({ kind: 'ready' });
    clock.advance(21);
    expect(states.values.at(-1)).toStrictEqual({ kind: 'closed' });
    expect(socket.destroyed).toBe(true);
    expect(await pending).toMatchObject({ error: { code: 'TIMEOUT', delivery: 'unknown' } });
  });

  it('fails who connects while it waits for replies', async () => {
    const { connection, send, ready, states } = setUp();
    const pending = outcome(send(get('k')));
    const socket = await ready();
    connection.close().subscribe();
    const connecting = record(connection.connect());
    expect(connecting.ended).toMatchObject({
      code: 'DISCONNECTED',
      message: 'Nothing can be sent: the client is closed',
    });
    expect(states.values.at(-1)).toMatchObject({ kind: 'ready' });
    socket.receive('$1\r\nv\r\n');
    expect(await pending).toStrictEqual({ value: 'v' });
    expect(connecting.values).toStrictEqual([]);
  });

  it('fails who connects while it waits for the greeting, and lets in who was first', async () => {
    const { connection, send, ready } = setUp();
    const first = record(connection.connect());
    const waiting = outcome(send(get('k')));
    connection.close().subscribe();
    const late = record(connection.connect());
    const socket = await ready();
    socket.receive('+a\r\n');
    expect(await waiting).toStrictEqual({ value: 'a' });
    expect(first.ended).toBe('complete');
    expect(late.ended).toMatchObject({ code: 'DISCONNECTED' });
  });

  it('waits for what stands behind a blocking command that nobody waits for any more', async () => {
    const { connection, clock, send, accept } = setUp();
    const hasty = failure(Reply.from({ ...plainContext, executor: connection, commandTimeout: 50 }, get('k')));
    const left = record(send(blpop('q', 0)));
    const counted = outcome(send(incr('n')));
    const closed = record(connection.close());
    clock.advance(20);
    left.stop();
    clock.advance(40);
    expect(await hasty).toMatchObject({ code: 'TIMEOUT', delivery: 'unsent' });
    expect(closed.ended).toBeUndefined();
    const socket = await accept();
    socket.receive(greeting + '+OK\r\n+OK\r\n');
    await tick();
    socket.receive(':1\r\n');
    expect(await counted).toStrictEqual({ value: 1 });
    expect(closed.ended).toBe('complete');
  });

  it('does not wait for what was held, has had its time, and is gone when the last reply comes', async () => {
    const { connection, clock, ready } = setUp();
    connection.open();
    const socket = await ready();
    const hasty = { ...plainContext, executor: connection, commandTimeout: 50, retry: () => 20 };
    const held = failure(Reply.from(hasty, incr('n')));
    const slow = outcome(Reply.from({ ...plainContext, executor: connection }, get('k')));
    await tick();
    socket.receive('-CLUSTERDOWN The cluster is down\r\n');
    const closed = record(connection.close());
    clock.advance(20); // it is to be sent again, behind the reply that is owed
    clock.advance(35);
    expect(await held).toMatchObject({ code: 'TIMEOUT', delivery: 'answered' });
    socket.receive('$1\r\nv\r\n');
    expect(await slow).toStrictEqual({ value: 'v' });
    expect(closed.ended).toBe('complete');
  });

  it('waits 30 s at most where commands have no limit', async () => {
    const { connection, clock, send, states, ready } = setUp({ commandTimeout: Infinity, readTimeout: Infinity });
    const pending = outcome(send(incr('n')));
    await ready();
    connection.close().subscribe();
    clock.advance(29_999);
    expect(states.values.at(-1)).toMatchObject({ kind: 'ready' });
    clock.advance(1);
    expect(states.values.at(-1)).toStrictEqual({ kind: 'closed' });
    expect(await pending).toMatchObject({ error: { code: 'DISCONNECTED', delivery: 'unknown' } });
  });

  it('does not wait for a command that blocks', async () => {
    const { connection, send, states, ready } = setUp();
    const blocked = outcome(send(blpop('queue', 0)));
    await ready();
    connection.close().subscribe();
    expect(states.values.at(-1)).toStrictEqual({ kind: 'closed' });
    expect(await blocked).toMatchObject({ error: { code: 'DISCONNECTED', delivery: 'unknown', command: 'BLPOP' } });
  });

  it('waits for the greeting where commands wait for it', async () => {
    const { connection, send, states, ready } = setUp();
    const waiting = outcome(send(get('k')));
    connection.close().subscribe();
    const socket = await ready();
    socket.receive('+a\r\n');
    expect(await waiting).toStrictEqual({ value: 'a' });
    await tick();
    expect(states.values.at(-1)).toStrictEqual({ kind: 'closed' });
  });

  it('ends a dial that is under way, and settles what waits for it', async () => {
    const { connection, dials, send, clock } = setUp();
    const waiting = outcome(send(get('k')));
    connection.destroy();
    expect(dials[0]!.closed).toBe(true);
    expect(await waiting).toMatchObject({ error: { code: 'DISCONNECTED', delivery: 'unsent', command: 'GET' } });
    expect(clock.waiting).toBe(0);
  });

  it('takes no timer for a command, however many wait', async () => {
    const { connection, clock, send, ready } = setUp();
    connection.open();
    await ready();
    const before = clock.waiting;
    for (let n = 0; n < 1_000; n++) send(get(`k:${n}`)).subscribe({ error: () => undefined });
    await tick();
    // One for the deadlines, one for the link.
    expect(clock.waiting - before).toBeLessThanOrEqual(2);
  });

  it('leaves no timer behind, whatever was under way', async () => {
    const { connection, clock, send, ready, events } = setUp();
    const outcomes: Promise<unknown>[] = [outcome(send(get('k'))), outcome(send(blpop('queue', 5)))];
    const socket = await ready();
    socket.receive('-LOADING not yet\r\n');
    outcomes.push(outcome(send(incr('n'))));
    connection.destroy();
    await Promise.all(outcomes);
    expect(clock.waiting).toBe(0);
    expect(events.ended).toBe('complete');
    expect(socket.destroyed).toBe(true);
  });

  it('leaves no timer behind while it waits to reconnect', async () => {
    const { connection, clock, send, fail } = setUp();
    const waiting = outcome(send(get('k')));
    fail();
    connection.destroy();
    await waiting;
    expect(clock.waiting).toBe(0);
  });

  it('leaves no timer behind when replies come before its limit', async () => {
    const { connection, clock, send, ready } = setUp();
    const reply = outcome(send(get('k')));
    const socket = await ready();
    connection.close().subscribe();
    socket.receive('+a\r\n');
    await reply;
    await tick();
    expect(clock.waiting).toBe(0);
  });
});

describe('connect()', () => {
  it('is done when the connection is ready, also when it is ready already', async () => {
    const { connection, ready } = setUp();
    const connected = record(connection.connect());
    expect(connected.ended).toBeUndefined();
    await ready();
    expect(connected.ended).toBe('complete');
    expect(record(connection.connect()).ended).toBe('complete');
  });

  it('goes on through failed attempts', async () => {
    const { connection, clock, ready, fail } = setUp();
    const connected = record(connection.connect());
    fail();
    clock.advance(100);
    fail();
    clock.advance(200);
    await ready();
    expect(connected.ended).toBe('complete');
  });

  it('waits no longer than a command may take, while the client goes on trying', async () => {
    const { connection, clock, dials, ready, fail } = setUp({ commandTimeout: 250 });
    const connected = record(connection.connect());
    fail();
    clock.advance(100);
    fail();
    clock.advance(150);
    expect(connected.ended).toMatchObject({
      code: 'TIMEOUT',
      message: 'localhost:6379 could not be reached within 250 ms: there: connect ECONNREFUSED (150 ms ago)',
      cause: { message: 'there: connect ECONNREFUSED' },
    });
    clock.advance(50);
    expect(dials).toHaveLength(3);
    await ready();
    expect(record(connection.connect()).ended).toBe('complete');
  });

  it('fails when the credentials are refused', async () => {
    const { connection, accept } = setUp({ credentials: of({ password: 'wrong' }) });
    const connected = record(connection.connect());
    const socket = await accept();
    socket.receive('-WRONGPASS invalid username-password pair\r\n' + '-NOAUTH\r\n'.repeat(3));
    expect(connected.ended).toMatchObject({ code: 'AUTHENTICATION', kind: 'WRONGPASS', command: 'AUTH' });
  });

  it('fails when the server refuses what it will refuse again', async () => {
    const { connection, accept } = setUp({ database: 99 });
    const connected = record(connection.connect());
    const socket = await accept();
    socket.receive(`${greeting}-ERR DB index is out of range\r\n+OK\r\n+OK\r\n`);
    expect(connected.ended).toMatchObject({
      code: 'REPLY',
      command: 'SELECT',
      message: 'ERR DB index is out of range',
    });
  });

  it('goes on where the server refuses for the moment', async () => {
    const { connection, clock, accept, ready } = setUp({ database: 3 });
    const connected = record(connection.connect());
    const socket = await accept();
    socket.receive(`${greeting}-BUSY a script runs\r\n+OK\r\n+OK\r\n`);
    expect(connected.ended).toBeUndefined();
    clock.advance(100);
    await ready();
    expect(connected.ended).toBe('complete');
  });

  it('fails at once when the name of the host is not found a second time, and so does what waits', async () => {
    const { connection, clock, send, fail, ready } = setUp();
    const unknown = () =>
      new ConnectionError('there: getaddrinfo ENOTFOUND there', {
        cause: Object.assign(new Error('getaddrinfo ENOTFOUND there'), { code: 'ENOTFOUND' }),
      });
    const connected = record(connection.connect());
    const waiting = record(send(get('k')));
    await tick();
    fail(unknown());
    expect([connected.ended, waiting.ended]).toStrictEqual([undefined, undefined]);
    clock.advance(100);
    fail(unknown());
    await tick();
    expect(connected.ended).toMatchObject({ code: 'CONNECTION', message: 'there: getaddrinfo ENOTFOUND there' });
    expect(waiting.ended).toMatchObject({
      code: 'CONNECTION',
      delivery: 'unsent',
      repeatable: false,
      command: 'GET',
      message: 'GET was not sent: there: getaddrinfo ENOTFOUND there',
      cause: { message: 'there: getaddrinfo ENOTFOUND there' },
    });
    clock.advance(200);
    await ready();
    expect(record(connection.connect()).ended).toBe('complete');
  });

  it.each([
    ['Node.js, by its option --permission,', Object.assign(new Error('restricted'), { code: 'ERR_ACCESS_DENIED' })],
    ['Deno, without --allow-net,', Object.assign(new Error('Requires net access'), { name: 'NotCapable' })],
    ['Deno 1, without --allow-net,', Object.assign(new Error('Requires net access'), { name: 'PermissionDenied' })],
  ])('fails at once where %s does not let the process connect, and so does what waits', async (_by, cause) => {
    const { connection, send, fail } = setUp();
    const connected = record(connection.connect());
    const waiting = record(send(get('k')));
    await tick();
    fail(new ConnectionError('there: refused', { cause }));
    expect([connected.ended, waiting.ended]).toMatchObject([
      { code: 'CONNECTION', message: 'there: refused' },
      { code: 'CONNECTION', delivery: 'unsent', message: 'GET was not sent: there: refused' },
    ]);
  });

  it('goes on where a name is not found once, and something else fails next', () => {
    const { connection, clock, fail } = setUp();
    const unknown = () =>
      new ConnectionError('there', { cause: Object.assign(new Error('no'), { code: 'ENOTFOUND' }) });
    const connected = record(connection.connect());
    fail(unknown());
    clock.advance(100);
    fail();
    clock.advance(200);
    fail(unknown());
    expect(connected.ended).toBeUndefined();
  });

  it('tells of no end of a link that it has not told of, where an Observer of the state has ended it', async () => {
    const { connection, events, ready } = setUp();
    connection.state$.subscribe(({ kind }) => kind === 'ready' && connection.destroy());
    connection.open();
    await ready();
    expect(connection.state$.value.kind).toBe('closed');
    expect(events.values.filter(({ type }) => type !== 'error')).toStrictEqual([]);
  });

  it('fails when the client gives up, with the reason as the cause', () => {
    const { connection, fail } = setUp({ reconnect: false });
    const connected = record(connection.connect());
    const error = refused();
    fail(error);
    expect(connected.ended).toMatchObject({ code: 'DISCONNECTED', cause: error });
  });
});
