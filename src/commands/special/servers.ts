import { Command, type Arg, type CommandSpec } from '../command';
import { choice, integer, pushMany, refuse, text, type Key, type Many, type Str } from '../arguments';
import {
  counted,
  defineOptions,
  flag,
  has,
  many,
  oneInteger,
  oneOf,
  oneText,
  pushOptions,
  tuple,
  yesNo,
} from '../option-table';
import { readAclLog, readGreeting, readInteger, readName, readNames, readOk } from '../replies';
import type { ServerGreeting } from '../replies/types';
import type { ClientKillFilter, HelloOptions, HotkeysStartOptions, MigrateOptions } from './types';

/** ACL LOG: reads, or empties. */
export function aclLog(spec: CommandSpec, emptying: CommandSpec, what?: number | 'RESET'): Command {
  if (what === undefined) return new Command<unknown>(spec, [], readAclLog);
  if (what === 'RESET') return new Command<unknown>(emptying, ['RESET'], readOk);
  return new Command<unknown>(spec, [integer(what, spec, 'count')], readAclLog);
}

/** AUTH: a password, or a user and a password. */
export function auth(spec: CommandSpec, first: Str, second?: Str): Command<'OK'> {
  if (second === undefined) return new Command(spec, [text(first, spec, 'password')], readOk);
  return new Command(spec, [text(first, spec, 'username'), text(second, spec, 'password')], readOk);
}

const HELLO_OPTIONS = /* @__PURE__ */ defineOptions([
  ['AUTH', /* @__PURE__ */ tuple(text, text)],
  ['SETNAME', oneText],
]);

/** HELLO: options only together with a version of the protocol. */
export function hello(spec: CommandSpec, protover?: number, options?: HelloOptions): Command<ServerGreeting> {
  const out: Arg[] = [];
  if (protover !== undefined || options !== undefined) out.push(integer(protover as number, spec, 'protover'));
  if (options !== undefined) pushOptions(out, options, HELLO_OPTIONS, spec);
  return new Command(spec, out, readGreeting);
}

const CLIENT_TYPE = /* @__PURE__ */ oneOf('NORMAL', 'MASTER', 'PRIMARY', 'REPLICA', 'SLAVE', 'PUBSUB');

const KILL_FILTERS = /* @__PURE__ */ defineOptions([
  ['ID', /* @__PURE__ */ many(integer)],
  ['TYPE', CLIENT_TYPE],
  ['USER', oneText],
  ['ADDR', oneText],
  ['LADDR', oneText],
  ['SKIPME', yesNo],
  ['MAXAGE', oneInteger],
  ['NAME', oneText],
  ['IDLE', oneInteger],
  ['FLAGS', oneText],
  ['LIB-NAME', oneText],
  ['LIB-VER', oneText],
  ['DB', oneInteger],
  ['CAPA', oneText],
  ['IP', oneText],
  ['NOT-ID', /* @__PURE__ */ many(integer)],
  ['NOT-TYPE', CLIENT_TYPE],
  ['NOT-USER', oneText],
  ['NOT-ADDR', oneText],
  ['NOT-LADDR', oneText],
  ['NOT-NAME', oneText],
  ['NOT-FLAGS', oneText],
  ['NOT-LIB-NAME', oneText],
  ['NOT-LIB-VER', oneText],
  ['NOT-DB', oneInteger],
  ['NOT-CAPA', oneText],
  ['NOT-IP', oneText],
]);

/** CLIENT KILL: by filters, which answers how many, or by address as Redis 2.4 had it, which answers OK. */
export function clientKill(spec: CommandSpec, what: ClientKillFilter | string): Command {
  if (typeof what === 'string') return new Command<unknown>(spec, [what], readOk);
  const out: Arg[] = [];
  pushOptions(out, what, KILL_FILTERS, spec);
  if (out.length === 0) refuse(spec, 'filter', 'at least one filter', what);
  return new Command<unknown>(spec, out, readInteger);
}

/** COMMAND LIST */
export function commandList(
  spec: CommandSpec,
  filter?: { MODULE?: Str | undefined; ACLCAT?: Str | undefined; PATTERN?: Str | undefined },
): Command<string[]> {
  const out: Arg[] = [];
  if (filter !== undefined) {
    out.push('FILTERBY');
    pushOptions(out, filter, COMMAND_FILTERS, spec);
    if (out.length === 1) refuse(spec, 'filter', '{ MODULE }, { ACLCAT } or { PATTERN }', filter);
  }
  return new Command(spec, out, readNames);
}

const COMMAND_FILTERS = /* @__PURE__ */ defineOptions([
  ['MODULE', oneText, 1],
  ['ACLCAT', oneText, 1],
  ['PATTERN', oneText, 1],
]);

const HOTKEYS_OPTIONS = /* @__PURE__ */ defineOptions([
  ['METRICS', /* @__PURE__ */ counted((value: string, spec, name) => choice(value, ['CPU', 'NET'], spec, name))],
  ['COUNT', oneInteger],
  ['DURATION', oneInteger],
  ['SAMPLE', oneInteger],
  ['SLOTS', /* @__PURE__ */ counted(integer)],
]);

/** HOTKEYS START */
export function hotkeysStart(spec: CommandSpec, options: HotkeysStartOptions): Command<'OK'> {
  const out: Arg[] = [];
  pushOptions(out, options, HOTKEYS_OPTIONS, spec);
  if (!has(options, 'METRICS')) refuse(spec, 'METRICS', 'CPU, NET or both', undefined);
  return new Command(spec, out, readOk);
}

/** REPLICAOF, SLAVEOF: a master, which the server says the second time that it has already, or `NO ONE` to become one. */
export function replicaof(spec: CommandSpec, toMaster: CommandSpec, host: string, port?: number): Command<string> {
  if (host === 'NO ONE' && port === undefined) return new Command(toMaster, ['NO', 'ONE'], readName);
  return new Command(spec, [text(host, spec, 'host'), integer(port as number, spec, 'port')], readName);
}

const MIGRATE_OPTIONS = /* @__PURE__ */ defineOptions([
  ['COPY', flag],
  ['REPLACE', flag],
  ['AUTH', oneText, 1],
  ['AUTH2', /* @__PURE__ */ tuple(text, text), 1],
]);

/** MIGRATE in its form for many keys: an empty text stands where the one key of the old form was. */
export function migrate(
  spec: CommandSpec,
  host: string,
  port: number,
  keys: Many<Key>,
  db: number,
  timeout: number,
  options?: MigrateOptions,
): Command<'OK' | 'NOKEY'> {
  const out: Arg[] = [
    text(host, spec, 'host'),
    integer(port, spec, 'port'),
    '',
    integer(db, spec, 'db'),
    integer(timeout, spec, 'timeout'),
  ];
  if (options !== undefined) pushOptions(out, options, MIGRATE_OPTIONS, spec);
  out.push('KEYS');
  const from = out.length;
  pushMany(out, keys, text, spec, 'keys');
  return new Command(spec, out, (frame) => readName(frame) as 'OK' | 'NOKEY', [{ from, to: out.length - 1, step: 1 }]);
}
