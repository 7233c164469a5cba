import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate } from 'node:timers/promises';
import { NEVER, finalize, of, throwError } from 'rxjs';
import {
  ReplyError,
  type ConsumedEntry,
  type ConsumeOptions,
  type ConsumeProgress,
  type Redis,
  type RedisOptions,
  type RedisPool,
} from 'rxjs-redis';
import { xadd } from 'rxjs-redis/commands';
import { callsOf } from '../scanning/data';
import { eventually, record, useClients, usePools } from '../../support/clients';
import { failure, outcome, thrownBy } from '../../support/outcomes';
import { useProxy, useServer } from '../../support/server';
import { until } from '../../support/until';

const quick = { initialDelay: 5, maxDelay: 20 };
const counts = ({ handled, failed, claimed, dead }: ConsumeProgress) => ({ handled, failed, claimed, dead });

/** A handler whose work ends when it is told. */
function byHand() {
  const begun: ConsumedEntry[] = [];
  const ends: ((error?: Error) => void)[] = [];
  const handle = (entry: ConsumedEntry) => {
    begun.push(entry);
    return new Promise<void>((resolve, reject) => {
      ends.push((error) => (error === undefined ? resolve() : reject(error)));
    });
  };
  return { begun, ends, handle };
}

describe('A consumer', () => {
  const server = useServer({ own: true });
  const proxy = useProxy(server);
  const make = useClients();
  const pools = usePools();
  let admin: Redis;
  const add = async (...numbers: number[]) => {
    await admin.pipeline(numbers.map((n) => xadd('s', `${n}-0`, { n })));
  };
  const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, n) => first + n);
  const pending = async (group = 'g') => (await admin.xpending('s', group)).count;
  const nothingPending = () => eventually(pending, (count) => count === 0);
  const consumers = async () => (await admin.xinfoConsumers('s', 'g')).map(({ name }) => name);
  /** Resolves when so many clients wait at the server by XREADGROUP. */
  const waiting = (count = 1) =>
    eventually(
      () => admin.clientList(),
      (clients) =>
        clients.filter(({ flags, cmd }) => String(flags).includes('b') && cmd === 'xreadgroup').length === count,
    );
  /** Entries that a consumer was given and that died with it. */
  const abandoned = async (consumer: string, count: number) => {
    await admin.xreadgroup('g', consumer, { s: '>' }, { COUNT: count });
  };
  beforeEach(async () => {
    admin = make(server().url);
    await admin.flushall();
  });

  it('handles what a stream has and what is added, and acknowledges it', async () => {
    await add(1, 2);
    const seen: string[] = [];
    const progress = record(
      make(server().url).consume('s', { group: 'g', from: '0' }, ({ id, fields, pairs, deliveries }) => {
        seen.push(`${id} ${fields.n} ${String(pairs)} ${deliveries}`);
      }),
    );
    await until(() => seen.length === 2);
    await add(3);
    await until(() => seen.length === 3);
    await nothingPending();
    expect(seen).toStrictEqual(['1-0 1 n,1 1', '2-0 2 n,2 1', '3-0 3 n,3 1']);
    await until(() => progress.values.at(-1)?.handled === 3);
    expect(progress.values.map(({ handled }) => handled)).toStrictEqual(
      progress.values.map(({ handled }) => handled).sort((a, b) => a - b),
    );
  });

  it.each<[string, (n: number) => unknown]>([
    ['a value', (n) => n],
    ['a text', () => 'text'],
    ['nothing', () => undefined],
    ['a Promise', () => setImmediate()],
    ['an Observable', () => of(1, 2, 3)],
    ['an Observable of nothing', () => of()],
    ['a reply', (n) => admin.set(`done:${n}`, 'x')],
    [
      'an async generator',
      async function* () {
        yield await setImmediate(1);
      },
    ],
    [
      'a generator',
      function* () {
        yield 1;
      },
    ],
  ])('takes a handler that gives %s', async (_, handler) => {
    await add(...range(1, 20));
    const progress = record(
      make(server().url).consume('s', { group: 'g', from: '0', concurrency: 7 }, ({ fields }) =>
        handler(Number(fields.n)),
      ),
    );
    await until(() => progress.values.at(-1)?.handled === 20);
    expect(counts(progress.values.at(-1)!)).toStrictEqual({ handled: 20, failed: 0, claimed: 0, dead: 0 });
    expect(await pending()).toBe(0);
  });

  it('reads no more than it has free slots for', async () => {
    await add(...range(1, 20));
    const { begun, ends, handle } = byHand();
    record(make(server().url).consume('s', { group: 'g', from: '0', concurrency: 3 }, handle));
    await until(() => begun.length === 3);
    for (let turn = 0; turn < 20; turn++) await admin.ping();
    expect([begun.length, await pending()]).toStrictEqual([3, 3]);
    ends[0]!();
    await until(() => begun.length === 4);
    await eventually(pending, (count) => count === 3);
    for (let turn = 0; turn < 20; turn++) await admin.ping();
    expect([begun.length, await pending()]).toStrictEqual([4, 3]);
    await waiting(0);
  });

  it('keeps the order with a concurrency of 1', async () => {
    await add(...range(1, 50));
    const seen: string[] = [];
    let now = 0;
    const progress = record(
      make(server().url).consume('s', { group: 'g', from: '0' }, async ({ id }) => {
        expect(++now).toBe(1);
        await setImmediate();
        seen.push(id);
        now--;
      }),
    );
    await until(() => progress.values.at(-1)?.handled === 50);
    expect(seen).toStrictEqual(range(1, 50).map((n) => `${n}-0`));
    expect(progress.values.at(-1)!.failed).toBe(0);
  });

  it('keeps the order of entries with the same key, and handles others meanwhile', async () => {
    await add(...range(1, 60));
    const seen: number[] = [];
    const now = new Set<number>();
    let most = 0;
    const keyOf = ({ fields }: ConsumedEntry) => Number(fields.n) % 4;
    const progress = record(
      make(server().url).consume('s', { group: 'g', from: '0', concurrency: 12, keyOf }, async (entry) => {
        const key = keyOf(entry);
        expect(now.has(key)).toBe(false);
        now.add(key);
        most = Math.max(most, now.size);
        for (let turn = 0; turn <= key; turn++) await setImmediate();
        seen.push(Number(entry.fields.n));
        now.delete(key);
      }),
    );
    await until(() => progress.values.at(-1)?.handled === 60);
    expect(progress.values.at(-1)!.failed).toBe(0);
    for (const key of [0, 1, 2, 3]) {
      expect(seen.filter((n) => n % 4 === key)).toStrictEqual(range(1, 60).filter((n) => n % 4 === key));
    }
    expect(most).toBe(4);
  });

  it('handles a failed entry again once it is idle, and tells of each failure', async () => {
    await add(1, 2, 3);
    const seen: string[] = [];
    const progress = record(
      make(server().url).consume('s', { group: 'g', from: '0', claimIdle: 50 }, ({ id, deliveries }) => {
        seen.push(`${id} ${deliveries}`);
        if (id === '2-0' && deliveries < 3) throw new Error(`not yet: ${deliveries}`);
      }),
    );
    await until(() => new Set(seen).size === 5);
    await nothingPending();
    await until(() => (progress.values.at(-1)?.handled ?? 0) >= 3);
    expect(seen.filter((one) => one.startsWith('2-0'))).toStrictEqual(['2-0 1', '2-0 2', '2-0 3']);
    expect(progress.values.at(-1)).toMatchObject({ failed: 2, dead: 0 });
    expect(progress.values.at(-1)!.claimed).toBeGreaterThanOrEqual(2);
    expect(progress.values.flatMap(({ failures }) => failures)).toStrictEqual([
      { id: '2-0', deliveries: 1, error: new Error('not yet: 1') },
      { id: '2-0', deliveries: 2, error: new Error('not yet: 2') },
    ]);
    expect(await pending()).toBe(0);
  });

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('bad');
      },
    ],
    ['rejects', () => Promise.reject(new Error('bad'))],
    ['errors', () => throwError(() => new Error('bad'))],
  ])('makes a dead letter of what was delivered too often: its handler %s', async (_, handler) => {
    await admin.xadd('s', '1-0', { a: Buffer.from([0xff, 0x00]), n: 'text' });
    const progress = record(
      make(server().url).consume(
        's',
        { group: 'g', from: '0', claimIdle: 30, maxDeliveries: 2, deadLetter: 'dead' },
        handler,
      ),
    );
    await until(() => progress.values.at(-1)?.dead === 1);
    expect(counts(progress.values.at(-1)!)).toStrictEqual({ handled: 0, failed: 2, claimed: 1, dead: 1 });
    const [letter] = await admin.bytes.xrange('dead', '-', '+');
    expect(letter!.pairs.map(([field, value]) => [String(field), value])).toStrictEqual([
      ['a', Buffer.from([0xff, 0x00])],
      ['n', Buffer.from('text')],
      ['dead-letter:stream', Buffer.from('s')],
      ['dead-letter:group', Buffer.from('g')],
      ['dead-letter:id', Buffer.from('1-0')],
      ['dead-letter:deliveries', Buffer.from('2')],
      ['dead-letter:error', Buffer.from('bad')],
    ]);
    expect([await pending(), await admin.xlen('s')]).toStrictEqual([0, 1]);
  });

  it('hands dead letters to a function, which may fail and is asked again', async () => {
    await add(1);
    const letters: string[] = [];
    const deadLetter = async ({ id, deliveries }: ConsumedEntry, error: unknown) => {
      await setImmediate();
      letters.push(`${id} ${deliveries} ${String(error)}`);
      if (letters.length === 1) throw new Error('no room');
    };
    const progress = record(
      make(server().url).consume('s', { group: 'g', from: '0', claimIdle: 30, maxDeliveries: 1, deadLetter }, () => {
        throw new Error('bad');
      }),
    );
    await until(() => progress.values.at(-1)?.dead === 1);
    expect(letters).toStrictEqual(['1-0 1 Error: bad', expect.stringMatching(/^1-0 [12] undefined$/)]);
    expect(counts(progress.values.at(-1)!)).toStrictEqual({ handled: 0, failed: 2, claimed: 1, dead: 1 });
    await nothingPending();
  });

  it('counts the deliveries of consumers that died with an entry, so that it kills no more of them', async () => {
    await add(1, 2);
    await admin.xgroupCreate('s', 'g', '0');
    await abandoned('killed', 1);
    for (let n = 0; n < 2; n++) await admin.xclaim('s', 'g', 'killed too', 0, '1-0');
    const seen: string[] = [];
    const options = { group: 'g', claimIdle: 30, maxDeliveries: 3, deadLetter: 'dead' };
    const progress = record(make(server().url).consume('s', options, ({ id }) => void seen.push(id)));
    await until(() => progress.values.at(-1)?.dead === 1 && seen.length === 1);
    expect(seen).toStrictEqual(['2-0']);
    const [letter] = await admin.xrange('dead', '-', '+');
    expect(letter!.fields).toMatchObject({ n: '1', 'dead-letter:id': '1-0', 'dead-letter:deliveries': '3' });
    expect(letter!.fields).not.toHaveProperty('dead-letter:error');
    await nothingPending();
  });

  it('begins with its own pending entries, and then goes on to new ones', async () => {
    await add(...range(1, 250));
    await admin.xgroupCreate('s', 'g', '0');
    await abandoned('me', 230);
    const seen: string[] = [];
    const options = { group: 'g', consumer: 'me', concurrency: 7 };
    const progress = record(
      make(server().url).consume('s', options, ({ id, deliveries }) => void seen.push(`${id} ${deliveries}`)),
    );
    await until(() => progress.values.at(-1)?.handled === 250);
    expect(seen).toStrictEqual([...range(1, 230).map((n) => `${n}-0 2`), ...range(231, 250).map((n) => `${n}-0 1`)]);
    expect(await consumers()).toStrictEqual(['me']);
    await nothingPending();
  });

  it('takes over what dead consumers have left', async () => {
    await add(...range(1, 300));
    await admin.xgroupCreate('s', 'g', '0');
    await abandoned('dead 1', 150);
    await abandoned('dead 2', 120);
    const seen = new Map<string, number>();
    const options = { group: 'g', concurrency: 10, claimIdle: 30 };
    const progress = record(
      make(server().url).consume('s', options, ({ id, deliveries }) => {
        if (!seen.has(id)) seen.set(id, deliveries);
      }),
    );
    await until(() => seen.size === 300);
    await nothingPending();
    for (const n of range(1, 300)) expect([n, seen.get(`${n}-0`)]).toStrictEqual([n, n <= 270 ? 2 : 1]);
    await until(() => (progress.values.at(-1)?.handled ?? 0) >= 300);
    expect(progress.values.at(-1)).toMatchObject({ failed: 0, dead: 0 });
    expect(progress.values.at(-1)!.claimed).toBeGreaterThanOrEqual(270);
  });

  it('takes over nothing that is not idle for long enough, nor anything where that is Infinity', async () => {
    await add(1, 2);
    await admin.xgroupCreate('s', 'g', '0');
    await abandoned('busy', 1);
    const seen: string[] = [];
    const redis = make(server().url);
    record(redis.consume('s', { group: 'g', claimIdle: 3_600_000 }, ({ id }) => void seen.push(id)));
    record(redis.consume('s', { group: 'g', claimIdle: Infinity }, ({ id }) => void seen.push(id)));
    await until(() => seen.length === 1);
    await waiting(2);
    expect(seen).toStrictEqual(['2-0']);
    const left = await eventually(
      () => admin.xpending('s', 'g', { start: '-', end: '+', count: 9 }),
      (entries) => entries.length === 1,
    );
    expect(left).toStrictEqual([['1-0', 'busy', expect.any(Number), 1]]);
  });

  it('keeps what it handles from others, however long that takes', async () => {
    await add(1);
    const { begun, ends, handle } = byHand();
    const slow = record(make(server().url).consume('s', { group: 'g', from: '0', claimIdle: 300 }, handle));
    await until(() => begun.length === 1);
    // It would be idle, and is not: it was claimed by its own consumer, which counts as no delivery.
    for (let turn = 0; turn < 3; turn++) {
      let last = -1;
      await eventually(
        () => admin.xpending('s', 'g', { start: '-', end: '+', count: 1 }),
        ([entry]) => {
          const [, , idle, deliveries] = entry!;
          expect(deliveries).toBe(1);
          const isKept = idle < last;
          last = idle;
          return isKept;
        },
      );
    }
    ends[0]!();
    await until(() => slow.values.at(-1)?.handled === 1);
    expect(begun).toHaveLength(1);
  });

  it('gives up pending entries that were deleted or trimmed', async () => {
    await add(...range(1, 10));
    await admin.xgroupCreate('s', 'g', '0');
    await abandoned('me', 4);
    await abandoned('dead', 4);
    await admin.xdel('s', '2-0', '6-0');
    // 1-0 and 3-0 go, and so does 4-0.
    await admin.xtrim('s', { MAXLEN: 5 });
    const seen = new Set<string>();
    const options = { group: 'g', consumer: 'me', claimIdle: 30 };
    record(make(server().url).consume('s', options, ({ id }) => void seen.add(id)));
    await until(() => seen.size === 5);
    expect([...seen].sort()).toStrictEqual(['10-0', '5-0', '7-0', '8-0', '9-0']);
    await nothingPending();
  });

  it('acknowledges what was deleted while it was handled', async () => {
    await add(1);
    const { begun, ends, handle } = byHand();
    const progress = record(make(server().url).consume('s', { group: 'g', from: '0' }, handle));
    await until(() => begun.length === 1);
    await admin.xdel('s', '1-0');
    ends[0]!();
    await until(() => progress.values.at(-1)?.handled === 1);
    expect(await pending()).toBe(0);
  });

  it('creates its group where that is wanted, and finds one that is there', async () => {
    await add(1, 2);
    const late: string[] = [];
    const redis = make(server().url);
    record(redis.consume('s', { group: 'late', from: '$' }, ({ id }) => void late.push(id)));
    await waiting();
    const there: string[] = [];
    await admin.xgroupCreate('s', 'there', '1-0');
    record(redis.consume('s', { group: 'there', from: '0' }, ({ id }) => void there.push(id)));
    await waiting(2);
    await add(3);
    await until(() => late.length === 1 && there.length === 2);
    expect([late, there]).toStrictEqual([['3-0'], ['2-0', '3-0']]);
    const fresh: string[] = [];
    record(redis.consume('not there yet', { group: 'g', from: '$' }, ({ id }) => void fresh.push(id)));
    await waiting(3);
    await admin.xadd('not there yet', '1-0', { a: 1 });
    await until(() => fresh.length === 1);
  });

  it('errors where there is no group, and none is wanted', async () => {
    await add(1);
    const none = make(server().url).consume('s', { group: 'none' }, () => undefined);
    expect(await failure(none as PromiseLike<unknown>)).toMatchObject({ code: 'REPLY', kind: 'NOGROUP' });
    expect(await admin.xinfoGroups('s')).toStrictEqual([]);
    await admin.set('text', 'x');
    const wrong = make(server().url).consume('text', { group: 'g', from: '0' }, () => undefined);
    expect(await failure(wrong as PromiseLike<unknown>)).toMatchObject({ code: 'REPLY', kind: 'WRONGTYPE' });
  });

  it.each<[string, string, () => PromiseLike<unknown>, string[]]>([
    ['FLUSHALL', '$', () => admin.flushall(), ['7-0', '1-0', '2-0']],
    ['DEL', '0', () => admin.del('s'), ['5-0', '6-0', '7-0', '1-0', '2-0']],
    // The stream is the same: what was delivered does not come again.
    ['XGROUP DESTROY', '0', () => admin.xgroupDestroy('s', 'g'), ['5-0', '6-0', '7-0', '8-0', '9-0']],
  ])('creates its group once more after %s, and leaves out nothing', async (_, from, lose, expected) => {
    await add(5, 6);
    const seen: string[] = [];
    const progress = record(
      make(server().url).consume('s', { group: 'g', from, block: 20 }, ({ id }) => void seen.push(id)),
    );
    await waiting();
    await add(7);
    await until(() => progress.values.at(-1)?.handled === expected.length - 2);
    await lose();
    await (expected.includes('8-0') ? add(8, 9) : add(1, 2));
    await until(() => progress.values.at(-1)?.handled === expected.length);
    expect(seen).toStrictEqual(expected);
    expect(progress.ended).toBeUndefined();
  });

  it('tells how far the group is behind, and asks again while it consumes', async () => {
    await add(...range(1, 10));
    const { begun, ends, handle } = byHand();
    const options = { group: 'g', from: '0', concurrency: 2, claimIdle: 50 };
    const progress = record(make(server().url).consume('s', options, handle));
    await until(() => begun.length === 2);
    const [group] = await admin.xinfoGroups('s');
    if (group!.lag === undefined) {
      progress.stop();
      expect(progress.values.every(({ lag }) => lag === null)).toBe(true);
      return;
    }
    const lag = () => progress.values.at(-1)?.lag;
    // It was asked before any entry was delivered.
    await until(() => lag() === 10);
    // One comes for each that is handled, so eight wait, or nine, until the group is asked again.
    let last = 10;
    while (lag() === 10) {
      const handled = begun.length - 2;
      await add(++last);
      ends[handled]!();
      await until(() => begun.length === handled + 3);
    }
    expect([8, 9]).toContain(lag());
    for (let handled = begun.length - 2; handled < last; handled++) {
      await until(() => ends.length > handled);
      ends[handled]!();
    }
    await until(() => lag() === 0);
    const all = progress.values.map((told) => told.lag!);
    expect(all).toStrictEqual([...all].sort((a, b) => b - a));
  });

  it('deletes what it has acknowledged, where that is wanted', async () => {
    await add(...range(1, 50));
    const options = { group: 'g', from: '0', concurrency: 10, delete: true };
    const progress = record(make(server().url).consume('s', options, () => undefined));
    await until(() => progress.values.at(-1)?.handled === 50);
    expect([await pending(), await admin.xlen('s')]).toStrictEqual([0, 0]);
  });

  it('acknowledges in batches, by XACKDEL where the server has it and entries are deleted', async () => {
    const [xackdel] = await admin.call<unknown[]>('COMMAND', 'INFO', 'XACKDEL');
    for (const deletes of [false, true]) {
      await admin.flushall();
      await add(...range(1, 1_000));
      await admin.configResetstat();
      const options = { group: 'g', from: '0', concurrency: 1_000, delete: deletes };
      const progress = record(make(server().url).consume('s', options, () => undefined));
      await until(() => progress.values.at(-1)?.handled === 1_000);
      const hasXackdel = deletes && xackdel !== null;
      const [used, other] = hasXackdel ? ['xackdel', 'xack'] : ['xack', 'xackdel'];
      // What has been handled while a batch is on its way is the next one.
      expect(await callsOf(admin, used)).toBeLessThanOrEqual(4);
      expect(await callsOf(admin, other)).toBe(0);
      progress.stop();
      await waiting(0);
      await eventually(consumers, (names) => names.length === 0);
    }
  });

  it('takes over what is idle by XREADGROUP, where that has CLAIM', async () => {
    await add(1);
    await admin.xgroupCreate('s', 'g', '0');
    const asked = admin.call('XREADGROUP', 'GROUP', 'g', 'x', 'CLAIM', 0, 'STREAMS', 's', '>');
    const hasClaim = 'value' in (await outcome(asked));
    if (!hasClaim) await admin.xreadgroup('g', 'x', { s: '>' });
    await admin.configSet('slowlog-log-slower-than', 0);
    await admin.configSet('slowlog-max-len', 1_000);
    await admin.configResetstat();
    const progress = record(make(server().url).consume('s', { group: 'g', claimIdle: 20, block: 20 }, () => undefined));
    await until(() => progress.values.at(-1)?.handled === 1);
    await eventually(
      () => callsOf(admin, 'xreadgroup'),
      (calls) => calls >= 4,
    );
    progress.stop();
    const reads = (await admin.call<unknown[][]>('SLOWLOG GET', 1_000))
      .map((one) => (one[3] as string[]).map((arg) => arg.toUpperCase()))
      .filter(([name]) => name === 'XREADGROUP');
    await admin.configSet('slowlog-log-slower-than', 10_000);
    const claiming = reads.filter((args) => args.includes('CLAIM')).length;
    // Any other server has said in HELLO that it is too old.
    if (hasClaim) expect([claiming > 0, claiming]).toStrictEqual([true, reads.length]);
    else expect(claiming).toBe(0);
  });

  it('lets what it handles end when it is left, takes nothing more, and gives up its made up name', async () => {
    await add(...range(1, 5));
    const { begun, ends, handle } = byHand();
    const redis = make(server().url);
    const progress = record(redis.consume('s', { group: 'g', from: '0', concurrency: 3 }, handle));
    await until(() => begun.length === 3);
    progress.stop();
    for (let turn = 0; turn < 20; turn++) await admin.ping();
    expect(await consumers()).toHaveLength(1);
    ends.forEach((end) => end());
    await eventually(consumers, (names) => names.length === 0);
    expect([begun.length, await pending()]).toStrictEqual([3, 0]);
    expect((await admin.xinfoGroups('s'))[0]).toMatchObject({ 'last-delivered-id': '3-0', consumers: 0 });
  });

  it('leaves nothing at the server when it is left while it waits there', async () => {
    const redis = make(server().url);
    const progress = record(redis.consume('s', { group: 'g', from: '0' }, () => undefined));
    await waiting();
    progress.stop();
    await waiting(0);
    await eventually(consumers, (names) => names.length === 0);
    await add(1);
    expect(await pending()).toBe(0);
    record(redis.consume('s', { group: 'g', from: '0' }, () => undefined)).stop();
    await eventually(consumers, (names) => names.length === 0);
  });

  it('keeps the name that it was given, and one with pending entries', async () => {
    await add(1, 2);
    const redis = make(server().url);
    const named = record(redis.consume('s', { group: 'g', consumer: 'me', from: '0' }, () => undefined));
    await until(() => named.values.at(-1)?.handled === 2);
    named.stop();
    await waiting(0);
    await add(3);
    const failing = record(redis.consume('s', { group: 'g' }, () => Promise.reject(new Error('bad'))));
    await until(() => (failing.values.at(-1)?.failed ?? 0) > 0);
    failing.stop();
    await waiting(0);
    await redis.close();
    expect(await consumers()).toHaveLength(2);
    expect(await pending()).toBe(1);
  });

  it('handles what came after it was left', async () => {
    await admin.xgroupCreate('s', 'g', '0', { MKSTREAM: true });
    for (let turn = 1; turn <= 50; turn++) {
      const seen: string[] = [];
      const redis = make(server().url);
      const progress = record(redis.consume('s', { group: 'g', consumer: 'me' }, ({ id }) => void seen.push(id)));
      await waiting();
      const added = add(turn);
      progress.stop();
      await added;
      await redis.close();
      // Not delivered, or handled and acknowledged.
      expect(await pending()).toBe(0);
      if (seen.length === 0) await admin.xgroupSetid('s', 'g', `${turn}-0`);
    }
  });

  it('leaves what takes longer than drainTimeout, which stays pending', async () => {
    await add(1, 2, 3);
    let left = 0;
    const begun: string[] = [];
    const options = { group: 'g', from: '0', concurrency: 2, drainTimeout: 20 };
    const redis = make(server().url);
    const progress = record(
      redis.consume('s', options, ({ id }) => {
        begun.push(id);
        return NEVER.pipe(finalize(() => left++));
      }),
    );
    await until(() => begun.length === 2);
    progress.stop();
    await until(() => left === 2);
    await redis.close();
    expect(begun).toStrictEqual(['1-0', '2-0']);
    expect(await pending()).toBe(2);
  });

  it('errors with the reason of its signal, and what it handles ends all the same', async () => {
    await add(1, 2);
    const controller = new AbortController();
    const reason = new Error('enough');
    const { begun, ends, handle } = byHand();
    const redis = make(server().url);
    const progress = record(redis.consume('s', { group: 'g', from: '0', signal: controller.signal }, handle));
    await until(() => begun.length === 1);
    controller.abort(reason);
    expect(progress.ended).toBe(reason);
    ends[0]!();
    await nothingPending();
    expect(begun).toHaveLength(1);
    const already = redis.consume('s', { group: 'g', signal: AbortSignal.abort(reason) }, handle);
    expect(await outcome(already)).toStrictEqual({ error: reason });
  });

  it.each<[string, () => Redis | RedisPool]>([
    ['client', () => make(server().url)],
    ['pool', () => pools({ url: server().url })],
  ])('is waited for when the %s is closed: what it handles is acknowledged, and it completes', async (_, open) => {
    await add(...range(1, 9));
    const { begun, ends, handle } = byHand();
    const redis = open();
    const progress = record(redis.consume('s', { group: 'g', from: '0', concurrency: 3 }, handle));
    const idle = record(redis.consume('other', { group: 'g', from: '0' }, handle));
    await until(() => begun.length === 3);
    await waiting();
    let isClosed = false;
    const closed = redis.close().then(() => (isClosed = true));
    expect(await failure(redis.get('k'))).toMatchObject({ code: 'DISCONNECTED' });
    await waiting(0);
    for (let turn = 0; turn < 20; turn++) await admin.ping();
    expect([progress.ended, isClosed]).toStrictEqual([undefined, false]);
    ends.forEach((end) => end());
    await closed;
    expect([progress.ended, idle.ended]).toStrictEqual(['complete', 'complete']);
    expect(counts(progress.values.at(-1)!)).toStrictEqual({ handled: 3, failed: 0, claimed: 0, dead: 0 });
    expect([begun.length, await pending(), await consumers()]).toStrictEqual([3, 0, []]);
    expect(await failure(redis.consume('s', { group: 'g' }, handle) as PromiseLike<unknown>)).toMatchObject({
      code: 'DISCONNECTED',
    });
  });

  it('can be left and waited for by close()', async () => {
    await add(...range(1, 9));
    const redis = make(server().url);
    const progress = record(redis.consume('s', { group: 'g', from: '0', concurrency: 3 }, () => setImmediate()));
    await until(() => (progress.values.at(-1)?.handled ?? 0) > 0);
    progress.stop();
    await redis.close();
    expect(await pending()).toBe(0);
    expect(await consumers()).toStrictEqual([]);
  });

  it('ends with its client where the server has become a replica before the last is acknowledged', async () => {
    await add(1);
    const { begun, ends, handle } = byHand();
    const redis = make({ url: server().url, reconnect: quick });
    const progress = record(redis.consume('s', { group: 'g', from: '0', drainTimeout: Infinity }, handle));
    await until(() => begun.length === 1);
    await admin.replicaof('127.0.0.1', 1);
    try {
      const closed = redis.close();
      ends[0]!();
      await closed;
      await until(() => progress.ended === 'complete');
      expect(await pending()).toBe(1);
    } finally {
      await admin.replicaof('NO ONE');
    }
  });

  it('errors when the client is destroyed, and leaves what it handles', async () => {
    await add(1, 2);
    const { begun, handle } = byHand();
    const redis = make(server().url);
    const progress = record(redis.consume('s', { group: 'g', from: '0', concurrency: 3 }, handle));
    await until(() => begun.length === 2);
    await redis.destroy();
    expect(progress.ended).toMatchObject({ code: 'DISCONNECTED' });
    expect(await pending()).toBe(2);
  });

  it('is a Promise of how far it came', async () => {
    await add(1, 2, 3);
    const redis = make(server().url);
    const consuming = redis.consume('s', { group: 'g', from: '0' }, () => undefined);
    const ended = consuming.then();
    await eventually(
      () => admin.xinfoGroups('s'),
      ([group]) => group?.['last-delivered-id'] === '3-0' && group.pending === 0,
    );
    await redis.close();
    expect(counts((await ended)!)).toStrictEqual({ handled: 3, failed: 0, claimed: 0, dead: 0 });
    expect(await consuming).toBe(await ended);
  });

  it('tells a loop the newest, with the failures of what it was too slow for, and holds nothing up', async () => {
    await add(1, 2, 3, 4);
    const redis = make(server().url);
    const seen: string[] = [];
    const fail = ({ id }: ConsumedEntry) => {
      seen.push(id);
      throw new Error(id);
    };
    const failures: string[] = [];
    let turns = 0;
    for await (const progress of redis.consume('s', { group: 'g', from: '0', claimIdle: Infinity }, fail)) {
      failures.push(...progress.failures.map(({ id }) => id));
      expect(progress.failed).toBe(failures.length);
      if (++turns === 1) {
        for (let n = 5; n <= 50; n++) {
          await add(n);
          await until(() => seen.length === n); // each is handled, though the loop takes nothing
        }
      }
      if (failures.length === 50) break;
    }
    expect(failures).toStrictEqual(Array.from({ length: 50 }, (_, n) => `${n + 1}-0`));
    expect(turns).toBeLessThan(10);
    await waiting(0);
  });

  it.each<[string, RedisOptions]>([
    ['RESP2', { protocol: 2 }],
    ['RESP3', { protocol: 3 }],
  ])('has the prefix, the bytes and the options of what it is called on, also on a pool, in %s', async (_, options) => {
    await admin.xadd('app:s', '1-0', { f: Buffer.from([0xff]) });
    const redis = make({ url: server().url, prefix: 'app:', ...options });
    const dead = { claimIdle: 20, maxDeliveries: 1, deadLetter: 'dead' };
    const inBytes = redis.bytes.consume('s', { group: 'bytes', from: '0', ...dead }, ({ id, fields, pairs }) => {
      const isRight = fields instanceof Map && Buffer.isBuffer(pairs[0]![1]) && id === '1-0';
      throw new Error(isRight ? 'right' : 'wrong');
    });
    const buried = record(inBytes);
    await until(() => buried.values.at(-1)?.dead === 1);
    buried.stop();
    const [letter] = await admin.xrange('app:dead', '-', '+');
    expect(letter!.fields).toMatchObject({ 'dead-letter:error': 'right', 'dead-letter:stream': 's' });
    for (const client of [
      redis.withOptions({ commandTimeout: 1_000 }),
      pools({ url: server().url, prefix: 'app:', ...options }),
    ]) {
      await admin.del('app:t');
      const seen: string[] = [];
      const progress = record(client.consume('t', { group: 'g', from: '0' }, ({ id }) => void seen.push(id)));
      await waiting();
      await admin.xadd('app:t', '5-0', { a: 1 });
      await until(() => progress.values.at(-1)?.handled === 1);
      expect(seen).toStrictEqual(['5-0']);
      if ('close' in client) {
        await client.close();
        expect(progress.ended).toBe('complete');
      } else {
        progress.stop();
      }
      await waiting(0);
    }
  });

  it('errors where it may not acknowledge, and holds up nothing then', async () => {
    await add(1, 2, 3);
    await admin.aclSetuser('limited', ['on', 'nopass', '~*', '+@all', '-xack']);
    const redis = make({ url: server().url, username: 'limited', password: 'any' });
    const options = { group: 'g', from: '0', drainTimeout: Infinity };
    const progress = record(redis.consume('s', options, () => undefined));
    await until(() => progress.ended !== undefined);
    expect(progress.ended).toMatchObject({ code: 'REPLY', kind: 'NOPERM', command: 'XACK' });
    await redis.close();
    expect(await pending()).toBeGreaterThan(0);
    await admin.aclDeluser('limited');
  });

  it('outlives an outage that is longer than a command may take', async () => {
    await add(1);
    const seen: string[] = [];
    const redis = make({ url: proxy().url(), reconnect: quick, commandTimeout: 150 });
    const progress = record(redis.consume('s', { group: 'g', from: '0' }, ({ id }) => void seen.push(id)));
    await until(() => seen.length === 1);
    await proxy().refuse(true);
    proxy().cut();
    await add(2);
    for (let turn = 0; turn < 3; turn++) expect(await failure(redis.ping())).toMatchObject({ code: 'TIMEOUT' });
    await proxy().refuse(false);
    await until(() => seen.includes('2-0'));
    await nothingPending();
    expect(progress.ended).toBeUndefined();
  });

  it.each<[string, string, (admin: Redis) => PromiseLike<unknown>, (admin: Redis) => PromiseLike<unknown>]>([
    ['is a replica', 'READONLY', (admin) => admin.replicaof('127.0.0.1', 1), (admin) => admin.replicaof('NO ONE')],
    [
      'has too few replicas to write',
      'NOREPLICAS',
      (admin) => admin.configSet({ 'min-replicas-to-write': '1' }),
      (admin) => admin.configSet({ 'min-replicas-to-write': '0' }),
    ],
  ])('outlives a server that %s for a while', async (_, kind, begin, end) => {
    const seen: string[] = [];
    let refusals = 0;
    const redis = make({
      url: server().url,
      reconnect: quick,
      retry: (_attempt, error) => {
        if (error instanceof ReplyError && error.message.includes(kind)) refusals++;
        return false;
      },
    });
    const progress = record(redis.consume('s', { group: 'g', from: '0', block: 20 }, ({ id }) => void seen.push(id)));
    await waiting();
    await begin(admin);
    try {
      await until(() => refusals >= 3 || progress.ended !== undefined);
    } finally {
      await end(admin);
    }
    await add(1);
    await until(() => seen.length === 1 || progress.ended !== undefined);
    expect([seen, progress.ended]).toStrictEqual([['1-0'], undefined]);
    await nothingPending();
  });

  it('outlives connections that are lost one after another while nothing is added', async () => {
    const seen: string[] = [];
    const redis = make({ url: proxy().url(), reconnect: quick });
    const progress = record(redis.consume('s', { group: 'g', from: '0' }, ({ id }) => void seen.push(id)));
    const lost: unknown[] = [];
    for (let turn = 0; turn < 5; turn++) {
      const clients = await eventually(
        () => admin.clientList(),
        (all) =>
          all.some(({ flags, cmd, id }) => String(flags).includes('b') && cmd === 'xreadgroup' && !lost.includes(id)),
      );
      lost.push(...clients.map(({ id }) => id));
      proxy().cut();
    }
    await add(1);
    await until(() => seen.length === 1 || progress.ended !== undefined);
    expect([seen, progress.ended]).toStrictEqual([['1-0'], undefined]);
  });

  it('goes on over lost connections: what was delivered with a lost reply is handled', async () => {
    await admin.xgroupCreate('s', 'g', '0', { MKSTREAM: true });
    const seen = new Set<string>();
    const redis = make({ url: proxy().url(), reconnect: quick });
    const progress = record(
      redis.consume('s', { group: 'g', consumer: 'me', concurrency: 4, block: 1_000 }, ({ id }) => void seen.add(id)),
    );
    for (let n = 1; n <= 20; n++) {
      await waiting();
      proxy().stall('toClient', true);
      await add(n);
      // Delivered, as the server sees it.
      await eventually(pending, (count) => count > 0);
      proxy().cut();
      proxy().stall('toClient', false);
      await until(() => seen.size === n);
    }
    await nothingPending();
    expect(progress.ended).toBeUndefined();
  });

  it.each<[string, unknown[], string]>([
    [
      'no stream',
      [undefined, { group: 'g' }, String],
      'consume: the name of a stream is a string or bytes, got undefined',
    ],
    ['no options', ['s'], "consume: options with a 'group' were expected, got undefined"],
    ['no group', ['s', {}, String], "The option 'group' is a string or bytes, got undefined"],
    ['an empty group', ['s', { group: '' }, String], "The option 'group' is a string or bytes, got an empty one"],
    [
      'a number for a consumer',
      ['s', { group: 'g', consumer: 5 }, String],
      "The option 'consumer' is a string or bytes, got a number",
    ],
    [
      'the stream itself for dead letters',
      ['s', { group: 'g', deadLetter: 's' }, String],
      "consume: the option 'deadLetter' is not to be the stream itself",
    ],
    [
      'the stream itself for dead letters, as bytes',
      ['s', { group: 'g', deadLetter: Buffer.from('s') }, String],
      "consume: the option 'deadLetter' is not to be the stream itself",
    ],
    ['no handler', ['s', { group: 'g' }], 'consume: a function that handles an entry was expected, got undefined'],
    [
      'an unknown option',
      ['s', { group: 'g', count: 5 }, String],
      "consume: there is no option 'count'; known are group, consumer, concurrency, keyOf, from, claimIdle, maxDeliveries, deadLetter, delete, block, drainTimeout, signal",
    ],
    [
      'no slots',
      ['s', { group: 'g', concurrency: 0 }, String],
      "The option 'concurrency' is a number from 1 to 9007199254740991, got 0",
    ],
    [
      'a key that is no function',
      ['s', { group: 'g', keyOf: 'n' }, String],
      "The option 'keyOf' is a function, got a string",
    ],
    [
      'a beginning that is no id',
      ['s', { group: 'g', from: '>' }, String],
      "The option 'from' is the id of an entry, as '1526919030474-55', '0' or '$', got \">\"",
    ],
    [
      'a time that is none',
      ['s', { group: 'g', claimIdle: -1 }, String],
      "The option 'claimIdle' is a number from 1 to 2147483647, or Infinity, got -1",
    ],
    [
      'a limit that nothing takes care of',
      ['s', { group: 'g', maxDeliveries: 3 }, String],
      "consume: the option 'maxDeliveries' needs 'deadLetter', which takes what was delivered so often",
    ],
    [
      'no deliveries',
      ['s', { group: 'g', maxDeliveries: 0, deadLetter: 'd' }, String],
      "The option 'maxDeliveries' is a number from 1 to 9007199254740991, got 0",
    ],
    [
      'a number for dead letters',
      ['s', { group: 'g', deadLetter: 5 }, String],
      "The option 'deadLetter' is the name of a stream or a function, got a number",
    ],
    [
      'a text for delete',
      ['s', { group: 'g', delete: 'yes' }, String],
      "The option 'delete' is a boolean, got a string",
    ],
    [
      'a long wait',
      ['s', { group: 'g', block: 60_000 }, String],
      "The option 'block' is a number from 1 to 5000, got 60000",
    ],
    [
      'a limit in the past',
      ['s', { group: 'g', drainTimeout: -1 }, String],
      "The option 'drainTimeout' is a number from 0 to 2147483647, got -1",
    ],
    ['no signal', ['s', { group: 'g', signal: 'now' }, String], "The option 'signal' is an AbortSignal, got a string"],
  ])('refuses %s', (_, args, message) => {
    const given = make(server().url) as unknown as { consume: (...args: unknown[]) => unknown };
    expect(thrownBy(() => given.consume(...args))).toBe(`TypeError: ${message}`);
  });

  it('is another consumer with each subscription, unless it has a name', async () => {
    await add(1, 2);
    const { begun, handle } = byHand();
    const consuming = make(server().url).consume('s', { group: 'g', from: '0' }, handle);
    record(consuming);
    record(consuming);
    await until(() => begun.length === 2);
    expect(new Set(begun.map(({ id }) => id)).size).toBe(2);
    expect(await consumers()).toHaveLength(2);
  });

  it('calls its handlers in the context in which it was subscribed to', async () => {
    const storage = new AsyncLocalStorage<string>();
    const seen: (string | undefined)[] = [];
    const options = { group: 'g', from: '0', claimIdle: 30, maxDeliveries: 1, deadLetter: () => note() };
    const note = () => void seen.push(storage.getStore());
    const redis = make(server().url);
    const consuming = redis.consume('s', options, ({ id }) => {
      note();
      if (id === '2-0') throw new Error('bad');
    });
    storage.run('request 5', () => record(consuming));
    await waiting();
    await add(1, 2);
    await until(() => seen.length === 3);
    expect(seen).toStrictEqual(['request 5', 'request 5', 'request 5']);
  });

  it('asks a server that refuses it no more often than it has to', async () => {
    // Its group is gone again and again, as where something deletes the stream.
    const calls = async () => {
      const info = await admin.call<string>('INFO', 'commandstats');
      return Number(/cmdstat_xreadgroup:calls=(\d+)/.exec(info)?.[1]);
    };
    const progress = record(make(server().url).consume('s', { group: 'g', from: '0' }, () => undefined));
    await waiting();
    await admin.configResetstat();
    for (let turn = 1; turn <= 10; turn++) {
      await admin.del('s');
      await add(turn);
      await until(() => (progress.values.at(-1)?.handled ?? 0) >= turn);
    }
    // Each time: the one that was ended, one that says why, one that reads, and one that waits for more.
    expect(await calls()).toBeLessThanOrEqual(50);
  });

  it('is cold', async () => {
    const options: ConsumeOptions = { group: 'g', from: '0' };
    void make(server().url).consume('s', options, () => undefined);
    await setImmediate();
    expect(await admin.exists('s')).toBe(0);
  });
});
