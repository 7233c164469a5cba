import { RedisPool, type RedisPoolOptions } from 'rxjs-redis';
import { record } from '../../support/clients';
import { commandsOf, greet, lose, tick } from '../../support/scripted-link';
import type { ScriptedSocket } from '../../support/scripted-socket';
import { scriptedStage } from '../../support/scripted-stage';

/** A pool with its commands in virtual time, on sockets that are the spec's. */
function scripted(options: RedisPoolOptions) {
  const { clock, links, network, options: staged } = scriptedStage();
  const pool = new RedisPool(Object.assign({ warnUnused: false, ...options }, staged));
  pool.events$.subscribe();
  return { clock, links, network, pool };
}

/** What is pending at the end of a spec fails. */
const UNTOLD = { error: () => undefined };

/** A pool of so many connections, each of which has an unanswered command. */
async function busyPool(size: number) {
  const made = scripted({ min: 0, max: size });
  const { links, pool } = made;
  const lent = Array.from({ length: size }, () => record(pool.acquire()));
  await tick();
  await Promise.all(links.map((link) => greet(link)));
  for (const { values } of lent) pool.release(values[0]!);
  for (let n = 0; n < size; n++) pool.get('first').subscribe(UNTOLD);
  await tick();
  return made;
}

const written = (link: ScriptedSocket) => commandsOf(link).filter((line) => !/^(HELLO|CLIENT SETINFO)/.test(line));

describe('A command of a pool', () => {
  it('waits for a connection for its own time, not for what is left of the time of an earlier one', async () => {
    const { clock, links, pool } = scripted({ min: 0, max: 1, acquireTimeout: 300, commandTimeout: Infinity });
    const holder = record(pool.acquire());
    await tick();
    await greet(links[0]!);
    const { waiting: timers } = clock;
    const first = record(pool.get('a'));
    clock.advance(250);
    const second = record(pool.get('b'));
    const third = record(pool.get('c'));
    clock.advance(60);
    expect([first.ended, second.ended, pool.stats.waiting]).toMatchObject([{ code: 'TIMEOUT' }, undefined, 1]);
    third.stop();
    clock.advance(239);
    expect(second.ended).toBeUndefined();
    clock.advance(10);
    expect(second.ended).toMatchObject({ code: 'TIMEOUT', delivery: 'unsent', command: 'GET' });
    expect((second.ended as Error).message).toMatch(
      /^GET was not sent: No connection was free within 300 ms: the only one is in use\./,
    );
    expect(pool.stats).toStrictEqual({ active: 1, idle: 0, waiting: 0, total: 1 });
    expect(clock.waiting).toBe(timers);
    const served = record(pool.get('d'));
    clock.advance(299);
    pool.release(holder.values[0]!);
    await tick();
    expect(written(links[0]!)).toStrictEqual(['GET d']);
    links[0]!.receive('$1\r\nv\r\n');
    expect(served.values).toStrictEqual(['v']);
    await pool.destroy();
  });

  it('says why no connection could be made within its own time', async () => {
    const { clock, pool } = scripted({ min: 0, max: 4, connectTimeout: 60_000 });
    const late = [
      record(pool.withOptions({ commandTimeout: 200 }).get('a')),
      record(pool.withOptions({ commandTimeout: 200 }).blpop('q', 0)),
    ];
    await tick();
    clock.advance(210);
    const why =
      'it waited for a connection of the pool, and 0 of 4 are in use, and localhost:6379 could not be reached within 200 ms';
    for (const [index, name] of ['GET', 'BLPOP'].entries()) {
      expect(late[index]!.ended).toMatchObject({ code: 'TIMEOUT', delivery: 'unsent', repeatable: true });
      const { message } = late[index]!.ended as Error;
      expect(message).toMatch(`${name} could not be sent within 200 ms (commandTimeout): ${why}: `);
    }
    await pool.destroy();
  });

  it('has no more time when it is moved to another connection', async () => {
    const { clock, links, network, pool } = scripted({ min: 0, max: 1, commandTimeout: 1_000 });
    const reply = record(pool.get('a'));
    await tick();
    await greet(links[0]!);
    expect(written(links[0]!)).toStrictEqual(['GET a']);
    clock.advance(900);
    network.isDown = true;
    lose(links[0]!);
    clock.advance(90);
    expect(reply.ended).toBeUndefined();
    clock.advance(20); // the sweep over deadlines is so coarse
    expect(reply.ended).toMatchObject({ code: 'TIMEOUT', command: 'GET' });
    await pool.destroy();
  });

  it('may be called again where it was lost unsent with one connection after the other', async () => {
    const { links, pool } = scripted({ min: 0, max: 1, autoPipeline: false });
    pool.get('before').subscribe(UNTOLD);
    const reply = record(pool.incr('a'));
    for (let number = 0; number < 3; number++) {
      while (links.length <= number) await tick();
      // The buffer is full of what stands before it.
      links[number]!.accepts = false;
      await greet(links[number]!);
      await tick();
      expect(written(links[number]!)).toStrictEqual(['GET before']);
      lose(links[number]!);
      await tick();
      if (number < 2) pool.get('before').subscribe(UNTOLD);
    }
    expect(reply.ended).toMatchObject({ code: 'DISCONNECTED', delivery: 'unsent', repeatable: true });
    await pool.destroy();
  });

  it('leaves as many connections to callers that wait as these are, and has the others', async () => {
    const { clock, links, pool } = scripted({ min: 3, max: 3 });
    const first = record(pool.get('a'));
    await tick();
    for (const link of links) await greet(link);
    const busy = [first, ...Array.from({ length: 5 }, () => record(pool.get('a')))];
    await tick();
    expect(pool.stats).toMatchObject({ active: 3, total: 3 });
    const user = record(pool.acquire());
    const more = Array.from({ length: 6 }, () => record(pool.get('b')));
    await tick();
    const owed = links.map((link) => written(link));
    expect(owed.flat()).toHaveLength(busy.length + more.length);
    const left = owed.findIndex((lines) => !lines.includes('GET b'));
    expect(owed.filter((lines) => lines.includes('GET b'))).toHaveLength(2);
    links[left]!.receive('$1\r\nv\r\n'.repeat(owed[left]!.length));
    clock.advance(0);
    expect(user.values).toHaveLength(1);
    await pool.destroy();
  });

  it('is sent on the connection that has the fewest commands pending, and counts when it is answered', async () => {
    const { links, pool } = scripted({ min: 0, max: 3 });
    const lent = [record(pool.acquire()), record(pool.acquire()), record(pool.acquire())];
    await tick();
    for (const link of links) await greet(link);
    for (const { values } of lent) pool.release(values[0]!);
    const sent = () => links.map((link) => written(link).length);
    for (let n = 0; n < 9; n++) record(pool.get(`k${n}`));
    await tick();
    expect(sent()).toStrictEqual([3, 3, 3]);
    links[1]!.receive('$-1\r\n$-1\r\n');
    for (let n = 0; n < 2; n++) record(pool.get(`l${n}`));
    await tick();
    expect(sent()).toStrictEqual([3, 5, 3]);
    for (let n = 0; n < 3; n++) record(pool.get(`m${n}`));
    await tick();
    expect(sent()).toStrictEqual([4, 6, 4]);
    await pool.destroy();
  });

  it('is sent on a connection that is ready, not on one that could not be made yet', async () => {
    const { links, network, pool } = scripted({ min: 0, max: 2 });
    const first = record(pool.get('a'));
    await tick();
    await greet(links[0]!);
    network.isDown = true;
    const many = Array.from({ length: 200 }, () => record(pool.get('b')));
    await tick();
    expect(written(links[0]!)).toHaveLength(1 + many.length);
    links[0]!.receive('$1\r\nv\r\n'.repeat(1 + many.length));
    expect([first, ...many].filter(({ ended }) => ended !== 'complete')).toStrictEqual([]);
    const more = Array.from({ length: 10 }, () => record(pool.get('c')));
    await tick();
    links[0]!.receive('$1\r\nv\r\n'.repeat(more.length));
    expect(more.filter(({ ended }) => ended !== 'complete')).toStrictEqual([]);
    await pool.destroy();
  });
});

describe('The commands of a large pool', () => {
  it('are spread evenly, but for a connection that is slow', async () => {
    const { links, pool } = await busyPool(100);
    const [slow, ...others] = links;
    for (let n = 0; n < 300; n++) pool.get('k').subscribe(UNTOLD);
    await tick();
    expect(links.map((link) => written(link).length)).toStrictEqual(links.map(() => 4));
    for (const link of others) link.receive('$-1\r\n'.repeat(4));
    for (let n = 0; n < 198; n++) pool.get('k').subscribe(UNTOLD);
    await tick();
    expect(written(slow!)).toHaveLength(4);
    const counts = others.map((link) => written(link).length - 4);
    expect([Math.min(...counts), Math.max(...counts)]).toStrictEqual([2, 2]);
    await pool.destroy();
  });
});
