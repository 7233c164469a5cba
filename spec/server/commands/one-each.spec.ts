import { ONE_EACH } from '../../../gen/empty';
import { models } from '../../../gen/generate';
import * as builders from 'rxjs-redis/commands';
import type { Command } from 'rxjs-redis/commands';
import { plainContext } from '../../../src/commands/request-context';
import { useServer } from '../../support/server';
import { isKnownTo } from './known-to';
import type { RawSession } from './raw-session';
import { useSession } from './use-session';

const server = useServer();

const read = { get: 'u8', offset: 0 } as const;

/** A call of each command with three elements, on a key that the spec may fill. */
const calls: Readonly<Record<string, (key: string) => Command>> = {
  BITFIELD: (key) => builders.bitfield(key, [read, { incrby: 'u8', offset: 0, by: 300, overflow: 'FAIL' }, read]),
  BITFIELD_RO: (key) => builders.bitfieldRo(key, [read, read, read]),
  GEOHASH: (key) => builders.geohash(key, 'a', 'b', 'a'),
  GEOPOS: (key) => builders.geopos(key, 'a', 'b', 'a'),
  HEXPIRE: (key) => builders.hexpire(key, 100, ['a', 'b', 'c']),
  HEXPIREAT: (key) => builders.hexpireat(key, 4_000_000_000, ['a', 'b', 'c'], 'NX'),
  HEXPIRETIME: (key) => builders.hexpiretime(key, 'a', 'b', 'c'),
  HGETDEL: (key) => builders.hgetdel(key, 'a', 'b', 'c'),
  HGETEX: (key) => builders.hgetex(key, ['a', 'b', 'c'], { PERSIST: true }),
  HMGET: (key) => builders.hmget(key, 'a', 'b', 'a'),
  HPERSIST: (key) => builders.hpersist(key, 'a', 'b', 'c'),
  HPEXPIRE: (key) => builders.hpexpire(key, 0, ['a', 'b', 'c']),
  HPEXPIREAT: (key) => builders.hpexpireat(key, 4_000_000_000_000, ['a', 'b', 'c']),
  HPEXPIRETIME: (key) => builders.hpexpiretime(key, 'a', 'b', 'c'),
  HPTTL: (key) => builders.hpttl(key, 'a', 'b', 'c'),
  HTTL: (key) => builders.httl(key, 'a', 'b', 'c'),
  MGET: (key) => builders.mget(key, 'b', key),
  'SCRIPT EXISTS': () => builders.scriptExists('a', 'b', 'a'),
  SMISMEMBER: (key) => builders.smismember(key, 'a', 'b', 'a'),
  XACKDEL: (key) => builders.xackdel(key, 'g', ['1-1', '2-1', '9-9']),
  XDELEX: (key) => builders.xdelex(key, ['1-1', '2-1', '9-9']),
  ZMSCORE: (key) => builders.zmscore(key, 'a', 'b', 'a'),
};

/** What a command finds under its key, beside nothing at all. */
async function fill(redis: RawSession, name: string): Promise<void> {
  if (name.startsWith('H')) await redis.hset('key', { a: '1' });
  else if (name.startsWith('X')) await redis.xadd('key', '1-1', { a: '1' });
  else if (name.startsWith('GEO')) await redis.geoadd('key', [[13, 38, 'a']]);
  else if (name.startsWith('SM')) await redis.sadd('key', 'a');
  else if (name.startsWith('Z')) await redis.zadd('key', [[1, 'a']]);
  else if (name.startsWith('MG')) await redis.rpush('key', 'a list');
  else await redis.set('key', 'abc');
}

it('are called below, all of them', () => {
  expect(Object.keys(calls)).toStrictEqual([...ONE_EACH]);
});

describe.each([2, 3] as const)('What answers one element for each that is asked for, in RESP%d', (protocol) => {
  const session = useSession(server, protocol);

  it.each([...ONE_EACH])('%s does, whether the key is there or not', async (name) => {
    const { redis, code } = session();
    const model = models().find(({ facts }) => facts.name === name)!;
    if (!isKnownTo(code, model.facts)) return;
    expect(await redis.run(calls[name]!('missing'))).toHaveLength(3);
    await fill(redis, name);
    expect(await redis.run(calls[name]!('key'))).toHaveLength(3);
  });
});

it.each(Object.entries(calls))('A reply of another length is not that of %s', (_, make) => {
  const { read: reader } = make('key');
  for (const length of [0, 2, 4]) {
    expect(() => reader(Array<null>(length).fill(null), plainContext)).toThrow(
      length === 0 ? 'expected an array of 3, got an empty array' : `expected an array of 3, got an array of ${length}`,
    );
  }
});
