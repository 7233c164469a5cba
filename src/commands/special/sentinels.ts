import { Command, type Arg, type CommandSpec } from '../command';
import {
  choice,
  data,
  pushMany,
  pushPairs,
  pushRest,
  text,
  type Many,
  type Pairs,
  type Str,
  type Variadic,
} from '../arguments';
import { readNameRecord, readNames, readOk } from '../replies';

/** SENTINEL CONFIG */
export function sentinelConfig(spec: CommandSpec, action: 'SET' | 'GET', what: Pairs | Many<Str>): Command {
  const out: Arg[] = [choice(action, ['SET', 'GET'], spec, 'action')];
  if (action === 'SET') pushPairs(out, what as Pairs, data, spec, 'data');
  else pushMany(out, what as Many<Str>, text, spec, 'parameters');
  return new Command<unknown>(spec, out, action === 'SET' ? readOk : readNameRecord);
}

/** SENTINEL DEBUG */
export function sentinelDebug(spec: CommandSpec, values?: Pairs): Command {
  const out: Arg[] = [];
  if (values === undefined) return new Command<unknown>(spec, out, readNameRecord);
  pushPairs(out, values, data, spec, 'data');
  return new Command<unknown>(spec, out, readOk);
}

const FAILURES = ['crash-after-election', 'crash-after-promotion', 'help'];

/** SENTINEL SIMULATE-FAILURE */
export function sentinelSimulateFailure(spec: CommandSpec, ...modes: Variadic<string>): Command {
  const out: Arg[] = [];
  pushRest<string>(out, modes, (mode, of, name) => choice(mode, FAILURES, of, name), spec, 'modes');
  return new Command<unknown>(spec, out, out[0] === 'help' ? readNames : readOk);
}
