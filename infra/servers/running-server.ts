import type { RungName } from './rung';

/** A server that answers. */
export interface RunningServer {
  /** `redis://127.0.0.1:12345`, or REDIS_URL as it was given. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Such as `7.0.15`; `unknown` where REDIS_URL's user may not ask. */
  readonly version: string;
  readonly from: RungName;
  /** The server's own process id, another one after a restart; none while it is down, in a container or elsewhere. */
  readonly pid: number | undefined;
  /** The server's working folder: its data files, and what relative paths in its arguments mean. */
  readonly folder: string | undefined;
  /** The end of what the server wrote to stdout and stderr. */
  output(): string;
  /** Ends the server at once and deletes its folder. Does nothing to REDIS_URL's server, nor the second time. */
  stop(): Promise<void>;
  /**
   * Sends a signal (SIGKILL unless told) and waits for the server's end; its folder stays for a restart. SIGSTOP and
   * SIGCONT end nothing and return at once.
   * @throws Error when the server is REDIS_URL's
   */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /**
   * Starts it again on the same port with the same arguments. A server that runs is ended by SIGTERM first, so that it
   * can save what it was told to save; data files are there again unless `stop` deleted them.
   * @throws Error when the server is REDIS_URL's
   */
  restart(): Promise<void>;
}
