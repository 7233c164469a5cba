import { consumedStream } from './consumers';
import type { ConsumeItem, Item, LinkItem, Settings, TailItem } from './plan';
import type { Random } from './random';
import { tailedStreams } from './tails';

/** Ids of tails and of consumers. Its chance is its own as well, so that all else stays as it was drawn. */
export const STREAMS = 9_500;

/** When something happens to those that wait at the server, ms behind their beginning. */
export const TIMES: readonly number[] = [0, 0, 1, 2, 5, 10, 30, 100, 400, 1200, 2500];

/** What they ask waits in the same queue as commands, and is repeated as they are. */
export function leavesThemAlone({ offlineQueue, retry }: Settings): boolean {
  return offlineQueue >= 1000 && ['default', 'off', 'twice'].includes(retry);
}

/** Those who read streams, each with connections of its own to wait on, and what is added meanwhile. */
export function drawStreams(random: Random, settings: Settings, length: number): Item[] {
  if (!random.chance(0.65)) return [];
  if (!leavesThemAlone(settings)) return [];
  const first = random.int(0, length);
  const tails = random.chance(0.5);
  const items: Item[] = tails ? drawTails(random, settings, first) : drawConsumers(random, settings, first);
  if (random.chance(0.3)) items.push({ kind: 'kill', at: first + random.pick(TIMES) + random.int(1, 60) });
  if (random.chance(0.2)) items.push(...drawRestart(random, items, first));
  if (random.chance(0.15))
    items.push({ kind: 'failover', at: first + random.pick(TIMES), duration: random.pick([0, 5]) });
  for (let count = random.pick([0, 1, 1, 2]); count > 0; count--) items.push(drawLostReply(random));
  return items;
}

/** The server loses its memory, and streams are filled anew before those that read them are back. */
function drawRestart(random: Random, items: readonly Item[], first: number): Item[] {
  const names = items.flatMap((item) => (item.kind === 'entry' ? [item.stream] : []));
  const [at, duration] = [first + random.pick(TIMES), random.pick([0, 5])];
  const entry = { kind: 'entry', at: at + duration + random.int(0, 8), stream: random.pick(names), count: 2 } as const;
  return [{ kind: 'restart', at, duration }, entry];
}

/** A connection is lost behind what the server has done, and before its reply has come. */
function drawLostReply(random: Random): LinkItem {
  const place = {
    way: 'down',
    since: 'ready',
    after: random.pick([0, 1, 1, 2, 3, 5, 8]),
    plus: random.pick([0, 0, 1, 20]),
  } as const;
  const [link, notice] = [random.int(0, 4), random.pick([0, 5, 300])];
  return { kind: 'link', link, fault: { type: 'cut', ...place, notice, both: false } };
}

function drawEntries(random: Random, names: readonly string[], first: number): Item[] {
  const items: Item[] = [];
  for (let count = random.int(1, 10); count > 0; count--) {
    const at = first + random.pick(TIMES) + random.int(0, 40);
    items.push({ kind: 'entry', at, stream: random.pick(names), count: random.pick([1, 1, 1, 2, 5]) });
  }
  return items;
}

function drawTails(random: Random, { leaseMax }: Settings, first: number): Item[] {
  const items: Item[] = [];
  for (let id = STREAMS + random.int(1, Math.min(2, leaseMax)); id > STREAMS; id--) {
    const drawn = drawTail(random, id, first + random.pick(TIMES));
    // One that is to end finds something that is there.
    const tail = drawn.ends === true ? { ...drawn, at: first + random.pick([60, 500, 1500]) } : drawn;
    const names = tailedStreams(tail);
    items.push(tail, ...drawEntries(random, names, first));
    for (let count = random.pick([0, 0, 1, 2]); count > 0; count--) {
      const at = first + random.pick(TIMES) + random.int(0, 60);
      items.push({ kind: 'trim', at, stream: random.pick(names), kept: random.pick([0, 1, 2]) });
    }
  }
  return items;
}

function drawTail(random: Random, id: number, at: number): TailItem {
  return {
    kind: 'tail',
    at,
    id,
    streams: random.pick([1, 1, 2]),
    from: random.pick(['0', '$', '$']),
    batch: random.pick([1, 2, 100]),
    ends: random.maybe(0.2, () => true),
    bytes: random.chance(0.2),
    work: random.maybe(0.3, () => random.pick([0, 5, 50])),
    concurrency: random.pick([1, 1, 3]),
    leaveAfter: random.maybe(0.3, () => random.pick([0, 1, 3, 8, 20, 100, 400, 2000])),
  };
}

function drawConsumers(random: Random, settings: Settings, first: number): Item[] {
  const items: Item[] = [];
  const stream = 1;
  const name = consumedStream(stream);
  // Where there are fewer connections to wait on than consumers, each waits for a short time.
  const most = settings.leaseWait >= 1000 ? 2 : Math.min(2, settings.leaseMax);
  const count = random.int(1, most);
  const never = count === 1 && random.chance(0.5);
  const claimIdle = never ? Infinity : random.pick([300, 300, 1000, 3000]);
  for (let id = STREAMS + count; id > STREAMS; id--) {
    const drawn = drawConsumer(random, id, first + random.pick(TIMES), stream);
    const block = count > settings.leaseMax ? 250 : drawn.block;
    // Where nothing is claimed, what has failed is not tried again.
    items.push({ ...drawn, block, claimIdle, ...(never && { fails: 0, deadLetter: undefined }) });
  }
  items.push(...drawEntries(random, [name], first));
  if (never) items.push(...drawRefused(random, name, first));
  // Of what was delivered with a lost reply only its own consumer knows.
  for (let lost = never ? 2 : 0; lost > 0; lost--) items.push({ ...drawLostReply(random), link: random.int(1, 3) });
  if (random.chance(0.15))
    items.push({ kind: 'trim', at: first + random.pick(TIMES) + random.int(0, 60), stream: name, kept: 1 });
  if (!never && random.chance(0.3))
    items.push({ kind: 'steal', at: first + random.pick(TIMES) + random.int(0, 40), stream: name, count: 2 });
  return items;
}

/** The server refuses everything for the moment when entries have been handled. */
function drawRefused(random: Random, stream: string, first: number): Item[] {
  const at = first + random.pick(TIMES);
  return [
    { kind: 'entry', at, stream, count: 2 },
    {
      kind: 'refuse',
      at: at + random.int(1, 4),
      duration: random.pick([2, 30]),
      word: random.pick(['LOADING', 'MASTERDOWN']),
    },
  ];
}

function drawConsumer(random: Random, id: number, at: number, stream: number): Omit<ConsumeItem, 'claimIdle'> {
  const deadLetter = random.maybe(0.4, () => random.pick(['stream', 'stream', 'function'] as const));
  return {
    kind: 'consume',
    at,
    id,
    stream,
    from: random.pick(['0', '0', '$']),
    concurrency: random.pick([1, 1, 2, 4]),
    keyed: random.chance(0.2),
    deadLetter,
    maxDeliveries: random.pick([1, 2, 3]),
    deletes: random.chance(0.15),
    block: random.pick([300, 1000, 5000]),
    drainTimeout: random.pick([0, 100, 5000, 30_000]),
    bytes: random.chance(0.15),
    work: random.pick([[0], [5], [0, 20, 3], [50, 5], [400]]),
    gives: random.pick(['value', 'promise', 'observable', 'observable']),
    fails: random.pick([0, 0, 1, 2, ...(deadLetter === undefined ? [] : [Infinity])]),
    leaveAfter: random.maybe(0.3, () => random.pick([0, 1, 3, 8, 20, 100, 400, 2000])),
  };
}
