import { Subscriber } from 'rxjs';
import type { RedisOptions } from 'rxjs-redis';
import {
  append,
  blpop,
  clientUnblock,
  configSet,
  del,
  eval as evalScript,
  flushall,
  get,
  incr,
  mset,
  publish,
  rpush,
  select,
  set,
  strlen,
} from 'rxjs-redis/commands';
import { call } from '../../../src/commands/call';
import type { Command } from '../../../src/commands/command';
import { Group } from '../../../src/commands/group';
import { Request } from '../../../src/commands/request';
import { plainContext } from '../../../src/commands/request-context';
import { Ring } from '../../../src/connection/ring';
import { WriteOrder } from '../../../src/connection/write-order';
import { ConnectionError } from '../../../src/errors';
import { hashSlot } from '../../../src/resp/hash-slot';
import { commandsOf, greet, retryingConnection, tick } from '../../support/scripted-link';

const TRYAGAIN = '-TRYAGAIN Multiple keys request during rehashing of slot\r\n';
const BUSY = '-BUSY Redis is busy running a script.\r\n';
const READONLY = "-READONLY You can't write against a read only replica.\r\n";

/** A connection that is through its handshake, and what is sent on it. */
async function setUp(given?: RedisOptions) {
  const made = retryingConnection(given);
  const { connection, links } = made;
  const greeted = async () => {
    await tick();
    await greet(links.at(-1)!);
  };
  connection.open();
  await greeted();
  return {
    ...made,
    greet: greeted,
    receive: (text: string) => links.at(-1)!.receive(text),
    /** What was sent behind the greeting, on the latest link. */
    sent: () => commandsOf(links.at(-1)!).slice(3),
  };
}

const overtaken = { kind: 'TRYAGAIN', delivery: 'answered', repeatable: false };

describe('A write that was refused for the moment', () => {
  it.each<[string, Command, Command]>([
    ['the same key', incr('k'), append('k', 'v')],
    ['the same key in bytes', incr('é'), set(Buffer.from('é'), 'v')],
    ['one of the same keys', mset({ a: '1', b: '2' }), del(['b', 'c'])],
    ['all keys', incr('k'), flushall()],
    ['a key, and it may have been all', flushall(), incr('k')],
    ['what nobody has declared', incr('k'), evalScript('return 1', [])],
    ['what the facts do not know', incr('k'), call('X.DO', 'k')],
    ['the same channel', publish('c', '1'), publish('c', '2')],
    ['the same settings', configSet({ maxmemory: 1 }), configSet({ maxmemory: 2 })],
    ['the same key in a group', incr('k'), new Group([strlen('k'), incr('k')])],
    ['the same key behind another in a group', incr('k'), new Group([incr('other'), incr('k')])],
  ])('fails with its refusal when a later call writes to %s', async (_, refused, later) => {
    const { send, receive, sent, pass } = await setUp();
    const first = send(refused);
    const second = send(later);
    await tick();
    receive(TRYAGAIN);
    expect(first.ended).toBeUndefined();
    const isStatus = ['CONFIG SET', 'SET', 'FLUSHALL'].includes(later.spec.name);
    receive(later instanceof Group ? ':1\r\n:2\r\n' : isStatus ? '+OK\r\n' : ':1\r\n');
    expect(first.ended).toMatchObject(overtaken);
    expect(second.values).toHaveLength(1);
    await pass(1_000);
    expect(sent().length).toBe(later instanceof Group ? 3 : 2);
  });

  it.each<[string, Command, Command, string]>([
    ['writes to another key', incr('k'), incr('other'), ':1\r\n'],
    ['reads', incr('k'), get('k'), '$1\r\n1\r\n'],
    ['publishes', incr('k'), publish('k', 'v'), ':1\r\n'],
    ['publishes elsewhere', publish('c', '1'), publish('d', '1'), ':1\r\n'],
    ['ends a wait at the server', call('X.DO', 'k'), clientUnblock(7), ':1\r\n'],
    ['is refused for good', incr('k'), incr('k'), '-WRONGTYPE not a number\r\n'],
    ['is a group that reads', incr('k'), new Group([get('k')]), '$1\r\n1\r\n'],
    ['is a group that is refused', incr('k'), new Group([incr('k')]), BUSY],
  ])('is repeated when a later call %s', async (_, refused, later, answer) => {
    const { send, receive, sent, pass } = await setUp();
    const first = send(refused);
    send(later);
    await tick();
    receive(TRYAGAIN);
    receive(answer);
    await pass(50);
    receive(':1\r\n');
    expect(first.values).toStrictEqual([1]);
    expect(sent()).toHaveLength(3);
  });

  it.each<[string, Command, boolean]>([
    ['of another slot than its key', evalScript('return 1', ['k']), false],
    ['of a slot, and it has no key', evalScript('return 1', []), false],
    ['of the slot of its key', evalScript('return 1', ['k']), true],
  ])('is overtaken by a later script that answers MOVED %s, unless the node has said it', async (_, later, isNodes) => {
    const { send, receive } = await setUp();
    const first = send(incr('k'));
    send(later);
    await tick();
    receive(TRYAGAIN);
    receive(`-MOVED ${hashSlot('k') + (isNodes ? 0 : 1)} 127.0.0.1:1\r\n`);
    expect(first.ended).toEqual(isNodes ? undefined : expect.objectContaining(overtaken));
  });

  it('fails when the later call is written while it waits', async () => {
    const { send, receive, sent, pass } = await setUp();
    const first = send(incr('k'));
    await tick();
    receive(TRYAGAIN);
    await pass(10);
    send(incr('k'));
    await tick();
    receive(':1\r\n');
    expect(first.ended).toMatchObject(overtaken);
    await pass(1_000);
    expect(sent()).toStrictEqual(['INCR k', 'INCR k']);
  });

  it('is not written behind a later call that is on its way: that may run', async () => {
    const { send, receive, sent, pass } = await setUp();
    const first = send(append('k', '1'));
    await tick();
    receive(TRYAGAIN);
    await pass(49);
    send(append('k', '2'));
    send(get('m'));
    await tick();
    await pass(1);
    expect(sent()).toStrictEqual(['APPEND k 1', 'APPEND k 2', 'GET m']);
    receive(':1\r\n');
    expect(first.ended).toMatchObject(overtaken);
  });

  it('is written before a later call that was refused as well, though that may return earlier', async () => {
    const delays = [100, 5, 5];
    const { send, receive, sent, pass } = await setUp({ retry: (_, error) => error.repeatable && delays.shift()! });
    const first = send(append('k', '1'));
    const second = send(append('k', '2'));
    await tick();
    receive(TRYAGAIN);
    receive(TRYAGAIN);
    await pass(5);
    expect(sent().slice(2)).toStrictEqual(['APPEND k 2']);
    await pass(95);
    expect(sent()).toHaveLength(3);
    receive(TRYAGAIN);
    await pass(0);
    expect(sent().slice(3)).toStrictEqual(['APPEND k 1']);
    await pass(5);
    receive(':1\r\n');
    await tick();
    receive(':2\r\n');
    expect([first.values, second.values]).toStrictEqual([[1], [2]]);
  });

  it('is not repeated where its own delay is shorter than what is still on its way', async () => {
    const { send, receive, sent, pass } = await setUp({ retry: (_, error) => error.repeatable && 1 });
    const first = send(append('k', '1'));
    const second = send(append('k', '2'));
    await tick();
    receive(TRYAGAIN);
    await pass(1);
    expect(sent()).toHaveLength(2);
    receive(':1\r\n');
    expect([first.ended, second.values]).toMatchObject([overtaken, [1]]);
  });

  it('fails also when the later call has timed out or its observer has left: it has run', async () => {
    const { send, receive, sent, pass } = await setUp();
    const first = send(incr('k'));
    const second = send(incr('k'));
    await tick();
    receive(TRYAGAIN);
    second.stop();
    receive(':1\r\n');
    expect(first.ended).toMatchObject(overtaken);
    await pass(1_000);
    expect(sent()).toHaveLength(2);
  });

  it('fails when the later call is a script that has done something before its own error', async () => {
    const { send, receive } = await setUp();
    const first = send(incr('k'));
    send(evalScript('…', ['k']));
    await tick();
    receive(TRYAGAIN);
    receive('-TRYAGAIN says the script\r\n');
    expect(first.ended).toMatchObject(overtaken);
  });

  it('by a server that refuses everything fails when the rest of what was sent with it runs', async () => {
    const { send, receive, sent, pass } = await setUp();
    const replies = Array.from({ length: 4 }, (_, n) => send(rpush('list', n)));
    const other = send(rpush('other', 'v'));
    await tick();
    receive(`${BUSY}${BUSY}:1\r\n`);
    expect(replies.map(({ ended }) => ended)).toMatchObject([
      { kind: 'BUSY' },
      { kind: 'BUSY' },
      'complete',
      undefined,
    ]);
    receive(`:2\r\n${BUSY}`);
    await pass(100);
    receive(':1\r\n');
    expect(other.values).toStrictEqual([1]);
    expect(sent().slice(5)).toStrictEqual(['RPUSH other v']);
  });

  it('by a replica fails when the rest of what was sent with it runs', async () => {
    const { send, receive, links } = await setUp();
    const first = send(append('k', '1'));
    const second = send(append('k', '2'));
    await tick();
    receive(`${READONLY}:1\r\n`);
    expect([first.ended, second.values]).toMatchObject([{ kind: 'READONLY', repeatable: false }, [1]]);
    expect(links[0]!.destroyed).toBe(true);
  });

  it('fails with SELECT when a later call has written to the database of before', async () => {
    const { send, receive } = await setUp();
    const selected = send(select(1));
    const written = send(set('k', 'v'));
    await tick();
    receive(`${BUSY}+OK\r\n`);
    expect([selected.ended, written.values]).toMatchObject([{ kind: 'BUSY' }, ['OK']]);
  });

  it('is not waited for when it has left, or its time is up', async () => {
    const { send, receive, sent, pass } = await setUp({ commandTimeout: 60 });
    const gone = send(incr('k'));
    const refused = send(incr('k'));
    const late = send(incr('k'));
    await tick();
    receive(TRYAGAIN + TRYAGAIN);
    gone.stop();
    await pass(50);
    await pass(15);
    expect([refused.ended, late.ended]).toMatchObject([
      { code: 'TIMEOUT', delivery: 'answered' },
      { code: 'TIMEOUT', delivery: 'unknown' },
    ]);
    receive(':1\r\n');
    const next = send(incr('k'));
    await tick();
    receive(':2\r\n');
    expect(next.values).toStrictEqual([2]);
    expect(sent()).toHaveLength(4);
  });

  it('holds up nothing when its time is up before that of what stands behind it', async () => {
    const { send, receive, sent, pass } = await setUp({ commandTimeout: 60 });
    const first = send(incr('k'));
    send(get('m'));
    await tick();
    receive(TRYAGAIN);
    await pass(50);
    const behind = send(incr('other'));
    await tick();
    expect(sent()).toStrictEqual(['INCR k', 'GET m']);
    await pass(10);
    expect(first.ended).toMatchObject({ code: 'TIMEOUT', delivery: 'answered' });
    expect(sent()).toStrictEqual(['INCR k', 'GET m', 'INCR other']);
    receive('_\r\n:1\r\n');
    expect(behind.values).toStrictEqual([1]);
  });

  it('keeps its place when the link is lost meanwhile', async () => {
    const { send, receive, links, sent, pass, greet } = await setUp();
    const first = send(set('k', '1'));
    const second = send(set('k', '2'));
    await tick();
    receive(TRYAGAIN);
    links[0]!.bytes$.error(new ConnectionError('gone'));
    await pass(10);
    await greet();
    expect(sent()).toStrictEqual(['SET k 2']);
    await pass(40);
    expect(sent()).toHaveLength(1);
    receive('+OK\r\n');
    expect([first.ended, second.values]).toMatchObject([overtaken, ['OK']]);
  });

  it('waits behind a command that blocks, as all do, and is repeated', async () => {
    const { send, receive, sent, pass } = await setUp();
    const pushed = send(rpush('q', 'v'));
    await tick();
    receive(TRYAGAIN);
    const popped = send(blpop(['q'], 0.01));
    await tick();
    await pass(50);
    expect(sent()).toHaveLength(2);
    receive('_\r\n');
    expect([pushed.ended, popped.values]).toMatchObject([overtaken, [null]]);
  });
});

describe('A write that was lost with its link and waits', () => {
  it('is not repeated behind a later call that wrote to the same key', async () => {
    const { send, receive, links, sent, pass, greet } = await setUp({ retry: (_, error) => error.repeatable && 100 });
    const first = send(set('k', '1'));
    await tick();
    links[0]!.bytes$.error(new ConnectionError('gone'));
    await pass(10);
    await greet();
    send(set('k', '2'));
    await tick();
    receive('+OK\r\n');
    expect(first.ended).toMatchObject({ code: 'CONNECTION', delivery: 'unknown', repeatable: false });
    await pass(1_000);
    expect(sent()).toStrictEqual(['SET k 2']);
  });
});

describe('A write that has left for another node, behind which others stood', () => {
  /** The first is refused and leaves; those behind it are written, refused so often, and run then. @returns whether the last has overtaken it, and whether it is known behind the next reply */
  function runBehind(behind: readonly Command[], refusals: number): { isOvertaken: boolean; isKnown: boolean } {
    const owed = new Ring<Request>();
    const order = new WriteOrder();
    order.linkChanged(owed);
    const [first, ...others] = [set('k', '1'), ...behind].map((command, index) => {
      const request = new Request<unknown>(command, plainContext, new Subscriber());
      request.place = index + 1;
      return request;
    });
    owed.push(first!);
    owed.shift();
    order.departs(first!, others.length);
    const write = (): void => {
      for (const request of others) {
        order.wrote(request);
        owed.push(request);
      }
    };
    const answer = (then: (request: Request) => void): void => {
      for (const request of others) {
        owed.shift();
        order.answered(owed.passed - 1);
        then(request);
      }
    };
    for (let refusal = 0; refusal < refusals; refusal++) {
      write();
      answer((request) => order.waits(request));
    }
    write();
    const overtaken: (readonly Request[])[] = [];
    answer((request) => overtaken.push(order.overtakenBy(request)));
    order.answered(owed.passed);
    return { isOvertaken: overtaken.at(-1)!.includes(first!), isKnown: order.isActive };
  }

  it.each<[string, readonly Command[]]>([
    ['the same key', [set('k', '2')]],
    ['the same key, behind a read', [get('m'), set('k', '2')]],
    ['the same key, behind writes to others', [set('m', '1'), set('n', '1'), set('k', '2')]],
  ])('is overtaken by one that writes to %s, however often they are refused before', (_, behind) => {
    for (const refusals of [0, 1, 5]) expect(runBehind(behind, refusals).isOvertaken).toBe(true);
  });

  it('is forgotten when all that stood there is answered', () => {
    const others = [set('m', '1'), get('n'), set('o', '1')];
    for (const refusals of [0, 1, 5])
      expect(runBehind(others, refusals)).toStrictEqual({ isOvertaken: false, isKnown: false });
  });
});

describe('The order of writes', () => {
  const fail = new ConnectionError('refused');
  /** How often it was asked what a request writes, or a place was compared with another. */
  let looks = 0;
  beforeEach(() => (looks = 0));

  /** So many requests that write to one of some keys, in the order of the calls; looks at them are counted. */
  function requests(count: number, keys: number): Request[] {
    return Array.from({ length: count }, (_, index) => {
      const command = incr(`k${index % keys}`);
      const request = new Request(command, plainContext, new Subscriber());
      const counted = <T>(value: T): T => (looks++, value);
      Object.defineProperty(request, 'command', { get: () => counted(command) });
      // Wherever the place is copied to, each comparison asks it for its number.
      Object.assign(request, { place: { valueOf: () => counted(index + 1) } });
      request.tried(fail);
      return request;
    });
  }

  type History = (all: readonly Request[], order: WriteOrder, owed: Ring<Request>) => void;
  const histories: [string, History][] = [
    [
      'every other one is refused, of one key',
      (all, order) => all.forEach((request, n) => (n % 2 === 0 ? order.waits(request) : order.overtakenBy(request))),
    ],
    [
      'half are refused, then the other half run',
      (all, order) => {
        for (const request of all.slice(0, all.length / 2)) order.waits(request);
        for (const request of all.slice(all.length / 2)) order.overtakenBy(request);
      },
    ],
    [
      'half wait while those that were called before them run',
      (all, order) => {
        for (const request of all.slice(all.length / 2)) order.waits(request);
        for (const request of all.slice(0, all.length / 2)) order.overtakenBy(request);
      },
    ],
    [
      'all are refused, the last first, and overtaken by a last one',
      (all, order) => {
        for (const request of all.slice(0, -1).reverse()) order.waits(request);
        order.overtakenBy(all.at(-1)!);
      },
    ],
    [
      'all are refused and written again, one after the other',
      (all, order, owed) => {
        for (const request of all) order.waits(request);
        for (const request of all) {
          if (order.mustWait(request)) continue;
          order.wrote(request);
          owed.push(request);
        }
      },
    ],
  ];

  it.each(histories.flatMap(([what, run]) => [1, 10].map((keys) => [what, keys, run] as const)))(
    'looks hardly more often at each of many than at each of few when %s (keys: %d)',
    (_, keys, run) => {
      const looksAt = (count: number): number => {
        const all = requests(count, keys);
        const owed = new Ring<Request>();
        const order = new WriteOrder();
        order.linkChanged(owed);
        const before = looks;
        run(all, order, owed);
        return looks - before;
      };
      const few = looksAt(1_000);
      expect(few).toBeGreaterThanOrEqual(1_000);
      // Eight times as many, and what a heap adds with the logarithm; not 64 times.
      expect(looksAt(8_000) / few).toBeLessThan(16);
    },
  );
});
