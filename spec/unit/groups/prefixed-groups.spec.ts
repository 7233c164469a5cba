import { NEVER, concat, of } from 'rxjs';
import { Redis, type RedisOptions, type Reply } from 'rxjs-redis';
import { call, get, incr, keys, set, sort, type Command } from 'rxjs-redis/commands';
import { Group } from '../../../src/commands/group';
import { Transaction } from '../../../src/commands/transaction';
import { writesTo } from '../../../src/commands/writes-to';
import { stage, type Role } from '../../../src/connection/stage';
import { record } from '../../support/clients';
import { thrownBy } from '../../support/outcomes';
import { commandsOf, greet, lose, tick } from '../../support/scripted-link';
import { ScriptedSocket } from '../../support/scripted-socket';
import { until } from '../../support/until';

const clients: Redis[] = [];
afterEach(() => clients.splice(0).forEach((redis) => void redis.destroy().then()));

/** A client whose connections are the spec's. */
async function setUp(options: RedisOptions) {
  const links: ScriptedSocket[] = [];
  const dial = () => {
    const link = new ScriptedSocket();
    links.push(link);
    return concat(of(link), NEVER);
  };
  const parts = { partsFor: (_role: Role) => ({ dial }), made: () => undefined, subscribesBy: () => undefined };
  const redis = new Redis({ ...options, reconnect: { initialDelay: 0 }, [stage]: parts } as RedisOptions);
  clients.push(redis);
  record(redis.ping());
  const greeted = async (nth: number) => {
    while (links.length < nth) await tick();
    return greet(links[nth - 1]!);
  };
  const link = await greeted(1);
  await tick();
  link.receive('+PONG\r\n');
  link.writes.length = 0;
  return { redis, link, greeted };
}

/** Counts how many of the commands have got a prefix: it is put on where keys stand. */
function watched(commands: readonly Command[]) {
  const count = { prefixed: 0 };
  for (const command of commands) {
    const { keys } = command;
    Object.defineProperty(command, 'keys', { get: () => (count.prefixed++, keys) });
  }
  return count;
}

const COUNT = 100_000;
const sets = (count: number) => Array.from({ length: count }, (_, n) => set(`k${n}`, 'v'));

describe('With a prefix, a group', () => {
  it.each<[string, (redis: Redis, commands: Command[]) => Reply<unknown>, number]>([
    ['an array of 100 000', (redis, commands) => redis.pipeline(commands), 0],
    [
      'a chain of 100 000',
      (redis, commands) => commands.reduce((chain, one) => chain.add(one) as never, redis.pipeline()).exec(),
      0,
    ],
    ['a transaction of 100 000', (redis, commands) => redis.multi(commands), 1],
  ])('that is %s gets it as it is written, over many turns of the event loop', async (_what, send, ahead) => {
    const { redis, link } = await setUp({ prefix: 'p:' });
    const commands = sets(COUNT);
    const count = watched(commands);
    const reply = send(redis, commands);
    expect(count.prefixed).toBe(0);
    record(reply);
    expect(count.prefixed).toBe(0);
    let busiest = 0;
    let before = 0;
    await until(() => {
      busiest = Math.max(busiest, count.prefixed - before);
      before = count.prefixed;
      return count.prefixed >= COUNT;
    });
    expect(busiest).toBeLessThanOrEqual(25_000);
    await tick();
    const written = commandsOf(link);
    expect(written.slice(ahead, COUNT + ahead)).toStrictEqual(Array.from({ length: COUNT }, (_, n) => `SET p:k${n} v`));
  });

  it('sends it once more after a loss, once before each key', async () => {
    const { redis, link, greeted } = await setUp({ prefix: 'p:' });
    const reply = record(redis.pipeline(set('a', '1'), get('b')));
    await tick();
    expect(commandsOf(link)).toStrictEqual(['SET p:a 1', 'GET p:b']);
    lose(link);
    const next = await greeted(2);
    await until(() => next.writes.join('').includes('p:b'));
    expect(commandsOf(next).slice(-2)).toStrictEqual(['SET p:a 1', 'GET p:b']);
    next.receive('+OK\r\n$1\r\n2\r\n');
    expect(reply.values).toStrictEqual([['OK', '2']]);
  });

  it('may be sent by two subscribers of one reply', async () => {
    const { redis, link } = await setUp({ prefix: 'p:' });
    const reply = redis.multi(incr('a'));
    const seen = [record(reply), record(reply)];
    await tick();
    expect(commandsOf(link)).toStrictEqual(['MULTI', 'INCR p:a', 'EXEC', 'MULTI', 'INCR p:a', 'EXEC']);
    link.receive('+OK\r\n+QUEUED\r\n*1\r\n:1\r\n'.repeat(2));
    expect(seen.map(({ values }) => values)).toStrictEqual([[[1]], [[1]]]);
  });

  it.each([
    [
      'a pipeline',
      new Group([set('a', 1), get('b'), set(Buffer.from('c'), 1)], 'PIPELINE', true, undefined, undefined, 'p:'),
    ],
    ['a transaction', new Transaction([set('a', 1), get('b'), set(Buffer.from('c'), 1)], undefined, 'p:')],
  ])('writes, as %s, to the same keys as commands by themselves', (_what, group) => {
    expect(writesTo(group)).toStrictEqual(['key p:a', 'key p:c']);
    expect(writesTo(group)).toStrictEqual([set('p:a', 1), set('p:c', 1)].flatMap(writesTo));
  });

  it.each([
    ['pipeline', (redis: Redis, key: Uint8Array) => redis.pipeline(get('a'), get(key))],
    ['multi', (redis: Redis, key: Uint8Array) => redis.multi(get('a'), get(key))],
  ])('fails, in %s, where the memory of a key is gone when it is written', async (_method, send) => {
    const { redis, link } = await setUp({ prefix: 'p:' });
    const key = new Uint8Array([1, 2, 3]);
    const reply = send(redis, key);
    structuredClone(key.buffer, { transfer: [key.buffer] });
    const seen = record(reply);
    await tick();
    expect(link.writes).toStrictEqual([]);
    expect(String(seen.ended)).toContain('The bytes of an argument have been transferred');
    expect(String(seen.ended)).toContain('command 2, GET');
  });

  it('is refused at the call where the prefix does not go with a pattern', async () => {
    const { redis, link } = await setUp({ prefix: 'p*' });
    const patterns = () => redis.pipeline(get('a'), sort('k', { BY: 'w_*' }));
    expect(thrownBy(patterns)).toBe('TypeError: SORT: patterns do not work with a prefix that contains *');
    expect(thrownBy(() => redis.pipeline().add(call('SORT', 'k', 'BY', 'w_*')))).toContain('SORT: patterns');
    expect(link.writes).toStrictEqual([]);
  });

  it('reads what comes as bytes where the prefix is no text', async () => {
    const { redis, link } = await setUp({ prefix: Buffer.from([0xff]) });
    const texts = record(redis.pipeline(get('a'), keys('*')));
    const transaction = record(redis.multi(get('a'), keys('*')));
    await tick();
    const listed = Buffer.concat([Buffer.from('*1\r\n$2\r\n'), Buffer.from([0xff]), Buffer.from('k\r\n')]);
    const values = Buffer.concat([Buffer.from('$2\r\né\r\n'), listed]);
    link.bytes$.next(Buffer.concat([values, Buffer.from('+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n'), values]));
    expect(texts.values).toStrictEqual([['é', ['k']]]);
    expect(transaction.values).toStrictEqual([['é', ['k']]]);
  });
});

describe('With a prefix, a command', () => {
  it('is refused at the call where the memory of its key is gone', async () => {
    const { redis, link } = await setUp({ prefix: 'p:' });
    const key = new Uint8Array([1, 2, 3]);
    structuredClone(key.buffer, { transfer: [key.buffer] });
    expect(thrownBy(() => redis.get(key))).toBe(
      'TypeError: The bytes of an argument have been transferred before it was written',
    );
    await tick();
    expect(link.writes).toStrictEqual([]);
  });
});
