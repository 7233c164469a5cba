import type { RungName } from './rung';

/** A server that answers. */
export interface RunningServer {
  /** `redis://127.0.0.1:12345`, or REDIS_URL as it was given. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly version: string;
  readonly from: RungName;
  /** The server's own process id, unless it runs in a container or elsewhere. Another one after a restart. */
  readonly pid?: number;
  /** The server's working folder: its data files, and what relative paths in its arguments mean. */
  readonly folder?: string;
  /** The end of what the server wrote to stdout and stderr. */
  output(): string;
  /** Ends the server at once and deletes its folder. Does nothing to REDIS_URL's server, nor the second time. */
  stop(): Promise<void>;
  /**
   * Sends a signal (SIGKILL unless told) and waits for the server's end; its folder stays for a restart. SIGSTOP and
   * SIGCONT end nothing and return at once.
   */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same port with the same arguments; ends it first if it runs, with SIGTERM. */
  restart(): Promise<void>;
}
