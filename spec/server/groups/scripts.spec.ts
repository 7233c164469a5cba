import { filter, firstValueFrom, map } from 'rxjs';
import type { Frame, Redis, ScriptReplyName } from 'rxjs-redis';
import { append, evalshaOrEval, get, incr, set, ping, scriptFlush } from 'rxjs-redis/commands';
import { record, useClients } from '../../support/clients';
import { failure, outcome, thrownBy } from '../../support/outcomes';
import { useProxy, useServer } from '../../support/server';
import { until } from '../../support/until';

const APPEND = "redis.call('append', KEYS[1], ARGV[1]) return redis.call('get', KEYS[1])";

describe.each([2, 3] as const)('A script, in RESP%i,', (protocol) => {
  const server = useServer({ own: true });
  const proxy = useProxy(server);
  const make = useClients();
  const connect = (url = server().url) => make({ url, protocol });

  /** A client of a server that has neither keys nor scripts, and how often the server has run commands since. */
  const setUp = async (url?: string) => {
    const other = connect();
    await other.pipeline().flushall().scriptFlush().configResetstat().exec();
    const redis = connect(url);
    await redis.connect();
    return { redis, other, calls: (...names: string[]) => callsOf(other, names) };
  };

  it('is sent by its SHA-1, whole where the server lacks it, and by its SHA-1 from then on', async () => {
    const { redis, calls } = await setUp();
    const appends = redis.script(APPEND, { keys: 1, reply: 'string' });
    expect(await appends(['k'], ['a'])).toBe('a');
    expect(await calls('evalsha', 'eval')).toStrictEqual([1, 1]);
    expect(await appends(['k'], ['b'])).toBe('ab');
    expect(await Promise.all([appends(['k'], 'c'), appends(['k'], ['d'])])).toStrictEqual(['abc', 'abcd']);
    expect(await calls('evalsha', 'eval')).toStrictEqual([4, 1]);
    const next = await setUpBeside(connect());
    expect(await next(['k'], ['e'])).toBe('abcde');
    expect(await calls('evalsha', 'eval')).toStrictEqual([5, 1]);
  });

  const setUpBeside = async (redis: Redis) => {
    await redis.connect();
    return redis.script(APPEND, { keys: 1, reply: 'string' });
  };

  it('keeps its place among 1 000 writes to its key when it is called for the first time', async () => {
    const { redis } = await setUp();
    const appends = redis.script(APPEND, { keys: 1 });
    const expected: string[] = [];
    const all: PromiseLike<unknown>[] = [];
    for (let n = 0; n < 1_000; n++) {
      all.push(n % 2 === 0 ? appends(['k'], [`s${n} `]).then() : redis.append('k', `w${n} `).then());
      expected.push(`${n % 2 === 0 ? 's' : 'w'}${n} `);
    }
    await Promise.all(all);
    expect(await redis.get('k')).toBe(expected.join(''));
  });

  it('is never out of order among 1 000 writes to its key after SCRIPT FLUSH: it fails, or runs in its place', async () => {
    const { redis, other } = await setUp();
    const appends = redis.script(APPEND, { keys: 1 });
    await appends(['k'], ['begin ']);
    const flushed: PromiseLike<unknown>[] = [];
    const ended: PromiseLike<{ text: string; kind: string | undefined }>[] = [];
    for (let n = 0; n < 1_000; n++) {
      if (n % 100 === 0) flushed.push(other.scriptFlush().then());
      if (n === 500) await Promise.all(flushed); // here it is certain what a call meets, elsewhere it is not
      const text = `${n} `;
      const reply = n % 2 === 0 ? appends(['k'], [text]) : redis.append('k', text);
      ended.push(
        outcome<unknown>(reply).then((one) => ({ text, kind: 'error' in one ? kindOf(one.error) : undefined })),
      );
      if (n % 10 === 9) await redis.ping();
    }
    const outcomes = await Promise.all(ended);
    await Promise.all(flushed);
    const ran = outcomes.filter(({ kind }) => kind === undefined);
    expect(await redis.get('k')).toBe(`begin ${ran.map(({ text }) => text).join('')}`);
    expect(new Set(outcomes.map(({ kind }) => kind))).toStrictEqual(new Set([undefined, 'NOSCRIPT']));
    expect(await appends(['k'], ['end'])).toMatch(/ end$/);
  });

  it('is brought along again after SCRIPT FLUSH by another client, in the order of the calls', async () => {
    const { redis, other, calls } = await setUp();
    const appends = redis.script(APPEND, { keys: 1 });
    await appends(['k'], ['begin ']);
    await other.scriptFlush();
    const all = Array.from({ length: 1_000 }, (_, n) => [
      appends(['k'], [`${n} `]).then(),
      redis.set(`other ${n}`, n).then(),
    ]);
    await Promise.all(all.flat());
    expect(await redis.get('k')).toBe(`begin ${all.map((_, n) => `${n} `).join('')}`);
    expect(await calls('eval')).toStrictEqual([2]);
  });

  it('is brought along again where the server has dropped it for others, and kept once a group has given it to a server that had none', async () => {
    const { redis, other } = await setUp();
    const crowd = () => Promise.all(Array.from({ length: 600 }, (_, n) => other.eval(`return ${n}`, [])));
    const alone = redis.script(APPEND, { keys: 1 });
    await alone(['k'], ['a']);
    await crowd();
    expect(await alone(['k'], ['b'])).toBe('ab');
    const inGroups = redis.script(`${APPEND} -- in groups`, { keys: 1 });
    await redis.multi(inGroups.command(['k'], ['c']));
    await crowd();
    expect(await redis.multi(inGroups.command(['k'], ['d']))).toStrictEqual(['abcd']);
    expect(await redis.pipeline(inGroups.command(['k'], ['e']))).toStrictEqual(['abcde']);
  });

  it.each<[string, (redis: Redis, text: string) => PromiseLike<unknown>]>([
    ['that it was brought along by', (redis, text) => redis.script(text, { keys: 1 })(['k'], ['a'])],
    [
      'that had to be sent whole, on a lease,',
      (redis, text) => redis.dedicated((one) => one.script(text, { keys: 1 })(['k'], ['a'])),
    ],
    ['in a group', (redis, text) => redis.pipeline(redis.script(text, { keys: 1 }).command(['k'], ['a']))],
  ])('is there for groups behind the call %s, however many others are sent', async (_what, call) => {
    const { redis, other } = await setUp();
    const text = `${APPEND} -- kept`;
    await call(redis, text);
    const beside = connect();
    await beside.connect();
    for (const client of [redis, beside]) {
      const again = client.script(text, { keys: 1 });
      await again(['other'], ['x']);
      await Promise.all(Array.from({ length: 600 }, (_, n) => other.eval(`return ${n}`, [])));
      expect(await client.multi(again.command(['k'], ['b']))).toStrictEqual([expect.stringMatching(/^ab/)]);
      expect(await client.pipeline(again.command(['k'], ['c']))).toStrictEqual([expect.stringMatching(/bc$/)]);
    }
  });

  it('is brought along again behind SCRIPT FLUSH of its own client, and what comes behind it waits', async () => {
    const { redis } = await setUp();
    const appends = redis.script(APPEND, { keys: 1 });
    await appends(['k'], ['a']);
    const all = [redis.scriptFlush().then(), appends(['k'], ['b']).then(), redis.append('k', 'c').then()];
    await Promise.all(all);
    expect(await redis.get('k')).toBe('abc');
  });

  it('is answered before the client closes, and works after a loss and a restart of the server', async () => {
    const { redis, calls } = await setUp(proxy().url());
    const appends = redis.script(APPEND, { keys: 1, reply: 'string' });
    const last = connect();
    const closing = last.script(APPEND, { keys: 1 })(['k'], ['a']).then();
    await last.close();
    expect(await closing).toBe('a');
    expect(await appends(['k'], ['b'])).toBe('ab');
    const lost = () => firstValueFrom(redis.state$.pipe(filter(({ kind }) => kind === 'reconnecting')));
    const cut = lost();
    proxy().cut();
    await cut;
    expect(await appends(['k'], ['c'])).toBe('abc');
    expect(await calls('eval')).toStrictEqual([1]);
    const stopped = lost();
    await server().restart();
    await stopped;
    expect(await appends(['k'], ['d'])).toBe('d');
  });

  it('is loaded ahead in pipelines, transactions and chains, and its extra reply is none of theirs', async () => {
    const { redis, calls } = await setUp();
    const appends = redis.script(APPEND, { keys: 1, reply: 'string' });
    const length = redis.script("return redis.call('strlen', KEYS[1])", { keys: 1, reply: 'integer', readOnly: true });
    expect(await redis.pipeline(set('k', 'a'), appends.command(['k'], ['b']), length.command(['k']))).toStrictEqual([
      'OK',
      'ab',
      2,
    ]);
    expect(await redis.multi(appends.command(['k'], ['c']), get('k'))).toStrictEqual(['abc', 'abc']);
    expect(
      await redis
        .multi()
        .incr('n')
        .add(appends.command(['k'], ['d']))
        .add(incr('n'))
        .exec(),
    ).toStrictEqual([1, 'abcd', 2]);
    const beside = connect();
    const own = beside.script(APPEND, { keys: 1, reply: 'string' });
    expect(await beside.multi([own.command(['k'], ['e'])], { failFast: true })).toStrictEqual(['abcde']);
    // The first call of each on a connection is whole.
    const [whole = 0, reading = 0] = await calls('eval', 'eval_ro');
    expect(whole + reading).toBe(3);
    expect(await redis.pipeline(evalshaOrEval<string>(APPEND, 'k', ['f']))).toStrictEqual(['abcdef']);
  });

  it('has its error in its place in a group when the server has forgotten it, and the next group brings it along', async () => {
    const { redis, other } = await setUp();
    const appends = redis.script(APPEND, { keys: 1, reply: 'string' });
    await appends(['k'], ['a']);
    for (const group of ['pipeline', 'multi'] as const) {
      await other.scriptFlush();
      const send = () => redis[group]([append('k', '-'), appends.command(['k'], ['b'])]);
      expect(await send()).toMatchObject([expect.any(Number), { kind: 'NOSCRIPT', command: 'EVALSHA' }]);
      expect(await send()).toStrictEqual([expect.any(Number), expect.stringMatching(/-b$/)]);
    }
    expect(await redis.get('k')).toBe('a--b--b');
  });

  it.each<[string, (redis: Redis) => PromiseLike<unknown>]>([
    ['by itself', (redis) => redis.scriptFlush()],
    ['in a pipeline', (redis) => redis.pipeline(scriptFlush(), ping())],
    ['in a transaction', (redis) => redis.multi(scriptFlush(), ping())],
    ['on a lease', (redis) => redis.dedicated((connection) => connection.scriptFlush())],
  ])('is loaded ahead of a group on any connection of a client that has had them forgotten %s', async (_, flush) => {
    const { redis } = await setUp();
    const appends = redis.script(APPEND, { keys: 1, reply: 'string' });
    const onLease = () => redis.dedicated((connection) => connection.pipeline(appends.command(['k'], ['l'])));
    const shared = () => redis.pipeline(appends.command(['k'], ['s']));
    await onLease();
    await shared();
    await flush(redis);
    expect(await onLease()).toStrictEqual(['lsl']);
    await flush(redis);
    expect(await shared()).toStrictEqual(['lsls']);
    await flush(redis);
    expect(await appends(['k'], ['c'])).toBe('lslsc');
  });

  it('that does not compile says so in its place in a group, each time', async () => {
    const { redis } = await setUp();
    const broken = redis.script('retrun 1', { keys: 1 });
    for (const group of ['pipeline', 'multi', 'pipeline'] as const) {
      expect(await redis[group](incr('n'), broken.command(['k']), get('k'))).toMatchObject([
        expect.any(Number),
        { kind: 'ERR', command: 'EVALSHA', message: expect.stringContaining('Error compiling script') as string },
        null,
      ]);
    }
  });

  it('is loaded ahead of time by scripts.load()', async () => {
    const { redis, other, calls } = await setUp();
    expect(await redis.scripts.load()).toStrictEqual([]);
    const appends = redis.script(APPEND, { keys: 1 });
    const again = redis.script(APPEND, { keys: 1, reply: 'string' });
    redis.script('return 1');
    const shas = await redis.scripts.load();
    expect(shas).toHaveLength(2);
    expect(await other.scriptExists(...shas)).toStrictEqual([1, 1]);
    await appends(['k'], ['a']);
    expect(await again(['k'], ['b'])).toBe('ab');
    expect(await calls('eval')).toStrictEqual([0]);
    redis.bytes.script('return 2');
    expect(await redis.withOptions({ commandTimeout: 5_000 }).scripts.load()).toHaveLength(3);
    redis.script('no Lua');
    expect(await failure(redis.scripts.load())).toMatchObject({ code: 'REPLY', command: 'SCRIPT LOAD' });
  });

  it('that only reads runs where the server refuses its writes, if it knows such scripts', async () => {
    const { redis, calls } = await setUp();
    const reads = redis.script("return redis.call('get', KEYS[1])", {
      keys: 1,
      readOnly: true,
      reply: 'string | null',
    });
    expect(await reads(['k'])).toBeNull();
    await redis.set('k', 'v');
    expect(await reads(['k'])).toBe('v');
    const isNew = Number.parseInt(server().version, 10) >= 7;
    expect(await calls('evalsha', 'eval', 'evalsha_ro', 'eval_ro')).toStrictEqual(isNew ? [0, 0, 2, 1] : [2, 1, 0, 0]);
    const writes = redis.script(APPEND, { keys: 1, readOnly: true });
    const written = await outcome(writes(['k'], ['w']));
    if (isNew)
      expect(written).toMatchObject({ error: { message: expect.stringMatching(/read-only script/) as string } });
    else expect(written).toStrictEqual({ value: 'vw' });
    expect(await redis.pipeline(reads.command(['k']))).toStrictEqual([isNew ? 'v' : 'vw']);
  });

  it.each([
    ['that only reads is repeated', true, { value: '1' }],
    [
      'that may write is not, and its fate is unknown',
      false,
      { error: { delivery: 'unknown', repeatable: false, command: 'EVALSHA' } },
    ],
  ])('whose reply is lost: one %s', async (_, readOnly, wanted) => {
    const { redis } = await setUp(proxy().url());
    const script = redis.script("return redis.call('get', KEYS[1])", { keys: 1, readOnly, reply: 'string' });
    await redis.set('k', '1');
    await script(['k']);
    proxy().stall('toClient', true);
    const received = proxy().bytes.toServer;
    const ended = outcome(script(['k']));
    await until(() => proxy().bytes.toServer > received);
    proxy().cut();
    proxy().stall('toClient', false);
    expect(await ended).toMatchObject(wanted);
  });

  it('is run again where the user vouches for it', async () => {
    const { redis } = await setUp(proxy().url());
    const script = redis
      .withOptions({ idempotent: true })
      .script("return redis.call('set', KEYS[1], 1)", { keys: 1, reply: 'OK' });
    await script(['k']);
    proxy().stall('toClient', true);
    const received = proxy().bytes.toServer;
    const ended = outcome(script(['k']));
    await until(() => proxy().bytes.toServer > received);
    proxy().cut();
    proxy().stall('toClient', false);
    expect(await ended).toStrictEqual({ value: 'OK' });
  });

  it('has the prefix on its keys, and Buffers on the byte surface', async () => {
    const { other } = await setUp();
    const redis = make({ url: server().url, protocol, prefix: 'p:' });
    const names = redis.script('return {KEYS[1], KEYS[2], ARGV[1]}', { keys: 2, reply: 'strings' });
    expect(await names(['a', 'b'], ['c'])).toStrictEqual(['p:a', 'p:b', 'c']);
    expect(await redis.pipeline(names.command(['a', 'b'], ['c']))).toStrictEqual([['p:a', 'p:b', 'c']]);
    const echo = other.bytes.script('return ARGV[1]', { keys: 0, reply: 'string' });
    const bytes = Buffer.from([0xff, 0x00]);
    expect(await echo([], bytes)).toStrictEqual(bytes);
    expect(await other.bytes.multi(echo.command([], [bytes]))).toStrictEqual([bytes]);
    const record = other.bytes.script("return {'f', ARGV[1]}", { keys: 0, reply: 'record' });
    expect(await record([], [bytes])).toStrictEqual(new Map([[Buffer.from('f'), bytes]]));
  });

  it('has its reply read by name', async () => {
    const { redis } = await setUp();
    await redis.hset('h', { f: 'v' });
    const run = async (lua: string, reply: Parameters<typeof redis.script>[1]) =>
      redis.script(lua, reply)(['h'] as never);
    expect(await run('return 7', { reply: 'integer' })).toBe(7);
    expect(await run("return '0.5'", { reply: 'number' })).toBe(0.5);
    expect(await run('return 2', { reply: 'number' })).toBe(2);
    expect(await run('return true', { reply: 'boolean' })).toBe(true);
    expect(await run('return false', { reply: 'boolean' })).toBe(false);
    expect(await run('return nil', { reply: 'boolean' })).toBe(false);
    expect(await run("return 'a'", { reply: 'string' })).toBe('a');
    expect(await run("return redis.status_reply('OK')", { reply: 'OK' })).toBe('OK');
    expect(await run("return {1, 'a', {2}}", { reply: 'array' })).toStrictEqual([1, 'a', [2]]);
    expect(await run('return {1, 2}', { reply: 'integers' })).toStrictEqual([1, 2]);
    expect(await run("return {'0.5', 2}", { reply: 'numbers' })).toStrictEqual([0.5, 2]);
    expect(await run("return {'a', 'b'}", { reply: 'strings' })).toStrictEqual(['a', 'b']);
    expect(await run("return redis.call('hgetall', KEYS[1])", { keys: 1, reply: 'record' })).toStrictEqual(
      Object.assign(Object.create(null), { f: 'v' }),
    );
    expect(await run(`return '{"a":[1]}'`, { reply: 'json' })).toStrictEqual({ a: [1] });
    for (const name of [
      'integer',
      'number',
      'string',
      'OK',
      'array',
      'integers',
      'strings',
      'record',
      'json',
    ] as const) {
      expect(await run('return false', { reply: `${name} | null` })).toBeNull();
      expect(await failure(run('return false', { reply: name }))).toMatchObject({
        code: 'PROTOCOL',
        delivery: 'answered',
      });
    }
    expect(await run("return {'a', 1}", {})).toStrictEqual(['a', 1]);
  });

  it('has a fraction, which it can return in RESP3, read as a number alone', async () => {
    const { redis } = await setUp();
    const half = 'redis.setresp(3); return {double=0.5}';
    const halves = 'redis.setresp(3); return {{double=0.5}}';
    const run = (lua: string, reply: ScriptReplyName) => redis.script(lua, { keys: 0, reply })([]);
    expect(await run(half, 'number')).toBe(0.5);
    expect(await run(halves, 'numbers')).toStrictEqual([0.5]);
    for (const wrong of [run(half, 'integer'), run(half, 'integer | null'), run(halves, 'integers')]) {
      expect((await failure(wrong)).message).toContain('expected an integer, got a ');
    }
  });

  it('has its reply read by a function, and fails alone when that throws, or the reply has another form', async () => {
    const { redis } = await setUp();
    const events = record(redis.events$);
    const last = redis.script('return {1, 2, 3}', {
      keys: 0,
      reply: (frame: Frame) => (Array.isArray(frame) ? frame.at(-1) : null),
    });
    expect(await last([])).toBe(3);
    const picky = redis.script("return 'secret'", {
      keys: 0,
      reply: () => {
        throw new TypeError('not so');
      },
    });
    const integer = redis.script("return 'secret'", { keys: 0, reply: 'integer' });
    const json = redis.script("return 'secret'", { keys: 0, reply: 'json' });
    const [, thrown, other, text, ping] = await Promise.all([
      redis.ping().then(),
      failure(picky([])),
      failure(integer([], ['hidden'])),
      failure(json([])),
      redis.ping().then(),
    ]);
    expect(thrown.message).toBe('The reply to EVALSHA cannot be read: not so');
    expect(other.message).toBe('The reply to EVALSHA cannot be read: expected an integer, got a string');
    expect(text.message).toBe('The reply to EVALSHA cannot be read: expected JSON, got another text');
    expect(other).toMatchObject({ delivery: 'answered', repeatable: false });
    expect(ping).toBe('PONG');
    expect(events.values).toStrictEqual([]);
    const inGroup = await redis.pipeline(integer.command([]), get('k'));
    expect(inGroup).toMatchObject([{ code: 'PROTOCOL' }, null]);
  });

  it('that fails shows none of its arguments', async () => {
    const { redis } = await setUp();
    const fails = redis.script("return redis.call('incr', KEYS[1])", { keys: 1 });
    await redis.set('k', 'text');
    const error = await failure(fails(['k'], ['secret', 'other secret']));
    const compiled = await failure(redis.script('no Lua')([], ['secret']));
    for (const { message, stack } of [error, compiled]) expect(`${message} ${stack}`).not.toContain('secret');
    expect(error).toMatchObject({ code: 'REPLY', command: 'EVALSHA', delivery: 'answered' });
    expect(compiled.message).toMatch(/^ERR Error compiling script/);
  });

  it('works on a connection of its own, in transactions of both kinds too', async () => {
    const { redis } = await setUp();
    const values = await redis.dedicated(async (connection) => {
      const appends = connection.script(APPEND, { keys: 1, reply: 'string' });
      const byHand = [
        await connection.call('MULTI'),
        await appends(['k'], ['a']),
        await connection.evalshaOrEval(APPEND, 'k', 'b'),
        await connection.exec(),
      ];
      return [byHand, await appends(['k'], ['c']), await connection.multi(appends.command(['k'], ['d']))];
    });
    expect(values).toStrictEqual([['OK', 'QUEUED', 'QUEUED', ['a', 'ab']], 'abc', ['abcd']]);
  });

  it('that a transaction by hand would take in fails, and nothing of it has run', async () => {
    const { redis, other } = await setUp();
    const values = await redis.dedicated(async (connection) => {
      const reads = connection.script("return redis.call('get', KEYS[1])", { keys: 1, readOnly: true });
      await reads(['k']);
      await other.scriptFlush();
      const forgotten = failure(reads(['k']));
      const begun = connection.call('MULTI').then();
      return [await forgotten, await begun, await connection.exec()];
    });
    expect(values).toMatchObject([{ kind: 'NOSCRIPT' }, 'OK', []]);
  });

  it('is refused before anything is sent when keys or options are wrong', () => {
    const redis = connect();
    const script = redis.script('return 1', { keys: 1 });
    const wrong = (...args: unknown[]) => thrownBy(() => (script as (...args: unknown[]) => unknown)(...args));
    expect(wrong([])).toBe('TypeError: script: 1 key was expected, got 0');
    expect(wrong(['a', 'b'])).toBe('TypeError: script: 1 key was expected, got 2');
    expect(wrong('a')).toBe('TypeError: script: keys are an array, got a string');
    expect(wrong([1])).toBe('TypeError: EVALSHA: keys must be a string or bytes, got a number');
    expect(wrong(['a'], [{}])).toMatch(/^TypeError: EVALSHA: args must be a string, a number, a bigint or bytes, got/);
    const define = (...args: unknown[]) =>
      thrownBy(() => (redis.script as (...args: unknown[]) => unknown).apply(redis, args));
    expect(define(5)).toBe('TypeError: script: the script is a string, got a number');
    expect(define('', { keys: -1 })).toMatch(/^TypeError: script: 'keys' is a number of keys, got -1/);
    expect(define('', { readOnly: 1 })).toBe("TypeError: script: 'readOnly' is a boolean, got a number");
    expect(define('', { reply: 'int' })).toMatch(/^TypeError: script: there is no reader 'int'; there are integer, /);
    expect(define('', { reply: 'boolean | null' })).toMatch(/there is no reader/);
    expect(define('', { reply: 5 })).toBe(
      "TypeError: script: 'reply' is the name of a reader or a function, got a number",
    );
    expect(define('', { numberOfKeys: 1 })).toBe(
      "TypeError: script: there is no option 'numberOfKeys'; known are keys, readOnly, reply",
    );
    expect(define('', [])).toMatch(/^TypeError: script: options were expected, got/);
  });

  it('can be one of any number of keys, and an Observable that sends with each subscription', async () => {
    const { redis } = await setUp();
    const count = redis.script('return #KEYS', { reply: 'integer' });
    expect(await Promise.all([count([]), count(['a']), count(['a', 'b'])])).toStrictEqual([0, 1, 2]);
    const appends = redis.script(APPEND, { keys: 1, reply: 'string' })(['k'], ['a']);
    expect(await firstValueFrom(appends.pipe(map((text) => text.length)))).toBe(1);
    expect(await firstValueFrom(appends.pipe(filter((text) => text !== '')))).toBe('aa');
  });
});

/** How often the server has run commands, by their names in INFO. */
async function callsOf(redis: Redis, names: readonly string[]): Promise<number[]> {
  const info = await redis.call<string>('INFO', 'commandstats');
  return names.map((name) => Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(info)?.[1] ?? 0));
}

function kindOf(error: object): string | undefined {
  return (error as { readonly kind?: string }).kind;
}
