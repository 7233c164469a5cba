import { get, incr } from '../../../src/commands/generated/builders';
import { Request } from '../../../src/commands/request';
import { plainContext, type RequestContext } from '../../../src/commands/request-context';
import { SLICE } from '../../../src/connection/failer';
import { retryPolicy } from '../../../src/connection/retry';
import type { RedisError } from '../../../src/errors';
import { resolveOptions } from '../../../src/options';
import { commandsOf, greet, lose, scriptedConnection, tick } from '../../support/scripted-link';
import { until } from '../../support/until';

const COUNT = 20_000;
const COMMAND = /\*2\r\n\$(?:3\r\nGET|4\r\nINCR)\r\n/g;
const retry = retryPolicy(resolveOptions().retry);

/** A connection that counts how often its requests are looked at, and notes in which turn of the event loop each was told what. */
function setUp(options = {}) {
  const scripted = scriptedConnection({ retry: false, offlineQueue: Infinity, ...options });
  const { connection } = scripted;
  const told: { readonly key: string; readonly outcome: unknown; readonly turn: number }[] = [];
  let turn = 0;
  let looks = 0;
  let ended = false;
  const count = () => {
    turn++;
    if (!ended) setImmediate(count);
  };
  setImmediate(count);
  const submit = (command: ReturnType<typeof incr> | ReturnType<typeof get>, context: Partial<RequestContext> = {}) => {
    const key = String(command.args[0]);
    let done = false;
    const tell = (outcome: unknown) => {
      done = true;
      told.push({ key, outcome, turn });
    };
    connection.submit(
      new Request<unknown>(
        command,
        { ...plainContext, ...context },
        {
          get closed() {
            looks++;
            return done;
          },
          next: tell,
          error: tell,
          complete: () => undefined,
          add: () => undefined,
        },
      ),
    );
  };
  cleanUp.push(() => {
    ended = true;
    connection.destroy();
  });
  return {
    ...scripted,
    told,
    submit,
    looks: () => looks,
    /** How many were told in the busiest turn of the event loop. */
    mostInOneTurn: () => {
      const perTurn = new Map<number, number>();
      for (const { turn } of told) perTurn.set(turn, (perTurn.get(turn) ?? 0) + 1);
      return Math.max(0, ...perTurn.values());
    },
    /** Waits until so many commands are written behind the greeting. */
    written: (link: { writes: string[] }, commands: number) =>
      until(() => (link.writes.join('').match(COMMAND) ?? []).length >= commands),
  };
}

const cleanUp: (() => void)[] = [];
afterEach(() => cleanUp.splice(0).forEach((end) => end()));

const keys = Array.from({ length: COUNT }, (_, n) => `key:${n}`);

describe('many commands that fail at once', () => {
  const waysToFail = [
    ['that are queued, by destroy()', false, 'destroy', 'DISCONNECTED', 'unsent'],
    ['that are queued, by close()', false, 'close', 'DISCONNECTED', 'unsent'],
    ['that are in flight, by destroy()', true, 'destroy', 'DISCONNECTED', 'unknown'],
    ['that are in flight, by a loss', true, 'lose', 'CONNECTION', 'unknown'],
  ] as const;

  it.each(waysToFail)(
    '%s, are told in slices, in their order and each once',
    async (_title, inFlight, by, code, delivery) => {
      const { connection, greeted, submit, told, mostInOneTurn, looks, written } = setUp({
        reconnect: { initialDelay: 60_000, maxDelay: 60_000 },
      });
      connection.open();
      const link = await greeted();
      if (!inFlight) lose(link);
      for (const key of keys) submit(incr(key));
      if (inFlight) await written(link, COUNT);
      const before = looks();
      if (by === 'lose') lose(link);
      else if (by === 'close') connection.close().subscribe();
      else connection.destroy();
      expect(told.length).toBeLessThanOrEqual(SLICE);
      expect(told.length).toBeGreaterThan(0); // the first are told at once
      await until(() => told.length === COUNT);
      await tick();
      expect(told.map(({ key }) => key)).toStrictEqual(keys);
      expect(new Set(told.map(({ outcome }) => (outcome as RedisError).code))).toStrictEqual(new Set([code]));
      expect(new Set(told.map(({ outcome }) => (outcome as RedisError).delivery))).toStrictEqual(new Set([delivery]));
      expect(mostInOneTurn()).toBeLessThanOrEqual(SLICE);
      expect((looks() - before) / COUNT).toBeLessThan(8);
      expect(connection.line.pending).toBe(0);
    },
  );

  it('names no frames in their stacks, which would cost more than the errors', async () => {
    const { connection, submit, told } = setUp();
    const { stackTraceLimit } = Error;
    submit(incr('a'));
    connection.destroy();
    expect((told[0]!.outcome as RedisError).stack).not.toContain('\n    at ');
    expect(Error.stackTraceLimit).toBe(stackTraceLimit);
    await tick();
  });

  it('tells those that are refused while others are being told behind them', async () => {
    const { connection, submit, told } = setUp();
    for (const key of keys) submit(incr(key));
    connection.destroy();
    submit(incr('too late'));
    await until(() => told.length === COUNT + 1);
    expect(told.filter(({ key }) => key !== 'too late').map(({ key }) => key)).toStrictEqual(keys);
  });

  it('repeats those that may be, in their order and before later ones, once it is decided about all', async () => {
    const { connection, links, greeted, submit, told, written } = setUp();
    connection.open();
    const first = await greeted();
    const half = COUNT / 2;
    for (const key of keys.slice(0, half)) {
      submit(get(key), { retry });
      submit(incr(key), { retry });
    }
    await written(first, COUNT);
    lose(first);
    submit(get('later'), { retry });
    await until(() => links.length === 2);
    // The next link is ready before it is decided about all that the last one owed.
    await greet(links[1]!);
    expect(connection.state$.value.kind).toBe('ready');
    expect(told.length).toBeLessThan(half);
    const repeated = () => commandsOf(links[1]!).filter((command) => /^(GET|INCR)/.test(command));
    expect(repeated()).toStrictEqual([]);
    // They go in windows that grow, the first ones alone, for the answer to one of them may be what broke the link.
    await written(links[1]!, 1);
    await tick();
    expect(repeated()).toStrictEqual(['GET key:0']);
    expect(told.map(({ key }) => key)).toStrictEqual(keys.slice(0, half));
    for (let answered = 0; told.length < COUNT + 1;) {
      const sent = repeated().length;
      links[1]!.receive('_\r\n'.repeat(sent - answered));
      answered = sent;
      await tick();
    }
    expect(repeated()).toStrictEqual([...keys.slice(0, half).map((key) => `GET ${key}`), 'GET later']);
    expect(told.slice(half).map(({ key }) => key)).toStrictEqual([...keys.slice(0, half), 'later']);
    expect(connection.line.pending).toBe(0);
  });

  it('fails those that are not decided about yet when the client ends meanwhile', async () => {
    const { connection, greeted, submit, told, written } = setUp();
    connection.open();
    const link = await greeted();
    for (const key of keys) submit(get(key), { retry });
    await written(link, COUNT);
    lose(link);
    await tick();
    expect(connection.line.pending).toBeGreaterThanOrEqual(COUNT);
    connection.destroy();
    await until(() => told.length >= COUNT);
    await tick();
    expect(new Set(told.map(({ key }) => key)).size).toBe(COUNT);
    expect(told).toHaveLength(COUNT);
    expect(new Set(told.map(({ outcome }) => (outcome as RedisError).code))).toStrictEqual(new Set(['DISCONNECTED']));
    expect(connection.line.pending).toBe(0);
  });
});

describe('a full offline queue', () => {
  const LIMIT = 5_000;

  async function full(options = {}) {
    const scripted = setUp({ offlineQueue: LIMIT, ...options });
    scripted.connection.open();
    lose(await scripted.greeted());
    await until(() => scripted.links.length === 2);
    const { connection } = scripted;
    let looks = 0;
    let refused = 0;
    /** Submits a request that can be left, as a Subscriber can. */
    const submit = (context: Partial<RequestContext> = {}) => {
      const leaving: { unsubscribe(): void }[] = [];
      let closed = false;
      const close = () => {
        if (closed) return;
        closed = true;
        for (const departure of leaving) departure.unsubscribe();
      };
      connection.submit(
        new Request<unknown>(
          incr('n'),
          { ...plainContext, ...context },
          {
            get closed() {
              looks++;
              return closed;
            },
            next: () => undefined,
            error: () => {
              refused++;
              close();
            },
            complete: close,
            add: (departure: { unsubscribe(): void }) =>
              void (closed ? departure.unsubscribe() : leaving.push(departure)),
          },
        ),
      );
      return close;
    };
    return { ...scripted, submit, looks: () => looks, refused: () => refused };
  }

  it('refuses at a constant cost, however many wait', async () => {
    const { submit, looks, refused, connection } = await full();
    for (let n = 0; n < LIMIT; n++) submit();
    expect(refused()).toBe(0);
    for (let n = 0; n < LIMIT; n++) submit();
    expect(refused()).toBe(LIMIT);
    expect(connection.line.queued).toBe(LIMIT);
    expect(looks() / LIMIT).toBeLessThan(10);
  });

  it('has the place of one that leaves free for the very next, and at a constant cost', async () => {
    const { submit, looks, refused } = await full();
    const leave = Array.from({ length: LIMIT }, () => submit());
    submit();
    expect(refused()).toBe(1);
    for (let n = 0; n < LIMIT * 4; n++) {
      leave.splice((n * 7) % LIMIT, 1)[0]!();
      leave.push(submit());
      if (n % 3 === 0) submit();
    }
    expect(refused()).toBe(1 + Math.ceil((LIMIT * 4) / 3));
    expect(looks() / LIMIT).toBeLessThan(60);
  });

  it('drops those that have left before they are as many as those that wait', async () => {
    const { submit, connection, refused } = await full();
    const leave = Array.from({ length: LIMIT }, () => submit());
    submit();
    for (let n = 0; n < LIMIT * 4; n++) {
      leave.shift()!();
      leave.push(submit());
    }
    expect(refused()).toBe(1);
    expect(connection.line.pending).toBeLessThanOrEqual(LIMIT * 2 + 1);
  });

  it('holds no more of what has left than of what waits where any number may, at a constant cost', async () => {
    const { submit, looks, connection } = await full({ offlineQueue: Infinity });
    const waiting = 100;
    for (let n = 0; n < waiting; n++) submit();
    for (let n = 0; n < LIMIT; n++) {
      const leave = submit();
      await tick();
      leave();
    }
    expect(connection.line.queued).toBeLessThan(2 * waiting + 40);
    expect(looks() / LIMIT).toBeLessThan(10);
  });

  it('has the places of those free whose time was up', async () => {
    const { submit, refused, connection } = await full();
    for (let n = 0; n < LIMIT - 10; n++) submit();
    for (let n = 0; n < 10; n++) submit({ commandTimeout: 20 });
    submit();
    expect(refused()).toBe(1);
    await until(() => refused() === 11);
    expect(connection.line.queued).toBe(LIMIT - 10);
    for (let n = 0; n < 11; n++) submit();
    expect([refused(), connection.line.queued]).toStrictEqual([12, LIMIT]);
  });

  it('counts anew at the next loss', async () => {
    const { submit, refused, connection, links } = await full();
    const leave = Array.from({ length: LIMIT }, () => submit());
    submit();
    expect(refused()).toBe(1);
    links[1]!.accepts = false; // so that most stay queued
    await greet(links[1]!);
    expect(connection.state$.value.kind).toBe('ready');
    for (const close of leave.slice(-1_000)) close();
    const waiting = connection.line.queued;
    expect(waiting).toBeGreaterThan(1_000);
    lose(links[1]!);
    await until(() => links.length === 3);
    const free = LIMIT - (waiting - 1_000);
    const before = refused();
    for (let n = 0; n < free + 5; n++) submit();
    expect(refused() - before).toBe(5);
  });
});
