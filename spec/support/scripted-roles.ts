import type { ServerAddress } from 'rxjs-redis';
import { afterHandshake, ScriptedServer } from './scripted-server';

/** What a scripted server answers to ROLE. */
export type Said = 'master' | 'slave connected' | 'slave sync' | 'slave connect' | 'nothing';

/** A server that says it is what a spec wants, and keeps what it is sent. */
export class ScriptedRole {
  /** What commands are answered, by their names; others are answered their name. */
  readonly answers = new Map([['SET', '+OK\r\n']]);
  private script: ScriptedServer | undefined;

  constructor(public said: Said) {}

  async start(host?: string): Promise<this> {
    this.script = await ScriptedServer.start(
      afterHandshake(([name = '']) => (name === 'ROLE' ? this.role() : (this.answers.get(name) ?? `+${name}\r\n`))),
      host,
    );
    return this;
  }

  get server(): ScriptedServer {
    if (this.script === undefined) throw new Error('The scripted server was not started');
    return this.script;
  }

  get address(): ServerAddress {
    const { hostname, port } = new URL(this.server.url);
    return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) };
  }

  /** What was sent behind the handshake. */
  get commands(): string[] {
    const ofHandshake = ['HELLO', 'CLIENT', 'ROLE', 'SELECT'];
    return this.server.seen.map(([name = '']) => name).filter((name) => !ofHandshake.includes(name));
  }

  /** How many connections were made. */
  get dials(): number {
    return this.server.seenOn.length;
  }

  private role(): string {
    if (this.said === 'nothing') return "-NOPERM this user has no permissions to run the 'role' command\r\n";
    const [role = '', link = ''] = this.said.split(' ');
    if (role === 'master') return '*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n';
    return `*5\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:6379\r\n$${link.length}\r\n${link}\r\n:0\r\n`;
  }
}

/** Starts servers that say their roles, for the specs of a file, and stops them after each. */
export function useScriptedRoles(): (said: Said, host?: string) => Promise<ScriptedRole> {
  const servers: ScriptedRole[] = [];
  afterEach(() => Promise.all(servers.splice(0).map(({ server }) => server.stop())));
  return async (said, host) => {
    const server = await new ScriptedRole(said).start(host);
    servers.push(server);
    return server;
  };
}
