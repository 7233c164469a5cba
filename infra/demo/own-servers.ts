import { setTimeout as delay } from 'node:timers/promises';
import type { Observable } from 'rxjs';
import type { RunningServer } from '../servers';

/** Something that goes wrong on purpose, and has begun. */
export interface Fault {
  /** what is said of it */
  readonly text: string;
  /** Waits until it may be set right; at once where the signal says that all is over. */
  outlast(signal: AbortSignal): Promise<unknown>;
  /** Sets it right. @returns what is said of that */
  mend(): Promise<string>;
}

/** What may be done to servers that are the demo's own. */
export interface OwnServers {
  /** Ends one by SIGKILL: the only one, or a master that others replace. */
  kill(): Promise<Fault>;
  /** Has a replica become the master in good order, where sentinels do that. */
  failOver?(): Promise<Fault>;
  /** the address of the master by the word of a sentinel, where there is one: now, and when it has changed */
  readonly master$?: Observable<string>;
}

/** How long a server that nobody replaces stays away, ms. */
const AWAY = 3000;

/** One server, which is started again after a while. */
export function oneServer(server: RunningServer): OwnServers {
  return {
    async kill() {
      await server.kill();
      return {
        text: `the server is killed (SIGKILL) and stays away for ${AWAY} ms`,
        outlast: (signal) => delay(AWAY, undefined, { signal }).catch(() => undefined),
        async mend() {
          await server.restart();
          return 'the server runs again, which the clients must find out';
        },
      };
    },
  };
}
