import { clientNames, clients, type ClientName } from './clients';
import { clusterClients } from './clients/clusters';
import type { GroupMethod } from './clients/client';
import { CONSUMED, LOADED, MISSED, SCANNED } from './data';
import type { Job } from './jobs/job';

/** What `--only` selects by. */
export const groups = [
  'get',
  'set',
  'lrange',
  'replies',
  'large',
  'pipeline',
  'multi',
  'script',
  'pubsub',
  'beside',
  'observers',
  'cpu',
  'latency',
  'garbage',
  'memory',
  'start-up',
  'decoding',
  'scan',
  'load',
  'consume',
  'bullmq',
  'traced',
  'cached',
  'cluster',
] as const;
export type Group = (typeof groups)[number];

/** One line of questions in the table: a metric of a workload, asked of every client. */
export interface Row {
  readonly id: string;
  readonly group: Group;
  readonly title: string;
  readonly metric: string;
  readonly unit: string;
  readonly better: 'more' | 'less';
}

/** What is measured together: one job, done by several clients in turns. */
export interface Workload {
  readonly rows: readonly Row[];
  readonly clients: readonly ClientName[];
  /** no noise to speak of: more rounds would only take time */
  readonly mostRounds?: number;
  /** The job, for the client whose turn it is. */
  job(client: ClientName): Job;
}

/** What spans cost: without them, without an SDK, and with one and a batch processor, beside the peers with theirs. */
const TRACED: readonly ClientName[] = ['ours, no-op tracer', 'ours, SDK', 'ioredis, SDK', 'node-redis, SDK'];
const tracing: readonly ClientName[] = ['ours, firstValueFrom', 'ioredis', 'node-redis', ...TRACED];
/** What single commands take where all else is there as well. */
const BESIDE_FEATURES: ClientName = 'ours, beside features';
/** Those that answer from memory, beside peers that ask the server. */
const CACHED: readonly ClientName[] = ['ours, cache', 'node-redis, cache'];
const onNode = clientNames.filter((name) => clients[name].onBun !== true);
const onBun = clientNames.filter((name) => clients[name].onBun === true);
const untraced = onNode.filter((name) => !TRACED.includes(name) && !CACHED.includes(name) && name !== BESIDE_FEATURES);
/** Peers that ask the server for each value. */
export const asking: readonly ClientName[] = untraced.filter((name) => clients[name].role === 'peer');
const caching: readonly ClientName[] = [...CACHED, 'ours, firstValueFrom', ...asking];
/** A chain is a way to write a group, and sends single commands as all else does; a lease has a row of its own. */
const everyWay = untraced.filter((name) => name !== 'ours, chain' && name !== 'ours, dedicated');
/** What shows the cost of an option is the same in all else. */
const optional: readonly ClientName[] = ['ours, without limits', 'ours, verify', 'ours, asyncContext'];
const limited = everyWay.filter((name) => !optional.includes(name));
const oneWayEach = clientNames.filter((name) => clients[name].variant !== true);
/** Beside what Bun has built in, and ours on Bun. */
const oneWayEachAndBun: readonly ClientName[] = [...oneWayEach, ...onBun];
/** Whoever waits for a reply takes memory too, each way another amount. The floor waits for nothing. */
const everyWayOfOursOneOfPeers = limited.filter(
  (name) => clients[name].role === 'ours' || (clients[name].role === 'peer' && clients[name].variant !== true),
);

const everyGroup = clientNames.filter((name) => clients[name].variant !== true || name === 'ours, chain');

const scanning = clientNames.filter((name) => name === 'ours, subscribe' || clients[name].variant !== true);

/** Each client as its users have single commands, by calls that give promises. */
const singly = limited.filter((name) => name !== 'ours, subscribe' && name !== 'floor');

const IN_FLIGHT = [1, 100, 1000] as const;
/** Enough for client and server to work at the same time; the sockets' buffers hold little more. */
const LISTS_IN_FLIGHT = 10;
/** Replies that are more than one value, or a longer one. */
const REPLIES = [
  ['hgetall', 'HGETALL of 100 fields'],
  ['zrange', 'ZRANGE of 1 000 members with their scores'],
  ['xrange', 'XRANGE of 1 000 entries'],
  ['mget', 'MGET of 100 keys of 100 bytes'],
  ['getMedium', 'GET of 10 KB'],
] as const;
const LARGE_IN_FLIGHT = 4;
/** Commands that are due in a second. */
const RATES = [1_000, 10_000, 50_000] as const;
/** So many commands fit into the new space of a heap. */
const ALLOCATED = 20_000;
const OBSERVERS = [10, 100, 1_000, 10_000, 100_000] as const;
const PENDING = 100_000;
const LOAD = 'Write of 200 000 rows, a hash each';
/** Those that have a way to write rows. */
const LOADING: readonly ClientName[] = ['ours, firstValueFrom', 'ioredis', 'iovalkey', 'node-redis'];
const CONSUME = `Entries of a stream handled and acknowledged, ${CONSUMED.atOnce} at the same time`;
/** Those that have a way to consume: peers by a loop that is written by hand. */
const CONSUMING: readonly ClientName[] = ['ours, firstValueFrom', 'ioredis', 'ioredis, auto-pipelining', 'iovalkey'];
const BULLMQ = 'Jobs of BullMQ added and done, 50 at the same time, ours in the shape of ioredis';
const BESIDE_MESSAGES = 50_000;
const BESIDE = `a GET beside ${number(BESIDE_MESSAGES)} messages a second`;
const TRACED_GET = 'GET of 100 bytes, 1 000 in flight, a span each';
const MISS = `GET of 100 bytes, ${number(MISSED.keys)} keys in turn, which a cache of ${number(MISSED.entries)} misses`;
const BESIDE_FAILOVER = 2_000;
const FAILOVER = `a GET at one master while another is killed and its replica takes over, ${number(BESIDE_FAILOVER)} a second at each`;
const LIVE_OBSERVERS = 1_000;
const SCAN = 'Scan of 1 000 000 keys, COUNT 1 000';
const SCAN_BY_ITSELF = 'Scan of 1 000 000 keys, pages as each client asks for them by itself';
const MESSAGES_PER_SECOND_OF_MEASUREMENT = 1_000_000;

/** So many messages, about 15 MB of them, gather for a receiver that stands still: a server hangs up on one that owes it 32 MB. */
const MOST_GATHERED = 100_000;

function gatherings(messages: number): { readonly count: number; readonly times: number } {
  const times = Math.ceil(messages / MOST_GATHERED);
  return { count: Math.ceil(messages / times), times };
}

/** @param seconds how long one measurement takes */
export function workloads(seconds: number): readonly Workload[] {
  return [
    ...IN_FLIGHT.map((inFlight) => smallCommand('get', inFlight, seconds)),
    ...IN_FLIGHT.map((inFlight) => smallCommand('set', inFlight, seconds)),
    {
      rows: [{ ...rate('lease', 'get', 'A GET on an idle lease, to a plain one', 'times'), metric: 'times' }],
      clients: ['ours, dedicated'],
      job: () => ({ kind: 'lease', seconds }),
    },
    {
      rows: both('lrange', 'lrange', 'LRANGE of 1 000 elements, 10 in flight', 'replies/s', 'reply'),
      clients: [...limited, ...onBun],
      job: () => ({ kind: 'throughput', command: 'lrange', inFlight: LISTS_IN_FLIGHT, seconds }),
    },
    ...REPLIES.map(([command, what]) => reply(command, what, seconds)),
    {
      rows: both('large-string', 'large', 'GET of 1 MB as a string, 4 in flight', 'MB/s', 'MB'),
      clients: oneWayEachAndBun,
      job: () => ({ kind: 'throughput', command: 'getLarge', inFlight: LARGE_IN_FLIGHT, seconds }),
    },
    {
      rows: both('large-bytes', 'large', 'GET of 1 MB as bytes, 4 in flight', 'MB/s', 'MB'),
      clients: oneWayEachAndBun,
      job: () => ({ kind: 'throughput', command: 'getLargeBytes', inFlight: LARGE_IN_FLIGHT, seconds }),
    },
    ...IN_FLIGHT.map((inFlight) => smallCommand('script', inFlight, seconds)),
    group('pipeline', 100, 10, seconds),
    group('pipeline', 1000, 2, seconds),
    group('multi', 10, 100, seconds),
    {
      rows: both('pubsub', 'pubsub', 'Messages of 100 bytes received', 'messages/s', 'message'),
      clients: oneWayEachAndBun,
      job: (client) => ({
        kind: 'messages',
        channel: `bench:channel:${clientNames.indexOf(client)}`,
        ...gatherings(Math.ceil(MESSAGES_PER_SECOND_OF_MEASUREMENT * seconds)),
      }),
    },
    {
      rows: [
        cost('beside', 'beside', `99th percentile of ${BESIDE}, to that without them`, 'times', 'times'),
        cost('beside-p99', 'beside', `99th percentile of ${BESIDE}`, 'p99', 'µs'),
        rate(
          'beside-messages',
          'beside',
          `Messages that came beside these GETs, of ${number(BESIDE_MESSAGES)}`,
          'messages/s',
        ),
      ],
      clients: oneWayEach,
      job: (client) => ({
        kind: 'beside',
        channel: `bench:beside:${clientNames.indexOf(client)}`,
        perSecond: BESIDE_MESSAGES,
        seconds,
      }),
    },
    ...OBSERVERS.map((count) => observers(count, 'one channel')),
    ...OBSERVERS.map((count) => observers(count, 'channels')),
    ...RATES.map((perSecond) => latency(perSecond, seconds)),
    {
      rows: [
        cost('allocation', 'garbage', 'Heap that a GET takes and leaves as garbage, 100 in flight', 'bytes', 'bytes'),
      ],
      clients: [...everyWay, BESIDE_FEATURES, ...CACHED, ...TRACED],
      job: () => ({ kind: 'allocation', inFlight: 100, count: ALLOCATED }),
    },
    {
      rows: [cost('collections', 'garbage', 'Collections of garbage for a GET, 100 in flight', 'collecting', 'µs')],
      clients: [...everyWay, BESIDE_FEATURES],
      job: () => ({ kind: 'collections', inFlight: 100, seconds }),
    },
    {
      rows: [
        cost(
          'memory',
          'memory',
          'Heap (of valkey-glide, which is native: resident memory) per pending command',
          'memory',
          'bytes',
        ),
        cost('resident', 'memory', 'Resident memory per pending command', 'resident', 'bytes'),
      ],
      clients: everyWayOfOursOneOfPeers,
      mostRounds: 2,
      job: () => ({ kind: 'pending', count: PENDING }),
    },
    {
      rows: [cost('start-up', 'start-up', 'Start of the process to the first reply', 'milliseconds', 'ms')],
      clients: oneWayEach,
      job: () => ({ kind: 'start-up' }),
    },
    ...[1, 10, 100].map(decoding),
    {
      rows: [
        rate('scan', 'scan', SCAN, 'keys/s'),
        cost('cpu-scan', 'scan', `Processor time per key, ${SCAN}`, 'cpu', 'µs'),
      ],
      clients: scanning,
      job: () => ({ kind: 'scan', keys: SCANNED.keys, page: SCANNED.page }),
    },
    {
      rows: [
        rate('scan-by-itself', 'scan', SCAN_BY_ITSELF, 'keys/s'),
        cost('cpu-scan-by-itself', 'scan', `Processor time per key, ${SCAN_BY_ITSELF}`, 'cpu', 'µs'),
      ],
      clients: scanning.filter((name) => name !== 'floor'),
      mostRounds: 2,
      job: () => ({ kind: 'scan', keys: SCANNED.keys, page: undefined }),
    },
    {
      rows: [
        rate('load', 'load', LOAD, 'rows/s'),
        cost('cpu-load', 'load', `Processor time per row, ${LOAD}`, 'cpu', 'µs'),
      ],
      clients: LOADING,
      job: () => ({ kind: 'load', rows: LOADED.rows }),
    },
    {
      rows: [
        rate('consume', 'consume', CONSUME, 'entries/s'),
        cost('cpu-consume', 'consume', `Processor time per entry, ${CONSUME}`, 'cpu', 'µs'),
      ],
      clients: CONSUMING,
      job: () => ({ kind: 'consume', entries: CONSUMED.entries, atOnce: CONSUMED.atOnce }),
    },
    {
      rows: [
        rate('bullmq', 'bullmq', BULLMQ, 'jobs/s'),
        cost('cpu-bullmq', 'bullmq', `Processor time per job, ${BULLMQ}`, 'cpu', 'µs'),
      ],
      clients: ['ours, firstValueFrom', 'ioredis', 'iovalkey'],
      job: () => ({ kind: 'bullmq', jobs: 2_000, atOnce: 50 }),
    },
    {
      rows: [
        rate('traced', 'traced', TRACED_GET, 'commands/s'),
        cost('cpu-traced', 'traced', `Processor time per command, ${TRACED_GET}`, 'cpu', 'µs'),
      ],
      clients: tracing,
      job: () => ({ kind: 'throughput', command: 'get', inFlight: 1000, seconds }),
    },
    {
      rows: [
        rate('cluster-mget', 'cluster', 'MGET of 100 keys in all slots of 3 masters, 10 in flight', 'replies/s'),
        cost(
          'cpu-cluster-mget',
          'cluster',
          'Processor time per MGET of 100 keys in all slots of 3 masters',
          'cpu',
          'µs',
        ),
      ],
      clients: clusterClients,
      job: () => ({ kind: 'cluster', command: 'mget', inFlight: LISTS_IN_FLIGHT, seconds }),
    },
    ...[100, 1_000].map((inFlight) => clusterGet(inFlight, seconds)),
    {
      rows: [
        cost('failover', 'cluster', `99th percentile of ${FAILOVER}, to that before`, 'times', 'times'),
        cost('failover-p99', 'cluster', `99th percentile of ${FAILOVER}`, 'p99', 'µs'),
      ],
      clients: ['ours, firstValueFrom'],
      mostRounds: 1,
      job: () => ({ kind: 'failover', perSecond: BESIDE_FAILOVER }),
    },
    {
      rows: [rate('cached', 'cached', 'GET of 100 bytes that a client-side cache has, 100 in flight', 'commands/s')],
      clients: caching,
      job: () => ({ kind: 'throughput', command: 'get', inFlight: 100, seconds }),
    },
    missed('missed-1', 1, seconds),
    missed('missed', 100, seconds),
    {
      rows: [
        cost(
          'live',
          'cached',
          `A write that ${number(LIVE_OBSERVERS)} Observers of one live query get; for each`,
          'microseconds',
          'µs',
        ),
      ],
      clients: ['ours, firstValueFrom'],
      job: () => ({ kind: 'live', count: LIVE_OBSERVERS }),
    },
  ];
}

function missed(id: string, inFlight: number, seconds: number): Workload {
  const title = `${MISS}, ${inFlight} in flight`;
  return {
    rows: [
      rate(id, 'cached', title, 'commands/s'),
      cost(`cpu-${id}`, 'cached', `Processor time per command, ${title}`, 'cpu', 'µs'),
    ],
    clients: ['ours, cache', 'ours, firstValueFrom'],
    job: () => ({ kind: 'misses', inFlight, seconds }),
  };
}

function reply(command: (typeof REPLIES)[number][0], what: string, seconds: number): Workload {
  const title = `${what}, ${LISTS_IN_FLIGHT} in flight`;
  return {
    rows: both(command, 'replies', title, 'replies/s', 'reply'),
    clients: oneWayEachAndBun,
    job: () => ({ kind: 'throughput', command, inFlight: LISTS_IN_FLIGHT, seconds }),
  };
}

function smallCommand(command: 'get' | 'set' | 'script', inFlight: number, seconds: number): Workload {
  const what = command === 'script' ? 'Script that GETs' : `${command.toUpperCase()} of`;
  const title = `${what} 100 bytes, ${number(inFlight)} in flight`;
  const id = inFlight === 100 ? `cpu-${command}` : `cpu-${command}-${inFlight}`;
  const rows = [
    cost(id, 'cpu', `Processor time per command, ${title}`, 'cpu', 'µs'),
    rate(`${command}-${inFlight}`, command, title, 'commands/s'),
  ];
  const all = command === 'script' ? everyWay : [...everyWay, ...onBun];
  return { rows, clients: all, job: () => ({ kind: 'throughput', command, inFlight, seconds }) };
}

/** GETs whose keys lie at all masters. */
function clusterGet(inFlight: number, seconds: number): Workload {
  const title = `GET of 100 bytes at 3 masters, ${number(inFlight)} in flight`;
  return {
    rows: [
      rate(`cluster-get-${inFlight}`, 'cluster', title, 'commands/s'),
      cost(`cpu-cluster-get-${inFlight}`, 'cluster', `Processor time per command, ${title}`, 'cpu', 'µs'),
    ],
    clients: clusterClients,
    job: () => ({ kind: 'cluster', command: 'get', inFlight, seconds }),
  };
}

/** What users wait, at a rate that does not depend on what they wait. */
function latency(perSecond: number, seconds: number): Workload {
  const title = `a GET of 100 bytes, ${number(perSecond)} due in a second`;
  const row = (rank: string, metric: string): Row =>
    cost(`latency-${perSecond}-${metric}`, 'latency', `${rank} percentile of ${title}`, metric, 'µs');
  return {
    rows: [row('50th', 'p50'), row('99th', 'p99'), row('99.9th', 'p999')],
    clients: [...singly, ...onBun],
    job: () => ({ kind: 'latency', perSecond, seconds }),
  };
}

/** A thousand commands at once or more, so that client and server work at the same time. */
function group(method: GroupMethod, size: number, inFlight: number, seconds: number): Workload {
  const title = `${method} of ${number(size)} GETs of 100 bytes, ${inFlight} in flight`;
  return {
    rows: [
      rate(`${method}-${size}`, method, title, 'commands/s'),
      cost(`cpu-${method}-${size}`, 'cpu', `Processor time per command, ${title}`, 'cpu', 'µs'),
    ],
    clients: everyGroup,
    job: () => ({ kind: 'groups', method, size, inFlight, seconds }),
  };
}

/** What one costs must not grow with their number. */
function observers(count: number, of: 'one channel' | 'channels'): Workload {
  const who =
    of === 'channels' ? `${number(count)} channels, an Observer each` : `${number(count)} Observers of one channel`;
  const title = `${who}: join, get a message, leave; for each`;
  return {
    rows: [
      cost(
        `observers-${of === 'channels' ? 'channels' : 'channel'}-${count}`,
        'observers',
        title,
        'microseconds',
        'µs',
      ),
    ],
    clients: ['ours, firstValueFrom'],
    job: () => ({ kind: 'observers', of, count }),
  };
}

function decoding(megabytes: number): Workload {
  const title = `Decoding a bulk string of ${megabytes} MB in chunks of 64 KB`;
  return {
    rows: [cost(`decoding-${megabytes}`, 'decoding', title, 'millisecondsPerMegabyte', 'ms/MB')],
    clients: ['ours, firstValueFrom', 'floor'],
    job: () => ({ kind: 'decoding', megabytes }),
  };
}

/** What it takes of the processor stands first: other work on the machine changes that less. */
function both(id: string, group: Group, title: string, unit: string, one: string): readonly Row[] {
  return [cost(`cpu-${id}`, group, `Processor time per ${one}, ${title}`, 'cpu', 'µs'), rate(id, group, title, unit)];
}

function rate(id: string, group: Group, title: string, unit: string): Row {
  return { id, group, title, metric: 'perSecond', unit, better: 'more' };
}

function cost(id: string, group: Group, title: string, metric: string, unit: string): Row {
  return { id, group, title, metric, unit, better: 'less' };
}

function number(value: number): string {
  return value.toLocaleString('en').replaceAll(',', ' ');
}
