import { call, type Command } from 'rxjs-redis/commands';
import type { CommandModel } from '../../../gen/model';

/** What has to be under a key so that a group's sample calls meet something. */
const BY_GROUP: Readonly<Record<string, (key: string) => Command[]>> = {
  string: (key) => [call('SET', key, '10')],
  bitmap: (key) => [call('SET', key, '10')],
  generic: (key) => [call('SET', key, '10')],
  hyperloglog: (key) => [call('PFADD', key, 'a', 'b')],
  list: (key) => [call('RPUSH', key, 'value', 'a', 'b')],
  hash: (key) => [call('HSET', key, 'value', '5', 'text', '6')],
  set: (key) => [call('SADD', key, 'value')],
  'sorted-set': (key) => [call('ZADD', key, '1.5', 'value')],
  geo: (key) => [call('GEOADD', key, '1', '2', 'm', '1.0001', '2', 'value')],
  stream: (key) => [call('XADD', key, '1-1', 'f', 'v'), call('XGROUP', 'CREATE', key, 'text', '0')],
  module: (key) => [
    call('VADD', key, 'VALUES', '2', '0.1', '0.2', 'value', 'SETATTR', '{"a":2}'),
    call('VADD', key, 'VALUES', '2', '0.3', '0.1', 'element'),
  ],
};

/** Commands that prepare the keys of a call. */
export function fixturesFor({ facts }: CommandModel, keys: readonly string[]): Command[] {
  const make = BY_GROUP[facts.group];
  return make === undefined ? [] : [...new Set(keys)].flatMap(make);
}
