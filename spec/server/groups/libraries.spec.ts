import { incr } from 'rxjs-redis/commands';
import { useClients } from '../../support/clients';
import { failure, thrownBy } from '../../support/outcomes';
import { useServer } from '../../support/server';

const CODE = `#!lua name=shop
redis.register_function('take', function(keys, args) return redis.call('decrby', keys[1], args[1]) end)
redis.register_function{function_name='left', callback=function(keys) return redis.call('get', keys[1]) end, flags={'no-writes'}}
`;
const NEXT = CODE.replace("redis.call('get', keys[1])", "'next'");
const FUNCTIONS = {
  take: { keys: 1, reply: 'integer' },
  left: { keys: 1, reply: 'string | null', readOnly: true },
} as const;

describe.each([2, 3] as const)('A library of functions, in RESP%i,', (protocol) => {
  const server = useServer({}, '7.0');
  const make = useClients();
  const connect = () => make({ url: server().url, protocol });

  beforeEach(() => connect().pipeline().flushall().functionFlush().exec());

  it('has its functions as functions, and gives itself to a server that does not know them', async () => {
    const redis = connect();
    const { name, functions } = redis.library(CODE, { functions: FUNCTIONS });
    expect(name).toBe('shop');
    expect(await functions.left(['stock'])).toBeNull();
    expect(await functions.take(['stock'], [2])).toBe(-2);
    expect(await functions.left(['stock'])).toBe('-2');
    expect(await redis.functionList()).toMatchObject([{ library_name: 'shop' }]);
    const beside = connect().library(CODE, { functions: FUNCTIONS });
    expect(await beside.functions.take(['stock'], 1)).toBe(-3);
  });

  it('keeps the order of the calls, also when another client has removed it', async () => {
    const redis = connect();
    const { functions } = redis.library(CODE, { functions: FUNCTIONS });
    const round = async (from: number) => {
      const calls: PromiseLike<number>[] = [];
      for (let n = 0; n < 500; n++) calls.push(functions.take(['n'], [1]).then(), redis.incr('other').then());
      expect((await Promise.all(calls)).at(-2)).toBe(from - 500);
    };
    await round(0);
    await connect().functionFlush();
    await round(-500);
    const all = [
      functions.take(['m'], [1]).then(),
      redis.functionFlush().then(),
      functions.take(['m'], [1]).then(),
      redis.incr('m').then(),
    ];
    expect(await Promise.all(all)).toStrictEqual([-1, 'OK', -2, -1]);
  });

  it('is loaded ahead in groups, and does not replace another version there', async () => {
    const redis = connect();
    const { functions } = redis.library(CODE, { functions: FUNCTIONS });
    expect(await redis.multi(functions.take.command(['n'], [1]), incr('n'))).toStrictEqual([-1, 0]);
    expect(await redis.pipeline(functions.left.command(['n']))).toStrictEqual(['0']);
    const beside = connect();
    const next = beside.library(NEXT, { functions: FUNCTIONS });
    expect(await beside.pipeline(next.functions.left.command(['n']))).toStrictEqual(['0']);
    expect(await beside.pipeline(next.functions.left.command(['n']))).toStrictEqual(['0']);
  });

  it('that the server refuses has the reason in the places of its calls in a group', async () => {
    const redis = connect();
    const broken = redis.library('#!lua name=broken\nretrun', { functions: { none: { keys: 0 } } });
    const clash = redis.library(CODE.replace('shop', 'clash'), { functions: { take: { keys: 1 }, gone: { keys: 0 } } });
    await redis.library(CODE, { functions: FUNCTIONS }).load();
    for (const group of ['pipeline', 'multi'] as const) {
      expect(await redis[group](broken.functions.none.command([]), clash.functions.gone.command([]))).toMatchObject([
        { command: 'FCALL', message: expect.stringContaining('Error compiling function') as string },
        { command: 'FCALL', message: expect.stringMatching(/Function \w+ already exists/) as string },
      ]);
    }
  });

  it('is not loaded by load() where MULTI was sent by hand, and that goes on', async () => {
    const redis = connect();
    const values = await redis.dedicated(async (connection) => {
      await connection.call('MULTI');
      const { load, functions } = connection.library(CODE, { functions: FUNCTIONS });
      const refused = await failure(load());
      await connection.incr('n');
      return [refused, await connection.exec(), await load(), await functions.take(['n'], 1)];
    });
    expect(values).toMatchObject([{ code: 'PROTOCOL', delivery: 'unsent', command: 'FUNCTION LIST' }, [1], 'shop', 0]);
    expect((values[0] as Error).message).toContain('MULTI was sent before, and EXEC was not');
  });

  it('is loaded by load() where the server lacks it or has other code, and not otherwise', async () => {
    const redis = connect();
    const library = redis.library(CODE, { functions: FUNCTIONS });
    const next = redis.bytes.library(NEXT, { functions: FUNCTIONS });
    const loads = async () =>
      /cmdstat_function\|load:calls=(\d+)/.exec(String(await redis.call('INFO', 'commandstats')))?.[1] ?? '0';
    await redis.configResetstat();
    expect(await library.load()).toBe('shop');
    expect(await library.load()).toBe('shop');
    expect(await loads()).toBe('1');
    expect(await next.load()).toBe('shop');
    expect(await loads()).toBe('2');
    expect(await next.functions.left(['n'])).toStrictEqual(Buffer.from('next'));
    const wrong = redis.library('#!lua name=wrong\nno Lua', { functions: { any: {} } });
    expect(await failure(wrong.load())).toMatchObject({ code: 'REPLY', command: 'FUNCTION LOAD' });
    expect((await failure(wrong.functions.any([], ['secret']))).message).toMatch(/^ERR Error compiling function/);
  });

  it('takes the place of an older version that lacks the function which is called', async () => {
    const redis = connect();
    await redis.functionLoad("#!lua name=shop\nredis.register_function('old', function() return 1 end)");
    const { functions } = redis.library(CODE, { functions: FUNCTIONS });
    expect(await functions.take(['n'], [1])).toBe(-1);
    const absent = redis.library(CODE, { functions: { absent: { keys: 0 } } });
    expect(await failure(absent.functions.absent([]))).toMatchObject({
      kind: 'ERR',
      message: "ERR Function not found: 'absent' of library shop",
    });
  });

  it('names the function that the server does not have, alone and in a group', async () => {
    const redis = connect();
    const { functions } = redis.library(CODE, { functions: { ...FUNCTIONS, absent: { keys: 0 } } });
    const error = { kind: 'ERR', message: "ERR Function not found: 'absent' of library shop" };
    const calls = [functions.absent.command([]), functions.take.command(['n'], [1])];
    expect(await redis.pipeline(calls)).toMatchObject([error, -1]);
    expect(await redis.multi(calls)).toMatchObject([error, -2]);
    const unnamed = { kind: 'ERR', message: "ERR Function not found: 'nowhere'" };
    expect(await failure(redis.fcall('nowhere', [], []))).toMatchObject(unnamed);
    expect(await failure(redis.call('FCALL', Buffer.from('nowhere'), 0))).toMatchObject(unnamed);
  });

  it('is brought again by the group behind one that found it forgotten, whose error names the function', async () => {
    const redis = connect();
    const { functions } = redis.library(CODE, { functions: FUNCTIONS });
    expect(await functions.take(['n'], [1])).toBe(-1);
    await connect().functionFlush();
    const take = () => redis.pipeline(functions.take.command(['n'], [1]));
    expect(await take()).toMatchObject([{ message: "ERR Function not found: 'take' of library shop" }]);
    expect(await take()).toStrictEqual([-2]);
  });

  it('works on a connection of its own, and with a prefix', async () => {
    const redis = make({ url: server().url, protocol, prefix: 'p:' });
    const values = await redis.dedicated(async (connection) => {
      const { functions, load } = connection.library(CODE, { functions: FUNCTIONS });
      await load();
      return connection.multi(functions.take.command(['n'], [4]));
    });
    expect(values).toStrictEqual([-4]);
    expect(await connect().get('p:n')).toBe('-4');
  });

  it('is refused when its code has no name, or an option is wrong', () => {
    const redis = connect();
    const define = (...args: unknown[]) =>
      thrownBy(() => (redis.library as (...args: unknown[]) => unknown).apply(redis, args));
    const unnamed = /^TypeError: library: the first line of the code names an engine and the library/;
    expect(define('return 1', { functions: {} })).toMatch(unnamed);
    expect(define('#!lua\nname=x', { functions: {} })).toMatch(unnamed);
    expect(define(5, { functions: {} })).toBe('TypeError: library: the code is a string, got a number');
    expect(define(CODE)).toMatch(/^TypeError: library: 'functions' are objects by the names of functions, got/);
    expect(define(CODE, { functions: FUNCTIONS, replace: true })).toBe(
      "TypeError: library: there is no option 'replace'; known is functions",
    );
    expect(define(CODE, { functions: { take: { keys: 'k' } } })).toMatch(
      /^TypeError: library shop: take: 'keys' is a number of keys/,
    );
    const { functions } = redis.library(CODE, { functions: FUNCTIONS });
    expect(thrownBy(() => (functions.take as unknown as (keys: string[]) => unknown)([]))).toBe(
      'TypeError: library shop: take: 1 key was expected, got 0',
    );
  });
});

describe('A library of functions before Redis 7.0', () => {
  const server = useServer({ server: 'redis-6.0' });
  const make = useClients();

  it('fails with an error that says why, and nothing is sent', async () => {
    const redis = make(server().url);
    const library = redis.library(CODE, { functions: FUNCTIONS });
    const wanted = { code: 'PROTOCOL', delivery: 'unsent', repeatable: false };
    const why = /functions came with Redis 7\.0, and the server has version 6$/;
    for (const reply of [library.functions.take(['n'], [1]), redis.multi(library.functions.take.command(['n'], [1]))]) {
      const error = await failure(reply);
      expect(error).toMatchObject(wanted);
      expect(error.message).toMatch(why);
    }
    expect((await failure(library.load())).message).toBe('ERR unknown command; functions came with Redis 7.0');
  });

  it('says why in RESP2 too, where the server does not tell its version', async () => {
    const redis = make({ url: server().url, protocol: 2 });
    const { functions, load } = redis.library(CODE, { functions: FUNCTIONS });
    const why = 'ERR unknown command; functions came with Redis 7.0';
    for (const reply of [functions.take(['n'], [1]), load()])
      expect(await failure(reply)).toMatchObject({ code: 'REPLY', delivery: 'answered', message: why });
    const call = functions.take.command(['n'], [1]);
    expect(await redis.pipeline([call])).toMatchObject([{ kind: 'ERR', message: why }]);
    expect((await failure(redis.multi([call]))).message).toContain(`command 1, FCALL: ${why}`);
  });
});
