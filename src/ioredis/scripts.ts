import type { Arg, Key } from '../index';

/** A script that is a command: `defineCommand`. */
export interface ScriptDefinition {
  readonly lua: string;
  /** how many of the arguments are keys; where nothing is said, the first argument says it */
  readonly numberOfKeys?: number | undefined;
  /** it changes nothing */
  readonly readOnly?: boolean | undefined;
}

/**
 * The keys and the other arguments of a call.
 * @throws TypeError when the number of keys is none
 */
export function scriptArguments({ numberOfKeys }: ScriptDefinition, given: readonly Arg[]): [keys: Key[], args: Arg[]] {
  const args = [...given];
  const count = numberOfKeys ?? Number(args.shift());
  if (!Number.isSafeInteger(count) || count < 0)
    throw new TypeError('IORedis: the first argument of this script is its number of keys');
  const keys = args.splice(0, count).map((key) => (key instanceof Uint8Array ? key : String(key)));
  return [keys, args];
}
