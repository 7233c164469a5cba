import { Command, type Arg, type CommandSpec, type KeyRange } from '../command';
import { textOf } from '../text-of';
import { choice, data, integer, pushPairs, refuse, text, type Key, type Pairs, type Str } from '../arguments';
import {
  defineOptions,
  flag,
  has,
  oneInteger,
  oneText,
  pushOptions,
  refuseUnknown,
  tuple,
  word,
  type OptionWriter,
} from '../option-table';
import {
  readGroupStreams,
  readInteger,
  readName,
  readNameOrNull,
  readPendingEntries,
  readPendingSummary,
  readStreamInfo,
  readStreamInfoFull,
  readStreams,
} from '../replies';
import { isLastId } from './repetition';
import type { Entry, GroupEntry } from '../replies/types';
import type {
  PendingRange,
  StreamPositions,
  StreamReferences,
  Trim,
  XaddOptions,
  XreadgroupOptions,
  XreadOptions,
} from './types';
import { isBytes } from '../../resp/is-bytes';

const REFERENCES = ['KEEPREF', 'DELREF', 'ACKED'] as const;

/** `MAXLEN ~ 1000 LIMIT 10`; the exact form needs no sign. */
function pushTrim(out: Arg[], trim: Trim, spec: CommandSpec, name: string, known: readonly string[]): void {
  if (typeof trim !== 'object' || trim === null) return refuse(spec, name, '{ MAXLEN } or { MINID }', trim);
  refuseUnknown(trim, known, spec);
  const {
    MAXLEN,
    MINID,
    exact = true,
    LIMIT,
  } = trim as {
    MAXLEN?: number | undefined;
    MINID?: string | undefined;
    exact?: boolean | undefined;
    LIMIT?: number | undefined;
  };
  if ((MAXLEN === undefined) === (MINID === undefined))
    return refuse(spec, name, 'either { MAXLEN } or { MINID }', trim);
  if (exact && LIMIT !== undefined) throw new TypeError(`${spec.name}: option LIMIT needs exact: false as well`);
  out.push(MAXLEN === undefined ? 'MINID' : 'MAXLEN');
  if (!exact) out.push('~');
  out.push(MAXLEN === undefined ? text(MINID as string, spec, 'MINID') : integer(MAXLEN, spec, 'MAXLEN'));
  if (LIMIT !== undefined) out.push('LIMIT', integer(LIMIT, spec, 'LIMIT'));
}

const TRIM = ['MAXLEN', 'MINID', 'exact', 'LIMIT'];

const trimOption: OptionWriter = (args, token, value: Trim, spec) => pushTrim(args, value, spec, token, TRIM);

const XADD_OPTIONS = /* @__PURE__ */ defineOptions([
  ['NOMKSTREAM', flag],
  ['REF', /* @__PURE__ */ word('KEEPREF', 'DELREF', 'ACKED')],
  ['IDMPAUTO', oneText, 1],
  ['IDMP', /* @__PURE__ */ tuple(text, text), 1],
  ['TRIM', trimOption],
]);

/**
 * XADD: an id of one's own makes a repetition harmless but not silent (the server refuses the second). An idempotency id makes it
 * silent as long as the stream remembers it: only the last hundred of a producer by default, and more may be in flight.
 */
export function xadd(
  spec: CommandSpec,
  state: CommandSpec,
  key: Key,
  id: Str,
  fields: Pairs,
  options?: XaddOptions,
): Command<string | null> {
  const out: Arg[] = [text(key, spec, 'key')];
  if (options !== undefined) pushOptions(out, options, XADD_OPTIONS, spec);
  out.push(text(id, spec, 'id'));
  pushPairs(out, fields, data, spec, 'fields');
  const chosen = textOf(id);
  if (chosen !== '*' && has(options, 'IDMP', 'IDMPAUTO')) {
    throw new TypeError(`${spec.name}: options IDMP and IDMPAUTO need the id '*', which the server chooses`);
  }
  const facts = chosen.endsWith('*') ? spec : state;
  return new Command(facts, out, has(options, 'NOMKSTREAM') ? readNameOrNull : readName);
}

/** XTRIM: the approximate form stops at a limit, and goes on from there when it is repeated. */
export function xtrim(
  spec: CommandSpec,
  further: CommandSpec,
  key: Key,
  trim: Trim & { REF?: StreamReferences | undefined },
): Command<number> {
  const out: Arg[] = [text(key, spec, 'key')];
  pushTrim(out, trim, spec, 'trim', [...TRIM, 'REF']);
  if (trim.REF !== undefined) out.push(choice(trim.REF, REFERENCES, spec, 'REF'));
  return new Command(trim.exact === false ? further : spec, out, readInteger);
}

const READ_OPTIONS = /* @__PURE__ */ defineOptions([
  ['COUNT', oneInteger],
  ['BLOCK', oneInteger],
]);

const READ_GROUP_OPTIONS = /* @__PURE__ */ defineOptions([
  ['COUNT', oneInteger],
  ['BLOCK', oneInteger],
  ['CLAIM', oneInteger],
  ['NOACK', flag],
]);

/** Appends `STREAMS key … id …`; says where the keys are. */
function pushStreams(out: Arg[], streams: StreamPositions, spec: CommandSpec): KeyRange[] {
  if (typeof streams !== 'object' || streams === null || Array.isArray(streams) || isBytes(streams)) {
    return refuse(spec, 'streams', 'an object or a Map from stream to id', streams);
  }
  const positions: [Key, string][] =
    streams instanceof Map ? [...(streams as Map<Key, string>)] : Object.entries(streams);
  if (positions.length === 0) return refuse(spec, 'streams', 'at least one stream', streams);
  out.push('STREAMS');
  const from = out.length;
  for (const [key] of positions) out.push(text(key, spec, 'streams'));
  for (const [, id] of positions) out.push(text(id, spec, 'streams'));
  return [{ from, to: from + positions.length - 1, step: 1 }];
}

/** XREAD: what has come since is missed when `$` is asked for again. */
export function xread(
  spec: CommandSpec,
  fromNow: CommandSpec,
  streams: StreamPositions,
  options?: XreadOptions,
): Command<Record<string, Entry[]> | null, never> {
  const out: Arg[] = [];
  if (options !== undefined) pushOptions(out, options, READ_OPTIONS, spec);
  const keys = pushStreams(out, streams, spec);
  const ids = out.slice((keys[0] as KeyRange).to + 1);
  return new Command(ids.some(isLastId) ? fromNow : spec, out, readStreams, keys);
}

/** XREADGROUP */
export function xreadgroup(
  spec: CommandSpec,
  group: Str,
  consumer: Str,
  streams: StreamPositions,
  options?: XreadgroupOptions,
): Command<Record<string, GroupEntry[]> | null, never> {
  const out: Arg[] = ['GROUP', text(group, spec, 'group'), text(consumer, spec, 'consumer')];
  if (options !== undefined) pushOptions(out, options, READ_GROUP_OPTIONS, spec);
  const keys = pushStreams(out, streams, spec);
  return new Command(spec, out, readGroupStreams, keys);
}

/** XPENDING: the group as a whole, or a range of pending entries. */
export function xpending(spec: CommandSpec, key: Key, group: Str, range?: PendingRange): Command {
  const out: Arg[] = [text(key, spec, 'key'), text(group, spec, 'group')];
  if (range === undefined) return new Command<unknown>(spec, out, readPendingSummary);
  if (typeof range !== 'object' || range === null) return refuse(spec, 'range', '{ start, end, count }', range);
  refuseUnknown(range, ['start', 'end', 'count', 'consumer', 'IDLE'], spec);
  if (range.IDLE !== undefined) out.push('IDLE', integer(range.IDLE, spec, 'IDLE'));
  out.push(text(range.start, spec, 'start'), text(range.end, spec, 'end'), integer(range.count, spec, 'count'));
  if (range.consumer !== undefined) out.push(text(range.consumer, spec, 'consumer'));
  return new Command<unknown>(spec, out, readPendingEntries);
}

const FULL_OPTIONS = /* @__PURE__ */ defineOptions(
  [
    ['FULL', flag],
    ['COUNT', oneInteger],
  ],
  { needs: { COUNT: ['FULL'] } },
);

/** XINFO STREAM */
export function xinfoStream(
  spec: CommandSpec,
  key: Key,
  options?: { FULL?: boolean | undefined; COUNT?: number | undefined },
): Command {
  const out: Arg[] = [text(key, spec, 'key')];
  if (options !== undefined) pushOptions(out, options, FULL_OPTIONS, spec);
  return new Command<unknown>(spec, out, has(options, 'FULL') ? readStreamInfoFull : readStreamInfo);
}
