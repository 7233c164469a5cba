import { debuglog } from 'node:util';
import { isGroup } from '../commands/group';
import type { Command } from '../commands/command';
import type { ConnectionEvent } from '../connection/connection-state';
import { dateOf, type Clock } from '../connection/clock';
import { describe as describeAddress } from '../connection/socket';
import type { Role } from '../connection/stage';
import type { RedisError } from '../errors';
import type { DebugFunction } from '../options';
import { isBytes } from '../resp/is-bytes';
import type { Follow, Follower } from './following';
import { told } from './vocabulary';

/** With NODE_DEBUG=rxjs-redis every client writes its lines to the standard error, whatever its options say. */
const section = debuglog('rxjs-redis');

/** Cloudflare's runtime says of every section that it is enabled. */
const isEnabled = (): boolean => section.enabled && Boolean(process.env.NODE_DEBUG);

/** Where lines go; undefined where none is wanted. */
export function debugOf(given: boolean | DebugFunction, clock: () => Clock): DebugFunction | undefined {
  if (typeof given === 'function') return given;
  return given || isEnabled() ? toStandardError(clock()) : undefined;
}

/**
 * Writes a line for people, of command, size, time and shape of the reply: never of a value.
 * @param isLed it is not known which server a command goes to before it is written
 */
export function debugging(write: DebugFunction, clock: Clock, isLed: boolean): Follow {
  return (request, place) => {
    const command = told(request.command);
    let server: string | undefined;
    const began = clock.now();
    const took = () => `${(clock.now() - began).toFixed(2)} ms`;
    const name = describe(command);
    const tell = (direction: Parameters<DebugFunction>[0], text: string) =>
      write(direction, `${server ?? place.name()} ${text}`);
    const follower: Follower = {
      happened: (what) => {
        if (what.type === 'written') {
          const { peer } = what;
          if (isLed && peer !== undefined) server = describeAddress({ host: peer.address, port: peer.port });
          tell('send', `${name}, ${sizeOf(command)} B, after ${took()}`);
        } else if (what.type !== 'queued')
          tell('event', `${name} is sent again (${what.type} ${what.attempt}): ${what.error.message}`);
      },
      answered: (value) => tell('recv', `${name}: ${shapeOf(value)} in ${took()}`),
      failed: (error) => tell('error', `${name}: ${error.name} ${error.code} after ${took()}: ${error.message}`),
      left: () => tell('event', `${name} is left by its Observer after ${took()}`),
    };
    return follower;
  };
}

/**
 * Writes a line of what happens to a connection.
 * @param own what it carries
 */
export function debugEvent(write: DebugFunction, event: ConnectionEvent, address: string, own: Role): void {
  const { connection, type } = event;
  const at = `${address} ${connection === 'commands' ? own : connection}`;
  if (type === 'error') write('error', `${at}: ${messageOf(event.error)}`);
  else write('event', `${at}: ${type}${detailOf(event)}`);
}

function messageOf({ name, code, message }: RedisError): string {
  return `${name} ${code}: ${message}`;
}

function detailOf(event: ConnectionEvent): string {
  if (event.type === 'connect') return `, RESP${event.protocol}`;
  if (event.type === 'disconnect') return `, ${event.reason}`;
  if (event.type === 'reconnecting') return `, attempt ${event.attempt}, in ${event.delay ?? '?'} ms`;
  if (event.type === 'watch') return `, ${event.outcome} after ${event.attempts}`;
  return '';
}

function describe(command: Command): string {
  if (!isGroup(command)) return command.spec.name;
  const { length } = command.commands;
  return `${command.spec.name} of ${length} ${length === 1 ? 'command' : 'commands'}`;
}

/** Bytes of the arguments; those of several commands together. */
function sizeOf(command: Command): number {
  if (isGroup(command)) return command.commands.reduce((sum, member) => sum + sizeOf(command.sent(member)), 0);
  let size = 0;
  for (const arg of command.args) size += isBytes(arg) ? arg.length : Buffer.byteLength(String(arg));
  return size;
}

/** What a reply looks like, without what it says. */
function shapeOf(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (typeof value === 'string') return `a string of ${value.length}`;
  if (isBytes(value)) return `${value.length} B`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (value instanceof Map) return `a map of ${value.size}`;
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function toStandardError(clock: Clock): DebugFunction {
  return (direction, text) => {
    process.stderr.write(`${dateOf(clock.now()).toISOString()} rxjs-redis ${direction.padEnd(5)} ${text}\n`);
  };
}
