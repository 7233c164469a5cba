import type { CommandSpec } from './command';

/** Commands that change a connection for all who share it, and what to use in their place. */
const unshareable: Readonly<Record<string, string>> = {
  MULTI: 'dedicated(…)',
  EXEC: 'dedicated(…)',
  DISCARD: 'dedicated(…)',
  WATCH: 'dedicated(…)',
  UNWATCH: 'dedicated(…)',
  MONITOR: 'dedicated(…)',
  'CLIENT REPLY': 'dedicated(…)',
  'CLIENT TRACKING': 'dedicated(…)',
  'SCRIPT DEBUG': 'dedicated(…)',
  'CLIENT CACHING': 'dedicated(…)',
  ASKING: 'dedicated(…)',
  READONLY: 'dedicated(…)',
  READWRITE: 'dedicated(…)',
  RESET: 'dedicated(…)',
  HELLO: "the options 'protocol', 'username' and 'password'",
  QUIT: 'close()',
  SYNC: 'dedicated(…)',
  PSYNC: 'dedicated(…)',
  REPLCONF: 'dedicated(…)',
  SUBSCRIBE: 'subscribe(…)',
  PSUBSCRIBE: 'psubscribe(…)',
  SSUBSCRIBE: 'ssubscribe(…)',
  UNSUBSCRIBE: 'unsubscribe() of the subscription',
  PUNSUBSCRIBE: 'unsubscribe() of the subscription',
  SUNSUBSCRIBE: 'unsubscribe() of the subscription',
};

/**
 * Refuses what would change the connection under the feet of everybody else.
 * @throws TypeError that names what to use
 */
export function refuseOnSharedConnection({ name }: Pick<CommandSpec, 'name'>): void {
  const instead = Object.hasOwn(unshareable, name) ? unshareable[name] : undefined;
  if (instead !== undefined) {
    throw new TypeError(`${name} would change the connection for all who share it: use ${instead}`);
  }
}

/**
 * Refuses what a lent connection has no ears for: it delivers no messages, and in RESP2 they could not be told from replies.
 * @throws TypeError that names what to use
 */
export function refuseOnLentConnection({ name, mode }: Pick<CommandSpec, 'name' | 'mode'>): void {
  if (mode === 'subscribe' || mode === 'unsubscribe') {
    throw new TypeError(`${name} is not for a lent connection, which delivers no messages: use redis.subscribe(…)`);
  }
}
