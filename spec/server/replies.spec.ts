import { concatMap, defer, firstValueFrom, forkJoin, from, map, repeat, take, toArray } from 'rxjs';
import { call } from 'rxjs-redis/commands';
import { record, useClients } from '../support/clients';
import { useProxy, useServer } from '../support/server';

describe('A reply', () => {
  const server = useServer();
  const proxy = useProxy(server);
  const make = useClients();

  it('sends nothing unless somebody subscribes or awaits', async () => {
    const redis = make(server().url);
    void redis.call('INCR', 'cold');
    void redis.incr('cold');
    await redis.call('PING');
    expect(await redis.get('cold')).toBeNull();
  });

  it('sends once per subscription', async () => {
    const redis = make(server().url);
    const reply = redis.incr('twice');
    expect([await firstValueFrom(reply), await firstValueFrom(reply)]).toStrictEqual([1, 2]);
    expect(await redis.get('twice')).toBe('2');
  });

  it('sends once however often it is awaited', async () => {
    const redis = make(server().url);
    const reply = redis.incr('once');
    expect([await reply, await reply, await Promise.resolve(reply)]).toStrictEqual([1, 1, 1]);
    expect(await redis.get('once')).toBe('1');
  });

  it('remembers a failure as well', async () => {
    const redis = make(server().url);
    await redis.set('text', 'x');
    const reply = redis.incr('text');
    const first: unknown = await reply.then(undefined, (error: unknown) => error);
    expect(first).toMatchObject({ kind: 'ERR', command: 'INCR', delivery: 'answered' });
    expect(await reply.then(undefined, (error: unknown) => error)).toBe(first);
  });

  it('is one value and completes', async () => {
    const redis = make(server().url);
    const recorded = record(redis.set('one', '1'));
    await redis.call('PING');
    expect(recorded).toMatchObject({ values: ['OK'], ended: 'complete' });
  });

  it('works with operators as any Observable does', async () => {
    const redis = make(server().url);
    const visits = defer(() => redis.incr('visits')).pipe(repeat(3), toArray());
    expect(await firstValueFrom(visits)).toStrictEqual([1, 2, 3]);
    expect(await firstValueFrom(redis.get('visits').pipe(map((text) => Number(text))))).toBe(3);
    expect(await firstValueFrom(forkJoin([redis.get('visits'), redis.strlen('visits')]))).toStrictEqual(['3', 1]);
    expect(
      await firstValueFrom(
        from(['a', 'b']).pipe(
          concatMap((k) => redis.set(k, k)),
          take(2),
          toArray(),
        ),
      ),
    ).toStrictEqual(['OK', 'OK']);
  });

  it('is not sent when its Observer leaves within the tick', async () => {
    const redis = make(proxy().url());
    await redis.connect();
    const { toServer } = proxy().bytes;
    redis.set('never', '1').subscribe().unsubscribe();
    await new Promise(setImmediate);
    expect(proxy().bytes.toServer).toBe(toServer);
    expect(await redis.get('never')).toBeNull();
  });

  it('keeps its place when its Observer leaves after the write', async () => {
    const redis = make(proxy().url());
    await redis.mset({ first: '1', second: '2' });
    proxy().stall('toClient', true);
    const first = record(redis.get('first'));
    const second = firstValueFrom(redis.get('second'));
    await new Promise(setImmediate);
    first.stop();
    proxy().stall('toClient', false);
    expect(await second).toBe('2');
    expect(first.values).toStrictEqual([]);
  });

  it('carries an error of the server and lets the next command through', async () => {
    const redis = make(server().url);
    await redis.set('string', 'x');
    await expect(redis.lpush('string', 'y')).rejects.toMatchObject({
      name: 'ReplyError',
      code: 'REPLY',
      kind: 'WRONGTYPE',
      command: 'LPUSH',
      delivery: 'answered',
    });
    expect(await redis.get('string')).toBe('x');
  });
});

describe.each([2, 3] as const)('Values in RESP%d', (protocol) => {
  const server = useServer();
  const make = useClients();
  const client = () => make({ url: server().url, protocol });
  const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

  it('come back as they were sent: NUL, CRLF, UTF-8, nothing', async () => {
    const redis = client();
    for (const value of ['', '\0', '\r\n', '$5\r\nhello\r\n', 'žluťoučký 🐴', ' '.repeat(100)]) {
      await redis.set('k', value);
      expect(await redis.get('k')).toBe(value);
    }
  });

  it('keep all 256 byte values, as value, as key, as field', async () => {
    const redis = client();
    await redis.set(everyByte, everyByte);
    expect(await redis.bytes.get(everyByte)).toStrictEqual(everyByte);
    await redis.hset('h', [[everyByte, everyByte]]);
    expect(await redis.bytes.hget('h', everyByte)).toStrictEqual(everyByte);
    const all = await redis.bytes.hgetall('h');
    expect([...all]).toStrictEqual([[everyByte, everyByte]]);
  });

  it('of DUMP are bytes on every surface', async () => {
    const redis = client();
    await redis.set('dumped', everyByte);
    const dump = await redis.dump('dumped');
    expect(await redis.restore('restored', 0, dump!)).toBe('OK');
    expect(await redis.bytes.get('restored')).toStrictEqual(everyByte);
  });

  it('may be 10 MB', async () => {
    const redis = client();
    const large = Buffer.alloc(10_000_000, everyByte);
    await redis.set('large', large);
    const read = await redis.bytes.get('large');
    expect(read!.equals(large)).toBe(true);
    await redis.set('text', 'é'.repeat(5_000_000));
    expect(await redis.get('text')).toBe('é'.repeat(5_000_000));
  });

  it('are bigint beyond 2^53 and never rounded', async () => {
    const redis = client();
    await redis.set('n', 9223372036854775806n);
    expect(await redis.incr('n')).toBe(9223372036854775807n);
    await redis.set('n', Number.MAX_SAFE_INTEGER - 1);
    expect(await redis.incr('n')).toBe(Number.MAX_SAFE_INTEGER);
    expect(await redis.incr('n')).toBe(9007199254740992n);
  });

  it('cannot pollute a prototype', async () => {
    const redis = client();
    await redis.hset('polluted', [
      ['__proto__', 'x'],
      ['toString', 'y'],
    ]);
    const record = await redis.hgetall('polluted');
    expect(Object.getPrototypeOf(record)).toBeNull();
    expect(Object.entries(record).sort()).toStrictEqual([
      ['__proto__', 'x'],
      ['toString', 'y'],
    ]);
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });

  it('of commands without a method are reached through call', async () => {
    const redis = client();
    expect(await redis.call('set', 'c', 1)).toBe('OK');
    expect(await redis.call<string>('GET', 'c')).toBe('1');
    expect(await redis.call<string>('Object Encoding', 'c')).toBe('int');
    expect(await redis.bytes.call<Buffer>('GET', 'c')).toStrictEqual(Buffer.from('1'));
  });
});

describe('call', () => {
  const server = useServer();
  const make = useClients();

  it.each([
    ['undefined', undefined, 'undefined'],
    ['null', null, 'null'],
    ['NaN', NaN, 'NaN'],
    ['an object', {}, 'an object (Object)'],
    ['an array', ['a'], 'an array of 1'],
    ['a function', () => 1, 'a function'],
  ])('refuses %s before anything is sent', async (_, value, kind) => {
    const redis = make(server().url);
    expect(() => redis.call('SET', 'k', value as never)).toThrow(
      new TypeError(`call SET: argument 2 cannot be sent, got ${kind}`),
    );
    expect(() => redis.call('')).toThrow(/name/);
    expect(await firstValueFrom(redis.state$.pipe(take(1), toArray()))).toStrictEqual([{ kind: 'idle' }]);
  });

  it('takes arguments one by one, as many as the engine does, or as one array of any length, by whatever way', async () => {
    const redis = make(server().url);
    const longest = 300_000;
    const members = Array.from({ length: longest }, (_, n) => `m${n}`);
    const counted = async (send: (args: string[]) => PromiseLike<unknown>) => {
      await redis.del('s');
      return [await send(['s', ...members]), await send(['s', 'another'])];
    };
    const ways: ((args: string[]) => PromiseLike<unknown>)[] = [
      (args) => redis.call('SADD', args),
      (args) => redis.bytes.call('SADD', args),
      (args) =>
        redis
          .pipeline()
          .call('SADD', args)
          .exec()
          .then(([count]) => count),
      (args) =>
        redis
          .multi()
          .call('SADD', args)
          .exec()
          .then(([count]) => count),
      (args) => redis.pipeline([call('SADD', args)]).then(([count]) => count),
      (args) => redis.dedicated((connection) => connection.call('SADD', args)),
    ];
    for (const way of ways) expect(await counted(way)).toStrictEqual([longest, 1]);
    await redis.del('s');
    expect(await redis.call('SADD', 's', ...members.slice(0, 100_000))).toBe(100_000);
    expect(
      await redis
        .pipeline()
        .call('SADD', 's', ...members.slice(0, 100_000))
        .exec(),
    ).toStrictEqual([0]);
    expect(await redis.call('PING', [])).toBe('PONG');
    expect(() => redis.call('SADD', ['s', ['m']] as never)).toThrow(
      'call SADD: argument 2 cannot be sent, got an array',
    );
  });
});
