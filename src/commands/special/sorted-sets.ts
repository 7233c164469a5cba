import { AnsweredCommand } from '../answered';
import { Command, type Arg, type CommandSpec } from '../command';
import { bound, data, double, isAmong, pushAnyTuples, pushTuples, refuse, text, unit, type Key } from '../arguments';
import {
  defineOptions,
  flag,
  has,
  oneData,
  oneInteger,
  pushOptions,
  tuple,
  word,
  type OptionWriter,
} from '../option-table';
import { readDoubleOrNull, readGeoMatches, readInteger, readTexts } from '../replies';
import type { GeoQuery, ScoredMembers, ZaddConditions } from './types';
import { isBytes } from '../../resp/is-bytes';

const ZADD_OPTIONS = /* @__PURE__ */ defineOptions(
  [
    ['NX', flag, 1],
    ['XX', flag, 1],
    ['GT', flag, 2],
    ['LT', flag, 2],
    ['CH', flag],
  ],
  { exclusive: [['NX', 'GT', 'LT']] },
);

/** ZADD without INCR, which answers a score: that is `zaddIncr`. */
export function zadd(
  spec: CommandSpec,
  key: Key,
  members: ScoredMembers,
  options?: ZaddConditions & { CH?: boolean | undefined },
): Command<number> {
  const out: Arg[] = [text(key, spec, 'key')];
  if (options !== undefined) pushOptions(out, options, ZADD_OPTIONS, spec);
  if (pushScoredMembers(out, members, spec) === 0) return new AnsweredCommand(spec, out, 0);
  return new Command(spec, out, readInteger);
}

/** ZADD INCR: one member, and its new score as the reply. */
export function zaddIncr(
  _general: CommandSpec,
  spec: CommandSpec,
  key: Key,
  score: number | string,
  member: Arg,
  options?: ZaddConditions,
): Command<number | null> {
  const out: Arg[] = [text(key, spec, 'key')];
  if (options !== undefined) pushOptions(out, options, ZADD_OPTIONS, spec);
  out.push('INCR', bound(score, spec, 'score'), data(member, spec, 'member'));
  return new Command(spec, out, readDoubleOrNull);
}

function pushScoredMembers(out: Arg[], members: ScoredMembers, spec: CommandSpec): number {
  if (typeof members !== 'object' || members === null || isBytes(members)) {
    return refuse(spec, 'members', '[score, member] tuples, or an object or Map from member to score', members);
  }
  if (Array.isArray(members)) {
    return pushAnyTuples(out, members as readonly unknown[], [bound, data], spec, 'members');
  }
  const before = out.length;
  const pairs = members instanceof Map ? members : Object.entries(members as Readonly<Record<string, number>>);
  for (const [member, score] of pairs as Iterable<[Arg, number]>)
    out.push(double(score, spec, 'score'), data(member, spec, 'member'));
  return out.length - before;
}

/** `BYRADIUS: [10, 'KM']`, `BYBOX: [3, 4, 'M']`: numbers and a unit. */
const shape =
  (numbers: number): OptionWriter =>
  (args, token, value: unknown, spec) => {
    if (!Array.isArray(value) || value.length !== numbers + 1)
      return refuse(spec, token, `${numbers} numbers and a unit`, value);
    args.push(token);
    for (const number of value.slice(0, numbers) as number[]) args.push(double(number, spec, token));
    args.push(unit(value[numbers] as string, spec, token));
  };

/** `BYPOLYGON: [[x, y], …]`: how many corners, then the corners. */
const polygon: OptionWriter = (args, token, value: unknown, spec) => {
  if (!Array.isArray(value) || value.length < 3)
    return refuse(spec, token, 'at least three [longitude, latitude] tuples', value);
  args.push(token, value.length);
  pushTuples(args, value as unknown[], [double, double], spec, token);
};

const GEO_OPTIONS = /* @__PURE__ */ defineOptions(
  [
    ['FROMMEMBER', oneData, 1],
    ['FROMLONLAT', /* @__PURE__ */ tuple(double, double), 1],
    ['BYRADIUS', /* @__PURE__ */ shape(1), 2],
    ['BYBOX', /* @__PURE__ */ shape(2), 2],
    ['BYPOLYGON', polygon, 2],
    ['ORDER', /* @__PURE__ */ word('ASC', 'DESC')],
    ['COUNT', oneInteger],
    ['ANY', flag],
    ['WITHCOORD', flag],
    ['WITHDIST', flag],
    ['WITHHASH', flag],
    ['STOREDIST', flag],
  ],
  {
    needs: { ANY: ['COUNT'], BYRADIUS: ['FROMMEMBER', 'FROMLONLAT'], BYBOX: ['FROMMEMBER', 'FROMLONLAT'] },
    exclusive: [
      ['STOREDIST', 'WITHCOORD'],
      ['STOREDIST', 'WITHDIST'],
      ['STOREDIST', 'WITHHASH'],
    ],
  },
);

function pushQuery(out: Arg[], query: GeoQuery, spec: CommandSpec): void {
  pushOptions(out, query, GEO_OPTIONS, spec);
  if (!has(query, 'BYRADIUS', 'BYBOX', 'BYPOLYGON')) refuse(spec, 'query', 'told BYRADIUS, BYBOX or BYPOLYGON', query);
}

/** GEOSEARCH */
export function geosearch(spec: CommandSpec, key: Key, query: GeoQuery): Command {
  const out: Arg[] = [text(key, spec, 'key')];
  pushQuery(out, query, spec);
  return new Command<unknown>(spec, out, has(query, 'WITHCOORD', 'WITHDIST', 'WITHHASH') ? readGeoMatches : readTexts);
}

/** GEOSEARCHSTORE: over its own source, a second search would find less, or distances where places were. */
export function geosearchstore(
  spec: CommandSpec,
  overSource: CommandSpec,
  destination: Key,
  source: Key,
  query: GeoQuery & { STOREDIST?: boolean | undefined },
): Command<number> {
  const out: Arg[] = [text(destination, spec, 'destination'), text(source, spec, 'source')];
  pushQuery(out, query, spec);
  return new Command(isAmong(destination, source) ? overSource : spec, out, readInteger);
}
