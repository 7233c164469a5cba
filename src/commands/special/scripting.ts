import { Command, type Arg, type CommandSpec, type ReplyReader } from '../command';
import { data, pushMany, pushOptionals, text, type Key, type Many, type Optionals, type Str } from '../arguments';
import { readAny } from '../replies';

/** EVAL and its kin: a script or its name, how many keys, the keys, other arguments. The caller says what the script returns. */
export function script<T>(spec: CommandSpec, body: Str, keys: Many<Key> = [], args: Many<Arg> = []): Command<T> {
  const out: Arg[] = [text(body, spec, spec.name.startsWith('FCALL') ? 'name' : 'script'), 0];
  const count = Array.isArray(keys) && keys.length === 0 ? 0 : pushMany(out, keys, text, spec, 'keys');
  out[1] = count;
  if (!Array.isArray(args) || args.length > 0) pushMany(out, args, data, spec, 'args');
  return new Command(spec, out, readAny as ReplyReader<T>, count === 0 ? [] : [{ from: 2, to: count + 1, step: 1 }]);
}

/** A command whose grammar the servers do not promise: DEBUG, STRALGO. */
export function anything(spec: CommandSpec, ...args: Optionals<Arg>): Command<unknown> {
  const out: Arg[] = [];
  pushOptionals(out, args, data, spec, 'args');
  return new Command(spec, out, readAny);
}
