import { Command, type Arg, type CommandSpec } from '../command';
import { choice, fromRest, integer, pushTuples, refuse, text, type Many } from '../arguments';
import { defineOptions, oneInteger, oneText, pushOptions, refuseUnknown, tuple } from '../option-table';
import { readInteger, readMigrations, readName, readOk, readSlotStats } from '../replies';
import type { MigrationTask, SlotBounds, SlotMigration, SlotState, SlotStatsFilter } from './types';

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
    refuseUnknown(migration, ['SLOTSRANGE', 'NODE'], spec);
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
  else if (typeof what === 'object' && what !== null && 'ID' in what) {
    refuseUnknown(what, ['ID'], spec);
    out.push('ID', text(what.ID, spec, 'ID'));
  } else refuse(spec, 'task', `'ALL' or { ID }`, what);
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
  options?: { TIMEOUT?: number | undefined },
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
