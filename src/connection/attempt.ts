import { catchError, defer, merge, switchMap, throwError, type Observable } from 'rxjs';
import type { Command } from '../commands/command';
import type { RedisError } from '../errors';
import type { Handshaker } from './handshaker';
import type { ServerInfo } from './hello';
import { FirstBytes } from './incurable';
import type { Line } from './line';
import type { ByteSocket } from './socket';

/**
 * One attempt at a link: dials, does the handshake over the new socket, then serves the queue until the socket is lost, and errors with
 * that loss. Emits what the server says of itself once the link is ready for the queue.
 * @param explain makes an error clearer from the first bytes that came
 */
//  dial ──socket──▶ serve: never emits, errors when the socket is lost
//              └──▶ handshake: emits when the link is ready, and signs in anew later
export function attempt(
  dial$: Observable<ByteSocket>,
  line: Line,
  handshaker: Handshaker,
  explain: (error: RedisError, firstBytes: FirstBytes) => RedisError,
): Observable<ServerInfo> {
  return defer(() => {
    const firstBytes = new FirstBytes();
    return dial$.pipe(
      switchMap((socket) => {
        firstBytes.watch(socket);
        const link = line.connect(socket);
        const send = <T>(command: Command<T>) => link.sendAhead(command);
        return merge(
          link.serve(),
          handshaker.run(send, (server) => link.greeted(server)),
        );
      }),
      catchError((error: RedisError) => throwError(() => explain(error, firstBytes))),
    );
  });
}
