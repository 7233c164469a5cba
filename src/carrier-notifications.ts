import { defer, finalize, type Observable } from 'rxjs';
import type { Command } from './commands/command';
import { Reply, type ReplySource } from './commands/reply';
import type { Connection } from './connection/connection';
import { nameOf, type ServerAddress } from './options/addresses';
import { Notifications } from './pubsub/notifications';
import type { PubSub } from './pubsub/pubsub';

/**
 * Whether the server tells of keyspace events from which a client's messages come. Behind sentinels its commands may lead to another, as to
 * another replica; then that server is asked by a connection of its own, because in RESP2 one that is subscribed takes no questions.
 * @param connectTo makes a connection that is not made again
 */
export function carrierNotifications(
  pubsub: PubSub,
  main: Connection,
  source: ReplySource,
  connectTo: (address: ServerAddress) => Connection,
): Notifications {
  const send = <T>(command: Command<T>): Observable<T> =>
    defer(() => {
      const endpoint = pubsub.carrying?.endpoint;
      const isSame = endpoint === undefined || (main.endpoint && nameOf(main.endpoint)) === nameOf(endpoint);
      if (isSame) return Reply.from(source, command);
      const connection = connectTo(endpoint);
      connection.open();
      const reply = Reply.from({ ...source, executor: connection }, command);
      return reply.pipe(finalize(() => connection.destroy()));
    });
  const asked = {
    events$: main.events$,
    get closed() {
      return main.closed;
    },
    line: {
      get link() {
        return pubsub.carrying?.line.link;
      },
    },
  };
  return new Notifications(asked, send);
}
