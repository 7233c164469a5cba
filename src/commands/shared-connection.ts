import type { CommandSpec } from './command';

/** Commands that would change a connection for everybody who uses it, and what to use instead. */
const INSTEAD: Readonly<Record<string, string>> = {
  MULTI: '`multi`, or `dedicated` for a connection of your own',
  EXEC: '`multi`, or `dedicated` for a connection of your own',
  DISCARD: '`multi`, or `dedicated` for a connection of your own',
  WATCH: '`watch`, or `dedicated` for a connection of your own',
  UNWATCH: '`watch`, or `dedicated` for a connection of your own',
  MONITOR: '`dedicated` for a connection of your own',
  'CLIENT REPLY': '`dedicated` for a connection of your own',
  'CLIENT CACHING': '`dedicated` for a connection of your own',
  ASKING: '`RedisCluster`, which follows redirects by itself',
  READONLY: '`RedisCluster` with reads from replicas',
  READWRITE: '`RedisCluster` with reads from replicas',
  RESET: '`dedicated` for a connection of your own',
  HELLO: 'the options `protocol`, `username`, `password` and `clientName`',
  QUIT: '`close`',
  SUBSCRIBE: '`subscribe`',
  PSUBSCRIBE: '`psubscribe`',
  SSUBSCRIBE: '`ssubscribe`',
  UNSUBSCRIBE: 'the subscription of `subscribe`: unsubscribe from it',
  PUNSUBSCRIBE: 'the subscription of `psubscribe`: unsubscribe from it',
  SUNSUBSCRIBE: 'the subscription of `ssubscribe`: unsubscribe from it',
};

/**
 * What to use instead of a command that may not travel on a connection which others use too, or undefined when it may.
 *
 * SELECT, AUTH and CLIENT SETNAME change a connection as well, and may: the client remembers and repeats them.
 */
export function insteadOnShared({ name, mode }: CommandSpec): string | undefined {
  if (mode === 'replication') return 'a server: replication is no business of a client';
  return Object.hasOwn(INSTEAD, name) ? INSTEAD[name] : undefined;
}
