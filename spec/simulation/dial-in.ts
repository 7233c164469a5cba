import { Observable } from 'rxjs';
import type { ByteSocket, Dial } from '../../src/connection/socket';
import { ConnectionError, TimeoutError } from '../../src/errors';
import type { Timeline } from './timeline';

/** Something that accepts connections in virtual time. */
interface Host<W> {
  readonly name: string;
  /** ms, one way */
  readonly distance: number;
  /** one that is `down` refuses, of one that is `away` nothing comes */
  readonly state: string;
  readonly wires: Set<W>;
}

/**
 * Dials hosts by their ports.
 * @param wireTo makes the connection that a host has accepted
 */
export function dialIn<W extends ByteSocket, H extends Host<W>>(
  hosts: ReadonlyMap<number, H>,
  timeline: Timeline,
  dialled: (host: H) => void,
  wireTo: (host: H) => W,
): Dial {
  return ({ port, connectTimeout }) =>
    new Observable((subscriber) => {
      const host = hosts.get(port)!;
      let wire: W | undefined;
      dialled(host);
      const fail = (error: Error) => {
        timeline.touched = true;
        subscriber.error(error);
      };
      const accept = () => {
        timeline.touched = true;
        if (host.state === 'down') {
          fail(new ConnectionError(`${host.name}: refused`, { cause: new Error('ECONNREFUSED') }));
          return;
        }
        wire = wireTo(host);
        host.wires.add(wire);
        subscriber.next(wire);
      };
      const late = () => fail(new TimeoutError(`${host.name} did not accept within ${connectTimeout} ms`));
      const isFar = host.state === 'away' || 2 * host.distance > connectTimeout;
      const pending = isFar
        ? timeline.afterInProcess(connectTimeout, late)
        : timeline.afterInProcess(2 * host.distance, accept);
      return () => {
        pending.unsubscribe();
        wire?.destroy();
      };
    });
}
