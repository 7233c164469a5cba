import { clients, type ClientName } from './clients';
import { bestPeer, ratioTo, type RowResults } from './results';
import { median, spread } from './statistics';
import { asking } from './workloads';

const SUBJECT: ClientName = 'ours, firstValueFrom';

/** About a row: how many times the best peer's value ours is at least, or at most where less is better. */
export interface Target {
  readonly row: string;
  readonly times: number;
  /** who is held to it; through `firstValueFrom` unless another way is named */
  readonly by?: ClientName;
  /** the peer that it is about, or the best of some; the best of all unless one is named */
  readonly than?: ClientName | readonly ClientName[];
  /** what the floor moves by is granted: a round trip takes most of the time, whatever the client */
  readonly inNoise?: boolean;
}

export const targets: readonly Target[] = [
  { row: 'get-1', times: 1, inNoise: true },
  { row: 'get-100', times: 3 },
  { row: 'get-1000', times: 3 },
  { row: 'set-1', times: 1, inNoise: true },
  { row: 'set-100', times: 3 },
  { row: 'set-1000', times: 3 },
  { row: 'lrange', times: 1.5 },
  { row: 'pipeline-100', times: 2 },
  { row: 'pipeline-1000', times: 2 },
  { row: 'multi-10', times: 2 },
  { row: 'script-1', times: 1 },
  { row: 'script-100', times: 1 },
  { row: 'script-1000', times: 1 },
  // What the server takes for them bounds the throughput, and is no part of this.
  { row: 'cpu-pipeline-100', times: 0.5 },
  { row: 'cpu-pipeline-1000', times: 0.5 },
  { row: 'cpu-multi-10', times: 0.5 },
  { row: 'pubsub', times: 1.5 },
  { row: 'scan-by-itself', times: 1.5 },
  // In pages of one size the server takes most of the time, whatever client asks: a bare socket is no quicker. This is the client's own part.
  { row: 'cpu-scan', times: 1 },
  { row: 'load', times: 3, than: 'ioredis' },
  { row: 'consume', times: 2, than: 'ioredis' },
  { row: 'bullmq', times: 1, than: 'ioredis' },
  { row: 'cluster-get-100', times: 2.5 },
  { row: 'cluster-get-1000', times: 4 },
  { row: 'cluster-mget', times: 2 },
  // A hit asks no server.
  { row: 'cached', times: 10, by: 'ours, cache', than: asking },
  { row: 'cached', times: 2, by: 'ours, cache', than: 'node-redis, cache' },
  // A miss takes a tenth longer at most, with one in flight. Of the processor's time, and with more in flight, that is a mark.
  { row: 'missed-1', times: 0.9, by: 'ours, cache', than: 'ours, firstValueFrom' },
  { row: 'memory', times: 0.5 },
  // firstValueFrom alone takes some 650 bytes a call; an awaited reply shows what the client itself takes.
  { row: 'memory', times: 0.5, by: 'ours, await' },
];

/** What is aimed at beyond that. It is told, and does not fail the bench. */
export const marks: readonly Target[] = [
  { row: 'get-100', times: 0.8, than: 'floor' },
  { row: 'set-100', times: 0.8, than: 'floor' },
  { row: 'get-1000', times: 0.75, than: 'floor' },
  { row: 'set-1000', times: 0.75, than: 'floor' },
  { row: 'get-100', times: 1, than: 'Bun, its own client' },
  { row: 'set-100', times: 1, than: 'Bun, its own client' },
  { row: 'cpu-get', times: 1.5, by: 'ours, await', than: 'floor' },
  { row: 'cpu-get', times: 1.3, by: 'ours, subscribe', than: 'floor' },
  { row: 'cpu-get', times: 1, by: 'ours, await', than: 'Bun, its own client' },
  { row: 'cpu-get', times: 1, by: 'ours, subscribe', than: 'Bun, its own client' },
  { row: 'latency-10000-p99', times: 1 },
  { row: 'latency-50000-p99', times: 1 },
  { row: 'lrange', times: 3 },
  { row: 'lrange', times: 0.7, than: 'floor' },
  { row: 'hgetall', times: 3 },
  { row: 'xrange', times: 3 },
  { row: 'mget', times: 3 },
  // Those that give objects; the others give flat strings.
  { row: 'zrange', times: 2, than: ['node-redis', 'valkey-glide'] },
  { row: 'zrange', times: 1, than: 'iovalkey' },
  { row: 'large-string', times: 1.5 },
  { row: 'large-bytes', times: 1 },
  { row: 'pubsub', times: 2.5 },
  { row: 'pubsub', times: 0.5, than: 'floor' },
  { row: 'cpu-missed-1', times: 1.1, by: 'ours, cache', than: 'ours, firstValueFrom' },
  // A second GET would be 2.
  { row: 'cpu-missed', times: 1.1, by: 'ours, cache', than: 'ours, firstValueFrom' },
  { row: 'start-up', times: 1 },
  { row: 'memory', times: 0.4, by: 'ours, await' },
  { row: 'memory', times: 0.3, by: 'ours, subscribe' },
];

/** A decoder that looks at the bytes again with every chunk would be at a hundred times and more. */
const DECODING_TIMES_COPYING = 2;

/** What the 99th percentile of a GET stays under beside messages, and at one master while another is killed: so many times that without. */
const MOST_BESIDE = 3;
const BESIDE = ['beside', 'failover'];

export interface Verdict {
  readonly reached: boolean;
  readonly text: string;
}

/** What deadlines and retries may take of the throughput. */
const MOST_FOR_LIMITS = 0.05;
/** What the rest of the package may take of a GET that uses nothing of it: less than a hundredth. */
const LIMIT_BESIDE_FEATURES = 1.01;
/** What spans without an SDK may take of the processor's time. */
const MOST_FOR_NOOP = 1.15;
/** A lease may add a fifth to the time of a command. */
const LEAST_WITH_LEASE = 1 / 1.2;
/** What finding the node may take, in times a GET at one server. */
const MOST_FOR_CLUSTER = 2;
const UNLIMITED: ClientName = 'ours, without limits';

/** Says of every target whose row was measured whether it is reached. */
export function judge(all: readonly RowResults[]): readonly Verdict[] {
  const verdicts = targets.flatMap((target) => {
    const results = all.find(({ row }) => row.id === target.row);
    return results === undefined ? [] : judgeRow(target, results);
  });
  return [
    ...verdicts,
    ...judgeLimits(all),
    ...judgeFeatures(all),
    ...judgeLeases(all),
    ...judgeClusters(all),
    ...judgeTracing(all),
    ...judgeBeside(all),
    ...judgeDecoding(all),
    ...all.flatMap(judgeFailures),
  ];
}

/** Where ours has failed, whatever it was to reach was not looked at. */
function judgeFailures({ row, failures }: RowResults): Verdict[] {
  const ours = [...failures.keys()].filter((name) => clients[name].role === 'ours');
  return ours.map((name) => ({ reached: false, text: `${row.title}: ${name} has failed` }));
}

/** Says of every mark whose row was measured whether it is reached. */
export function judgeMarks(all: readonly RowResults[]): readonly Verdict[] {
  return marks.flatMap((mark) => {
    const results = all.find(({ row }) => row.id === mark.row);
    return results === undefined ? [] : judgeRow(mark, results);
  });
}

/** Over all rows of small commands with many in flight together: what one of them shows of so little is mostly noise. */
function judgeLimits(all: readonly RowResults[]): Verdict[] {
  const ratios = ['get-100', 'get-1000', 'set-100', 'set-1000'].flatMap((id) => {
    const results = all.find(({ row }) => row.id === id);
    const ratio = results && ratioTo(UNLIMITED, results, SUBJECT);
    return ratio === undefined ? [] : [ratio];
  });
  if (ratios.length === 0) return [];
  const mean = Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
  const text = `Deadlines and retries: ${mean.toPrecision(3)}× the throughput without them, wanted at least ${1 - MOST_FOR_LIMITS}×`;
  return [{ reached: mean >= 1 - MOST_FOR_LIMITS, text }];
}

/** By allocation, which a busy machine does not change. */
function judgeFeatures(all: readonly RowResults[]): Verdict[] {
  const results = all.find(({ row }) => row.id === 'allocation');
  const times = results && ratioTo(SUBJECT, results, 'ours, beside features');
  if (times === undefined) return [];
  const text = `Heap that a GET takes beside features that it does not use: ${times.toPrecision(4)}× that without them, wanted under ${LIMIT_BESIDE_FEATURES}×`;
  return [{ reached: times < LIMIT_BESIDE_FEATURES, text }];
}

/** A command on an idle lease, which is taken and given back for it, beside a plain one. */
function judgeLeases(all: readonly RowResults[]): Verdict[] {
  const values = all.find(({ row }) => row.id === 'lease')?.values.get('ours, dedicated');
  if (values === undefined) return [];
  const ratio = median(values);
  const text = `An idle lease for a GET: ${ratio.toPrecision(3)}× the rate of a plain one, wanted at least ${LEAST_WITH_LEASE.toPrecision(2)}×`;
  return [{ reached: ratio >= LEAST_WITH_LEASE, text }];
}

/** A GET at one of several masters, beside one at a single server. */
function judgeClusters(all: readonly RowResults[]): Verdict[] {
  const [one, many] = ['cpu-get', 'cpu-cluster-get-100'].map((id) =>
    all.find(({ row }) => row.id === id)?.values.get(SUBJECT),
  );
  if (one === undefined || many === undefined) return [];
  const times = median(many) / median(one);
  const text = `Processor time of a GET at 3 masters: ${times.toPrecision(3)}× that at one server, wanted at most ${MOST_FOR_CLUSTER}×`;
  return [{ reached: times <= MOST_FOR_CLUSTER, text }];
}

/** What spans may take of the processor's time where no SDK is there, and that ours with one take less than the peers with theirs. */
function judgeTracing(all: readonly RowResults[]): Verdict[] {
  const results = all.find(({ row }) => row.id === 'cpu-traced');
  if (results === undefined) return [];
  const limits = [
    ['ours, no-op tracer', 'ours, firstValueFrom', MOST_FOR_NOOP],
    ['ours, SDK', 'ioredis, SDK', 1],
    ['ours, SDK', 'node-redis, SDK', 1],
  ] as const;
  return limits.flatMap(([mine, other, most]) => {
    const times = ratioTo(other, results, mine);
    if (times === undefined) return [];
    const text = `Processor time, ${mine}: ${times.toPrecision(3)}× that of ${other}, wanted at most ${most}×`;
    return [{ reached: times <= most, text }];
  });
}

/** Ours alone: what it promises, whatever others do. */
function judgeBeside(all: readonly RowResults[]): Verdict[] {
  return all.flatMap(({ row, values: byClient }) => {
    const values = byClient.get(SUBJECT);
    if (values === undefined || !BESIDE.includes(row.id)) return [];
    const times = median(values);
    const text = `${row.title}: ${times.toPrecision(3)}×, wanted under ${MOST_BESIDE}×`;
    return [{ reached: times < MOST_BESIDE, text }];
  });
}

function judgeRow({ times, by = SUBJECT, than, inNoise = false }: Target, results: RowResults): Verdict[] {
  const { row } = results;
  const best = typeof than === 'string' ? than : bestPeer(results, than);
  const ratio = ratioTo(best, results, by);
  if (best === undefined || ratio === undefined) return [];
  const [superlative, bound] = row.better === 'more' ? ['fastest', 'at least'] : ['leanest', 'at most'];
  const floor = results.values.get('floor');
  const noise = inNoise && floor !== undefined ? spread(floor) : 0;
  return [
    {
      reached: row.better === 'more' ? ratio >= times * (1 - noise) : ratio <= times * (1 + noise),
      text: [
        `${row.title}${by === SUBJECT ? '' : ` (${by})`}: ${ratio.toPrecision(3)}× `,
        than === best ? than : `the ${superlative} peer${than === undefined ? '' : ' of its kind'} (${best})`,
        `, wanted ${bound} ${times}×${noise === 0 ? '' : ` within the ${(noise * 100).toFixed(0)} % that the floor moves by`}`,
      ].join(''),
    },
  ];
}

function judgeDecoding(all: readonly RowResults[]): Verdict[] {
  const results = all.find(({ row }) => row.id === 'decoding-100');
  const ratio = results && ratioTo('floor', results, SUBJECT);
  if (ratio === undefined) return [];
  const text = `Decoding 100 MB: ${ratio.toPrecision(3)}× the time of copying it, wanted at most ${DECODING_TIMES_COPYING}×`;
  return [{ reached: ratio <= DECODING_TIMES_COPYING, text }];
}
