import type { ReplyContext, ReplyReader } from '../command';
import type { Frame } from '../../resp/frames';
import {
  arrayOf,
  bareRecord,
  items,
  pairsOf,
  readNames,
  readPlain,
  readTexts,
  recordOf,
  structOf,
  tupleOf,
} from './collections';
import type {
  AclLogEntry,
  AclSelector,
  AclUser,
  ArgumentDocs,
  ClientInfo,
  CommandDocs,
  CommandInfo,
  FunctionLibrary,
  FunctionStats,
  LatencyEvent,
  LatencyHistogram,
  ModuleInfo,
  Plain,
  Role,
  ServerGreeting,
  ServerInfo,
  SlowCommand,
  TrackingInfo,
} from './types';
import { nullable, readDouble, readInteger, readIntegerText, readName, unreadable } from './values';

/** TIME: seconds since 1970 and microseconds within the second. */
export const readTime: ReplyReader<[seconds: number, microseconds: number]> = /* @__PURE__ */ tupleOf(
  readIntegerText,
  readIntegerText,
);

/** The lines of a report, without empty ones. */
function linesOf(frame: Frame): string[] {
  return readName(frame)
    .split(/\r?\n/)
    .filter((line) => line !== '');
}

/** `name:value` lines: CLUSTER INFO. */
export function readProperties(frame: Frame): Record<string, string> {
  const properties = bareRecord<string>();
  for (const line of linesOf(frame)) {
    const colon = line.indexOf(':');
    if (colon > 0) properties[line.slice(0, colon)] = line.slice(colon + 1);
  }
  return properties;
}

/** INFO: `# Section` lines, each followed by its properties. */
export function readInfo(frame: Frame): ServerInfo {
  const sections = bareRecord<Record<string, string>>();
  let section: Record<string, string> | undefined;
  for (const line of linesOf(frame)) {
    if (line.startsWith('#')) {
      section = sections[line.slice(1).trim().toLowerCase()] ??= bareRecord();
      continue;
    }
    const colon = line.indexOf(':');
    // Modules may write properties before any section.
    if (colon > 0) (section ??= sections[''] ??= bareRecord())[line.slice(0, colon)] = line.slice(colon + 1);
  }
  return sections;
}

/** Fields of CLIENT LIST that are text even when they look like numbers. */
const CLIENT_TEXT = new Set(['addr', 'laddr', 'name', 'flags', 'events', 'cmd', 'user', 'lib-name', 'lib-ver', 'capa']);

function parseClient(line: string): ClientInfo {
  const client = bareRecord<string | number>();
  for (const part of line.split(' ')) {
    const equals = part.indexOf('=');
    if (equals < 0) continue;
    const field = part.slice(0, equals);
    const value = part.slice(equals + 1);
    client[field] = !CLIENT_TEXT.has(field) && /^-?\d{1,15}$/.test(value) ? Number(value) : value;
  }
  return client as ClientInfo;
}

/** CLIENT INFO. */
export function readClient(frame: Frame): ClientInfo {
  return parseClient(readName(frame).trim());
}

/** CLIENT LIST: a line for each connection. */
export function readClients(frame: Frame): ClientInfo[] {
  return linesOf(frame).map(parseClient);
}

/** CLIENT TRACKINGINFO. */
export const readTrackingInfo: ReplyReader<TrackingInfo> = /* @__PURE__ */ structOf<TrackingInfo>({
  flags: readNames,
  redirect: readInteger,
  prefixes: readNames,
});

/** ROLE: three shapes, told apart by their first word. */
export function readRole(frame: Frame, context: ReplyContext): Role {
  const [role, ...rest] = items(frame);
  switch (role === undefined ? '' : readName(role)) {
    case 'master': {
      const [offset, replicas] = rest as [Frame, Frame];
      return { role: 'master', offset: readInteger(offset), replicas: readReplicas(replicas, context) };
    }
    case 'slave': {
      const [host, port, state, offset] = rest as [Frame, Frame, Frame, Frame];
      return {
        role: 'slave',
        host: readName(host),
        port: readInteger(port),
        state: readName(state),
        offset: readInteger(offset),
      };
    }
    case 'sentinel':
      return { role: 'sentinel', masters: readNames(rest[0] as Frame, context) };
    default:
      return unreadable('a role', frame);
  }
}

const readReplicas = /* @__PURE__ */ arrayOf((frame) => {
  const [host, port, offset] = items(frame) as [Frame, Frame, Frame];
  return { host: readName(host), port: readIntegerText(port), offset: readIntegerText(offset) };
});

function readSlowCommand(frame: Frame): SlowCommand {
  const [id, timestamp, duration, words, address = '', name = ''] = items(frame) as Frame[];
  if (id === undefined || timestamp === undefined || duration === undefined || words === undefined) {
    return unreadable('a slow command', frame);
  }
  return {
    id: readInteger(id),
    timestamp: readInteger(timestamp),
    duration: readInteger(duration),
    arguments: readTexts(words),
    address: readName(address),
    name: readName(name),
  };
}

/** SLOWLOG GET, COMMANDLOG GET. */
export const readSlowCommands: ReplyReader<SlowCommand[]> = /* @__PURE__ */ arrayOf(readSlowCommand);

function readLatencyEvent(frame: Frame): LatencyEvent {
  const [event, timestamp, latest, worst, sum, count] = items(frame) as Frame[];
  if (event === undefined || timestamp === undefined || latest === undefined || worst === undefined) {
    return unreadable('a latency event', frame);
  }
  const known: LatencyEvent = {
    event: readName(event),
    timestamp: readInteger(timestamp),
    latest: readInteger(latest),
    worst: readInteger(worst),
  };
  if (sum !== undefined) known.sum = readInteger(sum);
  if (count !== undefined) known.count = readInteger(count);
  return known;
}

/** LATENCY LATEST. */
export const readLatencyEvents: ReplyReader<LatencyEvent[]> = /* @__PURE__ */ arrayOf(readLatencyEvent);

/** LATENCY HISTORY: seconds since 1970, and milliseconds. */
export const readLatencyHistory: ReplyReader<[timestamp: number, latency: number][]> = /* @__PURE__ */ arrayOf(
  /* @__PURE__ */ tupleOf(readInteger, readInteger),
);

/** LATENCY HISTOGRAM. */
export const readLatencyHistograms: ReplyReader<Record<string, LatencyHistogram>> = /* @__PURE__ */ recordOf(
  /* @__PURE__ */ structOf<LatencyHistogram>({
    calls: readInteger,
    histogram_usec: /* @__PURE__ */ recordOf(readInteger),
  }),
);

/** Figures of MEMORY STATS: RESP2 spells the fractions as strings, RESP3 does not. */
function readFigure(frame: Frame, context: ReplyContext): Plain {
  if (frame instanceof Map) return recordOf(readFigure)(frame, context);
  // In RESP2 the figures of a database are a flat list of names and integers.
  if (Array.isArray(frame)) return recordOf(readFigure)(frame, context);
  if (typeof frame === 'string' || frame instanceof Uint8Array) {
    const spelled = readName(frame);
    return spelled !== '' && !Number.isNaN(Number(spelled)) ? Number(spelled) : spelled;
  }
  return readPlain(frame, context);
}

/** MEMORY STATS. */
export const readMemoryStats: ReplyReader<Record<string, Plain>> = /* @__PURE__ */ recordOf(readFigure);

/** MODULE LIST. */
export const readModules: ReplyReader<ModuleInfo[]> = /* @__PURE__ */ arrayOf(
  /* @__PURE__ */ structOf<ModuleInfo>({ name: readName, ver: readInteger, path: readName, args: readNames }),
);

/** HELLO. */
export const readGreeting: ReplyReader<ServerGreeting> = /* @__PURE__ */ structOf<ServerGreeting>({
  server: readName,
  version: readName,
  proto: readInteger,
  id: readInteger,
  mode: readName,
  role: readName,
  availability_zone: readName,
  modules: readModules,
});

/** ACL LOG. */
export const readAclLog: ReplyReader<AclLogEntry[]> = /* @__PURE__ */ arrayOf(
  /* @__PURE__ */ structOf<AclLogEntry>({
    count: readInteger,
    reason: readName,
    context: readName,
    object: readName,
    username: readName,
    'age-seconds': readDouble,
    'client-info': readName,
    'entry-id': readInteger,
    'timestamp-created': readInteger,
    'timestamp-last-updated': readInteger,
  }),
);

/** Redis 6 lists the patterns one by one, later ones write them in one line. */
function readPatterns(frame: Frame, context: ReplyContext): string {
  return Array.isArray(frame) ? readNames(frame, context).join(' ') : readName(frame);
}

const SELECTOR = { commands: readName, keys: readPatterns, channels: readPatterns, databases: readPatterns };

/** ACL GETUSER. */
export const readAclUser: ReplyReader<AclUser | null> = /* @__PURE__ */ nullable(
  /* @__PURE__ */ structOf<AclUser, keyof typeof SELECTOR>(
    {
      flags: readNames,
      passwords: readNames,
      selectors: /* @__PURE__ */ arrayOf(/* @__PURE__ */ structOf<AclSelector>(SELECTOR)),
    },
    SELECTOR,
  ),
);

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

/** FUNCTION LIST. */
export const readLibraries: ReplyReader<FunctionLibrary[]> = /* @__PURE__ */ arrayOf(
  /* @__PURE__ */ structOf<FunctionLibrary>({
    library_name: readName,
    engine: readName,
    functions: /* @__PURE__ */ arrayOf(
      /* @__PURE__ */ structOf<FunctionLibrary['functions'][number]>({
        name: readName,
        description: /* @__PURE__ */ nullable(readName),
        flags: readNames,
      }),
    ),
    library_code: readName,
  }),
);

/** FUNCTION STATS. */
export const readFunctionStats: ReplyReader<FunctionStats> = /* @__PURE__ */ structOf<FunctionStats>({
  running_script: /* @__PURE__ */ nullable(
    /* @__PURE__ */ structOf<NonNullable<FunctionStats['running_script']>>({
      name: readName,
      command: readNames,
      duration_ms: readInteger,
    }),
  ),
  engines: /* @__PURE__ */ recordOf(
    /* @__PURE__ */ structOf<FunctionStats['engines'][string]>({
      libraries_count: readInteger,
      functions_count: readInteger,
    }),
  ),
});

/** A record of texts that the server wrote: CONFIG GET, SENTINEL MASTER. */
export const readNameRecord: ReplyReader<Record<string, string>> = /* @__PURE__ */ recordOf(readName);

/** Records of texts: SENTINEL REPLICAS. */
export const readNameRecords: ReplyReader<Record<string, string>[]> = /* @__PURE__ */ arrayOf(readNameRecord);

/** What each Sentinel last heard of a node: seconds ago, and the INFO text. */
export const readInfoCache: ReplyReader<Record<string, [age: number, info: string | null][]>> =
  /* @__PURE__ */ recordOf(
    /* @__PURE__ */ arrayOf(/* @__PURE__ */ tupleOf(readInteger, /* @__PURE__ */ nullable(readName))),
  );

/** Host and port: SENTINEL GET-MASTER-ADDR-BY-NAME. */
export const readAddress: ReplyReader<[host: string, port: number] | null> = /* @__PURE__ */ nullable(
  /* @__PURE__ */ tupleOf(readName, readIntegerText),
);

/** Whether the asked Sentinel thinks the master down, whom it votes for, in which epoch. */
export const readMasterDown: ReplyReader<[down: number, leader: string, epoch: number]> = /* @__PURE__ */ tupleOf(
  readInteger,
  readName,
  readInteger,
);
