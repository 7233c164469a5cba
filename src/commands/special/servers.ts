import { Command, type Arg, type CommandSpec } from '../command';
import {
  choice,
  data,
  fromRest,
  integer,
  pushMany,
  pushPairs,
  pushRest,
  pushTuples,
  refuse,
  text,
  type Key,
  type Many,
  type Pairs,
  type Str,
  type Variadic,
} from '../arguments';
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
import {
  readAclLog,
  readGreeting,
  readInteger,
  readMigrations,
  readName,
  readNameRecord,
  readNames,
  readOk,
  readSlotStats,
} from '../replies';
import type { ServerGreeting } from '../replies/types';
import type {
  ClientKillFilter,
  HelloOptions,
  HotkeysStartOptions,
  MigrateOptions,
  MigrationTask,
  SlotBounds,
  SlotMigration,
  SlotState,
  SlotStatsFilter,
} from './types';

/** ACL LOG */
export function aclLog(spec: CommandSpec, what?: number | 'RESET'): Command {
  if (what === undefined) return new Command<unknown>(spec, [], readAclLog);
  if (what === 'RESET') return new Command<unknown>(spec, ['RESET'], readOk);
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
  filter?: { MODULE?: Str; ACLCAT?: Str; PATTERN?: Str },
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

/** REPLICAOF, SLAVEOF: a master, or `NO ONE` to become one. */
export function replicaof(spec: CommandSpec, host: string, port?: number): Command<string> {
  if (host === 'NO ONE' && port === undefined) return new Command(spec, ['NO', 'ONE'], readName);
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

// Cluster -------------------------------------------------------------------------------------------------------------

const BOUNDS = [integer, integer];

/** CLUSTER MIGRATESLOTS */
export function clusterMigrateslots(
  spec: CommandSpec,
  ...migrations: [readonly SlotMigration[]] | [SlotMigration, ...SlotMigration[]]
): Command<'OK'> {
  const out: Arg[] = [];
  for (const migration of fromRest<SlotMigration>(migrations)) {
    if (typeof migration !== 'object' || migration === null)
      refuse(spec, 'migrations', '{ SLOTSRANGE, NODE } objects', migration);
    out.push('SLOTSRANGE');
    pushTuples(out, migration.SLOTSRANGE, BOUNDS, spec, 'SLOTSRANGE');
    out.push('NODE', text(migration.NODE, spec, 'NODE'));
  }
  if (out.length === 0) refuse(spec, 'migrations', 'at least one { SLOTSRANGE, NODE } object', migrations);
  return new Command(spec, out, readOk);
}

/** CLUSTER MIGRATION */
export function clusterMigration(
  spec: CommandSpec,
  action: 'IMPORT' | 'CANCEL' | 'STATUS',
  what: Many<SlotBounds> | MigrationTask,
): Command {
  const out: Arg[] = [choice(action, ['IMPORT', 'CANCEL', 'STATUS'], spec, 'action')];
  if (action === 'IMPORT') {
    pushTuples(out, what as readonly unknown[], BOUNDS, spec, 'ranges');
    return new Command<unknown>(spec, out, readName);
  }
  if (what === 'ALL') out.push('ALL');
  else if (typeof what === 'object' && what !== null && 'ID' in what) out.push('ID', text(what.ID, spec, 'ID'));
  else refuse(spec, 'task', `'ALL' or { ID }`, what);
  return new Command<unknown>(spec, out, action === 'CANCEL' ? readInteger : readMigrations);
}

/** CLUSTER REPLICATE: a primary, or on Valkey `NO ONE`. */
export function clusterReplicate(spec: CommandSpec, nodeId: string): Command<'OK'> {
  return new Command(spec, nodeId === 'NO ONE' ? ['NO', 'ONE'] : [text(nodeId, spec, 'nodeId')], readOk);
}

const SLOT_STATES = /* @__PURE__ */ defineOptions([
  ['IMPORTING', oneText, 1],
  ['MIGRATING', oneText, 1],
  ['NODE', oneText, 1],
]);

const SETSLOT_OPTIONS = /* @__PURE__ */ defineOptions([['TIMEOUT', oneInteger]]);

/** CLUSTER SETSLOT */
export function clusterSetslot(
  spec: CommandSpec,
  slot: number,
  state: SlotState,
  options?: { TIMEOUT?: number },
): Command<'OK'> {
  const out: Arg[] = [integer(slot, spec, 'slot')];
  if (state === 'STABLE') out.push('STABLE');
  else {
    pushOptions(out, state, SLOT_STATES, spec);
    if (out.length === 1) refuse(spec, 'state', `'STABLE', { IMPORTING }, { MIGRATING } or { NODE }`, state);
  }
  if (options !== undefined) pushOptions(out, options, SETSLOT_OPTIONS, spec);
  return new Command(spec, out, readOk);
}

const SLOT_STATS = /* @__PURE__ */ defineOptions(
  [
    ['SLOTSRANGE', /* @__PURE__ */ tuple(integer, integer), 1],
    ['ORDERBY', oneText, 1],
    ['LIMIT', oneInteger],
    ['ORDER', (args, token, value: string, spec) => void args.push(choice(value, ['ASC', 'DESC'], spec, token))],
  ],
  { needs: { LIMIT: ['ORDERBY'], ORDER: ['ORDERBY'] } },
);

/** CLUSTER SLOT-STATS */
export function clusterSlotStats(
  spec: CommandSpec,
  filter: SlotStatsFilter,
): Command<[number, Record<string, number>][]> {
  const out: Arg[] = [];
  pushOptions(out, filter, SLOT_STATS, spec);
  if (out.length === 0) refuse(spec, 'filter', '{ SLOTSRANGE } or { ORDERBY }', filter);
  return new Command(spec, out, readSlotStats);
}

// Sentinel ------------------------------------------------------------------------------------------------------------

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
