import type { ReplyContext, ReplyReader } from '../command';
import type { Frame } from '../../resp/frames';
import { arrayOf, items, pairsOf, readNames, readPlain, recordOf, structOf, tupleOf } from './collections';
import type { ArgumentDocs, CommandDocs, CommandInfo, Plain } from './types';
import { nullable, readInteger, readName, unreadable } from './values';

/** Key specifications are maps within maps; RESP2 flattens every level. */
function readKeySpec(frame: Frame, context: ReplyContext): Record<string, Plain> {
  return structOf<{ flags: string[]; begin_search: Plain; find_keys: Plain; notes: string }>({
    flags: readNames,
    begin_search: readSearch,
    find_keys: readSearch,
    notes: readName,
  })(frame, context);
}

const readSearch: ReplyReader<Plain> = /* @__PURE__ */ structOf<{ type: string; spec: Plain }>({
  type: readName,
  spec: /* @__PURE__ */ recordOf(readPlain),
});

/** A row of COMMAND or COMMAND INFO; Redis 6 stops after the categories. */
function readCommandInfo(frame: Frame, context: ReplyContext): CommandInfo {
  const [name, arity, flags, firstKey, lastKey, step, categories = [], tips = [], keySpecs = [], subcommands = []] =
    items(frame) as Frame[];
  if (name === undefined || step === undefined) return unreadable('the description of a command', frame);
  return {
    name: readName(name),
    arity: readInteger(arity as Frame),
    flags: readNames(flags as Frame, context),
    firstKey: readInteger(firstKey as Frame),
    lastKey: readInteger(lastKey as Frame),
    step: readInteger(step),
    categories: readNames(categories, context),
    tips: readNames(tips, context),
    keySpecs: items(keySpecs).map((spec) => readKeySpec(spec, context)),
    subcommands: items(subcommands).map((row) => readCommandInfo(row, context)),
  };
}

/** COMMAND. */
export const readCommandInfos: ReplyReader<CommandInfo[]> = /* @__PURE__ */ arrayOf(readCommandInfo);

/** COMMAND INFO: null for a name that the server does not know. */
export const readNullableCommandInfos: ReplyReader<(CommandInfo | null)[]> = /* @__PURE__ */ arrayOf(
  /* @__PURE__ */ nullable(readCommandInfo),
);

const readHistory: ReplyReader<[version: string, change: string][]> = /* @__PURE__ */ pairsOf(readName, readName);

// Arguments hold arguments and subcommands are documented like commands, hence functions: they may be used before they are there.

function readArgumentDocs(frame: Frame, context: ReplyContext): ArgumentDocs[] {
  return items(frame).map((argument) => readArgumentDoc(argument, context));
}

function readSubcommandDocs(frame: Frame, context: ReplyContext): Record<string, CommandDocs> {
  return readCommandDocs(frame, context);
}

const readArgumentDoc: ReplyReader<ArgumentDocs> = /* @__PURE__ */ structOf<ArgumentDocs>({
  name: readName,
  type: readName,
  display_text: readName,
  token: readName,
  summary: readName,
  since: readName,
  deprecated_since: readName,
  key_spec_index: readInteger,
  flags: readNames,
  arguments: readArgumentDocs,
});

const readDoc: ReplyReader<CommandDocs> = /* @__PURE__ */ structOf<CommandDocs>({
  summary: readName,
  since: readName,
  group: readName,
  complexity: readName,
  module: readName,
  doc_flags: readNames,
  deprecated_since: readName,
  replaced_by: readName,
  history: readHistory,
  arguments: readArgumentDocs,
  subcommands: readSubcommandDocs,
});

/** COMMAND DOCS. */
export const readCommandDocs: ReplyReader<Record<string, CommandDocs>> = /* @__PURE__ */ recordOf(readDoc);

/** COMMAND GETKEYSANDFLAGS. */
export const readKeysAndFlags: ReplyReader<[key: string, flags: string[]][]> = /* @__PURE__ */ arrayOf(
  /* @__PURE__ */ tupleOf(readName, readNames),
);
