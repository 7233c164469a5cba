import type { Redis } from 'rxjs-redis';
import { echo, eval as evalScript } from 'rxjs-redis/commands';
import { record, useClients } from '../support/clients';
import { failure, outcome } from '../support/outcomes';
import { useServer } from '../support/server';

/** What a script makes a server send in RESP3, and what a client can make of it. */
const UNREADABLE: readonly (readonly [lua: string, says: string])[] = [
  [`{big_number='abc'}`, `'(' cannot be followed by "abc"`],
  [`{big_number=''}`, `'(' cannot be followed by ""`],
  [`{big_number='1.5'}`, `'(' cannot be followed by "1.5"`],
  [`{big_number='1\\r\\n+x'}`, `'(' cannot be followed by "1  +x"`],
  [`{big_number=string.rep('9', 20000)}`, `'(' cannot be followed by 20000 characters, a number has at most 16384`],
  [`{1, {2, {big_number='abc'}}, {}}`, `'(' cannot be followed by "abc"`],
  [`{map={a={set={b=true}}, c={big_number='abc'}, d={1}}}`, `'(' cannot be followed by "abc"`],
  [`{{big_number='abc'}, {big_number='def'}}`, `'(' cannot be followed by "abc"`],
];

const READABLE: readonly (readonly [lua: string, value: unknown])[] = [
  [`{double=0/0}`, NaN],
  [`{double=-(0/0)}`, NaN],
  [`{double=1e-320}`, 1e-320],
  [`{double=-1/0}`, -Infinity],
  [`{big_number='-0'}`, 0n],
  [`{verbatim_string={format='', string='x'}}`, 'x'],
  [`{verbatim_string={format='abcd', string=''}}`, ''],
  [`{map={[1]={}}}`, Object.assign(Object.create(null), { 1: [] })],
  [`{set={a=true}}`, ['a']],
  [`{true, false}`, [1, null]],
];

describe('A value from a script that cannot be read', () => {
  const server = useServer({}, '7.0');
  const make = useClients();
  const connect = () => make({ url: server().url, protocol: 3 });
  const unread = (says: string, command = 'EVAL') => ({
    code: 'PROTOCOL',
    command,
    delivery: 'answered',
    message: `The reply to ${command} cannot be read: ${says}`,
  });

  it.each(UNREADABLE)('fails its command alone: %s', async (lua, says) => {
    const redis = connect();
    const id = await redis.clientId();
    const events = record(redis.events$);
    const all = [redis.echo('a'), redis.eval(`return ${lua}`, [], []), redis.incr('unread'), redis.echo('b')];
    expect(await Promise.all(all.map(outcome))).toMatchObject([
      { value: 'a' },
      { error: unread(says) },
      { value: expect.any(Number) as number },
      { value: 'b' },
    ]);
    expect(await redis.clientId()).toBe(id);
    expect(events.values).toStrictEqual([]);
  });

  it.each(READABLE)('does not hide those that can: %s', async (lua, value) => {
    const redis = connect();
    expect(await redis.eval(`return ${lua}`, [], [])).toStrictEqual(value);
    expect(await redis.echo('b')).toBe('b');
  });

  it('fails its command on every surface', async () => {
    const redis = connect();
    const odd = `return {big_number='abc'}`;
    const says = unread(UNREADABLE[0]![1]);
    for (const reply of [redis.bytes.eval(odd, [], []), redis.call('EVAL', odd, 0)])
      expect(await failure(reply)).toMatchObject(says);
  });

  it('fails the EXEC that it stands in, and the lease goes on', async () => {
    const redis = connect();
    await redis.dedicated(async (connection) => {
      connection.call('MULTI').forget();
      connection.incr('unread').forget();
      connection.eval(`return {big_number='abc'}`, [], []).forget();
      expect(await failure(connection.exec())).toMatchObject(unread(UNREADABLE[0]![1], 'EXEC'));
      expect(await connection.echo('next')).toBe('next');
    });
  });

  it('stands in the place of its command in a transaction and in a pipeline', async () => {
    const redis = connect();
    const odd = evalScript(`return {1, {big_number='abc'}}`, [], []);
    const values = ['a', unread(UNREADABLE[0]![1]), 'b'];
    expect(await redis.multi(echo('a'), odd, echo('b'))).toMatchObject(values);
    expect(await redis.pipeline(echo('a'), odd, echo('b'))).toMatchObject(values);
  });

  it('is asked for once, however harmless its command', async () => {
    const redis = connect();
    const calls = async (client: Redis): Promise<string> =>
      /cmdstat_eval_ro:calls=(\d+)/.exec(String(await client.call('INFO', 'commandstats')))?.[1] ?? '0';
    const before = Number(await calls(redis));
    await failure(redis.evalRo(`return {big_number='abc'}`, [], []));
    expect(Number(await calls(redis))).toBe(before + 1);
  });
});
