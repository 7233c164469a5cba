import type { RedisOptions } from 'rxjs-redis';
import type { Clock } from '../../src/connection/clock';
import type { SubscriptionKind } from '../../src/pubsub/subscriptions';
import { record } from './clients';
import { commandsOf, scriptedConnection, tick } from './scripted-link';
import type { ScriptedSocket } from './scripted-socket';

/** A confirmation as RESP3 pushes it: `pushed('sunsubscribe', 'a')`. */
export const pushed = (kind: string, name: string) => `>3\r\n+${kind}\r\n+${name}\r\n:1\r\n`;
export const confirmed = (channel: string) => pushed('subscribe', channel);
export const left = (channel: string) => pushed('unsubscribe', channel);
/** The same in RESP2. */
export const inArray = (kind: string, name: string) => `*3\r\n+${kind}\r\n+${name}\r\n:1\r\n`;

/** The commands that subscribe or unsubscribe on a link. */
export function subscriptionsOn(link: ScriptedSocket): string[] {
  return commandsOf(link).filter((command) => /^[PS]?(UN)?SUBSCRIBE/.test(command));
}

/** Makes clients on scripted sockets, and destroys them after each spec. */
export function useCarriers() {
  const cleanUp: (() => void)[] = [];
  afterEach(() => cleanUp.splice(0).forEach((end) => end()));

  const set = (options: RedisOptions = {}, clock?: Clock, idle?: number) => {
    const scripted = scriptedConnection(options, clock, idle);
    cleanUp.push(() => scripted.connection.destroy());
    return scripted;
  };

  /** A carrier that is subscribed to `a`, which has an Observer. */
  const onCarrier = async (
    options: RedisOptions = {},
    clock?: Clock,
    kind: SubscriptionKind = 'channel',
    idle?: number,
  ) => {
    const scripted = set(options, clock, idle);
    const first = record(scripted.pubsub.messages(kind, ['a']));
    const link = await scripted.carrierGreeted();
    const word = { channel: 'subscribe', pattern: 'psubscribe', shard: 'ssubscribe' }[kind];
    link.receive(options.protocol === 2 ? inArray(word, 'a') : pushed(word, 'a'));
    await tick();
    return { ...scripted, link, first };
  };

  return { set, onCarrier };
}
