import { firstValueFrom, lastValueFrom, merge, take, toArray } from 'rxjs';
import type { DedicatedConnection } from 'rxjs-redis';
import { echo } from 'rxjs-redis/commands';
import { eventually, record, useClients } from '../support/clients';
import { failure, outcome } from '../support/outcomes';
import { useServer } from '../support/server';

describe('MONITOR', () => {
  const server = useServer({ own: true });
  const make = useClients();
  const seen = (lines: readonly string[], word: string) => lines.filter((line) => line.includes(`"${word}"`)).length;

  it('is asked for once, however many observe it, and shifts no reply', async () => {
    const admin = make(server().url);
    const replies = make(server().url).dedicated(async (connection) => {
      const one = record(connection.monitor());
      const other = record(connection.monitor());
      const echoes = [connection.echo('a'), connection.echo('b'), connection.echo('c')].map((echo) => echo.then());
      await eventually(
        () => admin.echo('seen by both'),
        () => seen(one.values, 'seen by both') > 0,
      );
      expect(other.values).toStrictEqual(one.values);
      return Promise.all([...echoes, connection.echo('d')]);
    });
    expect(await replies).toStrictEqual(['a', 'b', 'c', 'd']);
  });

  it('has no transaction sent on its connection, in whose reply its lines would stand, until RESET ends it', async () => {
    const admin = make(server().url);
    const ended = await make(server().url).dedicated(async (connection) => {
      const lines = record(connection.monitor());
      const atOnce = await outcome(connection.multi(echo('a'), echo('b')));
      await eventually(
        () => admin.echo('ready'),
        () => lines.values.length > 0,
      );
      const refused = [atOnce, await outcome(connection.multi(echo('a'), echo('b')))];
      refused.push(await outcome(connection.call('MULTI')));
      const taken = [await connection.pipeline(echo('a'), echo('b')), await connection.echo('c')];
      expect([lines.ended, seen(lines.values, 'b')]).toStrictEqual([undefined, 1]);
      await connection.reset();
      return { refused, taken, behind: await connection.multi(echo('a'), echo('b')) };
    });
    const refusal = { code: 'PROTOCOL', command: 'MULTI', delivery: 'unsent' };
    expect(ended).toMatchObject({
      refused: Array(3).fill({ error: refusal }),
      taken: [['a', 'b'], 'c'],
      behind: ['a', 'b'],
    });
    expect((ended.refused[0] as { error: Error }).error.message).toContain('MONITOR was sent before');
  });

  it('may be merged with itself: every line comes twice', async () => {
    const admin = make(server().url);
    const lines = record(
      make(server().url).dedicated((connection) => {
        const lines$ = connection.monitor();
        return merge(lines$, lines$);
      }),
    );
    await eventually(
      () => admin.echo('ready'),
      () => lines.values.length > 0,
    );
    const before = lines.values.length;
    await admin.echo('twice');
    await eventually(
      () => admin.ping(),
      () => lines.values.length >= before + 2,
    );
    expect(seen(lines.values, 'twice')).toBe(2);
  });

  it('may be left and observed again on the same connection', async () => {
    const admin = make(server().url);
    const replies = make(server().url).dedicated(async (connection) => {
      const first = record(connection.monitor());
      await eventually(
        () => admin.echo('first'),
        () => first.values.length > 0,
      );
      first.stop();
      const none = await connection.echo('between');
      const again = record(connection.monitor());
      await eventually(
        () => admin.echo('again'),
        () => again.values.length > 0,
      );
      return [none, await connection.echo('behind')];
    });
    expect(await replies).toStrictEqual(['between', 'behind']);
  });

  it('fails on a connection that was given back, as every command does', async () => {
    let kept: DedicatedConnection | undefined;
    await make(server().url).dedicated(async (connection) => {
      kept = connection;
      await connection.ping();
    });
    const lines = record(kept!.monitor());
    expect(lines.ended).toMatchObject({ code: 'DISCONNECTED', delivery: 'unsent' });
  });

  it('that is refused fails all who observe, and is asked for again by the next', async () => {
    const admin = make(server().url);
    await admin.call('ACL SETUSER', 'guest', 'reset', 'on', '>pw', '~*', '+@all', '-monitor');
    const redis = make({ url: server().url, username: 'guest', password: 'pw' });
    const ended = redis.dedicated(async (connection) => {
      const first = failure(lastValueFrom(connection.monitor()));
      const second = failure(lastValueFrom(connection.monitor()));
      const refusals = [await first, await second];
      await admin.call('ACL SETUSER', 'guest', '+monitor');
      const lines = record(connection.monitor());
      await eventually(
        () => admin.echo('allowed'),
        () => lines.values.length > 0,
      );
      return refusals;
    });
    expect(await ended).toMatchObject([{ kind: 'NOPERM' }, { kind: 'NOPERM' }]);
  });

  it('that is refused keeps no transaction from its connection', async () => {
    await make(server().url).aclSetuser('nolines', 'on', 'nopass', 'allkeys', '+@all', '-monitor');
    const ended = make({ url: server().url, username: 'nolines', password: 'any' }).dedicated(async (connection) => [
      await failure(firstValueFrom(connection.monitor())),
      await connection.multi(echo('a')),
    ]);
    expect(await ended).toMatchObject([{ kind: 'NOPERM' }, ['a']]);
  });

  it('is not sent in a transaction', async () => {
    const replies = make(server().url).dedicated((connection) =>
      Promise.all([
        outcome(connection.call('MULTI')),
        failure(firstValueFrom(connection.monitor())),
        outcome(connection.echo('a')),
        outcome(connection.exec()),
      ]),
    );
    expect(await replies).toMatchObject([
      { value: 'OK' },
      { code: 'PROTOCOL', delivery: 'unsent', cause: expect.any(TypeError) as unknown },
      { value: 'QUEUED' },
      { value: ['a'] },
    ]);
  });

  it.each([
    ['MONITOR', 'use monitor()'],
    ['REPLCONF', 'is what replicas say', 'ACK', 0],
    ['REPLCONF', 'is what replicas say', 'GETACK', '*'],
    ['SYNC', 'is what replicas say'],
    ['PSYNC', 'is what replicas say', '?', -1],
    ['CLUSTER SYNCSLOTS', 'is what replicas say', 'ACK'],
    ['SCRIPT DEBUG', 'is for redis-cli alone', 'SYNC'],
    ['SUBSCRIBE', 'delivers no messages', 'a'],
    ['UNSUBSCRIBE', 'delivers no messages'],
  ] as const)(
    'and all that is answered by nothing or by no reply is refused before it is sent: %s',
    async (name, why, ...args) => {
      const use = (connection: DedicatedConnection) => {
        expect(() => connection.call(name, ...args)).toThrow(TypeError);
        expect(() => connection.call(name, ...args)).toThrow(why);
        return connection.echo('a');
      };
      expect(await make(server().url).dedicated(use)).toBe('a');
    },
  );
});

describe('RESET behind MONITOR', () => {
  const server = useServer({ own: true }, '6.2');
  const make = useClients();

  it('completes the lines, and MONITOR can be asked for anew', async () => {
    const admin = make(server().url);
    const replies = make(server().url).dedicated(async (connection) => {
      const before = record(connection.monitor());
      await connection.reset();
      expect(before.ended).toBe('complete');
      const lines = lastValueFrom(connection.monitor().pipe(take(2), toArray()));
      const echoes = [await connection.echo('a'), await connection.echo('b')];
      await admin.echo('seen');
      expect(await lines).toHaveLength(2);
      return echoes;
    });
    expect(await replies).toStrictEqual(['a', 'b']);
  });
});
