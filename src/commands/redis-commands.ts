import type { Arg } from './command';
import type { CommandSurface } from './generated/surface';
import type { Reply } from './reply';

/**
 * What has commands: a client, its views and what `dedicated` lends. Functions that only send commands take this.
 *
 * `S` is what texts come as: `string`, or `Buffer` on `redis.bytes`.
 *
 * @example
 * const visit = (redis: RedisCommands) => redis.incr('visits');
 * await visit(redis);
 * await redis.dedicated((connection) => visit(connection));
 */
// Picked, for that leaves out what is protected: an object of the user's own can stand in for a client.
export interface RedisCommands<S extends string | Buffer = string> extends Pick<
  CommandSurface<S>,
  keyof CommandSurface<S>
> {
  /**
   * Sends a command by its name, for what has no method: new commands, modules.
   * @param name one or several words: `'JSON.SET'`, `'CLIENT LIST'`
   * @returns the reply as RESP has it: maps are `Map`, sets are arrays
   * @throws TypeError when the name or an argument cannot be sent, or the command is not for this connection
   */
  call<T = unknown>(name: string, ...args: readonly Arg[]): Reply<T>;
}
