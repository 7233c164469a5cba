import { setImmediate } from 'node:timers/promises';
import { lastValueFrom, map, take, toArray } from 'rxjs';
import type { Redis, RedisOptions, TailedStreams, TailItem, TailOptions } from 'rxjs-redis';
import { del, xack, xadd, xdel, xreadgroup, xtrim } from 'rxjs-redis/commands';
import { eventually, record, useClients, usePools } from '../../support/clients';
import { failure, outcome, thrownBy } from '../../support/outcomes';
import { useProxy, useServer } from '../../support/server';
import { until } from '../../support/until';

const quick = { initialDelay: 5, maxDelay: 20 };
const ids = (items: readonly TailItem<string | Buffer>[]) =>
  items.map((item) => (item.type === 'entry' ? item.id : `${item.reason} ${item.from} ${item.to}`));

describe('A tail', () => {
  const server = useServer({ own: true });
  const proxy = useProxy(server);
  const make = useClients();
  const pools = usePools();
  let admin: Redis;
  const add = async (...numbers: number[]) => {
    for (const n of numbers) await admin.xadd('s', `${n}-0`, { n });
  };
  /** Resolves when so many clients wait at the server by XREAD. */
  const waiting = (count = 1) =>
    eventually(
      () => admin.clientList(),
      (clients) => clients.filter(({ flags, cmd }) => String(flags).includes('b') && cmd === 'xread').length === count,
    );
  beforeEach(async () => {
    admin = make(server().url);
    await admin.flushall();
  });

  it('brings what is added from now on', async () => {
    await add(1, 2);
    const redis = make(server().url);
    const seen = record(redis.tail('s'));
    await waiting();
    await add(3, 4);
    await until(() => seen.values.length === 2);
    const [first] = seen.values;
    expect(first).toMatchObject({ type: 'entry', stream: 's', id: '3-0', fields: { n: '3' } });
    expect(first).toHaveProperty('pairs', [['n', '3']]);
    expect(ids(seen.values)).toStrictEqual(['3-0', '4-0']);
  });

  it('brings what a stream has that is not there yet', async () => {
    const seen = record(make(server().url).tail(['s', 'other']));
    await waiting();
    await admin.xadd('other', '0-1', { a: 'b' });
    await add(1);
    await until(() => seen.values.length === 2);
    expect(ids(seen.values).sort()).toStrictEqual(['0-1', '1-0']);
  });

  it.each<[string, TailedStreams, TailOptions, string[]]>([
    ['the beginning', 's', { from: '0' }, ['1-0', '2-0', '3-0', '4-0', '5-0']],
    ['behind an id', 's', { from: '2-0' }, ['3-0', '4-0', '5-0']],
    ['behind the first of a millisecond', 's', { from: '2' }, ['3-0', '4-0', '5-0']],
    ['an id for each', { s: '3-0' }, {}, ['4-0', '5-0']],
    ['an id for each, by name', new Map([['s', '4-0']]), {}, ['5-0']],
    ['bytes for a name', Buffer.from('s'), { from: '4' }, ['5-0']],
  ])('begins at %s, and ends behind the last there is', async (_, streams, options, expected) => {
    await add(1, 2, 3, 4, 5);
    const redis = make(server().url);
    for (const batch of [1, 2, 5, 100]) {
      const all = await lastValueFrom(redis.tail(streams, { ...options, batch, until: '$' }).pipe(toArray()));
      expect(ids(all)).toStrictEqual(expected);
    }
  });

  it('ends behind an id, and waits for that', async () => {
    await add(1, 2);
    const seen = record(make(server().url).tail('s', { from: '0', until: '4-0' }));
    await until(() => seen.values.length === 2);
    await waiting();
    expect(seen.ended).toBeUndefined();
    await add(3, 5);
    await until(() => seen.ended !== undefined);
    expect([ids(seen.values), seen.ended]).toStrictEqual([['1-0', '2-0', '3-0'], 'complete']);
    const whole = await lastValueFrom(make(server().url).tail('s', { from: '0', until: '3' }).pipe(toArray()));
    expect(ids(whole)).toStrictEqual(['1-0', '2-0', '3-0']);
    const none = make(server().url).tail('nothing', { from: '0', until: '$' });
    expect(await lastValueFrom(none.pipe(toArray()))).toStrictEqual([]);
  });

  it('ends by each stream for itself', async () => {
    await add(1, 2);
    await admin.xadd('t', '9-0', { a: 1 });
    const all = await lastValueFrom(
      make(server().url).tail(['s', 't'], { from: '0', until: '$', batch: 1 }).pipe(toArray()),
    );
    expect(ids(all).sort()).toStrictEqual(['1-0', '2-0', '9-0']);
  });

  it('takes $ for what it means at the subscription, also after lost connections', async () => {
    await add(1);
    const redis = make({ url: proxy().url(), reconnect: quick });
    const seen = record(redis.tail('s'));
    await waiting();
    for (let n = 2; n <= 20; n++) {
      // It is added while there is no connection.
      proxy().cut();
      await add(n);
    }
    await until(() => seen.values.length === 19);
    expect(ids(seen.values)).toStrictEqual(Array.from({ length: 19 }, (_, n) => `${n + 2}-0`));
  });

  it('outlives an outage that is longer than a command may take', async () => {
    await add(1);
    const redis = make({ url: proxy().url(), reconnect: quick, commandTimeout: 150 });
    const seen = record(redis.tail('s', { from: '0' }));
    await until(() => seen.values.length === 1);
    await proxy().refuse(true);
    proxy().cut();
    await add(2, 3);
    for (let turn = 0; turn < 3; turn++) expect(await failure(redis.ping())).toMatchObject({ code: 'TIMEOUT' });
    await proxy().refuse(false);
    await until(() => seen.values.length === 3);
    expect([ids(seen.values), seen.ended]).toStrictEqual([['1-0', '2-0', '3-0'], undefined]);
  });

  it('outlives connections that are lost one after another while nothing is added', async () => {
    const redis = make({ url: proxy().url(), reconnect: quick });
    const seen = record(redis.tail('s'));
    const lost: unknown[] = [];
    for (let turn = 0; turn < 5; turn++) {
      const clients = await eventually(
        () => admin.clientList(),
        (all) => all.some(({ flags, cmd, id }) => String(flags).includes('b') && cmd === 'xread' && !lost.includes(id)),
      );
      lost.push(...clients.map(({ id }) => id));
      proxy().cut();
    }
    await add(1);
    await until(() => seen.values.length === 1 || seen.ended !== undefined);
    expect([ids(seen.values), seen.ended]).toStrictEqual([['1-0'], undefined]);
  });

  it('errors where the server cannot be signed in to', async () => {
    const stranger = make({ url: server().url, username: 'nobody', password: 'x' });
    expect(await failure(lastValueFrom(stranger.tail('s')))).toMatchObject({ code: 'AUTHENTICATION' });
    const consuming = stranger.consume('s', { group: 'g' }, () => undefined) as PromiseLike<unknown>;
    expect(await failure(consuming)).toMatchObject({ code: 'AUTHENTICATION' });
    const nowhere = make({ url: 'redis://nowhere.invalid', reconnect: quick });
    expect(await failure(lastValueFrom(nowhere.tail('s')))).toMatchObject({ code: 'CONNECTION' });
  });

  it('tells what was trimmed before it could be read', async () => {
    await add(1, 2, 3, 4, 5);
    const redis = make(server().url);
    const iterator = redis.tail('s', { from: '1-0', batch: 1 })[Symbol.asyncIterator]();
    const next = async () => ids([(await iterator.next()).value!])[0];
    expect(await next()).toBe('2-0');
    // One entry is ahead of the reader.
    expect(await next()).toBe('3-0');
    await eventually(
      () => admin.xlen('s'),
      (length) => length === 5,
    );
    await admin.xtrim('s', { MAXLEN: 1 });
    const following = [await next(), await next()];
    expect([
      ['4-0', 'trimmed 4-0 5-0'],
      ['trimmed 3-0 5-0', '5-0'],
      ['4-0', '5-0'],
    ]).toContainEqual(following);
    await iterator.return?.();
  });

  it('tells that what was wanted is not there any more', async () => {
    await add(1, 2, 3, 4, 5);
    await admin.xtrim('s', { MAXLEN: 2 });
    const redis = make(server().url);
    const from = (id: string) =>
      lastValueFrom(
        redis.tail('s', { from: id, until: '$' }).pipe(
          map((item) => ids([item])[0]),
          toArray(),
        ),
      );
    expect(await from('1-0')).toStrictEqual(['trimmed 1-0 4-0', '4-0', '5-0']);
    expect(await from('4-0')).toStrictEqual(['5-0']);
    expect(await from('0')).toStrictEqual(['4-0', '5-0']);
    await admin.xtrim('s', { MAXLEN: 0 });
    expect(await from('2-0')).toStrictEqual(['trimmed 2-0 null']);
    expect(await from('5-0')).toStrictEqual([]);
  });

  it('tells nothing where an entry that was read is trimmed, or one in the middle deleted', async () => {
    await add(1, 2, 3);
    const seen = record(make(server().url).tail('s', { from: '0' }));
    await until(() => seen.values.length === 3);
    await waiting();
    await admin.xtrim('s', { MAXLEN: 1 });
    await add(4, 5);
    await until(() => seen.values.length === 5);
    await waiting();
    await admin.xdel('s', '4-0');
    await add(6);
    await until(() => seen.values.length === 6);
    expect(ids(seen.values)).toStrictEqual(['1-0', '2-0', '3-0', '4-0', '5-0', '6-0']);
  });

  it('tells nothing where only what it has read is trimmed, whatever was trimmed before it began', async () => {
    await add(1, 2, 3, 4, 5);
    await admin.xtrim('s', { MAXLEN: 3 });
    const begun: TailItem[] = [];
    const ends: (() => void)[] = [];
    const project = (item: TailItem) => {
      begun.push(item);
      return new Promise<void>((resolve) => ends.push(resolve));
    };
    const seen = record(make(server().url).tail('s', { from: '0', batch: 1, project }));
    await until(() => begun.length === 1);
    await admin.xtrim('s', { MAXLEN: 2 });
    ends[0]!();
    await until(() => begun.length === 2);
    const isCounted = (await admin.xinfoStream('s'))['entries-added'] !== undefined;
    expect(ids(begun)).toStrictEqual(['3-0', isCounted ? '4-0' : 'trimmed 3-0 4-0']);
    seen.stop();
  });

  it.each(['flushall', 'del', 'unlink'] as const)(
    'tells that the stream is gone (%s), and brings what comes then',
    async (how) => {
      await add(5, 6);
      const seen = record(make(server().url).tail(['s', 'bell'], { from: '0' }));
      await until(() => seen.values.length === 2);
      await waiting();
      await (how === 'flushall' ? admin.flushall() : admin[how]('s'));
      // Nothing ends the wait at the server but an entry.
      await admin.xadd('bell', '7-0', { a: 1 });
      await until(() => seen.values.length === 4);
      await add(1, 2);
      await until(() => seen.values.length === 6);
      expect(ids(seen.values).filter((id) => id !== '7-0')).toStrictEqual([
        '5-0',
        '6-0',
        'deleted 6-0 null',
        '1-0',
        '2-0',
      ]);
    },
  );

  it('gives the name of a stream that is gone as bytes, where bytes are wanted', async () => {
    await add(5);
    const redis = make(server().url);
    const streams = ['s', Buffer.from('bell')];
    const [text, bytes] = [record(redis.tail(streams)), record(redis.bytes.tail(streams))];
    await waiting(2);
    await admin.del('s');
    // Nothing ends the wait at the server but an entry.
    await admin.xadd('bell', '7-0', { a: 1 });
    await until(() => text.values.length === 2 && bytes.values.length === 2);
    const gapOf = ({ values }: typeof text | typeof bytes) => values.find(({ type }) => type === 'gap')!.stream;
    expect([gapOf(text), gapOf(bytes)]).toStrictEqual(['s', Buffer.from('s')]);
  });

  it.each([1, 2, 3])(
    'tells that the stream is another one by then, with as many entries or more (%s)',
    async (more) => {
      await add(1);
      const seen = record(make(server().url).tail('s', { from: '0' }));
      await until(() => seen.values.length === 1);
      await waiting();
      const later = Array.from({ length: more }, (_, n) => xadd('s', `${n + 2}-0`, { n }));
      await admin.multi([del('s'), ...later]);
      await until(() => ids(seen.values).includes(`${more + 1}-0`));
      // Before Redis 7.0 nothing is counted, and entries that were deleted look like that.
      const reason = server().version.startsWith('6.') ? 'trimmed' : 'deleted';
      expect(ids(seen.values).slice(0, 3)).toStrictEqual(['1-0', `${reason} 1-0 2-0`, '2-0']);
      expect(seen.values).toHaveLength(more + 2);
    },
  );

  /** Has a tail read what there is, changes the stream, and reads on: what came then. */
  const readsOn = async (how: 'connected' | 'away', changes: (redis: Redis) => PromiseLike<unknown>, last: string) => {
    const redis = make({ url: proxy().url(), reconnect: quick });
    const seen = record(redis.tail(['s', 'bell'], { from: '0', batch: 3 }));
    await waiting();
    const before = seen.values.length;
    if (how === 'away') {
      await proxy().refuse(true);
      proxy().cut();
      await waiting(0);
    }
    await changes(admin);
    if (how === 'away') await proxy().refuse(false);
    await until(() => ids(seen.values.slice(before)).includes(last));
    return ids(seen.values.slice(before));
  };

  describe.each(['connected', 'away'] as const)('that is %s', (how) => {
    const old = ['5-0', '6-0'];
    it.each<{
      what: string;
      before?: string[];
      deleted?: string[];
      refilled: string[];
      maxlen?: number;
      told: string[];
      onRedis6?: string[];
    }>([
      {
        what: 'begins before what it had',
        refilled: ['1-0', '2-0', '7-0'],
        told: ['deleted 6-0 7-0', '7-0'],
      },
      {
        what: 'has more up to there than it had',
        refilled: ['5-0', '5-5', '6-0', '7-0'],
        told: ['deleted 6-0 7-0', '7-0'],
      },
      {
        what: 'has as many up to there, although the first is gone',
        refilled: ['5-5', '6-0', '7-0'],
        told: ['deleted 6-0 7-0', '7-0'],
      },
      {
        what: 'has fewer up to there',
        refilled: ['6-0', '7-0'],
        told: ['deleted 6-0 7-0', '7-0'],
        // As if the first was trimmed.
        onRedis6: ['7-0'],
      },
      {
        what: 'has never had one taken out, as the old one had',
        before: ['4-0', ...old],
        deleted: ['4-0'],
        refilled: ['3-0', '5-0', '5-5', '7-0'],
        maxlen: 3,
        told: ['deleted 6-0 7-0', '7-0'],
        // As if nothing had happened.
        onRedis6: ['7-0'],
      },
      {
        what: 'begins before the last that an emptied one had had',
        deleted: old,
        refilled: ['5-5', '7-0'],
        told: ['deleted 6-0 7-0', '7-0'],
      },
      {
        what: 'is larger than a page',
        refilled: ['1-0', '7-0', '8-0', '9-0', '10-0'],
        told: ['deleted 6-0 7-0', '7-0', '8-0', '9-0', '10-0'],
      },
    ])('tells that the stream was filled again: it $what', async (given) => {
      const { before = old, deleted = [], refilled, maxlen, told, onRedis6 = told } = given;
      for (const id of before) await admin.xadd('s', id, { n: 1 });
      if (deleted.length > 0) await admin.xdel('s', deleted);
      const refill = [
        del('s'),
        ...refilled.map((id) => xadd('s', id, { n: 2 })),
        ...(maxlen === undefined ? [] : [xtrim('s', { MAXLEN: maxlen })]),
      ];
      const came = await readsOn(how, (redis) => redis.multi(refill), told.at(-1)!);
      expect(came).toStrictEqual(server().version.startsWith('6.') ? onRedis6 : told);
    });

    it.each([
      ['has as many up to there as it had, from the same on', ['5-0', '5-5', '7-0'], undefined],
      ['has had as many as it had, and all of them were trimmed', ['6-0', '6-5', '7-0'], 1],
    ])('cannot tell that the stream was filled again where it %s', async (_, refilled, maxlen) => {
      for (const id of old) await admin.xadd('s', id, { n: 1 });
      const refill = [
        del('s'),
        ...refilled.map((id) => xadd('s', id, { n: 2 })),
        ...(maxlen === undefined ? [] : [xtrim('s', { MAXLEN: maxlen })]),
      ];
      const came = await readsOn(how, (redis) => redis.multi(refill), '7-0');
      // Before Redis 7.0 a gap is told wherever the last that came is gone from the front.
      const isTold = server().version.startsWith('6.') && maxlen !== undefined;
      expect(came).toStrictEqual(isTold ? ['trimmed 6-0 7-0', '7-0'] : ['7-0']);
    });

    it.each([
      ['one between others', ['7-0', '8-0', '9-0'], ['8-0'], ['trimmed 6-0 9-0', '7-0', '9-0']],
      ['the newest', ['7-0', '8-0'], ['8-0'], ['trimmed 6-0 null', '7-0']],
      [
        'one of an earlier page',
        ['7-0', '8-0', '9-0', '10-0', '11-0'],
        ['8-0'],
        ['7-0', '9-0', '10-0', 'trimmed 6-0 11-0', '11-0'],
      ],
    ])('tells what was added and deleted before it could be read: %s', async (_, added, deleted, told) => {
      for (const id of old) await admin.xadd('s', id, { n: 1 });
      const changes = [...added.map((id) => xadd('s', id, { n: 2 })), xdel('s', deleted)];
      const came = await readsOn(how, (redis) => redis.multi(changes), told.at(-1)!);
      const isCounted = !server().version.startsWith('6.');
      expect(came).toStrictEqual(isCounted ? told : told.filter((item) => !item.startsWith('trimmed')));
    });

    it('tells what was trimmed behind an entry that a group keeps: XTRIM with ACKED', async () => {
      if ((await admin.call<unknown[]>('COMMAND', 'INFO', 'XDELEX'))[0] === null) return; // as ACKED it is of Redis 8.2
      for (const id of old) await admin.xadd('s', id, { n: 1 });
      await admin.xgroupCreate('s', 'g', '0');
      const changes = [
        ...['7-0', '8-0', '9-0'].map((id) => xadd('s', id, { n: 2 })),
        xreadgroup('g', 'c', { s: '>' }),
        xack('s', 'g', ['6-0', '7-0', '8-0']),
        xtrim('s', { MAXLEN: 1, REF: 'ACKED' }),
      ];
      const came = await readsOn(how, (redis) => redis.multi(changes), '9-0');
      expect((await admin.xrange('s', '-', '+')).map(({ id }) => id)).toStrictEqual(['5-0', '9-0']);
      expect(came).toStrictEqual(['trimmed 6-0 9-0', '9-0']);
    });
  });

  it('tells that the stream ends before what has come, and brings what is added then', async () => {
    await add(5, 6);
    const seen = record(make(server().url).tail(['s', 'bell'], { from: '0' }));
    await until(() => seen.values.length === 2);
    await waiting();
    await admin.multi().del('s').xadd('s', '1-0', { n: 1 }).xadd('bell', '7-0', { a: 1 }).exec();
    await until(() => seen.values.length === 4);
    await add(2);
    await until(() => seen.values.length === 5);
    expect(ids(seen.values).filter((id) => id !== '7-0')).toStrictEqual(['5-0', '6-0', 'reset 6-0 1-0', '2-0']);
  });

  it('tells what was added and trimmed in one transaction', async () => {
    await add(1, 2, 3);
    const seen = record(make(server().url).tail('s', { from: '0' }));
    await until(() => seen.values.length === 3);
    await waiting();
    await admin.multi().xadd('s', '4-0', { n: 4 }).xadd('s', '5-0', { n: 5 }).xtrim('s', { MAXLEN: 1 }).exec();
    await until(() => seen.values.length === 5);
    expect(ids(seen.values)).toStrictEqual(['1-0', '2-0', '3-0', 'trimmed 3-0 5-0', '5-0']);
  });

  it('errors where the key holds something else, now or later', async () => {
    await admin.set('s', 'text');
    expect(await failure(lastValueFrom(make(server().url).tail('s')))).toMatchObject({ kind: 'WRONGTYPE' });
    expect(await failure(lastValueFrom(make(server().url).tail('s', { from: '0' })))).toMatchObject({
      kind: 'WRONGTYPE',
    });
    await admin.del('s');
    const redis = make({ url: proxy().url(), reconnect: quick });
    const seen = record(redis.tail('s'));
    await waiting();
    await admin.set('s', 'text');
    proxy().cut();
    await until(() => seen.ended !== undefined);
    expect(seen.ended).toMatchObject({ kind: 'WRONGTYPE' });
  });

  it('reads no more than one batch ahead of a loop', async () => {
    await add(...Array.from({ length: 50 }, (_, n) => n + 1));
    const redis = make({ url: proxy().url(), reconnect: quick });
    const seen: string[] = [];
    for await (const item of redis.tail('s', { from: '0', batch: 5, until: '20-0' })) {
      if (item.type === 'entry') {
        seen.push(item.id);
        // What is ahead was read before: an entry that is taken out later than that came all the same.
        const n = seen.length;
        if (n % 5 === 1) await admin.xdel('s', `${n + 10}-0`);
      }
    }
    const there = Array.from({ length: 20 }, (_, n) => n + 1).filter((n) => ![11, 16].includes(n));
    expect(seen).toStrictEqual(there.map((n) => `${n}-0`));
  });

  it('leaves nothing at the server when its Observer leaves, in whatever state', async () => {
    await add(1, 2, 3);
    const redis = make(server().url);
    record(redis.tail('s', { from: '0' })).stop();
    await lastValueFrom(redis.tail('s', { from: '0', batch: 1 }).pipe(take(2)));
    const seen = record(redis.tail('s'));
    await waiting();
    seen.stop();
    await waiting(0);
    const later = record(redis.tail(['s', 't'], { from: '0' }));
    await until(() => later.values.length === 3);
    await waiting();
    later.stop();
    await waiting(0);
  });

  it('waits at a stream that is empty again, and asks no more often than it has to', async () => {
    await add(1, 2, 3);
    const redis = make(server().url);
    const seen = record(redis.tail('s', { from: '0' }));
    await until(() => seen.values.length === 3);
    await admin.xdel('s', '1-0', '2-0', '3-0');
    const behind = record(redis.tail('s', { from: '0' }));
    await waiting(2);
    for (let turn = 0; turn < 50; turn++) await admin.ping();
    await waiting(2);
    await add(4);
    // Before Redis 7.0 a gap may stand between: the last entry that came is gone, and nothing tells that none followed it.
    const entries = ({ values }: typeof seen) => ids(values.filter(({ type }) => type === 'entry'));
    await until(() => entries(seen).length === 4 && entries(behind).length === 1);
    expect([entries(seen), entries(behind)]).toStrictEqual([['1-0', '2-0', '3-0', '4-0'], ['4-0']]);
  });

  it('leaves out none of several entries of one millisecond', async () => {
    const all = ['5-0', '5-1', '5-2', '6-0', '6-1'];
    for (const id of all) await admin.xadd('s', id, { a: 1 });
    const redis = make(server().url);
    for (const [index, from] of ['0', ...all].entries()) {
      const read = redis.tail('s', { from, until: '$', batch: 1 });
      expect(ids(await lastValueFrom(read.pipe(toArray())))).toStrictEqual(all.slice(index));
    }
  });

  it('errors with the reason of its signal', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const redis = make(server().url);
    const seen = record(redis.tail('s', { signal: controller.signal }));
    await waiting();
    controller.abort(reason);
    expect(seen.ended).toBe(reason);
    await waiting(0);
    const already = redis.tail('s', { signal: AbortSignal.abort(reason) });
    expect(await outcome(lastValueFrom(already))).toStrictEqual({ error: reason });
  });

  it('completes when the client is closed, and errors when it is destroyed', async () => {
    const [closing, destroyed] = [make(server().url), make(server().url)];
    const ended = [closing, destroyed].map((client) => record(client.tail('s')));
    await waiting(2);
    await closing.close();
    await destroyed.destroy();
    await until(() => ended.every(({ ended: end }) => end !== undefined));
    expect(ended[0]!.ended).toBe('complete');
    expect(ended[1]!.ended).toMatchObject({ code: 'DISCONNECTED' });
    await waiting(0);
    expect(await failure(lastValueFrom(closing.tail('s')))).toMatchObject({ code: 'DISCONNECTED' });
  });

  it('does work inside its loop', async () => {
    await add(1, 2, 3, 4, 5, 6);
    const redis = make(server().url);
    let [now, most] = [0, 0];
    const work = async (item: TailItem) => {
      most = Math.max(most, ++now);
      await setImmediate();
      now--;
      return item.type === 'entry' ? item.fields.n : 'gap';
    };
    const done = redis.tail('s', { from: '0', until: '$', project: work, concurrency: 2 });
    expect((await lastValueFrom(done.pipe(toArray()))).sort()).toStrictEqual(['1', '2', '3', '4', '5', '6']);
    expect(most).toBe(2);
  });

  it.each<[string, RedisOptions]>([
    ['RESP2', { protocol: 2 }],
    ['RESP3', { protocol: 3 }],
  ])('has the prefix, the bytes and the options of what it is called on, in %s', async (_, options) => {
    await admin.xadd('app:s', '1-0', { f: Buffer.from([0xff]) });
    const redis = make({ url: server().url, prefix: 'app:', ...options });
    const [inBytes] = await lastValueFrom(redis.bytes.tail('s', { from: '0', until: '$' }).pipe(toArray()));
    expect(inBytes).toMatchObject({
      stream: Buffer.from('s'),
      id: '1-0',
      pairs: [[Buffer.from('f'), Buffer.from([0xff])]],
    });
    const patient = redis.withOptions({ commandTimeout: 2_000 });
    const [named] = await lastValueFrom(patient.tail('s', { from: '0', until: '$' }).pipe(toArray()));
    expect(named).toMatchObject({ stream: 's', fields: { f: '\ufffd' } });
    const pool = pools({ url: server().url, prefix: 'app:', ...options });
    const seen = record(pool.tail('s', { from: '0' }));
    await until(() => seen.values.length === 1);
    await waiting();
    await admin.xadd('app:s', '2-0', { f: 1 });
    await until(() => seen.values.length === 2);
    expect(ids(seen.values)).toStrictEqual(['1-0', '2-0']);
  });

  it('tells streams apart whose names are no text', async () => {
    const [a, b] = [Buffer.from([0xff]), Buffer.from([0xfe])];
    await admin.xadd(a, '1-0', { is: 'a' });
    await admin.xadd(b, '2-0', { is: 'b' });
    const redis = make(server().url);
    const both = await lastValueFrom(redis.bytes.tail([a, b], { from: '0', until: '$' }).pipe(toArray()));
    expect(both.map(({ stream }) => stream)).toStrictEqual([a, b]);
    const [one] = await lastValueFrom(redis.tail(a, { from: '0', until: '$' }).pipe(toArray()));
    expect(one).toMatchObject({ id: '1-0', stream: '\ufffd' });
    expect(thrownBy(() => redis.tail([a, b]))).toBe('TypeError: tail: two streams have the same name');
  });

  it('brings every entry once, and in order, through 100 cuts', async () => {
    const redis = make({ url: proxy().url(), reconnect: quick });
    const seen: string[] = [];
    let cuts = 0;
    const done = new Promise<void>((resolve, reject) => {
      redis.tail('s', { from: '0', batch: 7, until: '5000-0' }).subscribe({
        next: (item) => {
          seen.push(...ids([item]));
          if (cuts < 100 && seen.length >= (cuts + 1) * 45) {
            cuts++;
            proxy().cut();
          }
        },
        error: reject,
        complete: resolve,
      });
    });
    for (let n = 0; n < 5_000; n += 50) {
      await admin.pipeline(Array.from({ length: 50 }, (_, i) => xadd('s', `${n + i + 1}-0`, { n: n + i + 1 })));
    }
    await done;
    expect(seen).toStrictEqual(Array.from({ length: 5_000 }, (_, n) => `${n + 1}-0`));
    expect(cuts).toBe(100);
  });

  it.each<[string, unknown[], string]>([
    ['no stream', [undefined], 'tail: the name of a stream is a string or bytes, got undefined'],
    ['no streams', [[]], 'tail: at least one stream was expected'],
    ['a number among streams', [['s', 5]], 'tail: the name of a stream is a string or bytes, got a number'],
    ['a stream twice', [['s', 's']], 'tail: two streams have the same name'],
    ['a number for options', ['s', 5], 'tail: options were expected, got a number'],
    [
      'an unknown option',
      ['s', { size: 5 }],
      "tail: there is no option 'size'; known are from, batch, until, signal, project, concurrency",
    ],
    [
      'no id',
      ['s', { from: 'now' }],
      "The option 'from' is the id of an entry, as '1526919030474-55', '0' or '$', got \"now\"",
    ],
    [
      'an id that is none',
      [{ s: '>' }],
      "tail: what a stream is given with is the id of an entry, as '1526919030474-55', '0' or '$', got \">\"",
    ],
    [
      'an id that is too large',
      ['s', { until: '18446744073709551616' }],
      "The option 'until' is the id of an entry, as '1526919030474-55', '0' or '$', got \"18446744073709551616\"",
    ],
    [
      'two beginnings',
      [{ s: '0' }, { from: '0' }],
      "tail: the option 'from' does not go with streams that are given with their ids",
    ],
    ['a batch of nothing', ['s', { batch: 0 }], "The option 'batch' is a number from 1 to 9007199254740991, got 0"],
    ['work that is none', ['s', { project: 5 }], "The option 'project' is a function, got a number"],
    [
      'a limit of nothing',
      ['s', { concurrency: 5 }],
      "tail: the option 'concurrency' needs 'project', whose work it limits",
    ],
    ['no signal', ['s', { signal: 'now' }], "The option 'signal' is an AbortSignal, got a string"],
  ])('refuses %s', (_, args, message) => {
    const given = make(server().url) as unknown as { tail: (...args: unknown[]) => unknown };
    expect(thrownBy(() => given.tail(...args))?.replace(/^TypeError: /, '')).toBe(message);
  });
});
