import { NEVER, concat, of, throwError, type Observable } from 'rxjs';
import { stage, type Stage } from '../../src/connection/stage';
import { ConnectionError } from '../../src/errors';
import { ScriptedSocket } from './scripted-socket';
import { VirtualClock } from './virtual-clock';

/** Virtual time and scripted sockets for a client or a pool: `options` has them use both. `links` are the sockets in the order of dialling. */
export function scriptedStage() {
  const clock = new VirtualClock();
  const links: ScriptedSocket[] = [];
  const network = { isDown: false };
  const dial = (): Observable<ScriptedSocket> => {
    if (network.isDown) return throwError(() => new ConnectionError('nothing listens there'));
    const socket = new ScriptedSocket();
    links.push(socket);
    return concat(of(socket), NEVER);
  };
  const own: Stage = { partsFor: () => ({ clock, dial }), made: () => undefined, subscribesBy: () => undefined };
  return { clock, links, network, options: { [stage]: own } };
}
