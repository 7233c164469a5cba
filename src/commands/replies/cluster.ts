import type { ReplyContext, ReplyReader } from '../command';
import { apart } from '../../errors';
import type { Frame } from '../../resp/frames';
import { arrayOf, items, readIntegers, readNames, readPlainRecord, recordOf, structOf, tupleOf } from './collections';
import type { ClusterLink, ClusterNode, Plain, Shard, ShardNode, SlotRange } from './types';
import { nullable, readInteger, readName, unreadable } from './values';

const readNodeMetadata = /* @__PURE__ */ recordOf(readName);

function readSlotNode(frame: Frame, context: ReplyContext): SlotRange['nodes'][number] {
  const [host, port, id, metadata] = items(frame) as Frame[];
  if (host === undefined || port === undefined) return unreadable('the address of a node', frame);
  return {
    host: host === null ? null : readName(host),
    port: readInteger(port),
    id: id === undefined ? '' : readName(id),
    metadata: metadata === undefined ? {} : readNodeMetadata(metadata, context),
  };
}

/** CLUSTER SLOTS. */
export const readSlotRanges: ReplyReader<SlotRange[]> = /* @__PURE__ */ arrayOf((frame, context) => {
  const [start, end, ...nodes] = items(frame);
  if (start === undefined || end === undefined) return unreadable('a range of slots', frame);
  return { start: readInteger(start), end: readInteger(end), nodes: nodes.map((node) => readSlotNode(node, context)) };
});

/** Shards list their ranges flat: start, end, start, end. */
function readRanges(frame: Frame): [number, number][] {
  const bounds = readIntegers(frame);
  const ranges: [number, number][] = [];
  for (let i = 0; i + 1 < bounds.length; i += 2) ranges.push([bounds[i] as number, bounds[i + 1] as number]);
  return ranges;
}

/** CLUSTER SHARDS. */
export const readShards: ReplyReader<Shard[]> = /* @__PURE__ */ arrayOf(
  /* @__PURE__ */ structOf<Shard>({
    id: readName,
    slots: readRanges,
    nodes: /* @__PURE__ */ arrayOf(
      /* @__PURE__ */ structOf<ShardNode>({
        id: readName,
        port: readInteger,
        'tls-port': readInteger,
        ip: readName,
        endpoint: /* @__PURE__ */ nullable(readName),
        hostname: readName,
        role: readName,
        'replication-offset': readInteger,
        health: readName,
        'availability-zone': readName,
      }),
    ),
  }),
);

/** CLUSTER LINKS. */
export const readClusterLinks: ReplyReader<ClusterLink[]> = /* @__PURE__ */ arrayOf(
  /* @__PURE__ */ structOf<ClusterLink>({
    direction: readName as ReplyReader<ClusterLink['direction']>,
    node: readName,
    'create-time': readInteger,
    events: readName,
    'send-buffer-allocated': readInteger,
    'send-buffer-used': readInteger,
  }),
);

/** CLUSTER SLOT-STATS: slot and its figures. */
export const readSlotStats: ReplyReader<[slot: number, statistics: Record<string, number>][]> = /* @__PURE__ */ arrayOf(
  /* @__PURE__ */ tupleOf(readInteger, /* @__PURE__ */ recordOf(readInteger)),
);

/** Slot migrations, described in the server's own words. */
export const readMigrations: ReplyReader<Record<string, Plain>[]> = /* @__PURE__ */ arrayOf((frame, context) =>
  recordOfPlain(frame, context),
);

function recordOfPlain(frame: Frame, context: ReplyContext): Record<string, Plain> {
  return readPlainRecord(frame, context);
}

/** `[93-<-id]` is coming from, `[93->-id]` is going to another node. */
const MOVING = /^\[(\d+)-([<>])-(\w+)\]$/;

// <id> <ip:port@bus[,hostname[,…]]> <flags> <primary> <ping> <pong> <epoch> <link> <slot> …
function parseNode(line: string): ClusterNode {
  const [id, address, flags, primary, ping, pong, epoch, link, ...slots] = line.trim().split(' ');
  const parts = /^(.*):(\d+)(?:@(\d+))?(?:,([^,]*))?/.exec(address ?? '');
  if (id === undefined || parts === null) return unreadable('a line of CLUSTER NODES', line);
  const node: ClusterNode = {
    id,
    host: parts[1] ?? '',
    port: Number(parts[2]),
    busPort: Number(parts[3] ?? 0),
    hostname: parts[4] === undefined || parts[4] === '' ? null : parts[4],
    flags: (flags ?? '').split(',').filter((flag) => flag !== 'noflags'),
    primary: primary === undefined || primary === '-' ? null : primary,
    pingSent: Number(ping),
    pongReceived: Number(pong),
    epoch: Number(epoch),
    link: link ?? '',
    slots: [],
    moving: [],
  };
  for (const slot of slots) {
    const moving = MOVING.exec(slot);
    if (moving !== null) {
      const [, number, arrow, other] = moving as unknown as [string, string, string, string];
      node.moving.push({ slot: Number(number), direction: arrow === '<' ? 'importing' : 'migrating', node: other });
      continue;
    }
    const [start, end = start] = slot.split('-');
    node.slots.push([Number(start), Number(end)]);
  }
  return node;
}

/** CLUSTER NODES: a line for each node. */
export function readClusterNodes(frame: Frame): ClusterNode[] {
  return readName(frame)
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => parseNode(apart(line)));
}

/** CLUSTER REPLICAS: an array of such lines. */
export function readClusterReplicas(frame: Frame, context: ReplyContext): ClusterNode[] {
  return readNames(frame, context).map(parseNode);
}
