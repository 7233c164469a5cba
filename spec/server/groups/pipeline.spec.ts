import { firstValueFrom } from 'rxjs';
import { ReplyError, type Redis } from 'rxjs-redis';
import {
  append,
  blpop,
  call,
  del,
  dump,
  get,
  hgetall,
  hset,
  incr,
  lpush,
  mget,
  randomkey,
  select,
  set,
  subscribe,
  watch,
  xread,
  type Command,
} from 'rxjs-redis/commands';
import { record, useClients } from '../../support/clients';
import { failure, thrownBy } from '../../support/outcomes';
import { useProxy, useServer } from '../../support/server';
import { until } from '../../support/until';

describe('A pipeline', () => {
  const server = useServer();
  const proxy = useProxy(server);
  const make = useClients();

  it('gives the values of its commands in their order, in three styles', async () => {
    const redis = make(server().url);
    expect(await redis.pipeline(set('a', '1'), incr('a'), get('a'))).toStrictEqual(['OK', 2, '2']);
    expect(await redis.pipeline([get('a'), get('nothing')])).toStrictEqual(['2', null]);
    expect(await redis.pipeline().set('b', '1').incr('b').call<string>('GET', 'b').exec()).toStrictEqual([
      'OK',
      2,
      '2',
    ]);
  });

  it('has errors as values in their places', async () => {
    const redis = make(server().url);
    const [, refused, after] = await redis.pipeline(set('text', 'a'), lpush('text', 'b'), get('text'));
    expect(refused).toBeInstanceOf(ReplyError);
    expect(refused).toMatchObject({ kind: 'WRONGTYPE', command: 'LPUSH', delivery: 'answered' });
    expect(after).toBe('a');
  });

  it('errors with the first error where that is asked for, and the error has the other values', async () => {
    const redis = make(server().url);
    const commands = [set('text', 'a'), lpush('text', 'b'), incr('text'), get('text')];
    const failed = [
      redis.pipeline(commands, { failFast: true }),
      redis.pipeline({ failFast: true }).set('text', 'a').lpush('text', 'b').incr('text').get('text').exec(),
    ];
    for (const reply of failed) {
      const error = await failure(reply);
      expect(error).toMatchObject({ kind: 'WRONGTYPE', command: 'LPUSH' });
      expect(error.results).toMatchObject(['OK', { kind: 'WRONGTYPE' }, { kind: 'ERR', command: 'INCR' }, 'a']);
      expect(JSON.parse(JSON.stringify(error))).toMatchObject({
        group: { results: ['OK', { command: 'LPUSH' }, {}, 'a'], index: 1 },
      });
    }
    expect(await redis.pipeline([get('text'), get('text')], { failFast: true })).toStrictEqual(['a', 'a']);
  });

  it('is cold: it sends nothing before it is subscribed to, and once a subscription; awaited it is sent once', async () => {
    const redis = make(server().url);
    const reply = redis.pipeline().incr('cold').exec();
    await redis.get('other');
    expect(await redis.get('cold')).toBeNull();
    expect([await firstValueFrom(reply), await firstValueFrom(reply)]).toStrictEqual([[1], [2]]);
    expect([await reply, await reply]).toStrictEqual([[3], [3]]);
  });

  it('is a chain that is used once', async () => {
    const redis = make(server().url);
    const chain = redis.pipeline().set('a', '1');
    expect(await chain.exec()).toStrictEqual(['OK']);
    const used = 'TypeError: pipeline: exec() was called on this chain before, and a chain is used once';
    expect(thrownBy(() => chain.exec())).toBe(used);
    expect(thrownBy(() => chain.get('a'))).toBe(used);
  });

  it('is a chain that has its options where it begins: none of exec() is overlooked', () => {
    const exec = (method: 'pipeline' | 'multi') => {
      const chain: object = make(server().url)[method]().set('a', '1');
      return thrownBy(() => (chain as { exec: (options: object) => unknown }).exec({ failFast: true }));
    };
    expect([exec('pipeline'), exec('multi')]).toStrictEqual([
      'TypeError: pipeline: exec() takes nothing; options belong to pipeline({ … })',
      'TypeError: multi: exec() takes nothing; options belong to multi({ … })',
    ]);
  });

  it('of no commands, or of commands whose answer is known, sends nothing', async () => {
    const redis = make(server().url);
    expect(await redis.pipeline([])).toStrictEqual([]);
    expect(await redis.pipeline().exec()).toStrictEqual([]);
    expect(await redis.pipeline(del([]), mget([]))).toStrictEqual([0, []]);
    expect(await firstValueFrom(redis.state$)).toStrictEqual({ kind: 'idle' });
    expect(await redis.pipeline(set('a', '1'), del([]), get('a'))).toStrictEqual(['OK', 0, '1']);
  });

  it('has the prefix, the bytes and the options of the surface that it is called on', async () => {
    const redis = make({ url: server().url, prefix: 'app:' });
    await redis.pipeline(set('k', 'é'), hset('h', 'f', 'v')).then();
    const plain = make(server().url);
    expect(await plain.pipeline(get('app:k'), get('k'))).toStrictEqual(['é', null]);
    expect(await redis.bytes.pipeline(get('k'), hgetall('h'))).toStrictEqual([
      Buffer.from('é'),
      new Map([[Buffer.from('f'), Buffer.from('v')]]),
    ]);
    expect(await redis.bytes.pipeline().get('k').exec()).toStrictEqual([Buffer.from('é')]);
    const [dumped] = await redis.pipeline(dump('k'));
    expect(dumped).toBeInstanceOf(Buffer);
    proxy().stall('toClient', true);
    const late = make(proxy().url()).withOptions({ commandTimeout: 50 }).pipeline(get('k'));
    expect(await failure(late)).toMatchObject({ code: 'TIMEOUT', command: 'PIPELINE' });
  });

  it('has nothing of the same connection between its commands, and what was called before it comes before', async () => {
    const redis = make(server().url);
    const before = redis.append('order', 'a').then();
    const group = redis.pipeline(Array.from({ length: 1_000 }, () => append('order', 'b'))).then();
    const behind = redis.append('order', 'c').then();
    await Promise.all([before, group, behind]);
    expect(await redis.get('order')).toBe(`a${'b'.repeat(1_000)}c`);
  });

  it('reaches the subscriptions that were made before it', async () => {
    const redis = make(server().url);
    const messages = record(redis.subscribe('news'));
    expect(await redis.pipeline().publish('news', '1').publish('news', '2').exec()).toStrictEqual([1, 1]);
    await until(() => messages.values.length === 2);
    expect(messages.values.map(({ data }) => data)).toStrictEqual(['1', '2']);
  });

  it('refuses an array with holes, and a command behind an array, before anything is sent', async () => {
    const redis = make(server().url);
    // eslint-disable-next-line no-sparse-arrays
    const holes = [get('a'), , get('b')] as Command[];
    expect(thrownBy(() => redis.pipeline(holes))).toContain('pipeline: command 2 is none, got undefined');
    const behind = [[get('a')], get('b')] as unknown as [Command];
    expect(thrownBy(() => redis.multi(...behind))).toContain(
      'multi: options were expected behind the commands, got an object',
    );
    expect(await firstValueFrom(redis.state$)).toStrictEqual({ kind: 'idle' });
  });

  it.each<[string, (redis: Redis) => unknown, string]>([
    [
      'what waits',
      () => blpop('q', 0),
      'command 2, BLPOP, waits at the server, and all behind it would: use a call of its own',
    ],
    ['what waits by an option', () => xread({ s: '$' }, { BLOCK: 0 }), 'command 2, XREAD, waits at the server'],
    [
      'another database',
      () => select(1),
      'command 2, SELECT, changes the connection that carries it: use dedicated(…)',
    ],
    ['another database by its name', () => call('select', '1'), 'command 2, SELECT, changes the connection'],
    ['WATCH', () => watch('a'), 'command 2, WATCH, changes the connection that carries it: use watch(…)'],
    [
      'subscriptions',
      () => subscribe('a'),
      'command 2, SUBSCRIBE, changes the connection that carries it: use subscribe(…)',
    ],
    ['MULTI by hand', () => call('MULTI'), 'command 2, MULTI, changes the connection that carries it: use multi(…)'],
    [
      'the end of the connection',
      () => call('SHUTDOWN'),
      'command 2, SHUTDOWN, ends the connection: use close(), or a call of its own',
    ],
    [
      'a reply',
      (redis) => redis.get('a'),
      'command 2 is a reply to GET, which is sent by itself: what is wanted is the command, of rxjs-redis/commands',
    ],
    [
      'what is no command',
      () => 'GET',
      'command 2 is none, got a string: what is wanted is a command of rxjs-redis/commands',
    ],
    [
      'the command of another pipeline',
      (redis) => redis.pipeline(get('a')).command,
      'command 2, PIPELINE, is several commands sent as one: what is wanted is those themselves',
    ],
    [
      'the command of a transaction, whose MULTI all later ones would be queued behind',
      (redis) => redis.multi(get('a')).command,
      'command 2, MULTI, is several commands sent as one: what is wanted is those themselves',
    ],
  ])('refuses %s before anything is sent', async (_what, second, why) => {
    const redis = make(server().url);
    const given = [get('a'), second(redis)] as [Command, Command];
    for (const method of ['pipeline', 'multi'] as const) {
      expect(thrownBy(() => redis[method](given))).toContain(`TypeError: ${method}: ${why}`);
      expect(thrownBy(() => redis[method](...given))).toContain(`TypeError: ${method}: ${why}`);
    }
    expect(await firstValueFrom(redis.state$)).toStrictEqual({ kind: 'idle' });
  });

  it('counts commands whose answer is known among the others where it says what became of each', async () => {
    const redis = make(proxy().url());
    await redis.ping();
    proxy().stall('toClient', true);
    const received = proxy().bytes.toServer;
    const failed = failure(redis.pipeline(del([]), incr('n'), mget([]), incr('n')));
    await until(() => proxy().bytes.toServer > received);
    proxy().cut();
    expect((await failed).group).toStrictEqual({
      results: [0],
      deliveries: ['answered', 'unknown', 'unsent', 'unknown'],
    });
  });

  it('refuses wrong options, and what a chain cannot hold where it is called', () => {
    const redis = make({ url: server().url, prefix: 'app:' });
    const pipeline = redis.pipeline.bind(redis) as (...given: unknown[]) => unknown;
    expect(thrownBy(() => pipeline([get('a')], { failfast: true }))).toBe(
      "TypeError: pipeline: there is no option 'failfast'; known is failFast",
    );
    expect(thrownBy(() => pipeline({ failFast: 1 }))).toBe(
      "TypeError: pipeline: 'failFast' is a boolean, got a number",
    );
    expect(thrownBy(() => pipeline([get('a')], true))).toBe(
      'TypeError: pipeline: options were expected behind the commands, got a boolean',
    );
    expect(thrownBy(() => pipeline([get('a')], {}, {}))).toContain('an array of commands and options were expected');
    expect(thrownBy(() => redis.pipeline().get('a').blpop('q', 1))).toContain('pipeline: command 2, BLPOP, waits');
    expect(thrownBy(() => redis.pipeline(randomkey()))).toContain(
      "RANDOMKEY, is asked again for a key with the client's prefix",
    );
  });

  it('whose commands may all be repeated is repeated as a whole when its connection is lost', async () => {
    const redis = make(proxy().url());
    await redis.set('a', '1');
    proxy().stall('toClient', true);
    const received = proxy().bytes.toServer;
    const reads = redis.pipeline(get('a'), get('nothing')).then();
    await until(() => proxy().bytes.toServer > received);
    proxy().cut();
    proxy().stall('toClient', false);
    expect(await reads).toStrictEqual(['1', null]);
  });

  it.each<[string, Command[]]>([
    ['a command that may not be repeated', [get('a'), incr('a')]],
    ['a write to what it reads, so that the second answer would be another', [get('a'), set('a', '2')]],
    ['two writes to one key', [set('a', '2'), set('a', '3')]],
  ])('with %s fails when its connection is lost, and says what became of each', async (_what, commands) => {
    const redis = make(proxy().url());
    await redis.set('a', '1');
    proxy().stall('toClient', true);
    const received = proxy().bytes.toServer;
    const failed = failure(redis.pipeline(commands));
    await until(() => proxy().bytes.toServer > received);
    proxy().cut();
    expect(await failed).toMatchObject({
      code: 'CONNECTION',
      command: 'PIPELINE',
      delivery: 'unknown',
      repeatable: false,
      results: [],
      group: { results: [], deliveries: ['unknown', 'unknown'] },
    });
  });
});
