import { NEVER, concat, of } from 'rxjs';
import { stage } from '../../src/connection/stage';
import type { RedisOptions } from '../../src/options';
import { Redis } from '../../src/redis';
import { RequestParser } from '../simulation/request-parser';
import { TrackingServer } from '../simulation/freshness/tracking-server';
import { record } from './clients';
import { ScriptedSocket } from './scripted-socket';
import { endOfTick } from './tick';
import { VirtualClock } from './virtual-clock';

/**
 * A client in virtual time, and a server with client tracking that answers when it is told to.
 * @param reconnectDelay ms
 */
export function trackedClient(options: RedisOptions, reconnectDelay = 1) {
  const server = new TrackingServer(true, () => undefined);
  const clock = new VirtualClock();
  const sockets: ScriptedSocket[] = [];
  let late = 0;
  clock.now = () => clock.frame + late;
  const dial = () => {
    const socket = new ScriptedSocket();
    sockets.push(socket);
    server.accept(socket);
    return concat(of(socket), NEVER);
  };
  const own = { partsFor: () => ({ clock, dial }), made: () => undefined, subscribesBy: () => undefined };
  const given: RedisOptions = {
    ...options,
    reconnect: { initialDelay: reconnectDelay, maxDelay: reconnectDelay, jitter: 0 },
  };
  const redis = new Redis({ ...{ [stage]: own }, ...given });
  const answer = async (): Promise<void> => {
    for (let quiet = 0; quiet < 3; quiet++) {
      await endOfTick();
      server.take();
      if (server.owes) quiet = 0;
      server.run(Infinity);
      server.endTurn();
      server.deliver(Infinity);
      clock.advance(0);
    }
  };
  const pass = async (ms: number): Promise<void> => {
    for (let i = 0; i < ms; i++) {
      await endOfTick();
      clock.advance(1);
    }
  };
  const states = record(redis.state$).values;
  const isLeft = () => states.at(-1)?.kind !== 'ready';
  /** The names of the commands that have come, on all links. */
  const commands = () => sockets.flatMap(({ writes }) => parsed(writes));
  return { redis, server, answer, pass, commands, isLeft, blocked: (ms: number) => (late += ms) };
}

function parsed(writes: readonly string[]): string[] {
  return new RequestParser().push(Buffer.from(writes.join(''))).map(({ words }) => words.join(' '));
}
