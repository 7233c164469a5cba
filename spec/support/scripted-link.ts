import { NEVER, concat, of } from 'rxjs';
import { call } from '../../src/commands/call';
import { Reply } from '../../src/commands/reply';
import { plainContext } from '../../src/commands/request-context';
import type { Clock } from '../../src/connection/clock';
import { Connection } from '../../src/connection/connection';
import { resolveOptions, type RedisOptions } from '../../src/options';
import { ConnectionError } from '../../src/errors';
import { Decoder, INCOMPLETE } from '../../src/resp/decoder';
import { PubSub } from '../../src/pubsub/pubsub';
import { ScriptedSocket } from './scripted-socket';

/** What has been queued for the end of the tick is written when this resolves. */
export const tick = () => new Promise<void>((resolve) => setImmediate(resolve));

/** The commands that were written to a socket, in words. */
export function commandsOf({ writes }: ScriptedSocket): string[] {
  const decoder = new Decoder();
  decoder.push(Buffer.from(writes.join('')));
  const commands: string[] = [];
  for (let frame = decoder.read(); frame !== INCOMPLETE; frame = decoder.read())
    commands.push((frame as string[]).join(' '));
  return commands;
}

/** A connection whose sockets are the spec's: the other end of each link, in the order of dialling. */
export function scriptedConnection(options: RedisOptions = {}, clock?: Clock) {
  const links: ScriptedSocket[] = [];
  const dial = () => {
    const socket = new ScriptedSocket();
    links.push(socket);
    return concat(of(socket), NEVER);
  };
  const resolved = resolveOptions({ reconnect: { initialDelay: 0 }, ...options });
  const parts = { dial, ...(clock && { clock }) };
  const connection = new Connection(resolved, parts);
  const carrier = () => new Connection(resolved, { ...parts, carriesMessages: true });
  const pubsub = new PubSub(connection, carrier, resolved);
  const from = { ...plainContext, executor: connection };
  return {
    links,
    connection,
    pubsub,
    send: (name: string, ...args: string[]) => Reply.from(from, call(name, ...args)),
    /** Waits for the next link and answers its greeting. */
    greeted: async (): Promise<ScriptedSocket> => {
      const count = links.length;
      while (links.length === count && links.at(-1)?.destroyed !== false) await tick();
      return greet(links.at(-1)!);
    },
  };
}

/** Answers HELLO and what follows it in the handshake. */
export async function greet(link: ScriptedSocket): Promise<ScriptedSocket> {
  await tick();
  link.receive('%1\r\n+proto\r\n:3\r\n+OK\r\n+OK\r\n');
  await tick();
  return link;
}

/** Ends a link as a server does that goes away. */
export function lose(link: ScriptedSocket): void {
  link.bytes$.error(new ConnectionError('the server went away'));
}
