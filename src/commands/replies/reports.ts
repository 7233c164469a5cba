import type { ReplyContext, ReplyReader } from '../command';
import { apart } from '../../errors';
import type { Frame } from '../../resp/frames';
import { parseDouble } from '../../resp/numbers';
import {
  arrayOf,
  bareRecord,
  items,
  readNames,
  readPlain,
  readTexts,
  recordOf,
  structOf,
  tupleOf,
} from './collections';
import type {
  ClientInfo,
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
import { readInteger, readIntegerText, readName, unreadable } from './values';
import { isBytes } from '../../resp/is-bytes';

/** TIME: seconds since 1970 and microseconds within the second. */
export const readTime: ReplyReader<[seconds: number, microseconds: number]> = /* @__PURE__ */ tupleOf(
  readIntegerText,
  readIntegerText,
);

/** The lines of a report, without empty ones. */
function linesOf(frame: Frame): string[] {
  return readName(frame)
    .split(/\r?\n/)
    .filter((line) => line !== '')
    .map(apart);
}

/** Adds a `name:value` line; a name that is there already gets another line. */
function addProperty(properties: Record<string, string>, line: string): void {
  const colon = line.indexOf(':');
  if (colon <= 0) return;
  const name = line.slice(0, colon);
  const value = line.slice(colon + 1);
  const before = properties[name];
  properties[name] = before === undefined ? value : `${before}\n${value}`;
}

/** `name:value` lines: CLUSTER INFO. */
export function readProperties(frame: Frame): Record<string, string> {
  const properties = bareRecord<string>();
  for (const line of linesOf(frame)) addProperty(properties, line);
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
    // Modules may write properties before any section.
    if (line.indexOf(':') > 0) addProperty((section ??= sections[''] ??= bareRecord()), line);
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
  if (typeof frame === 'string' || isBytes(frame)) {
    const spelled = readName(frame);
    return parseDouble(spelled) ?? spelled;
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
