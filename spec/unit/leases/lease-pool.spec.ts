import {
  BehaviorSubject,
  EMPTY,
  NEVER,
  catchError,
  concatMap,
  defer,
  finalize,
  of,
  throwError,
  type Observable,
} from 'rxjs';
import { call } from '../../../src/commands/call';
import { knownCall } from '../../../src/commands/known-commands';
import { Reply } from '../../../src/commands/reply';
import { plainContext } from '../../../src/commands/request-context';
import { DisconnectedError, TimeoutError } from '../../../src/errors';
import type { Lease } from '../../../src/leases/lease';
import { use } from '../../../src/leases/use';
import { record } from '../../support/clients';
import { commandsOf, greet, lose, tick } from '../../support/scripted-link';
import { scriptedPool } from '../../support/scripted-pool';
import type { ScriptedSocket } from '../../support/scripted-socket';

/** Sends a command on a lease. */
function send({ connection }: Lease, line: string) {
  const [name, ...args] = line.split(' ');
  return record(Reply.from({ ...plainContext, executor: connection }, knownCall(name!, args)));
}

/** What was written after the handshake. */
const written = (link: ScriptedSocket) => commandsOf(link).filter((line) => !/^(HELLO|CLIENT SETINFO)/.test(line));

const closed = () => new DisconnectedError('closed');

describe('A pool of leases', () => {
  it('makes nothing before it is asked, and dials once for each caller', async () => {
    const { pool, links, caller } = scriptedPool();
    expect(links).toHaveLength(0);
    caller();
    caller();
    await tick();
    expect(links).toHaveLength(2);
    expect(pool.stats).toStrictEqual({ active: 0, idle: 0, waiting: 2, total: 2 });
  });

  it('lends what is idle, and dials nothing then', async () => {
    const { pool, links, leased } = scriptedPool();
    const { caller, lease } = await leased();
    caller.stop();
    expect(pool.stats).toStrictEqual({ active: 0, idle: 1, waiting: 0, total: 1 });
    const { lease: again } = await leased();
    expect(again.connection).toBe(lease.connection);
    expect(links).toHaveLength(1);
  });

  it('lends what was used last', async () => {
    const { leased, pool } = scriptedPool();
    const [one, other] = [await leased(), await leased()];
    other.caller.stop();
    one.caller.stop();
    expect((await leased()).lease.connection).toBe(one.lease.connection);
    expect(pool.stats).toMatchObject({ active: 1, idle: 1 });
  });

  it('has no more connections than it may, and serves callers in the order in which they came', async () => {
    const { pool, links, leased, caller } = scriptedPool({ max: 1 });
    const first = await leased();
    const callers = [caller(), caller(), caller()];
    const have = () => callers.map(({ values }) => values.length);
    await tick();
    expect([links.length, ...have()]).toStrictEqual([1, 0, 0, 0]);
    first.caller.stop();
    expect(have()).toStrictEqual([1, 0, 0]);
    callers[0]!.stop();
    expect(have()).toStrictEqual([1, 1, 0]);
    callers[1]!.stop();
    expect(have()).toStrictEqual([1, 1, 1]);
    expect([links.length, pool.stats.total]).toStrictEqual([1, 1]);
  });

  it('passes a caller over that has left the line', async () => {
    const { leased, caller, pool } = scriptedPool({ max: 1 });
    const first = await leased();
    const [leaves, stays] = [caller(), caller()];
    leaves.stop();
    expect(pool.stats.waiting).toBe(1);
    first.caller.stop();
    expect([leaves.values.length, stays.values.length]).toStrictEqual([0, 1]);
  });

  it('gives a caller what comes back before its dial is through, which then is idle', async () => {
    const { pool, links, leased, caller } = scriptedPool();
    const first = await leased();
    const second = caller();
    await tick();
    first.caller.stop();
    expect(second.values[0]!.connection).toBe(first.lease.connection);
    await greet(links[1]!);
    expect(pool.stats).toStrictEqual({ active: 1, idle: 1, waiting: 0, total: 2 });
    const third = await leased();
    expect([third.caller.values.length, links.length]).toStrictEqual([1, 2]);
  });

  it('keeps a connection whose caller has left during the dial, and closes it where it cannot be made', async () => {
    const { pool, links, network, clock, caller } = scriptedPool();
    caller().stop();
    await tick();
    await greet(links[0]!);
    expect(pool.stats).toMatchObject({ idle: 1, total: 1 });
    const other = scriptedPool();
    other.caller().stop();
    await tick();
    network.isDown = other.network.isDown = true;
    lose(other.links[0]!);
    expect(other.pool.stats.total).toBe(0);
    other.clock.advance(10_000);
    clock.advance(0);
    expect([other.links.length, other.clock.waiting]).toStrictEqual([1, 0]);
  });

  it('dials again for those who wait when a connection is closed that came back', async () => {
    const { links, leased, caller } = scriptedPool({ max: 1 });
    const first = await leased();
    send(first.lease, 'SELECT 1');
    await tick();
    first.link.receive('+OK\r\n');
    const next = caller();
    first.caller.stop();
    expect(first.link.destroyed).toBe(true);
    await tick();
    await greet(links[1]!);
    expect(next.values).toHaveLength(1);
  });

  it('lends a connection as it is when the first attempt to make it has failed', async () => {
    const { pool, network, links, clock, caller } = scriptedPool();
    network.isDown = true;
    const { values } = caller();
    expect(values).toHaveLength(1);
    const reply = send(values[0]!, 'ECHO a');
    await tick();
    expect([reply.ended, values[0]!.connection.state$.value.kind]).toStrictEqual([undefined, 'reconnecting']);
    network.isDown = false;
    clock.advance(50);
    await tick();
    await greet(links[0]!);
    expect(written(links[0]!)).toStrictEqual(['ECHO a']);
    expect(pool.stats).toMatchObject({ active: 1, total: 1 });
  });

  it('keeps no connection that was never made, once nothing has wanted it between two attempts', () => {
    const { pool, network, caller, clock } = scriptedPool({}, { reconnect: { initialDelay: 100, jitter: 0 } });
    network.isDown = true;
    caller().stop();
    clock.advance(0);
    expect([network.dials, pool.stats]).toStrictEqual([1, { active: 0, idle: 0, waiting: 0, total: 1 }]);
    const again = caller();
    expect([network.dials, again.values.length]).toStrictEqual([1, 1]);
    again.stop();
    clock.advance(0);
    clock.advance(100);
    expect([network.dials, pool.stats.total]).toStrictEqual([2, 1]);
    clock.advance(200);
    expect([network.dials, pool.stats.total]).toStrictEqual([3, 0]);
    clock.advance(100_000);
    expect(network.dials).toBe(3);
  });

  it('makes a connection that is kept again at once where it has lasted, and later where it has not', async () => {
    const { pool, network, links, clock } = scriptedPool({ min: 1 });
    pool.keep();
    await tick();
    for (let lost = 0; lost < 3; lost++) {
      await greet(links[lost]!);
      lose(links[lost]!);
      await tick();
      expect(network.dials).toBe(lost + 1);
      clock.advance(999);
      expect(network.dials).toBe(lost + 1);
      clock.advance(1);
      expect(network.dials).toBe(lost + 2);
    }
    await greet(links[3]!);
    clock.advance(1_000);
    lose(links[3]!);
    expect(network.dials).toBe(5);
  });

  it('lends what is idle before what could not be made', async () => {
    const { network, caller, clock, leased } = scriptedPool();
    const [one, other] = [await leased(), await leased()];
    network.isDown = true;
    const unready = caller();
    unready.stop();
    clock.advance(0);
    other.caller.stop();
    expect((await leased()).lease.connection).toBe(other.lease.connection);
    one.caller.stop();
    expect((await leased()).lease.connection).toBe(one.lease.connection);
  });
});

describe('A caller waits', () => {
  it('no longer than it may: the error says that all are in use', async () => {
    const { clock, leased, caller, pool } = scriptedPool({ max: 1, acquireTimeout: 700 });
    const first = await leased();
    const late = caller();
    clock.advance(300);
    const later = caller();
    clock.advance(400);
    expect(late.ended).toStrictEqual(
      new TimeoutError(
        "No connection was free within 700 ms: the only one is in use. Give it back sooner, or raise the option 'leases.max'",
      ),
    );
    expect([later.ended, pool.stats.waiting]).toStrictEqual([undefined, 1]);
    first.caller.stop();
    expect(later.values).toHaveLength(1);
    clock.advance(10_000);
    expect(later.ended).toBeUndefined();
  });

  it('no longer than it may: the error says why there is no connection', async () => {
    const { clock, caller, links, leased } = scriptedPool({ acquireTimeout: 700 }, { connectTimeout: 60_000 });
    await leased();
    const late = caller();
    await tick();
    expect(links).toHaveLength(2);
    clock.advance(700);
    expect(late.ended).toMatchObject({ code: 'TIMEOUT', delivery: 'unsent', repeatable: true });
    expect((late.ended as Error).message).toMatch(
      /^No connection was free within 700 ms: 1 of 4 is in use, and localhost:6379 could not be reached within 700 ms: /,
    );
  });

  it('no longer than it may: the error says why the connection in use is of no use', async () => {
    const { clock, caller, network } = scriptedPool({ max: 1, acquireTimeout: 700 });
    network.isDown = true;
    const first = caller();
    await tick();
    clock.advance(10);
    expect(first.values).toHaveLength(1);
    const late = caller();
    clock.advance(700);
    expect((late.ended as Error).message).toMatch(
      /^No connection was free within 700 ms: 1 of 1 is in use, and localhost:6379 could not be reached within 700 ms: .*nothing listens there/,
    );
  });

  it('for ever where it may, without a timer', async () => {
    const { clock, leased, caller } = scriptedPool({ max: 1, acquireTimeout: Infinity });
    await leased();
    const { waiting } = clock;
    const patient = caller();
    expect(clock.waiting).toBe(waiting);
    clock.advance(1_000_000);
    expect(patient.ended).toBeUndefined();
  });
});

describe('A connection that is idle', () => {
  it('is closed when its time is up, and leaves no timer behind', async () => {
    const { clock, leased, pool } = scriptedPool({ idleTimeout: 30_000 });
    const [one, other] = [await leased(), await leased()];
    one.caller.stop();
    clock.advance(20_000);
    other.caller.stop();
    clock.advance(10_000);
    expect([one.link.destroyed, other.link.destroyed, pool.stats.total]).toStrictEqual([true, false, 1]);
    clock.advance(20_000);
    expect([other.link.destroyed, pool.stats.total, clock.waiting]).toStrictEqual([true, 0, 0]);
  });

  it('keeps the process alive only while it is lent, and has its timers go off in vain no more than once', async () => {
    const { clock, leased } = scriptedPool();
    const { caller, lease, link } = await leased();
    send(lease, 'ECHO a');
    await tick();
    link.receive('+a\r\n');
    expect(link.isAlive).toBe(true);
    caller.stop();
    expect(link.isAlive).toBe(false);
    clock.advance(0);
    clock.advance(30_000);
    expect(clock.waiting).toBe(1); // that of the pool
    await leased();
    expect(link.isAlive).toBe(true);
  });

  it('leaves the pool at once when it is lost', async () => {
    const { links, leased, pool } = scriptedPool();
    const { caller, link } = await leased();
    caller.stop();
    lose(link);
    expect(pool.stats.total).toBe(0);
    expect((await leased()).link).toBe(links[1]);
  });

  it('is lent without a question soon, and after a while once it has answered PING', async () => {
    const { clock, leased, caller } = scriptedPool();
    const { caller: first, link, lease } = await leased();
    first.stop();
    clock.advance(999);
    const soon = caller();
    expect(soon.values).toHaveLength(1);
    soon.stop();
    clock.advance(1_000);
    const late = caller();
    await tick();
    expect([written(link), late.values.length]).toStrictEqual([['PING'], 0]);
    link.receive('+PONG\r\n');
    expect(late.values[0]!.connection).toBe(lease.connection);
  });

  it('lives where PING is refused', async () => {
    const { clock, leased, caller } = scriptedPool();
    const { caller: first, link } = await leased();
    first.stop();
    clock.advance(1_000);
    const next = caller();
    await tick();
    link.receive("-NOPERM User bob has no permissions to run the 'ping' command\r\n");
    expect(next.values).toHaveLength(1);
  });

  it('is replaced when it does not answer PING, and so is what was idle for longer; the caller is told nothing', async () => {
    const { clock, leased, caller, links, pool } = scriptedPool();
    const [oldest, older] = [await leased(), await leased()];
    oldest.caller.stop();
    clock.advance(10);
    older.caller.stop();
    clock.advance(5_000);
    const next = caller();
    await tick();
    expect(written(older.link)).toStrictEqual(['PING']);
    clock.advance(1_000);
    await tick();
    expect([oldest.link.destroyed, older.link.destroyed, next.ended]).toStrictEqual([false, false, undefined]);
    await greet(links[2]!);
    expect(next.values).toHaveLength(1);
    clock.advance(100);
    expect([oldest.link.destroyed, older.link.destroyed, pool.stats.total]).toStrictEqual([true, true, 1]);
  });

  it.each([
    [10, 4],
    [3, 3],
  ])(
    'stays where the server was slow: of %d that may be, %d are there, one of which was dialled',
    async (max, total) => {
      const { clock, leased, caller, links, pool } = scriptedPool({ max });
      const kept = [await leased(), await leased(), await leased()];
      for (const { caller } of kept) caller.stop();
      clock.advance(2_000);
      const callers = [caller(), caller(), caller()];
      await tick();
      expect(kept.map(({ link }) => written(link))).toStrictEqual([['PING'], ['PING'], ['PING']]);
      clock.advance(3_000);
      await tick();
      expect([links.length, pool.stats.total]).toStrictEqual([4, total]);
      const there = kept.filter(({ link }) => !link.destroyed);
      for (const { link } of there) link.receive('+PONG\r\n');
      await greet(links[3]!);
      clock.advance(60_000 - 1);
      expect([pool.stats.total, callers.map(({ values }) => values.length)]).toStrictEqual([total, [1, 1, 1]]);
      expect(there.map(({ link }) => link.destroyed)).toStrictEqual(there.map(() => false));
    },
  );

  it('is silent for later callers too, for whom another is made', async () => {
    const { clock, leased, caller, links } = scriptedPool();
    (await leased()).caller.stop();
    clock.advance(2_000);
    caller().stop();
    clock.advance(2_000);
    expect(links).toHaveLength(1);
    const later = caller();
    await tick();
    await greet(links[1]!);
    expect(later.values).toHaveLength(1);
  });

  it('is closed when it has not answered PING for ten seconds, and nothing else tells of the server', async () => {
    const { clock, leased, caller, links, pool } = scriptedPool({ acquireTimeout: Infinity });
    const { caller: first, link } = await leased();
    first.stop();
    clock.advance(2_000);
    const next = caller();
    await tick();
    next.stop();
    clock.advance(9_999);
    expect(link.destroyed).toBe(false);
    clock.advance(6); // the sweep of a connection over its deadlines is so coarse
    expect([link.destroyed, pool.stats.total, links.length]).toStrictEqual([true, 0, 1]);
  });

  it('is replaced when it is lost while it is asked', async () => {
    const { clock, leased, caller, links } = scriptedPool();
    const { caller: first, link } = await leased();
    first.stop();
    clock.advance(2_000);
    const next = caller();
    await tick();
    lose(link);
    await tick();
    await greet(links[1]!);
    expect([next.values.length, next.ended]).toStrictEqual([1, undefined]);
  });

  it('is replaced when its client signs in otherwise by now', async () => {
    const { leased, session, links } = scriptedPool();
    const { caller, link } = await leased();
    caller.stop();
    session.credentials = { username: 'bob', password: 'newer' };
    const { lease } = await leased();
    expect([link.destroyed, links.length, lease.connection.wasReady]).toStrictEqual([true, 2, true]);
    expect(lease.connection.session.credentials).toStrictEqual({ username: 'bob', password: 'newer' });
  });

  it.each(['its client signs in otherwise', 'other connections are wanted'])(
    'is made again, where it is one of those that are kept, when %s',
    async (reason) => {
      const { pool, links, leased, session } = scriptedPool({ min: 2 });
      pool.keep();
      await tick();
      for (const link of links) await greet(link);
      if (reason === 'other connections are wanted') pool.renew();
      else session.credentials = { username: 'bob', password: 'newer' };
      const { caller } = await leased();
      expect([caller.values.length, pool.stats.total]).toStrictEqual([1, 2]);
      await tick();
      expect(links.map(({ destroyed }) => destroyed)).toStrictEqual([true, true, false, false]);
    },
  );

  it('is closed when other connections are wanted', async () => {
    const { leased, pool } = scriptedPool();
    const { caller, link } = await leased();
    caller.stop();
    pool.renew();
    expect([link.destroyed, pool.stats.total]).toStrictEqual([true, 0]);
  });
});

describe('A connection that comes back', () => {
  it('is lent again once what it owes has come', async () => {
    const { leased, caller, pool } = scriptedPool({ max: 1 });
    const { caller: first, link, lease } = await leased();
    const reply = send(lease, 'INCR n');
    await tick();
    const next = caller();
    first.stop();
    expect([next.values.length, pool.stats.active]).toStrictEqual([0, 1]);
    link.receive(':1\r\n');
    expect(reply.values).toStrictEqual([1]);
    expect(next.values[0]!.connection).toBe(lease.connection);
  });

  it('is closed when what it owes takes long', async () => {
    const { leased, clock, pool } = scriptedPool();
    const { caller, link, lease } = await leased();
    const reply = send(lease, 'INCR n');
    await tick();
    caller.stop();
    clock.advance(999);
    expect(link.destroyed).toBe(false);
    clock.advance(1);
    expect([link.destroyed, pool.stats.total]).toStrictEqual([true, 0]);
    expect(reply.ended).toMatchObject({ code: 'DISCONNECTED', delivery: 'unknown' });
  });

  it.each(['BLPOP q 0', 'QUIT', 'SHUTDOWN NOSAVE'])('is closed at once when it owes %s', async (line) => {
    const { leased } = scriptedPool();
    const { caller, link, lease } = await leased();
    send(lease, line);
    await tick();
    caller.stop();
    expect(link.destroyed).toBe(true);
  });

  it('sends nothing of what its caller has not sent yet', async () => {
    const { leased, pool } = scriptedPool();
    const { caller, link, lease } = await leased();
    const unsent = send(lease, 'INCR n');
    caller.stop();
    expect(unsent.ended).toMatchObject({ code: 'DISCONNECTED', delivery: 'unsent', command: 'INCR' });
    await tick();
    expect(written(link)).toStrictEqual([]);
    expect(pool.stats).toMatchObject({ idle: 1, total: 1 });
  });

  it.each([
    ['WATCH', ['WATCH k'], ['UNWATCH']],
    ['MULTI', ['MULTI', 'SET k v'], ['DISCARD']],
    ['WATCH and MULTI', ['WATCH k', 'MULTI', 'SELECT 1'], ['DISCARD']],
    ['MULTI that is not answered yet', ['MULTI'], ['DISCARD']],
  ] as const)('is cleaned of %s in one write before it is lent', async (_, lines, cleaning) => {
    const { leased, caller } = scriptedPool({ max: 1 });
    const { caller: first, link, lease } = await leased();
    for (const line of lines) send(lease, line);
    await tick();
    first.stop();
    const next = caller();
    for (const line of lines) link.receive(/^(WATCH|MULTI)/.test(line) ? '+OK\r\n' : '+QUEUED\r\n');
    await tick();
    expect(written(link).slice(lines.length)).toStrictEqual(cleaning);
    expect(next.values).toHaveLength(0);
    link.receive('+OK\r\n');
    expect(next.values[0]!.connection).toBe(lease.connection);
  });

  it('signs in with new credentials once it is cleaned of MULTI, and is lent then', async () => {
    const credentials = new BehaviorSubject({ username: 'alice', password: 'old' });
    const { leased, caller } = scriptedPool({ max: 1 }, { credentials });
    const { caller: first, link, lease } = await leased();
    send(lease, 'MULTI');
    await tick();
    link.receive('+OK\r\n');
    credentials.next({ username: 'alice', password: 'new' });
    await tick();
    first.stop();
    const next = caller();
    await tick();
    expect(written(link)).toStrictEqual(['MULTI', 'DISCARD']);
    link.receive('+OK\r\n');
    await tick();
    expect([written(link).at(-1), next.values.length]).toStrictEqual(['AUTH alice new', 0]);
    link.receive('+OK\r\n');
    expect(next.values[0]!.connection).toBe(lease.connection);
  });

  it('is closed where cleaning is refused, or is not answered', async () => {
    for (const answer of ['-ERR DISCARD without MULTI\r\n', undefined]) {
      const { leased, clock, pool } = scriptedPool();
      const { caller, link, lease } = await leased();
      send(lease, 'MULTI');
      await tick();
      link.receive('-NOPERM no MULTI\r\n');
      caller.stop();
      await tick();
      expect(written(link)).toStrictEqual(['MULTI', 'DISCARD']);
      if (answer === undefined) clock.advance(1_005);
      else link.receive(answer);
      expect([link.destroyed, pool.stats.total]).toStrictEqual([true, 0]);
    }
  });

  it('is closed when an error has shown that it leads to the wrong server', async () => {
    const { leased } = scriptedPool();
    const { caller, link, lease } = await leased();
    send(lease, 'INCR n');
    await tick();
    link.receive("-READONLY You can't write against a read only replica.\r\n");
    caller.stop();
    expect(link.destroyed).toBe(true);
  });

  it('refuses what its caller sends later', async () => {
    const { leased } = scriptedPool();
    const { caller, lease } = await leased();
    const executor = lease.guard(lease.connection);
    caller.stop();
    const late = record(Reply.from({ ...plainContext, executor }, call('GET', 'k')));
    expect(late.ended).toMatchObject({
      code: 'DISCONNECTED',
      message: expect.stringContaining('given back') as string,
    });
  });

  it('is back before the end of the work is told', async () => {
    const { pool, leased } = scriptedPool();
    (await leased()).caller.stop();
    const told: number[] = [];
    const note = () => void told.push(pool.stats.active);
    use(
      () => pool,
      () => of(1),
    ).subscribe({ complete: note });
    use(
      () => pool,
      () => throwError(() => new Error('careless')),
    ).subscribe({ error: note });
    expect(told).toStrictEqual([0, 0]);
  });
});

describe('What callers do while they are told', () => {
  it('comes to its end in the order of the line, whatever it is', async () => {
    const { pool, leased, links } = scriptedPool({ max: 1 });
    const first = await leased();
    const told: string[] = [];
    const asks = (name: string, work: (lease: Lease) => Observable<unknown>) =>
      use(() => pool, work).subscribe({
        error: (error: Error) => told.push(`${name} failed: ${error.message}`),
        complete: () => told.push(`${name} is done`),
      });
    asks('thrower', () => {
      throw new Error('careless');
    });
    asks('failer', () => throwError(() => new Error('failed')));
    const leaver: { unsubscribe(): void } = pool.acquire().subscribe(() => leaver.unsubscribe());
    asks('asker', () => {
      asks('asked inside', () => EMPTY);
      return EMPTY;
    });
    asks('waiter for another', () =>
      use(
        () => pool,
        () => EMPTY,
      ),
    );
    asks('last', () => EMPTY);
    first.caller.stop();
    expect(told).toStrictEqual(['thrower failed: careless', 'failer failed: failed', 'asker is done']);
    expect([links.length, pool.stats.active, pool.stats.waiting]).toStrictEqual([1, 1, 3]);
  });

  it('grows no stack, however many wait', async () => {
    const { pool, leased } = scriptedPool({ max: 1 });
    const first = await leased();
    let done = 0;
    for (let n = 0; n < 100_000; n++)
      use(
        () => pool,
        () => of(n),
      ).subscribe({ complete: () => done++ });
    expect(pool.stats.waiting).toBe(100_000);
    first.caller.stop();
    expect(done).toBe(100_000);
    expect(pool.stats).toStrictEqual({ active: 0, idle: 1, waiting: 0, total: 1 });
  });

  it('may close the pool', async () => {
    const { pool, leased, caller, link } = await (async () => {
      const made = scriptedPool({ max: 1 });
      return { ...made, ...(await made.leased()) };
    })();
    const closer = use(
      () => pool,
      () => {
        pool.destroy(closed);
        return NEVER;
      },
    );
    void leased;
    caller.stop();
    const told = record(closer);
    expect(link.destroyed).toBe(true);
    expect(told.ended).toBeUndefined();
    expect(record(pool.acquire()).ended).toMatchObject({ code: 'DISCONNECTED' });
  });
});

describe('A pool that is closed', () => {
  it('fails those who wait, closes what is idle or dialled, and waits for the replies of what is lent', async () => {
    const { pool, links, clock, leased, caller } = scriptedPool({ max: 3 });
    const [busy, idle] = [await leased(), await leased()];
    idle.caller.stop();
    const reply = send(busy.lease, 'INCR n');
    await tick();
    const dialling = [caller(), caller(), caller()];
    await tick();
    expect(links).toHaveLength(3);
    const done = record(pool.close(closed));
    expect(dialling.map(({ ended }) => ended)).toMatchObject([undefined, ...Array(2).fill({ code: 'DISCONNECTED' })]);
    expect([busy.link.destroyed, idle.link.destroyed, links[2]!.destroyed]).toStrictEqual([false, true, true]);
    expect(done.ended).toBeUndefined();
    busy.link.receive(':1\r\n');
    expect([reply.values, done.ended]).toStrictEqual([[1], 'complete']);
    expect(busy.link.destroyed).toBe(true);
    expect(record(pool.acquire()).ended).toMatchObject({ code: 'DISCONNECTED' });
    clock.advance(0);
    expect(clock.waiting).toBe(0);
  });

  it.each(['at once', 'once it is answered'])(
    'makes no connection for one that comes back, and leaves no timer: %s',
    async (when) => {
      const { pool, clock, leased, network } = scriptedPool({ min: 1 });
      pool.keep();
      const { caller, lease, link } = await leased();
      if (when !== 'at once') send(lease, 'INCR n');
      await tick();
      const done = record(pool.finish(closed));
      caller.stop();
      link.receive(when === 'at once' ? '' : ':1\r\n');
      await tick();
      expect([done.ended, link.destroyed]).toStrictEqual(['complete', true]);
      clock.advance(0);
      expect(clock.waiting).toBe(0);
      expect(network.dials).toBe(1);
    },
  );

  it('by its end leaves alone what is closing', async () => {
    const { pool, leased } = scriptedPool();
    const { lease, link } = await leased();
    send(lease, 'INCR n');
    await tick();
    pool.close(closed).subscribe();
    pool.destroy(closed, { spares: true });
    expect(link.destroyed).toBe(false);
    pool.destroy(closed);
    expect(link.destroyed).toBe(true);
  });
});

describe('Whatever callers and the network do', () => {
  /** Numbers that look like chance and are the same every time. */
  const chances = (seed: number) => () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed / 2 ** 31;
  };

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('all is given back, within its bounds, in order (%d)', async (seed) => {
    const chance = chances(seed);
    const { pool, clock, links, network } = scriptedPool({ max: 3, acquireTimeout: 400, idleTimeout: 3_000 });
    const begun: number[] = [];
    const callers = new Set<{ unsubscribe(): void }>();
    let calls = 0;
    let ended = 0;
    const ask = () => {
      const number = calls++;
      const askedAt = clock.now();
      const work = (): Observable<unknown> => {
        begun.push(number);
        expect(clock.now() - askedAt).toBeLessThanOrEqual(400);
        const kind = chance();
        if (kind < 0.2) return EMPTY;
        if (kind < 0.3) throw new Error('careless');
        return NEVER;
      };
      const subscription = use(() => pool, work).subscribe({ error: () => undefined });
      subscription.add(() => {
        ended++;
        callers.delete(subscription);
      });
      if (!subscription.closed) callers.add(subscription);
    };
    const acts: (() => unknown)[] = [
      ask,
      ask,
      () => [...callers][Math.floor(chance() * callers.size)]?.unsubscribe(),
      () => greet(links[Math.floor(chance() * links.length)]!),
      () =>
        links
          .filter(({ destroyed }) => !destroyed)
          .slice(-2)
          .map((link) => link.receive('+PONG\r\n')),
      () => clock.advance(Math.floor(chance() * 1_500)),
      () =>
        chance() < 0.2 &&
        links
          .filter(({ destroyed }) => !destroyed)
          .slice(0, 1)
          .map(lose),
      () => (network.isDown = chance() < 0.2),
    ];
    for (let n = 0; n < 600; n++) {
      await acts[Math.floor(chance() * acts.length)]!();
      const { active, idle, waiting, total } = pool.stats;
      expect(active + idle).toBeLessThanOrEqual(total);
      expect(total).toBeLessThanOrEqual(3);
      if (waiting > 0) expect(total).toBeGreaterThan(0);
    }
    for (const caller of [...callers]) caller.unsubscribe();
    expect([pool.stats.active, pool.stats.waiting, ended]).toStrictEqual([0, 0, calls]);
    expect(begun).toStrictEqual([...begun].sort((a, b) => a - b));
    pool.destroy(closed);
    clock.advance(0);
    expect([pool.stats.total, clock.waiting]).toStrictEqual([0, 0]);
  });
});

describe('Work on a lease', () => {
  it('is done once per subscription', async () => {
    const { pool, leased } = scriptedPool();
    (await leased()).caller.stop();
    let done = 0;
    const work = use(
      () => pool,
      () => defer(() => of(++done)).pipe(concatMap((n) => of(n))),
    );
    expect([record(work).values, record(work).values]).toStrictEqual([[1], [2]]);
  });

  it('costs neither a timer nor a turn of the event loop where a connection is idle', async () => {
    const { clock, pool, leased } = scriptedPool();
    const { caller, link } = await leased();
    caller.stop();
    const work = use(
      () => pool,
      ({ connection }) =>
        Reply.from({ ...plainContext, executor: connection, commandTimeout: 10_000 }, knownCall('ECHO', ['a'])),
    );
    const once = async () => {
      const { values } = record(work);
      await tick();
      link.receive('+a\r\n');
      expect(values).toStrictEqual(['a']);
    };
    await once();
    const [schedule, afterInput] = [jest.spyOn(clock, 'schedule'), jest.spyOn(clock, 'afterInput')];
    for (let n = 0; n < 100; n++) await once();
    expect([schedule.mock.calls.length, afterInput.mock.calls.length]).toStrictEqual([0, 0]);
  });

  it.each(['at once', 'after it has waited'])(
    'is left before its connection is given back, so that it is told of no failure: lent %s',
    async (when) => {
      const { pool, leased } = scriptedPool({ max: 1 });
      const { caller: before } = await leased();
      if (when === 'at once') before.stop();
      const told: unknown[] = [];
      const work = ({ connection }: Lease) =>
        Reply.from({ ...plainContext, executor: connection }, knownCall('ECHO', ['a'])).pipe(
          catchError((error: unknown) => of(told.push(error))),
          finalize(() => told.push(pool.stats.active)),
        );
      const working = use(() => pool, work).subscribe();
      before.stop();
      working.unsubscribe();
      expect([told, pool.stats.active]).toStrictEqual([[1], 0]);
    },
  );
});

describe('User code that throws while a connection is made', () => {
  it('fails the caller that it was made for, and later callers are lent one', async () => {
    const { leased, network, caller } = scriptedPool();
    network.throws = new Error('careless');
    expect(caller().ended).toBe(network.throws);
    network.throws = undefined;
    const { caller: later } = await leased();
    expect(later.values).toHaveLength(1);
  });
});
