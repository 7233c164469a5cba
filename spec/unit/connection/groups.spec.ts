import { BehaviorSubject } from 'rxjs';
import { call } from '../../../src/commands/call';
import { Command } from '../../../src/commands/command';
import { del, get, incr, set } from '../../../src/commands/generated/builders';
import { Group } from '../../../src/commands/group';
import { Reply } from '../../../src/commands/reply';
import { Transaction } from '../../../src/commands/transaction';
import { LuaScript } from '../../../src/commands/lua-script';
import { plainContext, type RequestContext } from '../../../src/commands/request-context';
import { retryPolicy } from '../../../src/connection/retry';
import { ReplyError, type RedisError } from '../../../src/errors';
import { scriptOf } from '../../../src/groups/script';
import { resolveOptions, type RedisOptions } from '../../../src/options';
import { record } from '../../support/clients';
import { commandsOf, lose, scriptedConnection, tick } from '../../support/scripted-link';
import type { ScriptedSocket } from '../../support/scripted-socket';
import { until } from '../../support/until';
import { VirtualClock } from '../../support/virtual-clock';

const retry = retryPolicy(resolveOptions().retry);
const cleanUp: (() => void)[] = [];
afterEach(() => cleanUp.splice(0).forEach((end) => end()));

async function setUp(options: RedisOptions = {}, clock?: VirtualClock) {
  const scripted = scriptedConnection(options, clock);
  const { connection, greeted } = scripted;
  cleanUp.push(() => connection.destroy());
  connection.open();
  const link = await greeted();
  link.writes.length = 0;
  const from = { ...plainContext, executor: connection };
  const group = (members: readonly Command[], context: Partial<RequestContext> = {}, isDivisible = true) =>
    record(Reply.from({ ...from, ...context }, new Group(members, 'PIPELINE', isDivisible)));
  const one = (command: Command) => record(Reply.from(from, command));
  return { ...scripted, link, group, one };
}

const gets = (count: number, prefix = 'k') => Array.from({ length: count }, (_, n) => get(`${prefix}${n}`));
const words = (count: number, prefix = 'k') => Array.from({ length: count }, (_, n) => `GET ${prefix}${n}`);
const drain = (link: ScriptedSocket) => {
  link.accepts = true;
  link.drain$.next();
};
/** Lets a link take so many writes before its send buffer is full. */
const acceptWrites = (link: ScriptedSocket, count: number) => {
  const write = link.write.bind(link);
  let left = count;
  link.write = (chunks) => (write(chunks), --left > 0 || link.accepts);
  link.accepts = false;
};

describe('A member of a group that is refused', () => {
  it('has one error: that which stands in its place, and is asked about', async () => {
    const asked: RedisError[] = [];
    const { link, group, connection } = await setUp({
      reconnectOnError: (error) => {
        asked.push(error);
        return false;
      },
    });
    const pipeline = group([incr('a'), get('b')]);
    const transaction = record(
      Reply.from({ ...plainContext, executor: connection }, new Transaction([incr('a'), get('b')])),
    );
    await tick();
    link.receive(
      '-WRONGTYPE of the pipeline\r\n$-1\r\n+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n-WRONGTYPE of EXEC\r\n$-1\r\n',
    );
    const errors = [pipeline, transaction].map(({ values: [values] }) => (values as unknown[])[0]);
    expect(asked).toHaveLength(2);
    expect([asked[0] === errors[0], asked[1] === errors[1]]).toStrictEqual([true, true]);
    expect(asked).toMatchObject([{ command: 'INCR' }, { command: 'INCR' }]);
  });
});

describe('A group', () => {
  it('is answered as one, with the values of its members in their order', async () => {
    const { link, group } = await setUp();
    const reply = group([set('a', '1'), get('a'), incr('a')]);
    await tick();
    expect(commandsOf(link)).toStrictEqual(['SET a 1', 'GET a', 'INCR a']);
    link.receive('+OK\r\n$1\r\n1\r\n');
    expect(reply.values).toStrictEqual([]);
    link.receive(':2\r\n');
    expect(reply).toMatchObject({ values: [['OK', '1', 2]], ended: 'complete' });
  });

  it('has the errors of its members in their places', async () => {
    const { link, group, one } = await setUp();
    const reply = group([get('a'), incr('a'), get('b')]);
    const next = one(get('c'));
    await tick();
    link.receive('$1\r\nA\r\n-WRONGTYPE no number\r\n$1\r\nB\r\n$1\r\nC\r\n');
    const [first, second, third] = reply.values[0] as unknown[];
    expect([first, third, next.values]).toStrictEqual(['A', 'B', ['C']]);
    expect(second).toBeInstanceOf(ReplyError);
    expect(second).toMatchObject({ kind: 'WRONGTYPE', command: 'INCR', delivery: 'answered' });
  });

  it('has an error in the place of a member whose reply cannot be read', async () => {
    const { link, group } = await setUp();
    const { spec } = get('a');
    const careless = new Command(spec, ['a'], () => {
      throw new Error('a map was expected');
    });
    const reply = group([careless, get('b')]);
    await tick();
    link.receive('$1\r\nA\r\n$1\r\nB\r\n');
    expect(String((reply.values[0] as unknown[])[0])).toContain('a map was expected');
    expect((reply.values[0] as unknown[])[1]).toBe('B');
  });

  it('has an error in the place of a member whose reply holds a number that is none, and keeps its link', async () => {
    const { link, group, one } = await setUp({ reconnectOnError: () => true });
    const reply = group([call('EVAL', 'return …', 0), get('b')]);
    const next = one(get('c'));
    await tick();
    link.receive('*2\r\n:1\r\n(abc\r\n$1\r\nB\r\n$1\r\nC\r\n');
    expect([reply.values[0], next.values]).toMatchObject([
      [{ code: 'PROTOCOL', command: 'EVAL', delivery: 'answered' }, 'B'],
      ['C'],
    ]);
    one(get('d'));
    await tick();
    expect(commandsOf(link).at(-1)).toBe('GET d');
  });

  describe('is contiguous on the wire', () => {
    const around = (count: number) => ['GET before', ...words(count), 'GET after'];

    it.each([
      ['in several writes, for they are small', { writeBufferSize: 1024 }],
      ['in several writes, for they are short', { pipelineDepth: 7 }],
      ['where every command is a write of its own', { autoPipeline: false }],
    ])('%s', async (_title, options) => {
      const { link, group, one } = await setUp(options);
      one(get('before'));
      group(gets(400));
      one(get('after'));
      await tick();
      expect(commandsOf(link)).toStrictEqual(around(400));
      expect(link.writes.length).toBeGreaterThan(5);
    });

    it('across a full send buffer, whatever is called meanwhile', async () => {
      const { link, group, one, connection } = await setUp({ pipelineDepth: 10 });
      acceptWrites(link, 3);
      one(get('before'));
      const reply = group(gets(50));
      one(get('after'));
      await tick();
      expect(commandsOf(link)).toStrictEqual(around(50).slice(0, 30));
      // A greeting goes before the queue, and a group is in its midst.
      record(connection.line.sendAhead(get('greeting')));
      one(get('later'));
      await tick();
      drain(link);
      await tick();
      expect(commandsOf(link)).toStrictEqual([...around(50).slice(0, -1), 'GET greeting', 'GET after', 'GET later']);
      link.receive('+0\r\n'.repeat(51));
      expect(reply.values).toStrictEqual([gets(50).map(() => '0')]);
    });

    it('and pushes between its replies are no replies', async () => {
      const { link, group, connection } = await setUp();
      const pushed: unknown[] = [];
      connection.line.residents.add({
        receive: ({ items }) => void pushed.push(items),
        listening: false,
        restore: () => record as never,
        suspend: () => record as never,
        resume: () => record as never,
        beforeWrite: () => undefined,
      });
      const reply = group(gets(3));
      await tick();
      link.receive('+a\r\n>2\r\n+invalidate\r\n*0\r\n+b\r\n>2\r\n+invalidate\r\n*0\r\n+c\r\n');
      expect(reply.values).toStrictEqual([['a', 'b', 'c']]);
      expect(pushed).toHaveLength(2);
    });
  });

  describe('that is lost in its middle', () => {
    it('says which members were answered, which may have run and which were not sent', async () => {
      const { link, group } = await setUp({ pipelineDepth: 4 });
      acceptWrites(link, 2);
      const reply = group([incr('a'), incr('b'), ...gets(8)]);
      await tick();
      link.receive(':1\r\n-ERR no\r\n+v\r\n');
      lose(link);
      const error = reply.ended as RedisError;
      expect(error).toMatchObject({ code: 'CONNECTION', delivery: 'unknown', command: 'PIPELINE' });
      expect(error.group?.deliveries).toStrictEqual([
        ...Array<string>(3).fill('answered'),
        ...Array<string>(5).fill('unknown'),
        ...Array<string>(2).fill('unsent'),
      ]);
      expect(error.group?.results).toMatchObject([1, { kind: 'ERR', command: 'INCR' }, 'v']);
    });

    it('says it of one that waits behind another, of which nothing was answered', async () => {
      const { link, group } = await setUp();
      group(gets(2));
      const reply = group([incr('a'), incr('b')]);
      await tick();
      link.receive('+v\r\n');
      lose(link);
      const error = reply.ended as RedisError;
      expect(error.group).toStrictEqual({ results: [], deliveries: ['unknown', 'unknown'] });
    });

    it('is repeated as a whole where all its members may be, and its first answers are forgotten', async () => {
      const { link, links, group, greeted } = await setUp();
      const reply = group(gets(3), { retry });
      await tick();
      link.receive('+old\r\n+old\r\n');
      lose(link);
      const next = await greeted();
      expect(links).toHaveLength(2);
      expect(commandsOf(next).slice(-3)).toStrictEqual(words(3));
      next.receive('+a\r\n+b\r\n+c\r\n');
      expect(reply.values).toStrictEqual([['a', 'b', 'c']]);
    });

    it.each([
      ['a member may not be', [get('a'), incr('b')]],
      ['the last alone may not be', [...gets(20), del('b'), incr('c')]],
    ])('is not repeated where %s', async (_title, members) => {
      const { link, group, greeted } = await setUp();
      const reply = group(members, { retry });
      await tick();
      lose(link);
      expect(reply.ended).toMatchObject({ code: 'CONNECTION', repeatable: false });
      expect(commandsOf(await greeted()).filter((command) => command.startsWith('INCR'))).toStrictEqual([]);
    });
  });

  describe('whose time is up in its middle', () => {
    async function late(isDivisible: boolean) {
      const scripted = await setUp({ pipelineDepth: 4 });
      const { link, group, one } = scripted;
      acceptWrites(link, 2);
      const reply = group([incr('a'), incr('b'), ...gets(8)], { commandTimeout: 30 }, isDivisible);
      const next = one(get('next'));
      await tick();
      link.receive(':1\r\n:1\r\n+v\r\n');
      await until(() => reply.ended !== undefined);
      return { ...scripted, error: reply.ended as RedisError, next };
    }

    it('says which members were answered, which may have run and which are not sent, and sends them not', async () => {
      const { link, error, next } = await late(true);
      expect(error).toMatchObject({ code: 'TIMEOUT', delivery: 'unknown', command: 'PIPELINE' });
      expect(error.group?.results).toStrictEqual([1, 1, 'v']);
      expect(error.group?.deliveries).toStrictEqual([
        ...Array<string>(3).fill('answered'),
        ...Array<string>(5).fill('unknown'),
        ...Array<string>(2).fill('unsent'),
      ]);
      drain(link);
      await tick();
      expect(commandsOf(link).slice(7)).toStrictEqual(['GET k5', 'GET next']);
      link.receive('+late\r\n'.repeat(5) + '+N\r\n');
      expect(next.values).toStrictEqual(['N']);
    });

    it('says it as well where an observer that is told before ends the client', async () => {
      const clock = new VirtualClock();
      const { link, group, connection } = await setUp({ pipelineDepth: 1 }, clock);
      acceptWrites(link, 2);
      const first = Reply.from({ ...plainContext, commandTimeout: 30, executor: connection }, incr('first'));
      first.subscribe({ error: () => connection.destroy() });
      const reply = group(['a', 'b', 'c'].map(incr), { commandTimeout: 30 });
      await tick();
      clock.advance(40);
      expect(reply.ended).toMatchObject({ code: 'TIMEOUT', group: { deliveries: ['unknown', 'unsent', 'unsent'] } });
    });

    it('and all that was written of which is answered, leaves its place to the next', async () => {
      const { link, next } = await late(true);
      link.receive('+late\r\n'.repeat(5));
      drain(link);
      await tick();
      link.receive('+N\r\n');
      expect(next.values).toStrictEqual(['N']);
    });

    it('is sent all the same where it is indivisible, and says so', async () => {
      const { link, error, next } = await late(false);
      expect(error.group?.deliveries.slice(-3)).toStrictEqual(['unknown', 'unknown', 'unknown']);
      drain(link);
      await tick();
      expect(commandsOf(link).slice(-2)).toStrictEqual(['GET k7', 'GET next']);
      link.receive('+late\r\n'.repeat(7) + '+N\r\n');
      expect(next.values).toStrictEqual(['N']);
    });
  });

  describe('with a member that cannot be encoded', () => {
    const unencodable = new Command(get('a').spec, [undefined as never], String);

    it('is refused as a whole, unsent, and the member is named', async () => {
      const { link, group, one } = await setUp();
      const reply = group([set('a', '1'), unencodable, set('b', '1')]);
      one(get('next'));
      await tick();
      expect(commandsOf(link)).toStrictEqual(['GET next']);
      expect(reply.ended).toMatchObject({ code: 'PROTOCOL', delivery: 'unsent', repeatable: false });
      expect(String(reply.ended)).toContain('for its command 2, GET');
    });

    it('any more, for its bytes were transferred, is written so far, and others follow', async () => {
      const { link, group, one } = await setUp({ pipelineDepth: 4 });
      acceptWrites(link, 1);
      const bytes = new Uint8Array([1, 2, 3]);
      const reply = group([...gets(5), set('a', bytes), get('z')]);
      const next = one(get('next'));
      await tick();
      structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
      link.receive('+v\r\n');
      drain(link);
      await tick();
      expect(commandsOf(link)).toStrictEqual([...words(5), 'GET next']);
      expect(String(reply.ended)).toContain('for its command 6, SET');
      expect((reply.ended as RedisError).group).toStrictEqual({
        results: ['v'],
        deliveries: ['answered', ...Array<string>(4).fill('unknown'), 'unsent', 'unsent'],
      });
      link.receive('+v\r\n'.repeat(4) + '+N\r\n');
      expect(next.values).toStrictEqual(['N']);
    });

    it('any more costs the link where the group is indivisible', async () => {
      const { link, group } = await setUp({ pipelineDepth: 4 });
      acceptWrites(link, 1);
      const bytes = new Uint8Array([1, 2, 3]);
      const reply = group([...gets(5), set('a', bytes)], {}, false);
      await tick();
      structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
      drain(link);
      expect(link.destroyed).toBe(true);
      expect((reply.ended as RedisError).delivery).toBe('unknown');
    });
  });

  it('that is not written to its end for connectTimeout has its link left when new credentials wait for it', async () => {
    const clock = new VirtualClock();
    const credentials = new BehaviorSubject({ username: 'ann', password: 'old' });
    const { link, group } = await setUp({ credentials, connectTimeout: 1_000, pipelineDepth: 1 }, clock);
    link.accepts = false;
    const reply = group(gets(50));
    await tick();
    credentials.next({ username: 'ann', password: 'new' });
    await tick();
    for (let passed = 0; passed < 999; passed += 333) {
      clock.advance(333);
      link.drain$.next();
      link.receive('+OK\r\n');
    }
    expect([commandsOf(link), link.destroyed]).toStrictEqual([words(4), false]);
    clock.advance(1);
    expect(link.destroyed).toBe(true);
    expect(reply.ended).toMatchObject({ code: 'CONNECTION', cause: { code: 'TIMEOUT' } });
  });

  it('whose observer leaves before it is written is not sent', async () => {
    const { link, group } = await setUp();
    group(gets(3)).stop();
    await tick();
    expect(link.writes).toStrictEqual([]);
  });

  it('is refused where the server was told not to answer', async () => {
    const { group, one, link } = await setUp();
    const { clientReply } = await import('../../../src/commands/generated/builders');
    one(clientReply('OFF'));
    const reply = group(gets(2));
    await tick();
    expect(commandsOf(link)).toStrictEqual(['CLIENT REPLY OFF']);
    expect(String(reply.ended)).toContain('the server was told not to answer');
  });

  it.each([
    ['observer leaves', (left: { stop(): void }) => left.stop()],
    ['time is up', (_: unknown, clock: VirtualClock) => clock.advance(1_001)],
  ])(
    'whose script fills the write of a full socket, and whose %s, leaves the next reply to the next',
    async (_, leave) => {
      const clock = new VirtualClock();
      const { link, group, one } = await setUp({ writeBufferSize: 1_024 }, clock);
      const script = new LuaScript(`-- ${'x'.repeat(3_000)}`);
      const call = scriptOf((command) => Reply.from(plainContext as never, command), script, { keys: 0 });
      link.accepts = false;
      const left = group([call.command([], []), ...gets(2)], { commandTimeout: 1_000 });
      const next = one(get('next'));
      await tick();
      leave(left, clock);
      drain(link);
      await tick();
      for (const word of commandsOf(link).map((command) => command.split(' ')[0]))
        link.receive(word === 'GET' ? '$4\r\nnext\r\n' : '$5\r\nother\r\n');
      expect(next.values).toStrictEqual(['next']);
    },
  );

  describe('of 100 000 commands', () => {
    const COUNT = 100_000;

    it.each([
      ['a pipeline', (members: readonly Command[]) => new Group(members), 0],
      ['a transaction', (members: readonly Command[]) => new Transaction(members), 2],
    ])('is written over many turns of the event loop, in which others are answered: %s', async (_title, make, own) => {
      const { link, connection, one } = await setUp();
      let turns = 0;
      let answeredAt = 0;
      let busiest = 0;
      const write = link.write.bind(link);
      let inTurn = 0;
      link.write = (chunks) => {
        inTurn += chunks.reduce(
          (count, chunk) =>
            count +
            Buffer.from(chunk)
              .toString('latin1')
              .split(/\*[12]\r/).length -
            1,
          0,
        );
        busiest = Math.max(busiest, inTurn);
        return write(chunks);
      };
      const before = one(get('before'));
      const reply = record(Reply.from({ ...plainContext, executor: connection }, make(gets(COUNT))));
      const count = () => {
        turns++;
        inTurn = 0;
        // The server answers what it has, as soon as there is anything.
        if (turns === 1) link.receive('+first\r\n');
        if (before.values.length > 0 && answeredAt === 0) answeredAt = turns;
        if (reply.values.length === 0) setImmediate(count);
      };
      setImmediate(count);
      const last = own === 0 ? `k${COUNT - 1}\r\n` : 'EXEC\r\n';
      await until(() => link.writes.length > 0 && link.writes.at(-1)!.endsWith(last));
      expect(turns).toBeGreaterThanOrEqual(COUNT / 10_000);
      expect(busiest).toBeLessThanOrEqual(10_000);
      expect(answeredAt).toBe(1); // while the group was being written
      if (own > 0) link.receive('+OK\r\n');
      for (let n = 0; n < COUNT; n += 5_000) link.receive(`+${own === 0 ? 'v' : 'QUEUED'}\r\n`.repeat(5_000));
      if (own > 0) link.receive(`*${COUNT}\r\n${'+v\r\n'.repeat(COUNT)}`);
      expect((reply.values[0] as unknown[]).length).toBe(COUNT);
    });

    it('has the values of a transaction read as they come, and those that are left when the last has come', async () => {
      const { link, connection } = await setUp();
      let reads = 0;
      const { spec, args } = get('k');
      const command = new Command(spec, args, (frame) => (reads++, frame));
      const members = Array.from({ length: COUNT }, () => command);
      const reply = record(Reply.from({ ...plainContext, executor: connection }, new Transaction(members)));
      await until(() => link.writes.length > 0 && link.writes.at(-1)!.endsWith('EXEC\r\n'));
      link.receive(`+OK\r\n${'+QUEUED\r\n'.repeat(COUNT)}*${COUNT}\r\n`);
      for (let n = 0; n < COUNT; n += 5_000) {
        link.receive('+v\r\n'.repeat(5_000));
        expect(reads).toBe(n + 5_000);
      }
      expect(reads).toBe(COUNT);
      expect(reply.values[0]).toStrictEqual(new Array(COUNT).fill('v'));
      const next = record(
        Reply.from({ ...plainContext, executor: connection }, new Transaction(members.slice(0, 100))),
      );
      await tick();
      link.receive(`+OK\r\n${'+QUEUED\r\n'.repeat(100)}*100\r\n+w\r\n`);
      link.receive('-ERR no\r\n*1\r\n+w\r\n,(x\r\n+w');
      link.receive(`\r\n${'+w\r\n'.repeat(95)}`);
      const values = next.values[0] as unknown[];
      expect(values).toHaveLength(100);
      expect(values.slice(0, 5)).toMatchObject(['w', { message: 'ERR no' }, ['w'], { code: 'PROTOCOL' }, 'w']);
      expect(reads).toBe(COUNT + 98);
    });

    it('has them read as they come also behind one that cannot be read', async () => {
      const { link, connection } = await setUp();
      let reads = 0;
      const { spec, args } = get('k');
      const command = new Command(spec, args, (frame) => (reads++, frame));
      const members = Array.from({ length: 1_000 }, () => command);
      const reply = record(Reply.from({ ...plainContext, executor: connection }, new Transaction(members)));
      await tick();
      link.receive(`+OK\r\n${'+QUEUED\r\n'.repeat(1_000)}*1000\r\n,(x\r\n`);
      for (let n = 0; n < 999; n += 111) {
        link.receive('+v\r\n'.repeat(111));
        expect(reads).toBe(n + 111);
      }
      const values = reply.values[0] as unknown[];
      expect(values).toHaveLength(1_000);
      expect(values.slice(0, 2)).toMatchObject([{ code: 'PROTOCOL', command: 'GET' }, 'v']);
    });

    it('that are all reads and were answered in part when the link was lost are sent again, and are those of the next link', async () => {
      const { link, connection, greeted } = await setUp();
      const members = gets(100);
      const reply = record(Reply.from({ ...plainContext, retry, executor: connection }, new Transaction(members)));
      await tick();
      const queued = `+OK\r\n${'+QUEUED\r\n'.repeat(100)}*100\r\n`;
      link.receive(`${queued}${'+old\r\n'.repeat(70)}`);
      lose(link);
      const next = await greeted();
      next.receive(`${queued}${'+new\r\n'.repeat(50)}`);
      next.receive('+new\r\n'.repeat(50));
      expect(reply.values).toStrictEqual([Array<string>(100).fill('new')]);
    });

    it.each<[string, (n: number) => Command, string[]]>([
      ['are sent again', (n) => set(`k${n}`, 'v'), ['SET k0 v']],
      ['fail', (n) => incr(`k${n}`), []],
    ])('that are lost and %s are looked at over many turns of the event loop', async (_fate, make, resent) => {
      const { link, group, greeted } = await setUp();
      let looks = 0;
      let busiest = 0;
      const members = Array.from({ length: COUNT }, (_, n) => {
        const member = make(n);
        Object.defineProperty(member, 'replay', { get: () => (looks++, member.spec.replay) });
        return member;
      });
      const reply = group(members, { retry });
      await until(() => link.writes.length > 0 && link.writes.join('').includes(`k${COUNT - 1}\r\n`));
      const turn = () => {
        busiest = Math.max(busiest, looks);
        looks = 0;
        if (reply.ended === undefined) setImmediate(turn);
      };
      lose(link);
      turn();
      const next = await greeted();
      await until(() => reply.ended !== undefined || next.writes.join('').includes('k0\r\n'));
      expect(
        commandsOf(next)
          .slice(-COUNT)
          .filter((command) => / k0( v)?$/.test(command)),
      ).toStrictEqual(resent);
      expect(busiest).toBeGreaterThan(0);
      expect(busiest).toBeLessThanOrEqual(10_000);
    });

    it('is made, written and answered at a constant cost for each member', async () => {
      const looks = async (size: number) => {
        const { link, group } = await setUp();
        let reads = 0;
        const members = gets(size).map(
          (command) =>
            new Proxy(command, { get: (target, key) => (reads++, Reflect.get(target, key, target) as unknown) }),
        );
        const reply = group(members);
        await until(() => link.writes.length > 0 && link.writes.at(-1)!.endsWith(`k${size - 1}\r\n`));
        link.receive('+v\r\n'.repeat(size));
        expect((reply.values[0] as unknown[]).length).toBe(size);
        return reads / size;
      };
      expect(await looks(10_000)).toBeLessThan((await looks(1_000)) * 1.1);
    });
  });
});
