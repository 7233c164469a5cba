import { call, type Command } from 'rxjs-redis/commands';
import type { CommandModel } from '../../../../gen/model';

/** What is under the n-th key of a call: other values under each, so that a destination among the sources shows. */
type Fixture = (key: string, n: number) => Command[];

const STRING: Fixture = (key, n) => [call('SET', key, ['value', '6', '10'][n - 1] ?? 'x')];

const BY_GROUP: Readonly<Record<string, Fixture>> = {
  string: STRING,
  bitmap: (key, n) => [call('SET', key, ['ab', 'cd', 'abc'][n - 1] ?? 'x')],
  generic: STRING,
  server: STRING,
  hyperloglog: (key, n) => [call('PFADD', key, 'a', 'b', n)],
  list: (key, n) => [call('RPUSH', key, 'value', 'c', 'a', 'value', 'b', n)],
  hash: (key, n) => [call('HSET', key, 'value', '5', 'text', '6', 'n', n)],
  set: (key, n) => [call('SADD', key, 'value', 'a', ...(['bcd', 'bx', 'cyz', 'dw'][n - 1] ?? 'x'))],
  'sorted-set': (key, n) => [call('ZADD', key, n, 'value', n + 1, 'a', 1, `b${n}`, 2, 'c', 1, 'd')],
  geo: (key, n) => [
    call('GEOADD', key, '1', '1', 'm', '1.000003', '1', 'value', '1.000005', '1', n, '20', '20', 'far'),
  ],
  stream: (key) => [
    call('XADD', key, '1-1', 'f', 'v'),
    call('XADD', key, '1-2', 'f', 'w'),
    call('XADD', key, '1-3', 'f', 'x'),
    call('XGROUP', 'CREATE', key, 'text', '0'),
    call('XREADGROUP', 'GROUP', 'text', 'reader', 'COUNT', '2', 'STREAMS', key, '>'),
  ],
  module: (key) => [
    call('VADD', key, 'VALUES', '2', '0.1', '0.2', 'value', 'SETATTR', '{"a":2}'),
    call('VADD', key, 'VALUES', '2', '0.3', '0.1', 'element'),
  ],
};

const BY_COMMAND: Readonly<Record<string, Fixture>> = {
  SORT: (key) => [call('RPUSH', key, '3', '1', '4', '2')],
  SORT_RO: (key) => [call('RPUSH', key, '3', '1', '4', '2')],
  RESTORE: () => [],
  'XGROUP CREATE': (key) => [call('XADD', key, '1-1', 'f', 'v')],
};

/** Commands that put something under a key of a call. */
export function fixtureOf({ facts }: CommandModel, key: string, n: number): Command[] {
  return (BY_COMMAND[facts.name] ?? BY_GROUP[facts.group])?.(key, n) ?? [];
}
