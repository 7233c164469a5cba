import { Subject, repeat, type Observable } from 'rxjs';
import { Redis, Reply, type RedisOptions } from 'rxjs-redis';
import { blmove } from 'rxjs-redis/commands';
import { record } from '../../support/clients';
import { commandsOf, greet, lose, tick } from '../../support/scripted-link';
import type { ScriptedSocket } from '../../support/scripted-socket';
import { scriptedStage } from '../../support/scripted-stage';

/** A client in virtual time: the first link is that of its commands, the others are leases. The server numbers them. */
async function scripted(options: RedisOptions = {}) {
  const { clock, links, network, options: staged } = scriptedStage();
  const redis = new Redis(Object.assign({ reconnect: { initialDelay: 0, jitter: 0 }, ...options }, staged));
  redis.events$.subscribe();
  const greeted = async (number: number) => {
    while (links.length <= number) await tick();
    return greet(links[number]!, `%2\r\n+proto\r\n:3\r\n+id\r\n:${number}\r\n+OK\r\n+OK\r\n`);
  };
  void redis.connect();
  const main = await greeted(0);
  return { clock, links, network, redis, main, greeted };
}

const written = (link: ScriptedSocket) => commandsOf(link).filter((line) => !/^(HELLO|CLIENT SETINFO)/.test(line));

const NO_LEASES = { active: 0, idle: 0, waiting: 0, total: 0 };
const ITEM = '*2\r\n$1\r\nq\r\n$1\r\nv\r\n';
const UNBLOCKED = '-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n';

describe('A command that waits at the server, when its Observer leaves', () => {
  it('is not sent, if it was not yet', async () => {
    const { redis, links, main, greeted } = await scripted();
    const first = record(redis.blpop('q', 0));
    const lease = await greeted(1);
    lease.receive(ITEM);
    expect(first.values).toStrictEqual([['q', 'v']]);
    record(redis.blpop('q', 0)).stop();
    await tick();
    expect([written(lease), written(main), links.length]).toStrictEqual([['BLPOP q 0'], [], 2]);
  });

  it('is ended by CLIENT UNBLOCK, which is sent again where it has overtaken the command, with growing delays', async () => {
    const { redis, clock, main, greeted } = await scripted();
    const left = record(redis.blpop('q', 0));
    const lease = await greeted(1);
    left.stop();
    await tick();
    expect(written(main)).toStrictEqual(['CLIENT UNBLOCK 1 ERROR']);
    main.receive(':0\r\n');
    for (const delay of [1, 2, 4]) {
      const sent = written(main).length;
      clock.advance(delay - 0.5);
      await tick();
      expect(written(main)).toHaveLength(sent);
      clock.advance(0.5);
      await tick();
      expect(written(main)).toHaveLength(sent + 1);
      main.receive(delay === 4 ? ':1\r\n' : ':0\r\n');
    }
    expect(redis['leases']!.stats.active).toBe(1);
    lease.receive(UNBLOCKED);
    await tick();
    expect([redis['leases']!.stats.active, written(lease)]).toStrictEqual([1, ['BLPOP q 0', 'PING']]);
    lease.receive('+PONG\r\n');
    expect(redis['leases']!.stats).toMatchObject({ active: 0, idle: 1 });
    expect(written(main)).toHaveLength(4);
  });

  it('keeps its connection until CLIENT UNBLOCK is answered, which would end the next command on it', async () => {
    const { redis, links, main, greeted } = await scripted();
    const left = record(redis.blpop('q', 0));
    const lease = await greeted(1);
    left.stop();
    await tick();
    lease.receive(UNBLOCKED);
    await tick();
    lease.receive('+PONG\r\n');
    const next = record(redis.blpop('q', 0));
    await greeted(2);
    expect(written(lease)).toStrictEqual(['BLPOP q 0', 'PING']);
    main.receive(':1\r\n');
    expect(redis['leases']!.stats).toMatchObject({ active: 1, idle: 1 });
    links[2]!.receive(ITEM);
    expect(next.values).toStrictEqual([['q', 'v']]);
  });

  it('costs its connection where the server refuses CLIENT UNBLOCK, loses it, or never answers', async () => {
    for (const how of ['refused', 'lost', 'silent', 'no reply'] as const) {
      const { redis, clock, main, greeted } = await scripted({ commandTimeout: 500, readTimeout: Infinity });
      const left = record(redis.blpop('q', 0));
      const lease = await greeted(1);
      left.stop();
      await tick();
      if (how === 'refused') main.receive('-NOPERM this user has no permissions\r\n');
      else if (how === 'lost') lose(main);
      else if (how === 'no reply') main.receive(':1\r\n');
      if (how === 'silent' || how === 'no reply') clock.advance(501);
      await tick();
      expect([how, lease.destroyed, redis['leases']!.stats.total]).toStrictEqual([how, true, 0]);
    }
  });

  it('is ended later where CLIENT UNBLOCK cannot be sent just now, and what comes meanwhile is given back', async () => {
    const { redis, clock, links, network, main, greeted } = await scripted({
      offlineQueue: 0,
      reconnect: { initialDelay: 3, jitter: 0 },
    });
    const stays = record(redis.blpop('q', 0));
    const gets = record(redis.blpop('r', 0));
    const [first, second] = [await greeted(1), await greeted(2)];
    network.isDown = true;
    lose(main);
    stays.stop();
    gets.stop();
    clock.advance(0);
    await tick();
    expect([first.destroyed, second.destroyed, links.length]).toStrictEqual([false, false, 3]);
    network.isDown = false;
    clock.advance(6);
    const next = await greeted(3);
    for (let ms = 0; ms < 10; ms++) {
      clock.advance(1);
      await tick();
    }
    expect(written(next)).toStrictEqual(['CLIENT UNBLOCK 1 ERROR', 'CLIENT UNBLOCK 2 ERROR']);
    next.receive(':1\r\n:0\r\n');
    first.receive(UNBLOCKED);
    second.receive(ITEM);
    await tick();
    first.receive('+PONG\r\n');
    await tick();
    expect([written(next).at(-1), redis['leases']!.stats]).toMatchObject(['LPUSH q v', { active: 0, idle: 2 }]);
    void redis.destroy();
  });

  it('gives back also what a server sends for a command that it has called ended', async () => {
    const { redis, main, greeted } = await scripted();
    record(redis.blpop('q', 0)).stop();
    const left = record(redis.blpop('q', 0));
    const lease = await greeted(1);
    left.stop();
    await tick();
    main.receive(':1\r\n');
    lease.receive(UNBLOCKED);
    await tick();
    lease.receive(`${ITEM}+PONG\r\n`);
    await tick();
    expect(written(main)).toStrictEqual(['CLIENT UNBLOCK 1 ERROR', 'LPUSH q v']);
    expect([lease.destroyed, redis['leases']!.stats.total]).toStrictEqual([true, 0]);
  });

  it('is ended also when connections are set up otherwise by now, but not when they may lead to another server', async () => {
    for (const how of ['renamed', 'reconnect'] as const) {
      const { redis, main, greeted } = await scripted();
      const left = record(redis.blpop('q', 0));
      const lease = await greeted(1);
      if (how === 'renamed') {
        record(redis.clientSetname('another'));
        await tick();
        main.receive('+OK\r\n');
      } else void redis.reconnect();
      left.stop();
      await tick();
      const isAsked = written(main).includes('CLIENT UNBLOCK 1 ERROR');
      expect([how, isAsked, lease.destroyed]).toStrictEqual([how, how === 'renamed', how === 'reconnect']);
    }
  });

  it('is not sent again by a policy that sends everything again', async () => {
    const { redis, main, greeted } = await scripted({ retry: () => 0 });
    const left = record(redis.blpop('q', 0));
    const lease = await greeted(1);
    left.stop();
    await tick();
    main.receive(':1\r\n');
    lease.receive(UNBLOCKED);
    await tick();
    expect(written(lease)).toStrictEqual(['BLPOP q 0', 'PING']);
  });

  it('gives what came anyway back, on the connection of the commands', async () => {
    const { redis, main, greeted } = await scripted({ prefix: 'p:' });
    const left = record(redis.blpop('q', 0));
    const lease = await greeted(1);
    left.stop();
    await tick();
    lease.receive('*2\r\n$3\r\np:q\r\n$1\r\nv\r\n');
    main.receive(':0\r\n');
    await tick();
    expect(written(main)).toStrictEqual(['CLIENT UNBLOCK 1 ERROR', 'LPUSH p:q v']);
    expect(redis['blocking'].isDone).toBe(false);
    main.receive(':1\r\n');
    expect([redis['blocking'].isDone, left.values]).toStrictEqual([true, []]);
  });
});

describe('A command that waits at the server', () => {
  it('is sent again and again on one connection by repeat()', async () => {
    const { redis, links, greeted } = await scripted();
    const items = record(redis.blpop('q', 0).pipe(repeat()));
    const lease = await greeted(1);
    for (let n = 0; n < 10; n++) {
      lease.receive(ITEM);
      await tick();
    }
    expect([items.values.length, written(lease).length, links.length]).toStrictEqual([10, 11, 2]);
  });

  it('waits for what is left of its time where its connection is lost and it may be repeated', async () => {
    const { redis, clock, links, greeted } = await scripted();
    const read = record(redis.xread({ s: '0' }, { BLOCK: 10_000 }));
    lose(await greeted(1));
    clock.advance(0);
    await tick();
    // Nothing had passed.
    const second = await greeted(2);
    expect(written(second)).toStrictEqual(['XREAD BLOCK 10000 STREAMS s 0']);
    clock.advance(4_000);
    lose(second);
    clock.advance(0);
    await tick();
    expect(written(await greeted(3))).toStrictEqual(['XREAD BLOCK 6000 STREAMS s 0']);
    // 6 000 and blockingGrace
    clock.advance(7_999);
    expect(read.ended).toBeUndefined();
    clock.advance(10);
    expect(read.ended).toMatchObject({ code: 'TIMEOUT', command: 'XREAD', delivery: 'unknown' });
    expect(links).toHaveLength(4);
  });

  it('says for which option it has waited in vain while all connections are in use', async () => {
    const { redis, clock, greeted } = await scripted({ leases: { max: 1, acquireTimeout: 50 } });
    record(redis.blpop('q', 0));
    await greeted(1);
    const second = record(redis.blpop('q', 0));
    clock.advance(51);
    expect(second.ended).toMatchObject({ code: 'TIMEOUT', command: 'BLPOP', delivery: 'unsent' });
    expect((second.ended as Error).message).toMatch(
      /^BLPOP was not sent: No connection was free within 50 ms: the only one is in use\. .*'leases\.max'$/,
    );
  });

  it('waits for less once an outage has taken of its time', async () => {
    const { redis, clock, network, greeted } = await scripted({
      reconnect: { initialDelay: 1_000, jitter: 0, factor: 1 },
    });
    record(redis.xread({ s: '0' }, { BLOCK: 10_000 }));
    const first = await greeted(1);
    clock.advance(4_000);
    network.isDown = true;
    lose(first);
    await tick();
    clock.advance(2_500);
    network.isDown = false;
    clock.advance(500);
    await tick();
    expect(written(await greeted(2))).toStrictEqual(['XREAD BLOCK 3000 STREAMS s 0']);
  });

  it('is not sent again where it may have popped something, and its error says so', async () => {
    const { redis, links, greeted } = await scripted();
    const popped = record(redis.blpop('q', 0));
    lose(await greeted(1));
    await tick();
    expect(popped.ended).toMatchObject({
      code: 'CONNECTION',
      command: 'BLPOP',
      delivery: 'unknown',
      repeatable: false,
    });
    expect(links).toHaveLength(2);
  });

  it('is not sent a fourth time where its reply may be what breaks connections', async () => {
    const { redis, clock, greeted } = await scripted();
    const read = record(redis.xread({ s: '0' }, { BLOCK: 0 }));
    for (let number = 1; number <= 3; number++) {
      lose(await greeted(number));
      clock.advance(0);
      await tick();
    }
    expect(read.ended).toMatchObject({ command: 'XREAD', delivery: 'unknown' });
  });

  it('may be called again where it was lost unsent with one connection after the other', async () => {
    const { redis, links } = await scripted({ autoPipeline: false });
    const popped = record(redis.blpop('q', 0));
    for (let number = 1; number <= 3; number++) {
      while (links.length <= number) await tick();
      // The server does not tell the number of the connection by itself: it is asked for first, and the buffer is full of that.
      links[number]!.accepts = false;
      await greet(links[number]!, '%1\r\n+proto\r\n:3\r\n+OK\r\n+OK\r\n');
      await tick();
      expect(written(links[number]!)).toStrictEqual(['CLIENT ID']);
      lose(links[number]!);
      await tick();
    }
    expect(popped.ended).toMatchObject({ code: 'DISCONNECTED', delivery: 'unsent', repeatable: true });
  });

  it('is sent as often as need be where connections are lost after long waits', async () => {
    const { redis, clock, greeted } = await scripted();
    const read = record(redis.xread({ s: '0' }, { BLOCK: 0 }));
    for (let number = 1; number <= 20; number++) {
      const link = await greeted(number);
      clock.advance(60_000);
      lose(link);
      clock.advance(0);
      await tick();
    }
    const last = await greeted(21);
    last.receive('%1\r\n$1\r\ns\r\n*0\r\n');
    expect(read.values).toEqual([{ s: [] }]);
  });

  it('whose own limit is reached is ended at the server too', async () => {
    const { redis, clock, main, greeted } = await scripted();
    const popped = record(redis.withOptions({ commandTimeout: 100 }).blpop('q', 0));
    const lease = await greeted(1);
    clock.advance(101);
    await tick();
    expect(popped.ended).toMatchObject({ code: 'TIMEOUT', command: 'BLPOP', delivery: 'unknown' });
    expect(written(main)).toStrictEqual(['CLIENT UNBLOCK 1 ERROR']);
    lease.receive(ITEM);
    main.receive(':0\r\n');
    await tick();
    expect(written(main)).toStrictEqual(['CLIENT UNBLOCK 1 ERROR', 'LPUSH q v']);
  });

  it('whose own limit is reached costs its connection where that may lead to another server', async () => {
    const { redis, clock, greeted } = await scripted();
    const popped = record(redis.withOptions({ commandTimeout: 100 }).blpop('q', 0));
    const lease = await greeted(1);
    void redis.reconnect();
    clock.advance(101);
    await tick();
    expect(popped.ended).toMatchObject({ code: 'TIMEOUT', delivery: 'unknown' });
    expect([lease.destroyed, redis['leases']!.stats]).toStrictEqual([true, { ...NO_LEASES }]);
  });

  it('whose own limit is reached is kept for its answer, also when that takes longer than `readTimeout`', async () => {
    const { redis, clock, network, main, greeted } = await scripted({
      readTimeout: 50,
      reconnect: { initialDelay: 1_000 },
    });
    const popped = record(redis.withOptions({ commandTimeout: 10 }).blpop('q', 0));
    const lease = await greeted(1);
    network.isDown = true;
    lose(main);
    clock.advance(11);
    await tick();
    expect(popped.ended).toMatchObject({ code: 'TIMEOUT' });
    clock.advance(100);
    await tick();
    expect(lease.destroyed).toBe(false);
    void redis.destroy();
  });

  it('gets what came before close() had ended it, and otherwise takes nothing', async () => {
    for (const isThere of [true, false]) {
      const { redis, main, greeted } = await scripted();
      const popped = record(redis.blpop('q', 0));
      const lease = await greeted(1);
      const closed = record(redis.close());
      await tick();
      expect(written(main)).toStrictEqual(['CLIENT UNBLOCK 1 ERROR']);
      main.receive(isThere ? ':0\r\n' : ':1\r\n');
      expect(closed.ended).toBeUndefined();
      lease.receive(isThere ? ITEM : UNBLOCKED);
      await tick();
      if (!isThere) lease.receive('+PONG\r\n');
      await tick();
      expect(closed.ended).toBe('complete');
      expect([main.destroyed, lease.destroyed]).toStrictEqual([true, true]);
      expect(popped.values).toStrictEqual(isThere ? [['q', 'v']] : []);
      if (!isThere) {
        expect(popped.ended).toMatchObject({ code: 'DISCONNECTED', command: 'BLPOP', delivery: 'answered' });
        expect((popped.ended as Error).message).toBe('BLPOP was ended and has taken nothing: the client is closed');
      }
    }
  });
});

describe('What is to be done after a command that waits at the server', () => {
  /** Sends it, and notes with what certainty it was over. */
  async function sent(after?: Observable<unknown>) {
    const client = await scripted({ commandTimeout: 500, readTimeout: Infinity });
    const over: boolean[] = [];
    const command = blmove('q', 'mine', 'RIGHT', 'LEFT', 0);
    const executor = client.redis['blocking'].carrying(command, (_control, isCertain) => {
      over.push(isCertain);
      return after;
    });
    const waiting = record(Reply.from({ ...client.redis['source'], executor }, command));
    const lease = await client.greeted(1);
    return { ...client, lease, over, waiting };
  }

  it('is done before its Observer has the reply', async () => {
    const { lease, over, waiting } = await sent();
    expect(over).toStrictEqual([]);
    lease.receive('$1\r\nv\r\n');
    expect([over, waiting.values]).toStrictEqual([[true], ['v']]);
  });

  it('is done once nothing waits any more, where its Observer has left', async () => {
    const { main, lease, over, waiting } = await sent();
    waiting.stop();
    await tick();
    main.receive(':1\r\n');
    lease.receive(UNBLOCKED);
    await tick();
    expect(over).toStrictEqual([]);
    lease.receive('+PONG\r\n');
    expect(over).toStrictEqual([true]);
  });

  it('is told where the command may still run, because its connection was lost or closed', async () => {
    const lost = await sent();
    lose(lost.lease);
    await tick();
    expect([lost.over, lost.waiting.ended]).toMatchObject([[false], { delivery: 'unknown' }]);
    const refused = await sent();
    refused.waiting.stop();
    await tick();
    refused.main.receive('-NOPERM this user has no permissions\r\n');
    await tick();
    expect([refused.over, refused.lease.destroyed]).toStrictEqual([[false], true]);
  });

  it('is waited for by close()', async () => {
    const after = new Subject<void>();
    const { redis, main, lease } = await sent(after);
    let isClosed = false;
    redis.close().subscribe({ complete: () => (isClosed = true) });
    await tick();
    main.receive(':1\r\n');
    lease.receive(UNBLOCKED);
    await tick();
    lease.receive('+PONG\r\n');
    await tick();
    expect([after.observed, isClosed]).toStrictEqual([true, false]);
    after.complete();
    await tick();
    expect(isClosed).toBe(true);
  });
});
