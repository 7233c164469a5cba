import { get, incr, set } from 'rxjs-redis/commands';
import { useClients, usePools } from '../../support/clients';
import { failure, outcome } from '../../support/outcomes';
import { useServer } from '../../support/server';
import { until } from '../../support/until';

/** What makes a server refuse writes, and how that is undone. */
const STATES: readonly (readonly [what: string, kind: string, on: readonly string[], off: readonly string[]])[] = [
  ['OOM', 'OOM', ['CONFIG', 'SET', 'maxmemory', '1'], ['CONFIG', 'SET', 'maxmemory', '0']],
  [
    'too few replicas',
    'NOREPLICAS',
    ['CONFIG', 'SET', 'min-replicas-to-write', '3'],
    ['CONFIG', 'SET', 'min-replicas-to-write', '0'],
  ],
];

describe.each([2, 3] as const)('A transaction that a server refuses, in RESP%i,', (protocol) => {
  const server = useServer({ own: true });
  const make = useClients();
  const pools = usePools();
  const connect = () => make({ url: server().url, protocol, commandTimeout: 3_000, leases: { max: 1 } });
  beforeEach(() => make(server().url).flushall());

  it.each(STATES)(
    'leaves no reply behind, on the shared connection, a lease and a pool: %s',
    async (_, kind, on, off) => {
      const admin = make(server().url);
      const redis = connect();
      const pool = pools({ url: server().url, protocol, min: 1, max: 1, commandTimeout: 3_000 });
      await redis.set('x', '42');
      const apply = (words: readonly string[]) => admin.call(words[0]!, ...words.slice(1));
      await apply(on);
      try {
        for (let n = 0; n < 3; n++) {
          const members = [get('x'), set('x', 'abc'), incr('n'), get('x')];
          expect(await failure(redis.multi(members))).toMatchObject({ kind: 'EXECABORT' });
          expect(await redis.get('x')).toBe('42');
          expect(await failure(redis.dedicated((connection) => connection.multi(members)))).toMatchObject({
            kind: 'EXECABORT',
          });
          expect(await redis.dedicated((connection) => connection.get('x'))).toBe('42');
          const byHand = await redis.dedicated(async (connection) => {
            const replies = [connection.call('MULTI'), connection.set('x', 'abc'), connection.get('x')].map((one) =>
              outcome<unknown>(one),
            );
            return [...(await Promise.all(replies)), await outcome(connection.exec())];
          });
          expect(byHand).toMatchObject([{ value: 'OK' }, { error: { kind } }, {}, { error: { kind: 'EXECABORT' } }]);
          await outcome(
            redis.dedicated(async (connection) => {
              await connection.call('MULTI');
              await outcome(connection.set('x', 'abc'));
              throw new Error('left');
            }),
          );
          expect(await redis.dedicated((connection) => connection.get('x'))).toBe('42');
          expect(await failure(pool.multi(members))).toMatchObject({ kind: 'EXECABORT' });
          expect(await pool.get('x')).toBe('42');
          expect(await failure(redis.watch(['x'], () => members))).toMatchObject({ kind: 'EXECABORT' });
          expect(await redis.pipeline(members)).toMatchObject(['42', { kind }, { kind }, '42']);
        }
      } finally {
        await apply(off);
      }
      expect(await redis.multi(get('x'), set('x', 'abc'))).toStrictEqual(['42', 'OK']);
      expect(await pool.get('x')).toBe('abc');
      await until(() => pool.stats.active === 0 && pool.stats.waiting === 0);
    },
  );

  it('because of its user leaves no reply behind', async () => {
    const admin = make(server().url);
    await admin.aclSetuser('few', ['reset', 'on', 'nopass', '~a*', '+@all', '-discard', '-unwatch', '-incr']);
    const redis = make({
      url: server().url,
      protocol,
      username: 'few',
      password: 'x',
      commandTimeout: 3_000,
      leases: { max: 1 },
    });
    for (let n = 0; n < 3; n++) {
      expect(await failure(redis.multi(set('a', 1), incr('a'), get('a')))).toMatchObject({ kind: 'EXECABORT' });
      expect(await failure(redis.multi(set('a', 1), get('b')))).toMatchObject({ kind: 'EXECABORT' });
      expect(await redis.echo('e')).toBe('e');
      await outcome(
        redis.dedicated(async (connection) => {
          await connection.call('MULTI');
          await connection.set('a', 'no');
          throw new Error('left');
        }),
      );
      expect(await redis.dedicated((connection) => connection.get('a'))).not.toBe('QUEUED');
      await redis.dedicated((connection) => connection.watch('a'));
      await admin.set('a', 'changed');
      expect(await redis.dedicated((connection) => connection.multi(get('a')))).toStrictEqual(['changed']);
    }
  });

  it('because the rights of its user change behind MULTI says so in its place, and leaves no reply behind', async () => {
    const admin = make(server().url);
    await admin.aclSetuser('fewer', ['reset', 'on', 'nopass', '~*', '+@all']);
    const redis = make({
      url: server().url,
      protocol,
      username: 'fewer',
      password: 'x',
      commandTimeout: 3_000,
      leases: { max: 1 },
    });
    const values = await redis.dedicated(async (connection) => {
      await connection.call('MULTI');
      await connection.set('a', 1);
      await connection.get('a');
      await admin.aclSetuser('fewer', ['-set']);
      return [await outcome(connection.exec()), await connection.echo('e')];
    });
    expect(values).toMatchObject([{ value: [{ kind: 'NOPERM' }, null] }, 'e']);
  });

  it('because it became a replica, before it or while it is queued, tells so, and others have their replies', async () => {
    const admin = make({ url: server().url });
    const redis = connect();
    await redis.set('x', '42');
    await admin.call('REPLICAOF', '127.0.0.1', '1');
    try {
      const plain = Array.from({ length: 50 }, () => outcome(redis.get('x')));
      const refused = failure(redis.multi(set('x', 'abc'), get('x')));
      const behind = Array.from({ length: 50 }, () => outcome(redis.get('x')));
      expect(await refused).toMatchObject({ kind: expect.stringMatching(/EXECABORT|READONLY/) as string });
      for (const one of await Promise.all([...plain, ...behind])) expect(one).toStrictEqual({ value: '42' });
      expect(await redis.get('x')).toBe('42');
    } finally {
      await admin.call('REPLICAOF', 'NO', 'ONE');
    }
    expect(await redis.get('x')).toBe('42');
  });
});

describe('A group that is larger than a server takes', () => {
  const server = useServer({ own: true, args: ['--client-query-buffer-limit', '1mb', '--proto-max-bulk-len', '1mb'] });
  const make = useClients();

  it.each(['multi', 'pipeline'] as const)(
    'fails soon, and its neighbours are answered once: %s of many',
    async (kind) => {
      const redis = make({ url: server().url, commandTimeout: 10_000 });
      const admin = make(server().url);
      await admin.flushall();
      const value = 'x'.repeat(600_000);
      const group = outcome(redis[kind](Array.from({ length: 8 }, (_, n) => set(`k${n}`, value))));
      const echo = outcome(redis.echo('e'));
      const ended = await group;
      expect(await echo).toStrictEqual({ value: 'e' });
      // One limits what is queued, another does not: either all of it has run or none.
      if ('value' in ended) expect(await admin.dbsize()).toBe(8);
      else expect(ended.error.message).not.toBe('');
      expect(await redis.echo('later')).toBe('later');
    },
  );

  it.each(['multi', 'pipeline'] as const)(
    'fails, and what is counted beside it is counted once: %s with one too large',
    async (kind) => {
      const redis = make({ url: server().url, commandTimeout: 10_000 });
      const admin = make(server().url);
      await admin.flushall();
      const before = outcome(redis.incr('before'));
      const group = outcome(redis[kind]([incr('m'), set('large', 'x'.repeat(2_000_000)), incr('m')]));
      const after = outcome(redis.incr('after'));
      const ended = await group;
      expect('error' in ended).toBe(true);
      const [b, a] = await Promise.all([before, after]);
      const count = async (key: string) => Number(await admin.get(key));
      if ('value' in b) expect(await count('before')).toBe(1);
      if ('value' in a) expect(await count('after')).toBe(1);
      expect(await count('before')).toBeLessThanOrEqual(1);
      expect(await count('after')).toBeLessThanOrEqual(1);
      expect(await count('m')).toBeLessThanOrEqual(1);
      expect(await redis.echo('later')).toBe('later');
    },
  );

  it('by its script fails, and the next works', async () => {
    const redis = make({ url: server().url, commandTimeout: 5_000 });
    const large = redis.script(`-- ${'x'.repeat(1_500_000)}\nreturn 1`, { keys: 0 });
    expect('error' in (await outcome(large([])))).toBe(true);
    expect('error' in (await outcome(redis.multi([large.command([]), get('a')])))).toBe(true);
    const small = redis.script('return 1', { keys: 0, reply: 'integer' });
    expect(await small([])).toBe(1);
    expect(await redis.multi([small.command([])])).toStrictEqual([1]);
  });
});
