import { Command, type CommandSpec, type ReplyReader } from '../command';
import { integer, text, type Key } from '../arguments';
import { defineOptions, flag, has, pushOptions } from '../option-table';
import { readFieldPairs, readScoredMembers, readTextOrNull, readTexts } from '../replies';

const WITH_VALUES = /* @__PURE__ */ defineOptions([['WITHVALUES', flag]]);
const WITH_SCORES = /* @__PURE__ */ defineOptions([['WITHSCORES', flag]]);

/** HRANDFIELD */
export function hrandfield(
  spec: CommandSpec,
  key: Key,
  count?: number,
  options?: { WITHVALUES?: boolean | undefined },
): Command {
  return random(spec, key, count, options, WITH_VALUES, readFieldPairs);
}

/** ZRANDMEMBER */
export function zrandmember(
  spec: CommandSpec,
  key: Key,
  count?: number,
  options?: { WITHSCORES?: boolean | undefined },
): Command {
  return random(spec, key, count, options, WITH_SCORES, readScoredMembers);
}

function random(
  spec: CommandSpec,
  key: Key,
  count: number | undefined,
  options: object | undefined,
  table: typeof WITH_VALUES,
  readPairs: ReplyReader<unknown>,
): Command {
  const first = text(key, spec, 'key');
  if (count === undefined && options === undefined) return new Command(spec, [first], readTextOrNull);
  const out = [first, integer(count as number, spec, 'count')];
  if (options !== undefined) pushOptions(out, options, table, spec);
  return new Command<unknown>(spec, out, has(options, 'WITHVALUES', 'WITHSCORES') ? readPairs : readTexts);
}
