import type { ReplyContext, ReplyReader } from '../command';
import type { Frame } from '../../resp/frames';
import {
  arrayOf,
  arrayWithoutNulls,
  bareRecord,
  setField,
  eachNestedPair,
  items,
  readNames,
  structOf,
  tupleOf,
} from './collections';
import { readEntries, readEntry, readGroupEntry } from './stream-entries';
import type {
  Entry,
  GroupEntry,
  PendingEntry,
  PendingSummary,
  StreamConsumer,
  StreamGroup,
  StreamInfo,
  StreamInfoFull,
} from './types';
import {
  nullable,
  readInteger,
  readIntegerOrNull,
  readIntegerText,
  readKey,
  readName,
  readText,
  unreadable,
} from './values';

/** Values by stream: a map in RESP3, pairs in RESP2. */
function byStream<T>(read: ReplyReader<T>): ReplyReader<Record<string, T> | null> {
  return (frame, context) => {
    if (frame === null) return null;
    const streams = context.bytes ? new Map<string, T>() : bareRecord<T>();
    eachNestedPair(frame, (name, value) => {
      const key = readKey(name, context);
      if (streams instanceof Map) streams.set(key, read(value, context));
      else setField(streams, key, read(value, context));
    });
    return streams as Record<string, T>;
  };
}

/** XREAD. */
export const readStreams: ReplyReader<Record<string, Entry[]> | null> = /* @__PURE__ */ byStream(readEntries);

/** XREADGROUP. */
export const readGroupStreams: ReplyReader<Record<string, GroupEntry[]> | null> = /* @__PURE__ */ byStream(
  /* @__PURE__ */ arrayOf(readGroupEntry),
);

/** XAUTOCLAIM: Redis 6.2 does not tell which entries were gone. */
function autoclaimOf<T>(read: ReplyReader<T[]>): ReplyReader<[next: string, entries: T[], deleted: string[]]> {
  return (frame, context) => {
    const [next, entries, deleted] = items(frame);
    if (next === undefined || entries === undefined) return unreadable('a cursor and entries', frame);
    return [readName(next), read(entries, context), deleted === undefined ? [] : readNames(deleted, context)];
  };
}

export const readAutoclaim: ReplyReader<[next: string, entries: Entry[], deleted: string[]]> =
  /* @__PURE__ */ autoclaimOf(readEntries);
export const readAutoclaimIds: ReplyReader<[next: string, ids: string[], deleted: string[]]> =
  /* @__PURE__ */ autoclaimOf(/* @__PURE__ */ arrayWithoutNulls(readName));

/** XCLAIM JUSTID. */
export const readIds: ReplyReader<string[]> = /* @__PURE__ */ arrayWithoutNulls(readName);

const readIdOrNull = /* @__PURE__ */ nullable(readName);
const readPendingByConsumer = /* @__PURE__ */ arrayOf(/* @__PURE__ */ tupleOf(readText, readIntegerText));

/** XPENDING without a range. */
export function readPendingSummary(frame: Frame, context: ReplyContext): PendingSummary {
  const [count, min, max, consumers] = items(frame);
  if (count === undefined || min === undefined || max === undefined || consumers === undefined) {
    return unreadable('a summary of what is pending', frame);
  }
  return {
    count: readInteger(count),
    min: readIdOrNull(min, context),
    max: readIdOrNull(max, context),
    consumers: consumers === null ? [] : readPendingByConsumer(consumers, context),
  };
}

/** XPENDING with a range. */
export const readPendingEntries: ReplyReader<PendingEntry[]> = /* @__PURE__ */ arrayOf(
  /* @__PURE__ */ tupleOf(readName, readText, readInteger, readInteger),
);

const readEntryOrNull = /* @__PURE__ */ nullable(readEntry);

const COMMON = {
  length: readInteger,
  'radix-tree-keys': readInteger,
  'radix-tree-nodes': readInteger,
  'last-generated-id': readName,
  'max-deleted-entry-id': readName,
  'entries-added': readInteger,
  'recorded-first-entry-id': readName,
  'idmp-duration': readInteger,
  'idmp-maxsize': readInteger,
  'pids-tracked': readInteger,
  'iids-tracked': readInteger,
  'iids-added': readInteger,
  'iids-duplicates': readInteger,
};

/** XINFO STREAM. */
export const readStreamInfo: ReplyReader<StreamInfo> = /* @__PURE__ */ structOf<StreamInfo, keyof typeof COMMON>(
  { groups: readInteger, 'first-entry': readEntryOrNull, 'last-entry': readEntryOrNull },
  COMMON,
);

/** A pending entry of a group names its consumer, one of a consumer does not need to. */
function readPendingOfGroup(frame: Frame): { id: string; consumer: string; delivered: number; deliveries: number } {
  const [id, consumer, delivered, deliveries] = items(frame) as Frame[];
  return {
    id: readName(id as Frame),
    consumer: readText(consumer as Frame),
    delivered: readInteger(delivered as Frame),
    deliveries: readInteger(deliveries as Frame),
  };
}

function readPendingOfConsumer(frame: Frame): { id: string; delivered: number; deliveries: number } {
  const [id, delivered, deliveries] = items(frame) as Frame[];
  return {
    id: readName(id as Frame),
    delivered: readInteger(delivered as Frame),
    deliveries: readInteger(deliveries as Frame),
  };
}

type FullGroup = StreamInfoFull['groups'][number];

const readFullConsumers = /* @__PURE__ */ arrayOf(
  /* @__PURE__ */ structOf<FullGroup['consumers'][number]>({
    name: readText,
    'seen-time': readInteger,
    'active-time': readInteger,
    'pel-count': readInteger,
    pending: /* @__PURE__ */ arrayOf(readPendingOfConsumer),
  }),
);

const readFullGroups = /* @__PURE__ */ arrayOf(
  /* @__PURE__ */ structOf<FullGroup>({
    name: readText,
    'last-delivered-id': readName,
    'entries-read': readIntegerOrNull,
    lag: readIntegerOrNull,
    'pel-count': readInteger,
    pending: /* @__PURE__ */ arrayOf(readPendingOfGroup),
    consumers: readFullConsumers,
  }),
);

/** XINFO STREAM FULL. */
export const readStreamInfoFull: ReplyReader<StreamInfoFull> = /* @__PURE__ */ structOf<
  StreamInfoFull,
  keyof typeof COMMON
>({ entries: readEntries, groups: readFullGroups }, COMMON);

/** XINFO GROUPS. */
export const readStreamGroups: ReplyReader<StreamGroup[]> = /* @__PURE__ */ arrayOf(
  /* @__PURE__ */ structOf<StreamGroup>({
    name: readText,
    consumers: readInteger,
    pending: readInteger,
    'last-delivered-id': readName,
    'entries-read': readIntegerOrNull,
    lag: readIntegerOrNull,
  }),
);

/** XINFO CONSUMERS. */
export const readStreamConsumers: ReplyReader<StreamConsumer[]> = /* @__PURE__ */ arrayOf(
  /* @__PURE__ */ structOf<StreamConsumer>({
    name: readText,
    pending: readInteger,
    idle: readInteger,
    inactive: readInteger,
  }),
);
