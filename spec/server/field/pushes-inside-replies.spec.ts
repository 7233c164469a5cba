import { setTimeout } from 'node:timers/promises';
import { call, clientTracking, get, incr, mget, psetex, set } from 'rxjs-redis/commands';
import { useClients } from '../../support/clients';
import { outcome } from '../../support/outcomes';
import { useDebuggableServer } from '../../support/debuggable';

/** Servers of some versions put what they push into the middle of the reply to EXEC or of a list. */
describe('What a server pushes while it answers', () => {
  const server = useDebuggableServer();
  const make = useClients();

  it('is no part of the reply to a transaction on a connection that follows its keys', async () => {
    const redis = make({ url: server().url, protocol: 3, onConnect: [clientTracking('ON')], commandTimeout: 3_000 });
    await redis.set('a', '0');
    await redis.get('a');
    for (let n = 0; n < 20; n++) {
      const ended = await outcome(redis.multi(get('a'), set('a', n), get('a'), incr('a'), get('a')));
      expect([n, ended]).toStrictEqual([
        n,
        { value: [n === 0 ? '0' : String(n), 'OK', String(n), n + 1, String(n + 1)] },
      ]);
      expect(await redis.echo(`${n}`)).toBe(`${n}`);
    }
  });

  it('is no part of a list whose keys expire while it is made', async () => {
    const redis = make({ url: server().url, protocol: 3, onConnect: [clientTracking('ON')], commandTimeout: 3_000 });
    await outcome(redis.call('DEBUG', 'SET-ACTIVE-EXPIRE', 0));
    for (let n = 0; n < 10; n++) {
      await redis.pipeline(psetex('x', 5, 'A'), psetex('y', 5, 'A'), set('z', 'z'), get('x'), get('y'));
      await setTimeout(10);
      const [list, echo] = await Promise.all([outcome(redis.mget('x', 'z', 'y', 'z')), outcome(redis.echo('e'))]);
      expect([list, echo]).toStrictEqual([{ value: [null, 'z', null, 'z'] }, { value: 'e' }]);
      await redis.pipeline(psetex('x', 5, 'A'), psetex('y', 5, 'A'), get('x'), get('y'));
      await setTimeout(10);
      const group = await outcome(redis.multi(mget('x', 'z', 'y'), get('z')));
      expect(group).toStrictEqual({ value: [[null, 'z', null], 'z'] });
      expect(await redis.echo('e')).toBe('e');
    }
  });

  it('is no part of the reply to EXEC by hand', async () => {
    const redis = make({ url: server().url, protocol: 3, commandTimeout: 3_000, leases: { max: 1 } });
    await redis.set('a', '0');
    const values = await redis.dedicated(async (connection) => {
      await connection.clientTracking('ON');
      await connection.get('a');
      await connection.call('MULTI');
      void connection.get('a').then();
      void connection.set('a', '1').then();
      void connection.get('a').then();
      const exec = await outcome(connection.exec());
      return [exec, await connection.echo('e')];
    });
    expect(values).toStrictEqual([{ value: ['0', 'OK', '1'] }, 'e']);
  });
});

describe.each([2, 3] as const)('Replies of every type, in RESP%i,', (protocol) => {
  const server = useDebuggableServer();
  const make = useClients();
  // Redis 6.0 ends itself when it is asked in RESP2 for what only RESP3 has.
  const TYPES = [
    'string',
    'integer',
    'double',
    'null',
    'array',
    'set',
    'map',
    ...(protocol === 3 ? ['attrib', 'push'] : []),
    'verbatim',
    'true',
    'false',
    'bignum',
  ];

  it.each(TYPES)('are the same alone, in a pipeline and in a transaction: %s', async (type) => {
    const redis = make({ url: server().url, protocol, commandTimeout: 3_000 });
    const alone = await outcome(redis.call('DEBUG', 'PROTOCOL', type));
    if ('error' in alone && /not allowed|DEBUG/.test(alone.error.message)) return;
    const echo = await outcome(redis.echo('e'));
    expect(echo).toStrictEqual({ value: 'e' });
    const piped = await outcome(redis.pipeline(call('DEBUG', 'PROTOCOL', type), get('none')));
    const multi = await outcome(redis.multi(call('DEBUG', 'PROTOCOL', type), get('none')));
    const behind = await outcome(redis.echo('behind'));
    const value = 'value' in alone ? alone.value : alone.error;
    expect([piped, multi, behind]).toEqual([{ value: [value, null] }, { value: [value, null] }, { value: 'behind' }]);
  });
});
