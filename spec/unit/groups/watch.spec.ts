import { NEVER, Subject, concat, map, of, throwError } from 'rxjs';
import { ConnectionError, Redis, type ConnectionEvent, type RedisOptions } from 'rxjs-redis';
import { blpop, call, get, hgetall, incr, set } from 'rxjs-redis/commands';
import { stage, type Role } from '../../../src/connection/stage';
import { record } from '../../support/clients';
import { thrownBy } from '../../support/outcomes';
import { commandsOf, greet, lose, tick } from '../../support/scripted-link';
import { ScriptedSocket } from '../../support/scripted-socket';
import { VirtualClock } from '../../support/virtual-clock';

const QUEUED = '+OK\r\n+QUEUED\r\n';
const EXECUTED = `${QUEUED}*1\r\n:2\r\n`;
const CHANGED = `${QUEUED}*-1\r\n`;
const BUSY = '-BUSY Redis is busy running a script.\r\n';
const DISCARDED = `+OK\r\n${BUSY}-EXECABORT Transaction discarded because of previous errors.\r\n`;

const WRONGTYPE = '-WRONGTYPE Operation against a key holding the wrong kind of value\r\n';

/** What reads a key of which no type is known. */
function allReaders(key: string): string[] {
  return [
    `HGETALL ${key}`,
    `LRANGE ${key} 0 -1`,
    `SMEMBERS ${key}`,
    `ZRANGE ${key} 0 -1 WITHSCORES`,
    `XRANGE ${key} - +`,
  ];
}

/** Their replies, where the key is of the type that the nth reads. */
function repliesOf(nth: number, reply: string): string {
  return [0, 1, 2, 3, 4].map((each) => (each === nth ? reply : WRONGTYPE)).join('');
}

const clients: Redis[] = [];
afterEach(() => clients.splice(0).forEach((redis) => void redis.destroy().then()));

/** A client in virtual time whose leased connections are the spec's. */
function scriptedClient(options: RedisOptions = {}) {
  const clock = new VirtualClock();
  const links: ScriptedSocket[] = [];
  const dial = () => {
    const link = new ScriptedSocket();
    links.push(link);
    return concat(of(link), NEVER);
  };
  const parts = {
    partsFor: (_role: Role) => ({ dial, clock }),
    made: () => undefined,
    subscribesBy: () => undefined,
  };
  const redis = new Redis({ ...options, [stage]: parts } as RedisOptions);
  clients.push(redis);
  const events = record<ConnectionEvent>(redis.events$);
  /** The next leased connection, greeted; what it is sent from now on is in `writes`. */
  const leased = async (nth: number) => {
    while (links.length < nth) await tick();
    const link = await greet(links[nth - 1]!);
    link.writes.splice(0, link.writes.length - 1);
    return link;
  };
  return { redis, clock, links, events, leased };
}

/** A watch that increments a counter, and its connection. */
async function counting(attempts?: number, options: RedisOptions = {}) {
  const scripted = scriptedClient(options);
  const seen: unknown[] = [];
  const outcome = record(
    scripted.redis.watch(
      'n',
      ({ n }) => {
        seen.push(n);
        return [incr('n')];
      },
      { read: { n: get('n') }, attempts },
    ),
  );
  const link = await scripted.leased(1);
  return { ...scripted, seen, outcome, link };
}

/** Answers WATCH and GET. */
async function tellValue(link: ScriptedSocket, value: string): Promise<void> {
  link.receive(`+OK\r\n$${value.length}\r\n${value}\r\n`);
  await tick();
}

/** Lets all time pass that anything waits for: then no timer is left. */
async function settled(clock: VirtualClock): Promise<void> {
  for (let rounds = 0; rounds < 3; rounds++) {
    clock.advance(60_000);
    await tick();
  }
  expect(clock.waiting).toBe(0);
}

/** Whether keys are watched on a link: it is open, and neither UNWATCH nor EXEC was sent behind WATCH. */
function watches(link: ScriptedSocket): boolean {
  const words = commandsOf(link).map((command) => command.split(' ')[0]!);
  return (
    !link.destroyed && words.lastIndexOf('WATCH') > Math.max(words.lastIndexOf('UNWATCH'), words.lastIndexOf('EXEC'))
  );
}

describe('A watch', () => {
  it('sends nothing before it is subscribed to', async () => {
    const { redis, links } = scriptedClient();
    void redis.watch('n', () => null).pipe();
    await tick();
    expect(links).toHaveLength(0);
  });

  it('writes WATCH and its reads in one write, MULTI, the commands and EXEC in another', async () => {
    const { link, outcome, events } = await counting();
    expect(link.writes).toHaveLength(1);
    expect(commandsOf(link)).toStrictEqual(['WATCH n', 'GET n']);
    await tellValue(link, '1');
    expect(link.writes).toHaveLength(2);
    expect(commandsOf(link).slice(2)).toStrictEqual(['MULTI', 'INCR n', 'EXEC']);
    link.receive(EXECUTED);
    expect(outcome).toMatchObject({ values: [[2]], ended: 'complete' });
    expect(events.values).toStrictEqual([
      { connection: 'dedicated', type: 'watch', keys: 1, attempts: 1, outcome: 'executed' },
    ]);
  });

  it('asks for the types of the keys, for strings and for all other values together', async () => {
    const { redis, leased } = scriptedClient();
    const seen: unknown[] = [];
    const outcome = record(redis.watch(['s', 'h', 'none'], (watched) => (seen.push(watched), null)));
    const link = await leased(1);
    expect(link.writes).toHaveLength(1);
    expect(commandsOf(link)).toStrictEqual([
      ...['WATCH s h none', 'TYPE s', 'TYPE h', 'TYPE none', 'MGET s h none'],
      ...['s', 'h', 'none'].flatMap(allReaders),
    ]);
    const gone = '%0\r\n*0\r\n~0\r\n*0\r\n*0\r\n';
    link.receive('+OK\r\n+string\r\n+hash\r\n+none\r\n*3\r\n$1\r\nv\r\n_\r\n_\r\n');
    link.receive(repliesOf(-1, '') + repliesOf(0, '%1\r\n$1\r\nf\r\n$1\r\n1\r\n') + gone);
    expect(seen).toEqual([{ s: 'v', h: { f: '1' }, none: null }]);
    await tick();
    expect(commandsOf(link).slice(20)).toStrictEqual(['UNWATCH']);
    expect(outcome.values).toStrictEqual([]);
    link.receive('+OK\r\n');
    expect(outcome).toMatchObject({ values: [null], ended: 'complete' });
  });

  it('whose key gets another type while it is read begins anew, and its function is not called', async () => {
    const { redis, clock, leased } = scriptedClient();
    let calls = 0;
    const outcome = record(redis.watch('k', () => (calls++, null)));
    const link = await leased(1);
    for (let n = 0; n < 2; n++) {
      expect(commandsOf(link)).toStrictEqual(['WATCH k', 'TYPE k', 'MGET k', ...allReaders('k')]);
      link.writes.length = 0;
      const types = n === 0 ? 'hash' : 'none';
      link.receive(`+OK\r\n+${types}\r\n*1\r\n_\r\n${repliesOf(1, '*1\r\n+e\r\n')}`);
      await tick();
      clock.advance(10);
      await tick();
    }
    link.receive('+OK\r\n');
    expect(calls).toBe(1);
    expect(outcome).toMatchObject({ values: [null], ended: 'complete' });
  });

  it.each<[string, string, number]>([
    ['a hash', 'hash', 0],
    ['a list', 'list', 1],
    ['a set', 'set', 2],
    ['a sorted set', 'zset', 3],
    ['a stream', 'stream', 4],
  ])('of %s takes one write, the first time by all readers and then by one', async (_title, type, nth) => {
    const { redis, leased } = scriptedClient();
    const calls: unknown[] = [];
    const begin = () => record(redis.watch('k', ({ k }) => (calls.push(k), null)));
    begin();
    const link = await leased(1);
    const read = allReaders('k')[nth]!;
    const asked = ['WATCH k', 'TYPE k', 'MGET k'];
    const told = `+OK\r\n+${type}\r\n*1\r\n_\r\n`;
    const sent = async (reply: string) => {
      const commands = commandsOf(link);
      const writes = link.writes.splice(0).length;
      link.receive(reply);
      await tick();
      return { commands, writes };
    };
    const first = await sent(told + repliesOf(nth, '*0\r\n'));
    expect(first).toStrictEqual({ commands: [...asked, ...allReaders('k')], writes: 1 });
    expect(await sent('+OK\r\n')).toStrictEqual({ commands: ['UNWATCH'], writes: 1 });
    for (let n = 0; n < 3; n++) {
      begin();
      await tick();
      expect(await sent(`${told}*0\r\n`)).toStrictEqual({ commands: [...asked, read], writes: 1 });
      expect(await sent('+OK\r\n')).toStrictEqual({ commands: ['UNWATCH'], writes: 1 });
    }
    expect(calls).toHaveLength(4);
    // It is not there any more, and is taken for what it was when it comes again.
    begin();
    await tick();
    await sent('+OK\r\n+none\r\n*1\r\n_\r\n*0\r\n');
    await sent('+OK\r\n');
    expect(calls.at(-1)).toBeNull();
    begin();
    await tick();
    expect(commandsOf(link)).toStrictEqual([...asked, read]);
  });

  it('that meets a change reads what it knows as what it was in the same write as WATCH', async () => {
    const { redis, clock, leased } = scriptedClient({ prefix: 'p:' });
    const seen: unknown[] = [];
    record(redis.watch(['s', 'h', 'l'], (watched) => (seen.push({ ...watched }), [incr('n')])));
    const link = await leased(1);
    const answerWatch = (types: string, values: string) => link.receive(`+OK\r\n${types}*3\r\n${values}`);
    const conflict = async () => {
      await tick();
      link.writes.length = 0;
      link.receive(CHANGED);
      await tick();
      clock.advance(1_000);
      await tick();
      expect(link.writes).toHaveLength(1);
    };
    const gone = '%0\r\n*0\r\n~0\r\n*0\r\n*0\r\n';
    const asked = ['WATCH p:s p:h p:l', 'TYPE p:s', 'TYPE p:h', 'TYPE p:l', 'MGET p:s p:h p:l'];
    answerWatch(
      '+string\r\n+hash\r\n+none\r\n',
      `$1\r\nv\r\n_\r\n_\r\n${repliesOf(-1, '')}${repliesOf(0, '%1\r\n+f\r\n+1\r\n')}${gone}`,
    );
    await tick();
    expect(commandsOf(link)).toStrictEqual([
      ...[...asked, ...['p:s', 'p:h', 'p:l'].flatMap(allReaders)],
      ...['MULTI', 'INCR p:n', 'EXEC'],
    ]);
    await conflict();
    expect(commandsOf(link)).toStrictEqual([...asked, 'HGETALL p:h', ...allReaders('p:l')]);
    // What was none is a list now, and the hash is the same.
    answerWatch(
      '+string\r\n+hash\r\n+list\r\n',
      `$1\r\nw\r\n_\r\n_\r\n%1\r\n+f\r\n+2\r\n${repliesOf(1, '*1\r\n+e\r\n')}`,
    );
    await conflict();
    expect(commandsOf(link)).toStrictEqual([...asked, 'HGETALL p:h', 'LRANGE p:l 0 -1']);
    // Both have got other types since: what was read ahead is of no use.
    answerWatch('+string\r\n+string\r\n+set\r\n', `$1\r\nx\r\n$1\r\ny\r\n_\r\n${WRONGTYPE}${WRONGTYPE}`);
    await tick();
    expect(commandsOf(link).slice(7)).toStrictEqual(['SMEMBERS p:l']);
    link.receive('~1\r\n+m\r\n');
    await conflict();
    expect(commandsOf(link)).toStrictEqual([...asked, 'SMEMBERS p:l']);
    // It got another type behind TYPE, so the watch begins anew.
    answerWatch('+string\r\n+string\r\n+set\r\n', `$1\r\nx\r\n$1\r\ny\r\n_\r\n${WRONGTYPE}`);
    await tick();
    link.writes.length = 0;
    clock.advance(1_000);
    await tick();
    expect(commandsOf(link)).toStrictEqual([...asked, 'SMEMBERS p:l']);
    expect(seen).toEqual([
      { s: 'v', h: { f: '1' }, l: null },
      { s: 'w', h: { f: '2' }, l: ['e'] },
      { s: 'x', h: 'y', l: ['m'] },
    ]);
  });

  it('that meets a change begins anew on the same connection, after a delay on the clock of the client', async () => {
    const { link, clock, outcome, seen, events, links } = await counting();
    await tellValue(link, '1');
    link.receive(CHANGED);
    await tick();
    expect(link.writes).toHaveLength(2);
    clock.advance(2);
    await tick();
    expect(commandsOf(link).slice(5)).toStrictEqual(['WATCH n', 'GET n']);
    await tellValue(link, '5');
    link.receive(EXECUTED);
    expect(seen).toStrictEqual(['1', '5']);
    expect(outcome.values).toStrictEqual([[2]]);
    expect(events.values).toMatchObject([{ type: 'watch', attempts: 2, outcome: 'executed' }]);
    expect(links).toHaveLength(1);
  });

  it.each<[string, (link: ScriptedSocket) => Promise<void>]>([
    ['WATCH', (link) => (link.receive(`${BUSY}$1\r\n1\r\n`), tick())],
    ['a read', (link) => (link.receive(`+OK\r\n${BUSY}`), tick())],
    ['both', (link) => (link.receive(BUSY + BUSY), tick())],
    ['the transaction', async (link) => (await tellValue(link, '1'), link.receive(DISCARDED), tick())],
  ])('begins anew with the new values after %s was refused for the moment', async (_what, refuse) => {
    const { link, clock, outcome, seen, events, links } = await counting(undefined, { retry: { jitter: 0 } });
    for (const delay of [50, 100]) {
      seen.length = 0;
      await refuse(link);
      const before = commandsOf(link).length;
      clock.advance(delay - 1);
      await tick();
      expect(commandsOf(link)).toHaveLength(before);
      clock.advance(1);
      await tick();
      expect(commandsOf(link).slice(before)).toStrictEqual(['WATCH n', 'GET n']);
    }
    await tellValue(link, '5');
    expect(seen.at(-1)).toBe('5');
    link.receive(EXECUTED);
    expect(outcome).toMatchObject({ values: [[2]], ended: 'complete' });
    expect(events.values).toMatchObject([{ type: 'watch', attempts: 3, outcome: 'executed' }]);
    expect(links).toHaveLength(1);
    await settled(clock);
  });

  it.each<[string, number | undefined, RedisOptions, number]>([
    ['its last attempt', 2, {}, 2],
    ['its time', undefined, { commandTimeout: 120, retry: { jitter: 0 } }, 2],
    ['what retry allows', undefined, { retry: { maxAttempts: 1 } }, 2],
    ['retry, which is off', undefined, { retry: false }, 1],
  ])('that is refused for the moment fails with that after %s', async (_limit, attempts, options, tries) => {
    const { link, clock, outcome, events } = await counting(attempts, options);
    for (let attempt = 1; attempt <= tries; attempt++) {
      expect(outcome.ended).toBeUndefined();
      await tellValue(link, '1');
      link.receive(DISCARDED);
      await tick();
      clock.advance(outcome.ended === undefined ? 70 : 0);
      await tick();
    }
    expect(outcome.ended).toMatchObject({ kind: 'EXECABORT', delivery: 'answered', repeatable: true });
    expect(events.values).toMatchObject([{ type: 'watch', attempts: tries, outcome: 'failed' }]);
    await settled(clock);
  });

  it('waits longer from attempt to attempt, to a limit, and chance takes a part of it', async () => {
    const random = jest.spyOn(Math, 'random').mockReturnValue(0);
    const { link, clock, outcome, seen } = await counting(Infinity);
    for (const delay of [2, 4, 8, 16, 32, 64, 128, 250, 250]) {
      await tellValue(link, '1');
      link.receive(CHANGED);
      const before = link.writes.length;
      clock.advance(delay - 1);
      await tick();
      expect(link.writes).toHaveLength(before);
      clock.advance(1);
      await tick();
      expect(link.writes).toHaveLength(before + 1);
    }
    random.mockReturnValue(1);
    await tellValue(link, '1');
    link.receive(CHANGED);
    clock.advance(0);
    await tick();
    await tellValue(link, '1');
    random.mockRestore();
    expect(seen).toHaveLength(11);
    outcome.stop();
  });

  it('gives null when its last attempt has met a change as well', async () => {
    const { link, clock, outcome, seen, events } = await counting(3);
    for (let attempt = 1; attempt <= 3; attempt++) {
      await tellValue(link, '1');
      link.receive(CHANGED);
      clock.advance(10);
      await tick();
    }
    expect(seen).toHaveLength(3);
    expect(outcome).toMatchObject({ values: [null], ended: 'complete' });
    expect(events.values).toStrictEqual([
      { connection: 'dedicated', type: 'watch', keys: 1, attempts: 3, outcome: 'conflict' },
    ]);
    expect(watches(link)).toBe(false);
  });

  it('makes 16 attempts unless it is told otherwise', async () => {
    const { link, clock, outcome, seen } = await counting();
    for (let attempt = 1; attempt <= 16; attempt++) {
      expect(outcome.values).toStrictEqual([]);
      await tellValue(link, '1');
      link.receive(CHANGED);
      clock.advance(1_000);
      await tick();
    }
    expect(seen).toHaveLength(16);
    expect(outcome.values).toStrictEqual([null]);
  });

  it.each<[string, (link: ScriptedSocket) => Promise<void>]>([
    ['waits for the replies of the reads', () => Promise.resolve()],
    ['waits for the reply to EXEC', (link) => tellValue(link, '1')],
    [
      'waits to begin anew',
      async (link) => {
        await tellValue(link, '1');
        link.receive(CHANGED);
        await tick();
      },
    ],
  ])('that is unsubscribed from while it %s leaves nothing behind', async (_what, until) => {
    const { link, clock, outcome, links, events } = await counting();
    await until(link);
    outcome.stop();
    await tick();
    clock.advance(1_000);
    expect(watches(link)).toBe(false);
    await settled(clock);
    expect(links).toHaveLength(1);
    expect(outcome).toMatchObject({ values: [], ended: undefined });
    expect(events.values).toStrictEqual([]);
  });

  it('that is unsubscribed from while it waits for its connection leaves nothing behind', async () => {
    const { redis, clock, links } = scriptedClient();
    const outcome = record(redis.watch('n', () => null));
    await tick();
    expect(links[0]!.writes).not.toStrictEqual([]); // it is being greeted
    outcome.stop();
    await settled(clock);
    expect(links).toHaveLength(1);
    expect(links[0]!.destroyed).toBe(true);
  });

  it('that is unsubscribed from while its function is waited for leaves nothing behind', async () => {
    const { redis, clock, leased } = scriptedClient();
    const asked$ = new Subject<null>();
    const outcome = record(redis.watch('n', () => asked$, { read: {} }));
    const link = await leased(1);
    link.receive('+OK\r\n');
    await tick();
    expect(asked$.observed).toBe(true);
    outcome.stop();
    expect(asked$.observed).toBe(false);
    await tick();
    expect(watches(link)).toBe(false);
    await settled(clock);
  });

  it.each<[string, (link: ScriptedSocket) => Promise<void>]>([
    ['before its reads were answered', () => Promise.resolve()],
    [
      'while it waits to begin anew',
      async (link) => {
        await tellValue(link, '1');
        link.receive(CHANGED);
        await tick();
      },
    ],
  ])('whose connection is lost %s begins anew on another', async (_when, until) => {
    const { link, clock, outcome, leased, events } = await counting();
    await until(link);
    lose(link);
    clock.advance(10);
    const next = await leased(2);
    expect(commandsOf(next)).toStrictEqual(['WATCH n', 'GET n']);
    await tellValue(next, '7');
    next.receive(EXECUTED);
    expect(outcome).toMatchObject({ values: [[2]], ended: 'complete' });
    expect(events.values).toMatchObject([{ type: 'watch', attempts: 2, outcome: 'executed' }]);
  });

  it('whose connection is lost while its function is waited for asks it anew', async () => {
    const { redis, clock, leased } = scriptedClient();
    const asked: Subject<null>[] = [];
    const ask = () => {
      asked.push(new Subject());
      return asked.at(-1)!;
    };
    const outcome = record(redis.watch('n', ask, { read: {} }));
    const link = await leased(1);
    link.receive('+OK\r\n');
    lose(link);
    expect(asked[0]!.observed).toBe(false);
    clock.advance(10);
    const next = await leased(2);
    next.receive('+OK\r\n');
    asked[1]!.next(null);
    await tick();
    next.receive('+OK\r\n');
    expect(outcome).toMatchObject({ values: [null], ended: 'complete' });
  });

  it('whose connection is lost with what its function reads begins anew', async () => {
    const { redis, clock, leased } = scriptedClient();
    const outcome = record(
      redis.watch('n', (_watched, connection) => connection.get('m').pipe(map((m) => [set('n', String(m))])), {
        read: {},
      }),
    );
    const link = await leased(1);
    link.receive('+OK\r\n');
    await tick();
    expect(commandsOf(link)).toStrictEqual(['WATCH n', 'GET m']);
    lose(link);
    clock.advance(10);
    const next = await leased(2);
    expect(commandsOf(next)).toStrictEqual(['WATCH n']);
    next.receive('+OK\r\n');
    await tick();
    next.receive('$1\r\n5\r\n');
    await tick();
    next.receive(`${QUEUED}*1\r\n+OK\r\n`);
    expect(commandsOf(next).slice(2)).toStrictEqual(['MULTI', 'SET n 5', 'EXEC']);
    expect(outcome).toMatchObject({ values: [['OK']], ended: 'complete' });
  });

  it('passes on the error of a connection that is not its own', async () => {
    const { redis, clock, leased, links } = scriptedClient();
    const mine = new ConnectionError('of another client');
    const outcome = record(redis.watch('n', () => throwError(() => mine), { read: {} }));
    const link = await leased(1);
    link.receive('+OK\r\n');
    await tick();
    clock.advance(10);
    await tick();
    expect(outcome).toMatchObject({ values: [], ended: mine });
    expect(links).toHaveLength(1);
  });

  it('whose connection is lost before EXEC was written begins anew, for nothing has run', async () => {
    const { redis, clock, leased } = scriptedClient({ writeBufferSize: 1_024 });
    const large = Buffer.alloc(2_000);
    const outcome = record(redis.watch('n', () => [set('n', large), set('n', 'x')], { read: {} }));
    const link = await leased(1);
    link.accepts = false;
    link.receive('+OK\r\n');
    await tick();
    expect(link.writes.at(-1)).toContain('MULTI');
    expect(link.writes.join('')).not.toContain('EXEC');
    lose(link);
    clock.advance(10);
    const next = await leased(2);
    next.receive('+OK\r\n');
    await tick();
    next.receive(`${QUEUED}+QUEUED\r\n*2\r\n+OK\r\n+OK\r\n`);
    expect(outcome).toMatchObject({ values: [['OK', 'OK']], ended: 'complete' });
  });

  it('whose connection is lost behind EXEC fails, for it may have run', async () => {
    const { link, clock, outcome, links, events } = await counting();
    await tellValue(link, '1');
    lose(link);
    clock.advance(60_000);
    await tick();
    expect(outcome.ended).toMatchObject({ code: 'CONNECTION', delivery: 'unknown', command: 'MULTI' });
    expect(events.values).toMatchObject([{ type: 'watch', attempts: 1, outcome: 'failed' }]);
    expect(links).toHaveLength(1);
  });

  it('whose connections are all lost fails with the last loss, not with null', async () => {
    const { link, clock, outcome, leased } = await counting(2);
    lose(link);
    clock.advance(10);
    lose(await leased(2));
    await tick();
    expect(outcome).toMatchObject({ values: [], ended: { code: 'CONNECTION', command: 'WATCH' } });
  });

  it('whose connection could never be made does not begin anew', async () => {
    const { redis, clock, links } = scriptedClient({ reconnect: false });
    const outcome = record(redis.watch('n', () => null));
    await tick();
    lose(links[0]!);
    clock.advance(60_000);
    await tick();
    expect(outcome).toMatchObject({ values: [], ended: { command: 'WATCH', delivery: 'unsent' } });
    expect(links).toHaveLength(1);
  });

  it('does not begin anew after a loss when the time of a command has gone by', async () => {
    const { redis, clock, leased } = scriptedClient({ commandTimeout: 1_000 });
    const outcome = record(redis.watch('n', () => NEVER, { read: {}, attempts: Infinity }));
    const link = await leased(1);
    link.receive('+OK\r\n');
    clock.advance(1_000);
    lose(link);
    await tick();
    expect(outcome).toMatchObject({ values: [], ended: { code: 'CONNECTION' } });
  });

  it('fails when the client is closed while its function is waited for', async () => {
    const { redis, leased } = scriptedClient();
    const outcome = record(redis.watch('n', () => NEVER, { read: {} }));
    const link = await leased(1);
    link.receive('+OK\r\n');
    await tick();
    void redis.destroy().then();
    expect(outcome).toMatchObject({ values: [], ended: { code: 'DISCONNECTED' } });
  });

  it('with nothing but commands that need no server unwatches, and gives what they answer', async () => {
    const { redis, leased, events } = scriptedClient();
    const outcome = record(redis.watch('n', () => [], { read: {} }));
    const link = await leased(1);
    link.receive('+OK\r\n');
    await tick();
    expect(commandsOf(link)).toStrictEqual(['WATCH n', 'UNWATCH']);
    link.receive('+OK\r\n');
    expect(outcome).toMatchObject({ values: [[]], ended: 'complete' });
    expect(events.values).toMatchObject([{ type: 'watch', attempts: 1, outcome: 'left' }]);
  });

  it.each<[string, () => unknown, string]>([
    [
      'undefined',
      () => undefined,
      'the function gave undefined, and commands in an array were expected, or null, which leaves',
    ],
    ['a text', () => Promise.resolve('OK'), 'the function gave a string, and commands in an array were expected'],
    [
      'an Observable of nothing',
      () => of(),
      "the function's Observable has completed without a value, and commands in an array were expected",
    ],
    [
      'what is no command',
      () => [5],
      'watch: command 1 is none, got a number: what is wanted is a command of rxjs-redis/commands',
    ],
    ['a command that waits', () => [get('a'), blpop('q', 1)], 'watch: command 2, BLPOP, waits at the server'],
    ['a transaction', () => [call('MULTI')], 'watch: command 1, MULTI, changes the connection'],
  ])('whose function gives %s fails with a TypeError, and is released', async (_what, give, message) => {
    const { redis, leased } = scriptedClient();
    const outcome = record(redis.watch('n', give as () => null, { read: {} }));
    const link = await leased(1);
    link.receive('+OK\r\n');
    await tick();
    expect(outcome.ended).toBeInstanceOf(TypeError);
    expect((outcome.ended as Error).message).toContain(message);
    await tick();
    expect(watches(link)).toBe(false);
  });

  it.each<[string, (redis: Redis) => unknown, string]>([
    ['no key', (redis) => redis.watch([], () => null), 'at least one key'],
    ['a key that is none', (redis) => redis.watch(5 as never, () => null), 'WATCH: keys must be a string or bytes'],
    ['a key that is no text, without read', (redis) => redis.watch(Buffer.of(0xff), () => null), "'read' is needed"],
    ['no function', (redis) => redis.watch('k', null as never), 'watch: a function was expected, got null'],
    ['no attempts', (redis) => redis.watch('k', () => null, { attempts: 0 }), "'attempts' is a number from 1 to Inf"],
    ['half an attempt', (redis) => redis.watch('k', () => null, { attempts: 1.5 }), "'attempts' is a whole number"],
    ['options that are none', (redis) => redis.watch('k', () => null, 5 as never), 'watch: options were expected'],
    ['another option', (redis) => redis.watch('k', () => null, { tries: 3 } as never), "no option 'tries'"],
    ['failFast: 1', (redis) => redis.watch('k', () => null, { failFast: 1 as never }), "'failFast' is a boolean"],
    ['reads that are none', (redis) => redis.watch('k', () => null, { read: [] as never }), "'read' is an object"],
    [
      'a read that is a reply',
      (redis) => redis.watch('k', () => null, { read: { k: redis.get('k') as never } }),
      'watch: read.k is a reply to GET',
    ],
    [
      'a read that waits',
      (redis) => redis.watch('k', () => null, { read: { k: blpop('k', 0) } }),
      'watch: read.k, BLPOP, waits at the server',
    ],
    [
      'a read that writes',
      (redis) => redis.watch('k', () => null, { read: { k: incr('k') } }),
      'watch: read.k, INCR, writes',
    ],
    [
      'a read of another key',
      (redis) => redis.watch('k', () => null, { read: { k: hgetall('other') } }),
      'watch: read.k, HGETALL, reads a key that is not watched',
    ],
  ])('refuses %s before anything is sent', (_what, act, message) => {
    const { redis, links } = scriptedClient({ prefix: 'p:' });
    expect(thrownBy(() => act(redis))).toContain(message);
    expect(thrownBy(() => act(redis))).toContain('TypeError: ');
    expect(links).toHaveLength(0);
  });
});

describe('A watch that waits to begin again', () => {
  it('ends with its client at once, and leaves no timer', async () => {
    const { redis, clock, leased, outcome } = await counting();
    lose(await leased(1));
    expect([outcome.ended, clock.waiting > 0]).toStrictEqual([undefined, true]);
    void redis.destroy().then();
    expect(outcome.ended).toMatchObject({ code: 'DISCONNECTED' });
    expect(clock.waiting).toBe(0);
  });
});
