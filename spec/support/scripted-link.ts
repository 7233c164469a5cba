import { NEVER, concat, of, type Observable } from 'rxjs';
import { call } from '../../src/commands/call';
import type { Command } from '../../src/commands/command';
import { Reply } from '../../src/commands/reply';
import { plainContext } from '../../src/commands/request-context';
import type { Clock } from '../../src/connection/clock';
import { Connection } from '../../src/connection/connection';
import { retryPolicy } from '../../src/connection/retry';
import { resolveOptions, type RedisOptions } from '../../src/options';
import { ConnectionError } from '../../src/errors';
import { Decoder, INCOMPLETE } from '../../src/resp/decoder';
import { PubSub } from '../../src/pubsub/pubsub';
import { record } from './clients';
import { ScriptedSocket } from './scripted-socket';
import { endOfTick as tick } from './tick';
import { VirtualClock } from './virtual-clock';

/** What has been queued for the end of the tick is written when this resolves. */
export { tick };

/** The commands that were written to a socket, in words. */
export function commandsOf({ writes }: ScriptedSocket): string[] {
  const decoder = new Decoder();
  decoder.push(Buffer.from(writes.join('')));
  const commands: string[] = [];
  for (let frame = decoder.read(); frame !== INCOMPLETE; frame = decoder.read())
    commands.push((frame as string[]).join(' '));
  return commands;
}

/** The sockets of one connection: the other end of each link, in the order of dialling. */
class Sockets {
  readonly links: ScriptedSocket[] = [];

  /** @param greeting what answers the handshake */
  constructor(private readonly greeting: string) {}

  readonly dial = (): Observable<ScriptedSocket> => {
    const socket = new ScriptedSocket();
    this.links.push(socket);
    return concat(of(socket), NEVER);
  };

  /** Waits for the next link, unless there is one that is not greeted yet, and answers its greeting. */
  readonly greeted = async (): Promise<ScriptedSocket> => {
    while (this.greetedCount === this.links.length) await tick();
    this.greetedCount = this.links.length;
    return greet(this.links.at(-1)!, this.greeting);
  };

  private greetedCount = 0;
}

const IN_RESP3 = '%1\r\n+proto\r\n:3\r\n+OK\r\n+OK\r\n';
const IN_RESP2 = '+OK\r\n+OK\r\n';

/**
 * A connection whose sockets are the spec's, and the messages of the same client, which have sockets of their own.
 * @param idle how long a subscription outlives its last Observer, ms; unless told otherwise it ends in the same tick
 */
export function scriptedConnection(options: RedisOptions = {}, clock?: Clock, idle = 0) {
  const resolved = resolveOptions({ reconnect: { initialDelay: 0 }, ...options });
  const signsIn = resolved.credentials !== undefined;
  const greeting = resolved.protocol === 2 ? (signsIn ? '+OK\r\n' : '+PONG\r\n') + IN_RESP2 : IN_RESP3;
  const main = new Sockets(greeting);
  const carried = new Sockets(greeting);
  const made = (dial: Sockets['dial'], carriesMessages: boolean) =>
    new Connection(resolved, { dial, carriesMessages, ...(clock && { clock }) });
  const connection = made(main.dial, false);
  const pubsub = new PubSub(connection, () => made(carried.dial, true), { ...resolved, idle });
  const { commandTimeout } = resolved;
  const from = { ...plainContext, executor: connection, commandTimeout };
  return {
    /** the links for commands */
    links: main.links,
    /** the links for messages */
    carried: carried.links,
    connection,
    pubsub,
    send: (name: string, ...args: string[]) => Reply.from(from, call(name, ...args)),
    publish: (channel: string, data: string, commandTimeout = from.commandTimeout) =>
      Reply.from({ ...from, executor: pubsub.publisher, commandTimeout }, call('PUBLISH', channel, data)),
    /** Waits for the next link for commands and answers its greeting. */
    greeted: main.greeted,
    /** Waits for the next link for messages and answers its greeting. */
    carrierGreeted: carried.greeted,
  };
}

/** A connection in virtual time that sends again what was refused or lost; its sockets are the spec's. */
export function retryingConnection(given: RedisOptions = {}) {
  const options = resolveOptions({ reconnect: { initialDelay: 10, jitter: 0 }, retry: { jitter: 0 }, ...given });
  const clock = new VirtualClock();
  const { dial, links } = new Sockets(IN_RESP3);
  const connection = new Connection(options, { dial, clock });
  const { commandTimeout, retry } = options;
  const context = { ...plainContext, commandTimeout, retry: retryPolicy(retry), executor: connection };
  const replyTo = <T>(command: Command<T>) => Reply.from(context, command);
  return {
    connection,
    clock,
    links,
    replyTo,
    send: <T>(command: Command<T>) => record(replyTo(command)),
    /** Lets so many ms pass. */
    pass: async (ms: number) => {
      clock.advance(ms);
      await tick();
    },
  };
}

/** Answers HELLO and what follows it in the handshake. */
export async function greet(link: ScriptedSocket, greeting = IN_RESP3): Promise<ScriptedSocket> {
  await tick();
  link.receive(greeting);
  await tick();
  return link;
}

/** Ends a link as a server does that goes away. */
export function lose(link: ScriptedSocket): void {
  link.bytes$.error(new ConnectionError('the server went away'));
}
