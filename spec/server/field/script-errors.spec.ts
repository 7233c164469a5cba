import { get, incr, scriptFlush, functionFlush, set } from 'rxjs-redis/commands';
import { useClients } from '../../support/clients';
import { failure, outcome } from '../../support/outcomes';
import { useServer } from '../../support/server';

/** What a script may answer after it has written, in the words of servers. */
const ERRORS = [
  'NOSCRIPT mine',
  'NOSCRIPT No matching script. Please use EVAL.',
  'NOSCRIPT No matching script.',
  'LOADING mine',
  'LOADING Redis is loading the dataset in memory',
  'BUSY mine',
  'TRYAGAIN mine',
  'TRYAGAIN Multiple keys request during rehashing of slot',
  'CLUSTERDOWN The cluster is down',
  'MASTERDOWN mine',
  'READONLY mine',
  "READONLY You can't write against a read only replica.",
  'MOVED 1 127.0.0.1:1',
  'ASK 1 127.0.0.1:1',
  'EXECABORT mine',
  'NOAUTH mine',
  'WRONGPASS mine',
  'NOPERM mine',
  'UNBLOCKED mine',
  'ERR unknown command',
  'ERR max number of clients reached',
  'ERR Protocol error: mine',
  'ERR Function not found',
  'MISCONF mine',
  'OOM mine',
];

/**
 * Word by word what the server says of a call that it has not run. By itself such a call is sent again: nothing tells it from the server's
 * refusal.
 */
const OF_SERVERS = new Set([
  'NOSCRIPT No matching script. Please use EVAL.',
  'NOSCRIPT No matching script.',
  'LOADING Redis is loading the dataset in memory',
  'TRYAGAIN Multiple keys request during rehashing of slot',
  'CLUSTERDOWN The cluster is down',
]);
const TOLD_APART = ERRORS.filter((error) => !OF_SERVERS.has(error));
/** The same of functions, where NOSCRIPT means nothing. */
const TOLD_APART_OF_FUNCTIONS = ERRORS.filter(
  (error) =>
    (!OF_SERVERS.has(error) || error.startsWith('NOSCRIPT')) &&
    error !== 'ERR Function not found' &&
    error !== "READONLY You can't write against a read only replica.",
);

describe.each([2, 3] as const)('A script that writes and then answers an error, in RESP%i,', (protocol) => {
  const server = useServer({ own: true });
  const make = useClients();

  beforeEach(() => make(server().url).flushall());
  const connect = () => make({ url: server().url, protocol, commandTimeout: 600 });
  const lua = (error: string) => `redis.call('incr', KEYS[1]) return redis.error_reply(${JSON.stringify(error)})`;

  describe.each(['alone', 'pipeline', 'multi', 'lease', 'eval', 'watch'] as const)('%s', (how) => {
    const isGroup = how === 'pipeline' || how === 'multi' || how === 'watch';
    it.each(isGroup ? ERRORS : TOLD_APART)('has run once, and its neighbours as well: %s', async (error) => {
      const redis = connect();
      const script = redis.script(lua(error), { keys: 1 });
      await outcome(redis.scripts.load());
      const before = redis.incr('before').then();
      const call = async (): Promise<unknown> => {
        switch (how) {
          case 'alone':
            return script(['n']);
          case 'pipeline':
            return redis.pipeline(incr('m'), script.command(['n']), incr('m'));
          case 'multi':
            return redis.multi(incr('m'), script.command(['n']), incr('m'));
          case 'lease':
            return redis.dedicated((connection) => connection.script(lua(error), { keys: 1 })(['n']));
          case 'eval':
            return redis.eval(lua(error), ['n'], []);
          case 'watch':
            return redis.watch(['w'], () => [incr('m'), script.command(['n']), incr('m')]);
        }
      };
      const ended = outcome(call());
      const after = redis.incr('after').then();
      const result = await ended;
      expect(await Promise.all([before, after])).toStrictEqual([1, 1]);
      expect(await redis.get('n')).toBe('1');
      if (isGroup) {
        expect(result).toMatchObject({ value: [1, { message: expect.any(String) as string }, 2] });
        expect(await redis.get('m')).toBe('2');
      } else expect(result).toMatchObject({ error: { repeatable: false } });
      expect(await redis.echo('e')).toBe('e');
    });
  });
});

describe('A function that writes and then answers an error', () => {
  const server = useServer({ own: true }, '7.0');
  const make = useClients();
  beforeEach(async () => {
    const admin = make(server().url);
    await admin.flushall();
    await admin.functionFlush();
  });

  it.each(TOLD_APART_OF_FUNCTIONS)('has run once: %s', async (error) => {
    const redis = make({ url: server().url, commandTimeout: 600 });
    const library = redis.library(
      `#!lua name=lib\nredis.register_function('f', function(keys) redis.call('incr', keys[1]) return redis.error_reply(${JSON.stringify(error)}) end)`,
      { functions: { f: { keys: 1 } } },
    );
    await library.load();
    await failure(library.functions.f(['n']));
    expect(await redis.get('n')).toBe('1');
    const values = await redis.multi(incr('m'), library.functions.f.command(['n']), incr('m'));
    expect(values).toMatchObject([1, { message: expect.any(String) as string }, 2]);
    expect(await redis.get('n')).toBe('2');
  });
});

describe.each([2, 3] as const)('Scripts that are forgotten, in RESP%i,', (protocol) => {
  const server = useServer({ own: true });
  const make = useClients();
  beforeEach(() => make(server().url).pipeline().flushall().scriptFlush().exec());
  const connect = () => make({ url: server().url, protocol, commandTimeout: 3_000 });
  const LUA = "redis.call('append', KEYS[1], ARGV[1]) return redis.call('get', KEYS[1])";

  it('by SCRIPT FLUSH inside their group say so in their place, and the next group works', async () => {
    const redis = connect();
    const script = redis.script(LUA, { keys: 1, reply: 'string' });
    for (const kind of ['pipeline', 'multi'] as const) {
      await redis.del('k');
      const ended = await redis[kind]([
        script.command(['k'], ['a']),
        scriptFlush(),
        script.command(['k'], ['b']),
        get('k'),
      ]);
      expect(ended).toMatchObject(['a', 'OK', { kind: 'NOSCRIPT' }, 'a']);
      expect(await redis[kind]([script.command(['k'], ['c'])])).toStrictEqual(['ac']);
      expect(await script(['k'], ['d'])).toBe('acd');
    }
  });

  it('by a transaction that was discarded are given to the server again', async () => {
    const redis = connect();
    const script = redis.script(LUA, { keys: 1, reply: 'string' });
    const error = await failure(
      redis
        .multi()
        .add(script.command(['k'], ['a']))
        .call('NOSUCH')
        .exec(),
    );
    expect(error).toMatchObject({ kind: 'EXECABORT' });
    expect(await redis.multi([script.command(['k'], ['a'])])).toStrictEqual(['a']);
    const other = redis.script(`${LUA} -- other`, { keys: 1, reply: 'string' });
    const nothing = await redis.dedicated(async (connection) => {
      await connection.watch('k');
      await redis.append('k', 'b');
      return connection.multi(other.command(['k'], ['x']));
    });
    expect(nothing).toBeNull();
    expect(await redis.pipeline([other.command(['k'], ['c'])])).toStrictEqual(['abc']);
    expect(await other(['k'], ['d'])).toBe('abcd');
  });

  it('are read by watch, known or not', async () => {
    const redis = connect();
    await redis.set('k', 'v');
    const script = redis.script("return redis.call('get', KEYS[1])", { keys: 1, reply: 'string', readOnly: true });
    for (let n = 0; n < 3; n++) {
      const values = await redis.watch(['k'], ({ v }) => [set('copy', `${String(v)}${n}`)], {
        read: { v: script.command(['k']) },
      });
      expect([values, await redis.get('copy')]).toStrictEqual([['OK'], `v${n}`]);
      await make(server().url).scriptFlush();
    }
  });

  it('are called by a user who may run scripts and may not load them', async () => {
    const admin = make(server().url);
    await admin.aclSetuser('noload', ['reset', 'on', 'nopass', '~*', '+@all', '-script']);
    const redis = make({ url: server().url, protocol, username: 'noload', password: 'x', commandTimeout: 3_000 });
    const script = redis.script(LUA, { keys: 1, reply: 'string' });
    const other = redis.script(`${LUA} -- first in a group`, { keys: 1, reply: 'string' });
    expect(await redis.multi(set('k', ''), other.command(['k'], ['']), get('k'))).toStrictEqual(['OK', '', '']);
    expect(await redis.multi(other.command(['k'], ['']), get('k'))).toStrictEqual(['', '']);
    const alone = await outcome(script(['k'], ['a']));
    const piped = await outcome(redis.pipeline([script.command(['k'], ['b']), get('k')]));
    const multi = await outcome(redis.multi([script.command(['k'], ['c']), get('k')]));
    const again = await outcome(script(['k'], ['d']));
    expect({ alone, piped, multi, again }).toStrictEqual({
      alone: { value: 'a' },
      piped: { value: ['ab', 'ab'] },
      multi: { value: ['abc', 'abc'] },
      again: { value: 'abcd' },
    });
  });

  it('take 200 000 keys and arguments', async () => {
    const redis = make({ url: server().url, protocol, commandTimeout: 60_000 });
    const script = redis.script('return {#KEYS, #ARGV}', { reply: 'integers' });
    const keys = Array.from({ length: 200_000 }, (_, n) => `k${n}`);
    expect(await script(keys, keys)).toStrictEqual([200_000, 200_000]);
    expect(await redis.multi([script.command(keys, keys)])).toStrictEqual([[200_000, 200_000]]);
    expect(await redis.eval('return #KEYS', keys, keys)).toBe(200_000);
  });

  it('have errors inside tables in their places', async () => {
    const redis = connect();
    const script = redis.script("return {1, redis.error_reply('MINE inside'), {redis.error_reply('MINE deeper')}, 2}", {
      keys: 0,
      reply: 'array',
    });
    const value = [1, { kind: 'MINE' }, [{ kind: 'MINE' }], 2];
    expect(await script([])).toMatchObject(value);
    expect(await redis.pipeline([script.command([])])).toMatchObject([value]);
    expect(await redis.multi([script.command([]), get('none')])).toMatchObject([value, null]);
    expect(await redis.echo('e')).toBe('e');
  });
});

describe('Functions that are forgotten', () => {
  const server = useServer({ own: true }, '7.0');
  const make = useClients();
  it('by FUNCTION FLUSH inside their group say so in their place, and the next group works', async () => {
    const redis = make({ url: server().url, commandTimeout: 3_000 });
    await redis.functionFlush();
    const { functions } = redis.library(
      "#!lua name=lib\nredis.register_function('g', function(keys, args) return redis.call('append', keys[1], args[1]) end)",
      { functions: { g: { keys: 1 } } },
    );
    for (const kind of ['pipeline', 'multi'] as const) {
      await redis.del('k');
      const ended = await redis[kind]([
        functions.g.command(['k'], ['a']),
        functionFlush(),
        functions.g.command(['k'], ['b']),
        get('k'),
      ]);
      expect(ended).toMatchObject([1, 'OK', { message: expect.stringContaining('Function not found') as string }, 'a']);
      expect(await redis[kind]([functions.g.command(['k'], ['c'])])).toStrictEqual([2]);
      expect(await functions.g(['k'], ['d'])).toBe(3);
    }
  });
});
