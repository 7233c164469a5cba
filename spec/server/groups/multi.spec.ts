import { setImmediate } from 'node:timers/promises';
import { firstValueFrom } from 'rxjs';
import { ReplyError } from 'rxjs-redis';
import { call, del, dump, get, hgetall, hset, incr, lpush, mget, save, set, type Command } from 'rxjs-redis/commands';
import { useClients } from '../../support/clients';
import { failure, thrownBy } from '../../support/outcomes';
import { useProxy, useServer } from '../../support/server';
import { until } from '../../support/until';

describe.each([2, 3] as const)('A transaction, in RESP%i,', (protocol) => {
  const server = useServer();
  const proxy = useProxy(server);
  const make = useClients();
  const connect = (url = server().url) => make({ url, protocol });

  it('gives the values of its commands in their order, each as by itself, in three styles', async () => {
    const redis = connect();
    expect(await redis.multi(set('a', '1'), incr('a'), hset('h', { f: 'v' }), hgetall('h'))).toStrictEqual([
      'OK',
      2,
      1,
      Object.assign(Object.create(null), { f: 'v' }),
    ]);
    expect(await redis.multi([get('a'), get('nothing')])).toStrictEqual(['2', null]);
    expect(await redis.multi().set('b', '1').incr('b').call<string>('GET', 'b').exec()).toStrictEqual(['OK', 2, '2']);
    expect(await redis.multi([])).toStrictEqual([]);
  });

  it('has bytes where bytes are wanted, and binary values among text', async () => {
    const redis = connect();
    await redis.set('k', 'é');
    expect(await redis.bytes.multi(get('k'))).toStrictEqual([Buffer.from('é')]);
    const [text, dumped, hash] = await redis.multi(get('k'), dump('k'), hgetall('none'));
    expect(text).toBe('é');
    expect(dumped).toStrictEqual(await redis.dump('k'));
    expect(hash).toStrictEqual(Object.create(null));
  });

  it('has the errors of commands that failed when they ran in their places, and the others have run', async () => {
    const redis = connect();
    const commands = [set('text', 'a'), lpush('text', 'b'), set('after', 'c')];
    const [, refused] = await redis.multi(commands);
    expect(refused).toBeInstanceOf(ReplyError);
    expect(refused).toMatchObject({ kind: 'WRONGTYPE', command: 'LPUSH' });
    expect(await redis.get('after')).toBe('c');
    const error = await failure(redis.multi(commands, { failFast: true }));
    expect(error).toMatchObject({ kind: 'WRONGTYPE', command: 'LPUSH' });
    expect(error.results).toMatchObject(['OK', { kind: 'WRONGTYPE' }, 'OK']);
  });

  it('that was discarded says which commands were refused, and nothing has run', async () => {
    const redis = connect();
    const error = await failure(redis.multi().set('discarded', '1').call('SET', 'x').call('NOSUCH', 'secret').exec());
    expect(error).toMatchObject({
      code: 'REPLY',
      kind: 'EXECABORT',
      command: 'MULTI',
      delivery: 'answered',
      repeatable: false,
      causes: [
        { index: 1, command: 'SET', error: { kind: 'ERR', command: 'SET' } },
        { index: 2, command: 'NOSUCH', error: { kind: 'ERR', command: 'NOSUCH' } },
      ],
    });
    expect(error.message).toContain('; command 2, SET: ERR wrong number of arguments');
    expect(await redis.get('discarded')).toBeNull();
  });

  it('that was discarded counts commands whose answer is known among the others', async () => {
    const redis = connect();
    const error = await failure(redis.multi([del([]), set('discarded', '1'), mget([]), call('NOSUCH')]));
    expect(error).toMatchObject({ kind: 'EXECABORT', causes: [{ index: 3, command: 'NOSUCH' }] });
    expect(error.message).toContain('; command 4, NOSUCH: ERR unknown command');
  });

  it('where MULTI is refused says that its commands ran by themselves, and what they were answered', async () => {
    const redis = connect();
    await redis.aclSetuser('nomulti', 'on', 'nopass', 'allkeys', '+@all', '-multi');
    const limited = make({ url: server().url, protocol, username: 'nomulti', password: 'any' });
    const error = await failure(limited.multi(set('alone', '1'), get('alone')));
    expect(error).toMatchObject({ kind: 'NOPERM', command: 'MULTI', results: ['OK', '1'], repeatable: false });
    expect(error.message).toContain('so it was no transaction: each command was run or refused by itself');
    expect(await limited.get('alone')).toBe('1');
    const among = await failure(limited.multi(del([]), get('alone'), mget([])));
    expect(among.group).toStrictEqual({ results: [0, '1', []], deliveries: ['answered', 'answered', 'answered'] });
  });

  it('is not sent with what servers refuse in it', async () => {
    const redis = connect();
    expect(thrownBy(() => redis.multi(get('a'), save()))).toBe(
      'TypeError: multi: command 2, SAVE, is refused by servers in a transaction',
    );
    expect(await firstValueFrom(redis.state$)).toStrictEqual({ kind: 'idle' });
  });

  it('has no other command of its connection inside it, however many there are', async () => {
    const redis = connect();
    const rounds = Array.from({ length: 1_000 }, (_, round) => round);
    const all: PromiseLike<unknown>[] = [];
    for (const round of rounds) {
      for (let n = 0; n < 100; n++) all.push(redis.set('last', `plain ${round} ${n}`).then());
      const name = `transaction ${round}`;
      all.push(
        redis
          .multi(set('last', name), get('last'), get('last'), get('last'))
          .then((values) => expect(values).toStrictEqual(['OK', name, name, name])),
      );
    }
    await Promise.all(all);
    expect(all).toHaveLength(101_000);
  });

  it('whose EXEC was not written when the connection was lost is sent anew, for nothing has run', async () => {
    const redis = connect(proxy().url());
    await redis.set('n', 0);
    // What the proxy does not hand on fills the buffers between it and the client, so that EXEC stays in the client.
    proxy().stall('toServer', true);
    const opened = proxy().connections.total;
    const large = Buffer.alloc(8 * 1024 * 1024);
    const values = redis.multi([incr('n'), ...Array.from({ length: 8 }, () => set('large', large))]).then();
    await setImmediate();
    proxy().cut('reset');
    proxy().stall('toServer', false);
    expect((await values)[0]).toBe(1);
    expect(proxy().connections.total).toBeGreaterThan(opened);
    expect(await redis.get('n')).toBe('1');
  });

  it('whose time is up before its reply has come may have run', async () => {
    const redis = connect(proxy().url());
    await redis.set('n', 0);
    proxy().stall('toClient', true);
    const error = await failure(redis.withOptions({ commandTimeout: 50 }).multi(incr('n'), incr('n')));
    expect(error).toMatchObject({
      code: 'TIMEOUT',
      command: 'MULTI',
      delivery: 'unknown',
      group: { results: [], deliveries: ['unknown', 'unknown'] },
    });
  });

  it.each<[string, Command[], object]>([
    ['reads is repeated', [get('n'), get('n')], ['0', '0']],
    ['a write is not, and its fate is unknown', [get('n'), incr('n')], { delivery: 'unknown', repeatable: false }],
  ])('whose reply is lost: that of %s', async (_what, commands, wanted) => {
    const redis = connect(proxy().url());
    await redis.set('n', 0);
    proxy().stall('toClient', true);
    const received = proxy().bytes.toServer;
    const ended = redis.multi(commands).catch((error: unknown) => error);
    await until(() => proxy().bytes.toServer > received);
    proxy().cut();
    proxy().stall('toClient', false);
    expect(await ended).toMatchObject(wanted);
  });

  it('on a connection that is lent gives null where a watched key has changed', async () => {
    const redis = connect();
    await redis.set('watched', '1');
    const values = await redis.dedicated(async (connection) => {
      await connection.watch('watched');
      await redis.set('watched', '2');
      return [await connection.multi(incr('watched')), await connection.multi(incr('watched'))];
    });
    expect(values).toStrictEqual([null, [3]]);
  });

  it('is refused on a connection where MULTI was sent by hand', async () => {
    const redis = connect();
    const ended = await redis.dedicated(async (connection) => {
      await connection.call('MULTI');
      const refused = [await failure(connection.multi(incr('n'))), await failure(connection.pipeline(incr('n')))];
      return { refused, discarded: await connection.discard() };
    });
    const why = 'MULTI was sent before, and EXEC was not';
    expect(ended.refused).toMatchObject([
      { code: 'PROTOCOL', command: 'MULTI', delivery: 'unsent', message: `MULTI cannot be sent: ${why}` },
      { code: 'PROTOCOL', command: 'PIPELINE', delivery: 'unsent', message: `PIPELINE cannot be sent: ${why}` },
    ]);
    expect(ended.discarded).toBe('OK');
  });
});
