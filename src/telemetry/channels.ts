import { tracingChannel, type Channel, type TracingChannel } from 'node:diagnostics_channel';
import { isGroup } from '../commands/group';
import type { Command } from '../commands/command';
import type { Request } from '../commands/request';
import { shownArguments } from '../commands/secrets';
import type { Connection } from '../connection/connection';
import type { RedisError } from '../errors';
import { followReply, type Follower } from './following';
import { commandsOf, namesOf, type Address } from './vocabulary';

/** What subscribers of a channel are given: one object from `start` to `asyncEnd`. */
interface Message {
  readonly serverAddress: string;
  readonly serverPort: number | undefined;
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
const addresses = new WeakMap<Connection, Address>();
const collected = /* @__PURE__ */ new FinalizationRegistry<WeakRef<Connection>>((connection) =>
  connections.delete(connection),
);
let isWatched = false;

/** Tells channels of what a connection does, from now on or once they have subscribers. */
export function tellChannelsOf(connection: Connection, address: Address, role: string): void {
  const reference = new WeakRef(connection);
  connections.add(reference);
  addresses.set(connection, address);
  collected.register(connection, reference);
  if (isWatched) watch(connection, address);
  let attempt: ConnectMessage | undefined;
  connection.state$.subscribe((state) => {
    if (state.kind === 'connecting' && isObserved(connects)) {
      attempt = { ...placeOf(connection, address), connection: role };
      connects.start.publish(attempt);
      connects.end.publish(attempt);
      return;
    }
    if (state.kind === 'closed') connections.delete(reference);
    if (attempt === undefined || state.kind === 'connecting') return;
    settle(connects, attempt, 'error' in state ? state.error : undefined);
    attempt = undefined;
  });
}

/** A connection whose submissions are told has a `submit` of its own; others have that of the class, and pay nothing. */
function watch(connection: Connection, address: Address): void {
  const submit = submitOf(connection);
  connection.submit = (request) => {
    const start = begin(request, placeOf(connection, address));
    if (start === undefined) submit.call(connection, request);
    else start(() => submit.call(connection, request));
  };
}

function unwatch(connection: Connection): void {
  connection.submit = submitOf(connection);
}

/** The `submit` of its class. */
function submitOf(connection: Connection): (this: Connection, request: Request) => void {
  const { submit } = Object.getPrototypeOf(connection) as { submit: (this: Connection, request: Request) => void };
  return submit;
}

/** @param asked what the options ask for, where the server is not known yet */
function placeOf({ session, endpoint }: Connection, asked: Address): Message {
  const { host, port, path } = endpoint ?? asked;
  return { serverAddress: path ?? host, serverPort: path === undefined ? port : undefined, database: session.database };
}

/** Tells the start of a request; undefined where it is of no interest. */
function begin(request: Request, place: Message): ((submit: () => void) => void) | undefined {
  const { command } = request;
  if (isGroup(command)) {
    const { length } = command.commands;
    return follow(batches, request, {
      ...place,
      batchMode: command.spec.name,
      batchSize: length,
      commands: namesOf(commandsOf(command)),
    });
  }
  return follow(commands, request, { ...place, command: command.spec.name, args: shown(command) });
}

function shown(command: Command): readonly string[] {
  return shownArguments(command, HIDDEN);
}

function follow<M extends Message>(
  channel: TracingChannel<unknown, M>,
  request: Request,
  message: M & { unsubscribed?: boolean },
): ((submit: () => void) => void) | undefined {
  if (!isObserved(channel)) return undefined;
  const follower: Follower = {
    answered: () => settle(channel, message),
    failed: (error) => settle(channel, message, error),
    left: () => {
      message.unsubscribed = true;
      settle(channel, message);
    },
  };
  return (submit) => {
    followReply(request, [follower]);
    channel.start.runStores(message, submit);
    channel.end.publish(message);
  };
}

function settle<M extends Message>(channel: TracingChannel<unknown, M>, message: M, error?: RedisError): void {
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
    if (is) watch(connection, addresses.get(connection)!);
    else unwatch(connection);
  }
}

/** What changes who is told of a channel. */
const CHANGES = ['subscribe', 'unsubscribe', 'bindStore', 'unbindStore'] as const;

/**
 * Has `look` called whenever a channel gets or loses a subscriber. Node tells nobody of that, and asking whether there is one would cost
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
