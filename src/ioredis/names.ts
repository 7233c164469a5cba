import { Command, type Arg, type CommandOptions, type Redis, type RedisView } from '../index';

/** What ioredis puts no prefix before: patterns of keys, and the names of channels. */
const UNPREFIXED = new Set(['keys', 'scan', 'randomkey', 'publish', 'spublish', 'pubsub', 'cluster']);

const WITHOUT_PREFIX = { [Symbol.for('rxjs-redis:without-prefix')]: true } as CommandOptions;

/** The same client, by which all names travel as they are. */
export function unprefixed(client: Redis): RedisView {
  return client.withOptions(WITHOUT_PREFIX);
}

/** The client for a command of that name. */
export function clientFor(client: Redis, name: string): Redis | RedisView {
  return UNPREFIXED.has(name) ? unprefixed(client) : client;
}

/** A command for a group whose others get the prefix; undefined where it gets that as well. */
export function unprefixedCommand(client: Redis, name: string, args: readonly Arg[]): Command | undefined {
  if (!UNPREFIXED.has(name)) return undefined;
  const { spec, read } = unprefixed(client).call(name, args).command;
  return new Command({ ...spec, prefixed: [] }, args, read, []);
}
