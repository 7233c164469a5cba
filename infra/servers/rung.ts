import type { ServerName } from './server-names';
import type { ServerProcess } from './server-process';

/** One way to come by a server, in the order they are tried. */
export type RungName = 'url' | 'path' | 'docker' | 'packages';

export interface Launch {
  /** The server's whole command line, after its program. */
  readonly args: readonly string[];
  /** The TCP port named in `args`; what cannot use the host's network must publish it. */
  readonly port: number;
  /** The server's working folder, deleted when its starter is gone. */
  readonly folder: string;
}

/** A server somebody else runs: it can be used and not be started, stopped or configured. */
export interface ServerAtUrl {
  readonly kind: 'running';
  readonly from: 'url';
  readonly version: string;
  readonly description: string;
  readonly url: string;
  readonly host: string;
  readonly port: number;
}

/** A server program that can be started any number of times. */
export interface ServerProgram {
  readonly kind: 'program';
  readonly from: 'path' | 'docker' | 'packages';
  readonly version: string;
  /** `redis-server 7.0.15 from Debian package (bookworm), cached` */
  readonly description: string;
  /** The program and the arguments that precede the server's own; empty where no local program is run. */
  readonly command: readonly string[];
  launch(launch: Launch): Promise<ServerProcess>;
}

export interface RungRequest {
  readonly server: ServerName;
}

export interface Rung<F extends ServerAtUrl | ServerProgram = ServerAtUrl | ServerProgram> {
  readonly name: RungName;
  /** @throws Error whose message says why this rung cannot serve */
  find(request: RungRequest): Promise<F>;
}
