import { lastValueFrom, map, toArray } from 'rxjs';
import type { RedisCommands } from 'rxjs-redis';
import { useClients, usePools } from '../../support/clients';
import { failure, thrownBy } from '../../support/outcomes';
import { useServer } from '../../support/server';
import { batches, callsOf, fillHash, fillKeys, fillSet, fillSortedSet, gathered, names, scoreOf } from './data';

const ALL = names(2_000);
const SOME = ALL.slice(0, 1_000);

describe.each([2, 3] as const)('A scan, RESP%d', (protocol) => {
  const server = useServer({ own: true });
  const make = useClients();
  const makePool = usePools();
  const client = (prefix = '') => make({ url: server().url, protocol, prefix });

  beforeAll(async () => {
    const redis = client();
    await redis.flushall();
    await fillKeys(redis, ALL);
    await fillHash(redis, 'a:hash', SOME);
    await fillSet(redis, 'a:set', SOME);
    await fillSortedSet(redis, 'a:zset', SOME);
  });

  it('of keys emits each of them, in batches', async () => {
    const seen = await batches(client().scanStream({ MATCH: 'user:*', COUNT: 100 }));
    expect(seen.flat().sort()).toStrictEqual([...ALL].sort());
    expect(seen.length).toBeGreaterThan(10);
    expect(await lastValueFrom(client().scanStream({ COUNT: 100 }).pipe(toArray(), map((all) => all.flat().length)))).toBe(2_003); // prettier-ignore
  });

  it('of a hash emits fields and values', async () => {
    const seen = await batches(client().hscanStream('a:hash', { COUNT: 50 }));
    expect(seen.length).toBeGreaterThan(5);
    expect(new Map(seen.flat())).toStrictEqual(new Map(SOME.map((name) => [name, `value of ${name}`])));
    expect(seen.flat()).toHaveLength(SOME.length);
  });

  it('of a set emits its members, of a sorted set members and scores', async () => {
    const members = await batches(client().sscanStream('a:set', { COUNT: 50 }));
    expect(members.flat().sort()).toStrictEqual([...SOME].sort());
    const scored = await batches(client().zscanStream('a:zset', { COUNT: 50 }));
    const byName = <T extends { member: string }>(all: T[]) => all.sort((a, b) => a.member.localeCompare(b.member));
    expect(byName(scored.flat())).toStrictEqual(byName(SOME.map((member) => ({ member, score: scoreOf(member) }))));
    expect(Math.min(members.length, scored.length)).toBeGreaterThan(5);
  });

  it('of bytes emits Buffers, ends, and finds names that are no text', async () => {
    const { bytes } = client();
    const odd = Buffer.of(0xff, 0x00, 0x0d, 0x0a, 0xfe);
    await bytes.hset('odd:hash', [[odd, odd]]);
    await bytes.sadd(Buffer.concat([Buffer.from('odd:'), odd]), odd);
    expect(await gathered(bytes.hscanStream('odd:hash'))).toStrictEqual([[odd, odd]]);
    expect(await gathered(bytes.sscanStream(Buffer.concat([Buffer.from('odd:'), odd])))).toStrictEqual([odd]);
    const keys = await gathered(bytes.scanStream({ MATCH: Buffer.concat([Buffer.from('odd:'), odd]) }));
    expect(keys).toStrictEqual([Buffer.concat([Buffer.from('odd:'), odd])]);
    const all = await gathered(bytes.scanStream({ MATCH: 'user:*', COUNT: 100, unique: true }));
    expect(all.map(String).sort()).toStrictEqual([...ALL].sort());
    const [{ member, score }] = (await gathered(bytes.zscanStream('a:zset', { MATCH: 'user:7' }))) as [{ member: Buffer; score: number }]; // prettier-ignore
    expect([member, score]).toStrictEqual([Buffer.from('user:7'), 7.5]);
    await client().del('odd:hash', Buffer.concat([Buffer.from('odd:'), odd]));
  });

  it.each<[string, (act: (commands: RedisCommands) => Promise<unknown>) => PromiseLike<unknown>]>([
    ['a client', (act) => act(client())],
    ['a client with other options', (act) => act(client().withOptions({ commandTimeout: 60_000 }))],
    ['a connection of dedicated', (act) => client().dedicated((connection) => act(connection))],
    ['a pool', (act) => act(makePool({ url: server().url, protocol, max: 3 }))],
    ['a connection of a pool', (act) => makePool({ url: server().url, protocol }).use((connection) => act(connection))],
  ])('works on %s', async (_what, on) => {
    await on(async (commands) => {
      const keys = await gathered(commands.scanStream({ MATCH: 'user:*', COUNT: 200 }));
      const fields = await gathered(commands.hscanStream('a:hash', { COUNT: 200 }));
      const members = await gathered(commands.sscanStream('a:set', { COUNT: 200 }));
      const scored = await gathered(commands.zscanStream('a:zset', { COUNT: 200 }));
      expect([keys, fields, members, scored].map((all) => all.length)).toStrictEqual([2_000, 1_000, 1_000, 1_000]);
    });
  });

  it('is cold: each subscription is a scan of its own, several at the same time too', async () => {
    const redis = client();
    const stream = redis.scanStream({ MATCH: 'user:*', COUNT: 100 });
    await redis.configResetstat();
    expect(await callsOf(redis, 'scan')).toBe(0);
    const all = await Promise.all([gathered(stream), gathered(stream), lastValueFrom(stream.pipe(toArray()))]);
    for (const seen of all) expect(new Set(seen.flat())).toStrictEqual(new Set(ALL));
  });

  it('with a prefix sees what is under it, without the prefix', async () => {
    const redis = client('team*[1]:');
    await fillKeys(redis, names(300));
    await fillSet(redis, 'set', SOME);
    expect((await gathered(redis.scanStream({ COUNT: 100 }))).sort()).toStrictEqual([...names(300), 'set'].sort());
    expect((await gathered(redis.scanStream({ COUNT: 100, MATCH: 'user:29?' }))).sort()).toStrictEqual(names(300).slice(290)); // prettier-ignore
    expect(await gathered(redis.sscanStream('set', { COUNT: 100 }))).toHaveLength(SOME.length);
    const pool = makePool({ url: server().url, protocol, prefix: 'team*[1]:' });
    expect(await gathered(pool.scanStream({ COUNT: 20 }))).toHaveLength(301);
    await redis.del(...names(300), 'set');
  });

  it('chooses by TYPE and MATCH, and an empty pattern means the empty key', async () => {
    const redis = client();
    expect((await gathered(redis.scanStream({ TYPE: 'hash', COUNT: 1_000 }))).sort()).toStrictEqual(['a:hash']);
    expect((await gathered(redis.scanStream({ TYPE: 'string', MATCH: 'user:1?' }))).sort()).toStrictEqual(ALL.slice(10, 20)); // prettier-ignore
    await redis.hset('', { field: 'of the empty key' });
    expect(await gathered(redis.scanStream({ MATCH: '' }))).toStrictEqual(['']);
    expect(await gathered(redis.hscanStream(''))).toStrictEqual([['field', 'of the empty key']]);
    await redis.del('');
  });

  it('asks for as many as COUNT says', async () => {
    const redis = client();
    const pages = async (COUNT: number) => {
      await redis.configResetstat();
      await gathered(redis.scanStream({ COUNT }));
      return callsOf(redis, 'scan');
    };
    expect(await pages(10)).toBeGreaterThan(100);
    expect(await pages(100_000)).toBe(1);
  });

  it.each(['', 'user:'])(
    'looks at more keys with each page, up to 1 000, where COUNT is not given; prefix "%s"',
    async (prefix) => {
      const redis = client(prefix);
      const admin = client();
      await admin.configSet('slowlog-log-slower-than', '0');
      await admin.configSet('slowlog-max-len', '1000');
      const scan = redis.scanStream({ TYPE: 'string' });
      for (let turn = 0; turn < 2; turn++) {
        await admin.slowlogReset();
        expect(await gathered(scan)).toHaveLength(ALL.length);
        const commands = (await admin.slowlogGet(100))
          .map((slow) => slow.arguments)
          .filter(([name]) => name === 'SCAN');
        const counts = commands.reverse().map((words) => words[words.indexOf('COUNT') + 1]);
        expect(counts).toStrictEqual(['SCAN', '20', '40', '80', '160', '320', '640', '1000']);
      }
      await admin.configSet({ 'slowlog-log-slower-than': '10000' });
    },
  );

  it('goes by what it was given at the call, whatever becomes of that', async () => {
    const redis = client();
    const options = { MATCH: Buffer.from('a:*'), COUNT: 1_000 };
    const key = Buffer.from('a:set');
    const [keys, members] = [redis.scanStream(options), redis.sscanStream(key)];
    options.COUNT = 1;
    options.MATCH.fill('x');
    key.fill('x');
    await redis.configResetstat();
    expect((await gathered(keys)).sort()).toStrictEqual(['a:hash', 'a:set', 'a:zset']);
    expect(await callsOf(redis, 'scan')).toBeLessThan(10);
    expect(await gathered(members)).toHaveLength(SOME.length);
  });

  it('emits no empty batch, and goes on behind empty pages', async () => {
    const redis = client();
    await redis.configResetstat();
    expect(await batches(redis.scanStream({ MATCH: 'user:1234', COUNT: 10 }))).toStrictEqual([['user:1234']]);
    expect(await callsOf(redis, 'scan')).toBeGreaterThan(100);
    expect(await batches(redis.scanStream({ MATCH: 'nothing' }))).toStrictEqual([]);
    for (const none of [redis.hscanStream('none'), redis.sscanStream('none'), redis.zscanStream('none')]) {
      expect(await batches<unknown>(none)).toStrictEqual([]);
    }
  });

  it('fails with the error of the server', async () => {
    const redis = client();
    expect(await failure(batches(redis.hscanStream('a:set')))).toMatchObject({ kind: 'WRONGTYPE', command: 'HSCAN' });
    expect(await failure(lastValueFrom(redis.sscanStream('a:hash')))).toMatchObject({ kind: 'WRONGTYPE' });
    const pool = makePool({ url: server().url, protocol });
    expect(await failure(batches(pool.zscanStream('a:hash')))).toMatchObject({ kind: 'WRONGTYPE', command: 'ZSCAN' });
  });

  it('does not work between MULTI and EXEC, and says so', async () => {
    await client().dedicated(async (connection) => {
      await connection.call('MULTI');
      await expect(batches(connection.scanStream())).rejects.toThrow(
        /^scanStream: .* a scan does not work within MULTI$/,
      );
      await connection.discard();
      expect(await gathered(connection.scanStream({ MATCH: 'a:*' }))).toHaveLength(3);
    });
  });
});

describe('Fields without values, members without scores', () => {
  const server = useServer({ own: true });
  const make = useClients();

  it('come where the server knows the option, and are refused where it does not', async () => {
    const redis = make(server().url);
    await fillHash(redis, 'hash', SOME);
    await fillSortedSet(redis, 'zset', SOME);
    const [major = 0, minor = 0] = server().version.split('.').map(Number);
    const isValkey = (await redis.info('server')).server?.valkey_version !== undefined;
    const fields = () => gathered(redis.hscanStream('hash', { NOVALUES: true, COUNT: 50, unique: true }));
    const members = () => gathered(redis.zscanStream('zset', { NOSCORES: true, COUNT: 50, unique: true }));
    if (isValkey || major > 7 || (major === 7 && minor >= 4))
      expect((await fields()).sort()).toStrictEqual([...SOME].sort());
    else expect(await failure(fields())).toMatchObject({ code: 'REPLY', kind: 'ERR', command: 'HSCAN' });
    if (isValkey) expect((await members()).sort()).toStrictEqual([...SOME].sort());
    else expect(await failure(members())).toMatchObject({ code: 'REPLY', kind: 'ERR', command: 'ZSCAN' });
  });
});

describe('A wrong option', () => {
  const make = useClients();

  it.each<[object, RegExp]>([
    [{ match: 'user:*' }, /^TypeError: scanStream: there is no option 'match'; it is spelt MATCH, /],
    [{ NOVALUES: true }, /^TypeError: scanStream: there is no option 'NOVALUES'; known are MATCH, COUNT, TYPE, unique, signal, project, concurrency$/], // prettier-ignore
    [{ COUNT: 0 }, /^TypeError: The option 'COUNT' is a number from 1 /],
    [{ COUNT: 1.5 }, /^TypeError: The option 'COUNT' is a whole number/],
    [{ COUNT: '10' }, /^TypeError: The option 'COUNT' is a number/],
    [{ MATCH: 5 }, /^TypeError: SCAN: MATCH /],
    [{ TYPE: {} }, /^TypeError: SCAN: TYPE /],
    [{ unique: 'yes' }, /^TypeError: The option 'unique' is a boolean, or how many names/],
    [{ unique: 0 }, /^TypeError: The option 'unique' is a number from 1 /],
    [{ signal: new AbortController() }, /^TypeError: The option 'signal' is an AbortSignal, got an object/],
    [{ signal: null }, /^TypeError: The option 'signal' is an AbortSignal, got null$/],
    [{ project: 'unlink' }, /^TypeError: The option 'project' is a function, got a string$/],
    [{ project: () => [], concurrency: 0 }, /^TypeError: The option 'concurrency' is a number from 1 /],
    [{ concurrency: 2 }, /^TypeError: scanStream: the option 'concurrency' needs 'project'/],
    [[], /^TypeError: scanStream: options were expected, got an empty array$/],
  ])('is refused at the call: %p', (options, message) => {
    const redis = make('redis://127.0.0.1:1');
    expect(thrownBy(() => redis.scanStream(options as never))).toMatch(message);
  });

  it('and a key that is none, are refused at the call, before anything is opened', () => {
    const redis = make('redis://127.0.0.1:1');
    expect(thrownBy(() => redis.hscanStream(undefined as never))).toMatch(/^TypeError: HSCAN: key /);
    expect(thrownBy(() => redis.sscanStream('k', { TYPE: 'set' } as never))).toMatch(/no option 'TYPE'/);
    expect(thrownBy(() => redis.zscanStream('k', 'MATCH' as never))).toMatch(/^TypeError: zscanStream: options/);
    expect(redis.toJSON().state).toBe('idle');
  });
});
