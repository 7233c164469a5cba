/** A started server, whatever runs it. */
export interface ServerProcess {
  /** The server's own process id, where the machine can see it. */
  readonly pid?: number;
  /** Settles when the server is gone; says how it went, such as `exit code 1`. Never rejects. */
  readonly exited: Promise<string>;
  /** The end of what the server wrote to stdout and stderr. */
  output(): string;
  /** Sends the server a signal; a server that is gone is left in peace. */
  signal(signal: NodeJS.Signals): Promise<void>;
}
