import { kindOf } from '../resp/kind-of';
import type { Key, Many } from './arguments';
import type { Arg, Command } from './command';
import { LuaScript } from './lua-script';
import { script as call } from './special/scripting';

/**
 * Runs a Lua script by its SHA-1, and sends the whole of it where the server does not have it: EVALSHA, then EVAL. For a script that is
 * called more than once `redis.script` is better, which works its SHA-1 out once.
 * @throws TypeError when an argument cannot be sent
 * @example
 * await redis.pipeline(evalshaOrEval("return redis.call('incr', KEYS[1])", ['n']), get('n'));
 */
export function evalshaOrEval<T = unknown>(script: string, keys?: Many<Key>, args?: Many<Arg>): Command<T> {
  if (typeof script !== 'string') throw new TypeError(`evalshaOrEval: script must be a string, got ${kindOf(script)}`);
  const lua = new LuaScript(script);
  return call<T>(lua.specOf(false), lua.id, keys, args);
}
