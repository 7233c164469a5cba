import { tracingChannel, type Channel, type TracingChannel } from 'node:diagnostics_channel';
import { isGroup } from '../commands/group';
import type { Command } from '../commands/command';
import type { Request } from '../commands/request';
import { shownArguments } from '../commands/secrets';
import type { Connection } from '../connection/connection';
import type { RedisError } from '../errors';
import { followReply, type Follower } from './following';
import { commandsOf, namesOf, told } from './vocabulary';

/** What subscribers of a channel are given: one object from `start` to `asyncEnd`. */
interface Message {
  /** undefined as long as it is not known, which sentinels tell, or the nodes of a cluster */
  serverAddress: string | undefined;
  serverPort: number | undefined;
  readonly database: number;
  error?: RedisError;
}

interface CommandMessage extends Message {
  readonly command: string;
  /** its keys; all other arguments are `?` */
  readonly args: readonly string[];
  unsubscribed?: boolean;
}

interface BatchMessage extends Message {
  readonly batchMode: string;
  readonly batchSize: number;
  readonly commands: readonly string[];
  unsubscribed?: boolean;
}

interface ConnectMessage extends Message {
  readonly connection: string;
}

const commands = tracingChannel<unknown, CommandMessage>('rxjs-redis:command');
const batches = tracingChannel<unknown, BatchMessage>('rxjs-redis:batch');
const connects = tracingChannel<unknown, ConnectMessage>('rxjs-redis:connect');

const EVENTS = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'] as const;
const HIDDEN = { hidden: '?', values: false };

/** The connections that there are: what they submit is told as long as a channel has subscribers. A client that is not used is not kept. */
const connections = new Set<WeakRef<Connection>>();
const collected = /* @__PURE__ */ new FinalizationRegistry<WeakRef<Connection>>((connection) =>
  connections.delete(connection),
);
let isWatched = false;

/** Tells channels of what a connection does, from now on or once they have subscribers. */
export function tellChannelsOf(connection: Connection, role: string): void {
  const reference = new WeakRef(connection);
  connections.add(reference);
  collected.register(connection, reference);
  if (isWatched) watch(connection);
  let attempt: ConnectMessage | undefined;
  connection.state$.subscribe((state) => {
    if (state.kind === 'connecting' && isObserved(connects)) {
      attempt = { ...placeOf(connection), connection: role };
      connects.start.publish(attempt);
      connects.end.publish(attempt);
      return;
    }
    if (state.kind === 'closed') connections.delete(reference);
    if (attempt === undefined || state.kind === 'connecting') return;
    settle(connects, attempt, connection, 'error' in state ? state.error : undefined);
    attempt = undefined;
  });
}

/** A connection whose submissions are told has methods of its own; others have those of the class, and pay nothing. */
function watch(connection: Connection): void {
  const { submit, submitHeld } = methodsOf(connection);
  connection.submit = (request) => begin(request, connection, () => submit.call(connection, request));
  connection.submitHeld = (request, longest) =>
    begin(request, connection, () => submitHeld.call(connection, request, longest));
}

function unwatch(connection: Connection): void {
  const { submit, submitHeld } = methodsOf(connection);
  Object.assign(connection, { submit, submitHeld });
}

/** The methods of its class. */
function methodsOf(connection: Connection): Pick<Connection, 'submit' | 'submitHeld'> {
  return Object.getPrototypeOf(connection) as Connection;
}

function placeOf(connection: Connection): Message {
  const message = { serverAddress: undefined, serverPort: undefined, database: connection.session.database };
  locate(message, connection);
  return message;
}

/** Notes where the server is, as far as that is known. */
function locate(message: Message, { endpoint }: Connection): void {
  if (endpoint === undefined) return;
  const { host, port, path } = endpoint;
  message.serverAddress = path ?? host;
  message.serverPort = path === undefined ? port : undefined;
}

/** Tells the start of a request, and submits it. */
function begin(request: Request, connection: Connection, submit: () => void): void {
  const command = told(request.command);
  const place = placeOf(connection);
  if (isGroup(command)) {
    const { length } = command.commands;
    const names = namesOf(commandsOf(command));
    const message = { ...place, batchMode: command.spec.name, batchSize: length, commands: names };
    follow(batches, request, message, connection, submit);
  } else {
    const message = { ...place, command: command.spec.name, args: shown(command) };
    follow(commands, request, message, connection, submit);
  }
}

function shown(command: Command): readonly string[] {
  return shownArguments(command, HIDDEN);
}

function follow<M extends Message>(
  channel: TracingChannel<unknown, M>,
  request: Request,
  message: M & { unsubscribed?: boolean },
  connection: Connection,
  submit: () => void,
): void {
  if (!isObserved(channel)) {
    submit();
    return;
  }
  const follower: Follower = {
    answered: () => settle(channel, message, connection),
    failed: (error) => settle(channel, message, connection, error),
    left: () => {
      message.unsubscribed = true;
      settle(channel, message, connection);
    },
  };
  followReply(request, [follower]);
  channel.start.runStores(message, submit);
  channel.end.publish(message);
}

function settle<M extends Message>(
  channel: TracingChannel<unknown, M>,
  message: M,
  connection: Connection,
  error?: RedisError,
): void {
  locate(message, connection);
  if (error !== undefined) {
    message.error = error;
    channel.error.publish(message);
  }
  channel.asyncStart.publish(message);
  channel.asyncEnd.publish(message);
}

function isObserved<M extends object>(channel: TracingChannel<unknown, M>): boolean {
  return EVENTS.some((event) => channel[event].hasSubscribers);
}

/** Looks whether anything listens to commands, and has all connections tell of theirs or not. */
function look(): void {
  const is = isObserved(commands) || isObserved(batches);
  if (is === isWatched) return;
  isWatched = is;
  for (const reference of connections) {
    const connection = reference.deref();
    if (connection === undefined) continue;
    if (is) watch(connection);
    else unwatch(connection);
  }
}

/** The methods that change the subscribers of a channel. */
const CHANGES = ['subscribe', 'unsubscribe', 'bindStore', 'unbindStore'] as const;

/**
 * Has `look` called whenever a channel gets or loses a subscriber. Node has no event for that, and asking whether there is one would cost
 * every command. A channel that is observed has another prototype, so the methods are looked up when they are called.
 */
function notice(channel: Channel): void {
  for (const name of CHANGES) {
    const own = Object.getOwnPropertyDescriptor(channel, name)?.value as ((...args: unknown[]) => unknown) | undefined;
    const value = (...args: unknown[]): unknown => {
      const methods = Object.getPrototypeOf(channel) as Record<string, (...args: unknown[]) => unknown>;
      const result = (own ?? methods[name]!).apply(channel, args);
      look();
      return result;
    };
    Object.defineProperty(channel, name, { value, configurable: true, writable: true });
  }
}

for (const channel of [commands, batches]) for (const event of EVENTS) notice(channel[event]);
look();
