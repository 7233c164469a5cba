import type { Redis } from 'rxjs-redis';
import { call } from 'rxjs-redis/commands';
import { models } from '../../../gen/generate';
import { eventually, useClients } from '../../support/clients';
import { outcome, type Outcome } from '../../support/outcomes';
import { useProxy, useServer } from '../../support/server';
import { until } from '../../support/until';
import { isKnownTo } from './known-to';
import { RawSession } from './raw-session';
import { differenceOf } from './repetition/differences';
import { after, ALICE, LIST, PLACES, SCORES, SETS, slowCommandThen, STREAM, WEIGHTS } from './repetition/prepared';
import { runTwice } from './repetition/run-twice';
import { usePlainServer } from './repetition/stages';
import type { Scenario } from './scenarios';

describe('Of a command that must not be repeated, the second run', () => {
  const onStage = usePlainServer();

  it.each<[what: string, method: string, 'state' | 'reply', Scenario]>([
    ['of SDIFFSTORE into a source', 'sdiffstore', 'state', after(SETS, 'key:b', 'key:a', 'key:b')],
    ['of ZDIFFSTORE into a source', 'zdiffstore', 'state', after(SCORES, 'key:b', ['key:a', 'key:b'])],
    ['of ZUNIONSTORE into a source', 'zunionstore', 'state', after(SCORES, 'key:a', ['key:a', 'key:b'])],
    ['of ZINTERSTORE into a source', 'zinterstore', 'state', after(SCORES, 'key:a', ['key:a', 'key:b'])],
    ['of ZRANGESTORE into its source', 'zrangestore', 'state', after(SCORES, 'key:a', 'key:a', 1, 2)],
    ['of BITOP NOT into its source', 'bitop', 'state', after([['SET', 'key:a', 'x']], 'NOT', 'key:a', 'key:a')],
    ['of SORT STORE into its source', 'sort', 'state', after([LIST], 'key:l', { LIMIT: [1, 3], STORE: 'key:l' })],
    [
      'of SORT STORE into a weight',
      'sort',
      'state',
      after([LIST, WEIGHTS], 'key:l', { BY: 'key:w_*', STORE: 'key:w_1' }),
    ],
    [
      'of SORT STORE into what it gets',
      'sort',
      'state',
      after([LIST, WEIGHTS], 'key:l', { GET: 'key:w_*', STORE: 'key:w_1' }),
    ],
    [
      'of GEOSEARCHSTORE of distances into its source',
      'geosearchstore',
      'state',
      after([PLACES], 'key:g', 'key:g', { FROMLONLAT: [1, 1], BYRADIUS: [1, 'KM'], STOREDIST: true }),
    ],
    [
      'of GEORADIUS STOREDIST into its source',
      'georadius',
      'state',
      after([PLACES], 'key:g', 1, 1, 1, 'KM', { STOREDIST: 'key:g' }),
    ],
    [
      'of GEORADIUSBYMEMBER STOREDIST into its source',
      'georadiusbymember',
      'state',
      after([PLACES], 'key:g', 'm', 1, 'KM', { STOREDIST: 'key:g' }),
    ],
    ['of ACL DELUSER', 'aclDeluser', 'reply', after([ALICE], 'alice')],
    ['of ACL SETUSER that takes a password away', 'aclSetuser', 'reply', after([ALICE], 'alice', '<secret')],
    ['of ACL SETUSER that allows all behind a pattern', 'aclSetuser', 'reply', after([ALICE], 'alice', '~x', '~*')],
    ['of LATENCY RESET', 'latencyReset', 'reply', slowCommandThen('command')],
    ['of HOTKEYS STOP', 'hotkeysStop', 'reply', after([['HOTKEYS', 'START', 'METRICS', '1', 'CPU']])],
    ['of REPLICAOF', 'replicaof', 'reply', after([], '127.0.0.1', 1)],
  ])('%s does something else', async (_what, method, difference, scenario) => {
    const { stage, code } = onStage();
    const model = models().find((one) => one.method === method);
    if (model === undefined) throw new Error(`no method ${method}`);
    if (!isKnownTo(code, model.facts)) return;
    const twice = await runTwice(stage, model, scenario, { whateverClaimed: true });
    expect(twice && differenceOf(model.facts.name, twice)).toBe(difference);
  });

  it('of ACL SETUSER with a selector adds another', async () => {
    const { stage, code } = onStage();
    if (code === 'r6.0') return;
    const model = models().find(({ method }) => method === 'aclSetuser');
    const twice =
      model && (await runTwice(stage, model, after([ALICE], 'alice', '(+get ~x)'), { whateverClaimed: true }));
    expect(twice && differenceOf('ACL SETUSER', twice)).toBe('state');
  });

  it('of XREAD with $ misses what the first was told', async () => {
    const { address } = onStage().stage;
    const [reader, writer] = [
      await RawSession.open(address, { protocol: 3 }),
      await RawSession.open(address, { protocol: 3 }),
    ];
    await onStage().stage.clean(writer);
    const first = Promise.resolve(reader.xread({ s: '$' }, { BLOCK: 0 }));
    await eventually(
      () => writer.info('clients'),
      ({ clients }) => String(clients?.blocked_clients) === '1',
    );
    const id = await writer.xadd('s', '*', { f: 'v' });
    expect((await first)?.s?.[0]).toMatchObject({ id });
    expect(await reader.xread({ s: '$' }, { BLOCK: 1 })).toBeNull();
    reader.close();
    writer.close();
  });

  it('of XGROUP SETID with $ passes over what came between', async () => {
    const { address, clean } = onStage().stage;
    const session = await RawSession.open(address, { protocol: 3 });
    await clean(session);
    for (const [name, ...args] of STREAM) await session.run(call(name, ...args));
    await session.xgroupSetid('key:s', 'group', '$');
    await session.xadd('key:s', '2-1', { f: 'between' });
    await session.xgroupSetid('key:s', 'group', '$');
    expect(await session.xreadgroup('group', 'c', { 'key:s': '>' })).toBeNull();
    session.close();
  });

  it('of XADD IDMP adds again what the stream has forgotten', async () => {
    const { stage, code } = onStage();
    if (code !== 'r8.6') return;
    const session = await RawSession.open(stage.address, { protocol: 3 });
    await stage.clean(session);
    for (const n of [...Array(101).keys(), ...Array(101).keys()]) {
      await session.xadd('s', '*', { n }, { IDMP: ['producer', String(n)] });
    }
    expect(await session.xlen('s')).toBe(202);
    session.close();
  });
});

describe('A command whose reply was lost', () => {
  const server = useServer({ own: true }, '7.0');
  const proxy = useProxy(server);
  const make = useClients();
  let admin: Redis;
  beforeEach(async () => {
    admin = make(server().url);
    await admin.flushall();
    for (const [name, ...args] of [LIST, PLACES, ...SETS, ALICE]) await admin.call(name, ...args);
  });

  /** Lets the server run a command, whose reply is lost with the line. */
  async function lose<T>(send: (redis: Redis) => PromiseLike<T>): Promise<Outcome<T>> {
    const redis = make({ url: proxy().url(), reconnect: { initialDelay: 2, maxDelay: 20 } });
    await redis.connect();
    proxy().stall('toClient', true);
    const { toServer } = proxy().bytes;
    const reply = outcome(send(redis));
    await until(() => proxy().bytes.toServer > toServer);
    await admin.ping();
    proxy().cut();
    proxy().stall('toClient', false);
    return reply;
  }

  it.each<[what: string, send: (redis: Redis) => PromiseLike<unknown>]>([
    ['SDIFFSTORE into a source', (redis) => redis.sdiffstore('key:b', 'key:a', 'key:b')],
    ['SDIFFSTORE into a source by name', (redis) => redis.call('SDIFFSTORE', 'key:b', 'key:a', 'key:b')],
    ['SORT STORE into its source', (redis) => redis.sort('key:l', { LIMIT: [1, 3], STORE: 'key:l' })],
    ['SORT STORE into its source by name', (redis) => redis.call('SORT', 'key:l', 'LIMIT', 1, 3, 'STORE', 'key:l')],
    [
      'GEOSEARCHSTORE into its source',
      (redis) => redis.geosearchstore('key:g', 'key:g', { FROMLONLAT: [1, 1], BYRADIUS: [1, 'KM'], STOREDIST: true }),
    ],
    ['ACL DELUSER', (redis) => redis.aclDeluser('alice')],
  ])('fails rather than be repeated: %s', async (_what, send) => {
    expect(await lose(send)).toMatchObject({ error: { code: 'CONNECTION', delivery: 'unknown', repeatable: false } });
    // What the one run has made of it, or what was there if it did not run: never what two runs make.
    expect(await admin.smembers('key:b').then((members) => members.sort().join())).toMatch(/^(1,3|2,4)$/);
    expect(['3 1 4 1 5 2', '1 2 3']).toContain((await admin.lrange('key:l', 0, -1)).join(' '));
    expect(await admin.zcard('key:g')).toBe(3);
  });

  it('is repeated where that does no harm, also with a destination among the sources', async () => {
    expect(await lose((redis) => redis.sunionstore('key:b', 'key:a', 'key:b'))).toEqual({ value: 4 });
    expect(await lose((redis) => redis.sdiffstore('key:d', 'key:a', 'key:b'))).toEqual({ value: 0 });
    expect(await lose((redis) => redis.georadius('key:g', 1, 1, 1, 'KM', { STORE: 'key:h' }))).toEqual({ value: 3 });
  });
});
