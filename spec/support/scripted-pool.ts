import type { Observable } from 'rxjs';
import { NEVER, concat, of, throwError } from 'rxjs';
import { Connection } from '../../src/connection/connection';
import { Session } from '../../src/connection/session';
import { ConnectionError } from '../../src/errors';
import { LeasePool, type LeaseLimits } from '../../src/leases/lease-pool';
import { resolveOptions, type RedisOptions } from '../../src/options';
import { record } from './clients';
import { greet, tick } from './scripted-link';
import { ScriptedSocket } from './scripted-socket';
import { VirtualClock } from './virtual-clock';

/** A pool in virtual time, on sockets that are the spec's. */
export function scriptedPool(limits: Partial<LeaseLimits> = {}, options: RedisOptions = {}) {
  const clock = new VirtualClock();
  const session = new Session(0, undefined);
  const links: ScriptedSocket[] = [];
  const network: { isDown: boolean; dials: number; throws?: Error | undefined } = { isDown: false, dials: 0 };
  const dial = (): Observable<ScriptedSocket> => {
    network.dials++;
    if (network.isDown) return throwError(() => new ConnectionError('nothing listens there'));
    const socket = new ScriptedSocket();
    links.push(socket);
    return concat(of(socket), NEVER);
  };
  const resolved = resolveOptions({ reconnect: { initialDelay: 50, jitter: 0 }, ...options });
  const make = () => {
    if (network.throws !== undefined) throw network.throws;
    return new Connection(resolved, { dial, clock, once: true, session: session.copy() });
  };
  const pool = new LeasePool({
    make,
    clock,
    maxOption: 'leases.max',
    limits: { max: 4, idleTimeout: 60_000, acquireTimeout: 5_000, ...limits },
  });
  return {
    clock,
    links,
    network,
    pool,
    session,
    /** A caller that keeps what it is lent until it is stopped. */
    caller: () => record(pool.acquire()),
    /** A caller that has a connection, and the other end of that, which was dialled for it. */
    leased: async () => {
      const caller = record(pool.acquire());
      await tick();
      const link = links.at(-1)!;
      if (caller.values.length === 0) await greet(link);
      return { caller, lease: caller.values[0]!, link };
    },
  };
}
