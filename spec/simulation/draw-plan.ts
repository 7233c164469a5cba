import { drawGreetings, drawLinks, drawPieces, WORDS } from './draw-faults';
import { drawGroups, drawInterrupted, drawLongGroups, LONG_GROUPS } from './draw-groups';
import { LEASES, drawLeaseLimits, drawLeases, drawTypedWatches } from './draw-leases';
import { drawSend, MEMBERS, TIMEOUTS, RETRIES } from './draw-send';
import type { Item, JoinItem, Plan, SendItem, Settings } from './plan';
import { Random } from './random';
import { JOBS, drawJobs } from './draw-jobs';
import { STREAMS, drawStreams } from './draw-streams';
import { TAKES, drawTakes } from './draw-takes';
import { FORBIDDEN, MOVING } from './server';

const CHANNELS = ['news', 'sport', 'news', 'ne*', 's*', 'weather'];
const SHARD_CHANNELS = ['news', 'sport', 'weather'];
/** The id of a command that stands behind all others. */
const LAST_ID = 1_000;
/** Ids of commands that publish right behind who subscribes. */
const PUBLISHERS = 2000;
/** Ids of commands that select a database. */
const SELECTORS = 3000;
/** Ids of commands that write to one key, around one that is refused. */
const RIVALS = 4000;
/** Ids of commands around a script. */
const SCRIPTS = 6000;
/** Ids of what is published by a server that serves nothing. */
const DEAF = 5000;
/** When the last item of a plan happens at the latest, ms. */
const LENGTH = 1500;
/** What the server may be, by no chance. */
const VERSIONS = [6, 7, 8] as const;
/** How long the client stays subscribed to what has no Observer any more, ms. */
const IDLE = 100;

/** What a plan has most of. */
interface Theme {
  /** how many commands, channels observed at a time or another, and names in one observation */
  readonly sends: readonly number[];
  readonly joins: readonly number[];
  readonly names: number;
  /** how many connections are befallen by something, and by how much each */
  readonly links: readonly number[];
  readonly faults: readonly number[];
}

const THEMES: readonly Theme[] = [
  { sends: [1, 3, 8, 15, 30], joins: [0, 0, 1, 2, 4], names: 2, links: [1, 2, 4, 6], faults: [0, 1, 1, 2, 3] },
  { sends: [1, 3, 8, 15, 30], joins: [0, 0, 1, 2, 4], names: 2, links: [1, 2, 4, 6], faults: [0, 1, 1, 2, 3] },
  { sends: [0, 2, 4], joins: [2, 5, 8], names: 3, links: [2, 4, 6], faults: [1, 1, 2, 3] },
  { sends: [30, 50], joins: [0, 1], names: 1, links: [8], faults: [1, 2] },
];

/** The plan of a seed: what the client is told, what its user does, and what befalls it. */
export function drawPlan(seed: number): Plan {
  const random = new Random(seed);
  const settings = {
    ...drawSettings(random),
    ...drawLeaseLimits(new Random(seed + LEASES)),
    named: seed % 2 === 0,
    streams: VERSIONS[seed % 3]!,
    // No chance of other draws is taken.
    traced: seed % 8 === 5,
  };
  const theme = random.pick(THEMES);
  const length = random.pick([20, 100, 400, LENGTH]);
  const sends = drawSends(random, random.pick(theme.sends), length);
  const items: Item[] = [
    ...sends,
    ...drawClose(random, sends),
    ...drawSelects(random, sends),
    ...drawJoins(random, theme, length),
    ...drawUserActions(random, length),
    ...drawServer(random, length),
    ...drawLinks(random, theme.links, theme.faults),
    ...drawRivals(random, length),
    ...drawGroups(random, sends, length),
    ...drawRefusedRotation(random, settings, length),
    ...drawMigration(random, length),
    ...drawGreetings(random),
    ...drawDeafness(random, length),
    ...drawRemoval(random, length),
    ...drawMonitor(random, length),
    ...drawInterrupted(random, length),
  ];
  if (random.chance(0.05)) return drawShift(random, seed, settings);
  // Chance of its own, so that all else stays as it was drawn.
  const own = [
    ...drawScripts(new Random(seed + SCRIPTS), length),
    ...drawLeases(new Random(seed + 2 * LEASES), length),
    ...drawTakes(new Random(seed + 4 * TAKES), settings, length),
    ...drawStreams(new Random(seed + 8 * STREAMS), settings, length),
  ];
  // Connections are counted as they are made, so those of others would be others beside a queue.
  const isFree = !own.some(({ kind }) => kind === 'take' || kind === 'tail' || kind === 'consume');
  const jobs = isFree ? drawJobs(new Random(seed + 16 * JOBS), settings, length) : [];
  if (!isFree || jobs.length > 0) return { seed, settings, items: [...items, ...own, ...jobs] };
  // What is rare beside streams and queues stays as rare as it was.
  const others = [
    ...drawLongGroups(new Random(seed + 32 * LONG_GROUPS), settings, length),
    ...drawTypedWatches(new Random(seed + 64 * LEASES), length),
  ];
  return { seed, settings, items: [...items, ...own, ...others] };
}

/** Somewhere a reply is left out or comes twice, among commands of one kind or of many. Nothing else befalls the client. */
function drawShift(random: Random, seed: number, drawn: Settings): Plan {
  const settings: Settings = {
    ...drawn,
    verify: random.pick([0, 0, 1, 2, 5]),
    ...{ offlineQueue: 1000, reconnect: 'soon', retry: 'off', reconnectOnError: 'default', password: false },
  };
  const length = random.pick([5, 20, 100, 400]);
  const kinds = random.pick([[random.pick(MEMBERS)], [random.pick(MEMBERS), random.pick(MEMBERS)], MEMBERS]);
  const count = random.pick([3, 8, 15, 30]);
  const plain = { timeout: undefined, idempotent: undefined, retry: undefined, throws: undefined, reaction: undefined };
  const items: Item[] = [];
  for (let id = 1; id <= count; id++) {
    const send = { ...drawSend(random, id, random.int(0, length)), ...plain, call: random.pick(kinds), wait: 0 };
    if (send.how === 'retrySafely') continue;
    const members = Array.from({ length: random.int(2, 4) }, () => random.pick(kinds));
    const transaction = random.maybe(0.5, () => true);
    const group = { ...send, call: 'group', members, transaction, size: Math.min(send.size, 30) } as const;
    items.push(random.chance(0.4) ? group : send);
  }
  const manner = random.pick(['swallow', 'double'] as const);
  items.push({ kind: 'link', link: 0, fault: { type: 'shift', manner, after: random.int(0, Math.ceil(count / 2)) } });
  if (random.chance(0.3)) items.push({ kind: 'link', link: 'every', fault: { ...drawPieces(random), gap: 0 } });
  return { seed, settings, items };
}

function drawSettings(
  random: Random,
): Omit<Settings, 'leaseMax' | 'leaseIdle' | 'leaseWait' | 'named' | 'streams' | 'traced'> {
  return {
    protocol: random.pick(['auto', 'auto', 'auto', 2, 3]),
    autoPipeline: random.chance(0.85),
    pipelineDepth: random.pick([10_000, 10_000, 1, 2, 7]),
    verify: 0,
    writeBufferSize: random.pick([1024, 1024, 4096, 16_384]),
    offlineQueue: random.pick([1000, 1000, 4, 1, 0]),
    reconnect: random.chance(0.05)
      ? 'off'
      : random.chance(0.03)
        ? 'destroying'
        : random.pick(['soon', 'soon', 'late', 'late', 'thrice', 'function', 'waiting']),
    retry: random.pick(['default', 'default', 'default', 'default', ...RETRIES, 'throwing', 'destroying']),
    commandTimeout: random.pick([...TIMEOUTS, 1000, Infinity, Infinity]),
    readTimeout: random.pick([50, 200, 1000]),
    writeTimeout: random.pick([50, 200, 1000]),
    connectTimeout: random.pick([30, 100, 1000]),
    blockingGrace: random.pick([10, 100]),
    database: random.pick([0, 0, 2]),
    password: random.chance(0.3),
    clientName: random.chance(0.3),
    onConnect: random.chance(0.2),
    reconnectOnError: random.pick(['default', 'default', 'default', 'masterdown', 'throwing', 'destroying']),
    ending: random.pick(['close', 'close', 'dispose', 'destroy', 'destroy']),
  };
}

function drawSends(random: Random, count: number, length: number): Item[] {
  const items: Item[] = [];
  let at = 0;
  for (let id = 1; id <= count; id++) {
    if (!random.chance(0.5)) at = random.int(0, length);
    const item = drawSend(random, id, at);
    items.push(item);
    if (item.call !== 'blpop') continue;
    if (item.wait === 0 || random.chance(0.5)) items.push({ kind: 'push', at: at + random.int(0, 100), id });
  }
  return items;
}

/** The client is closed while it waits for a reply, or when somebody has left whom the server had refused for the moment. */
function drawClose(random: Random, items: readonly Item[]): Item[] {
  const sends = items.filter(({ kind }) => kind === 'send') as SendItem[];
  if (sends.length === 0 || !random.chance(0.12)) return [];
  const { at } = random.pick(sends);
  if (random.chance(0.7)) return [{ kind: 'close', at: at + random.int(0, 3) }];
  const leaveAfter = random.pick([5, 20]);
  return [
    { ...drawSend(random, LAST_ID, at), call: 'get', how: 'observe', leaveAfter },
    { kind: 'refuse', at, duration: 600, word: random.pick(['LOADING', 'TRYAGAIN']) },
    { kind: 'close', at: at + leaveAfter + random.int(1, 3) },
  ];
}

/** Another database is selected around commands, some of which the server refuses for the moment. */
function drawSelects(random: Random, items: readonly Item[]): Item[] {
  const sends = items.filter(({ kind }) => kind === 'send') as SendItem[];
  if (sends.length === 0 || !random.chance(0.15)) return [];
  const selects: Item[] = [];
  for (let id = random.int(1, 3); id > 0; id--) {
    const { at } = random.pick(sends);
    if (random.chance(0.5))
      selects.push({ kind: 'refuse', at, duration: random.pick([3, 30]), word: random.pick(['TRYAGAIN', 'LOADING']) });
    const select = drawSend(random, SELECTORS + id, at + random.pick([0, 1, 5, 40, 52]));
    selects.push({ ...select, call: 'select', how: 'observe', reaction: undefined });
  }
  return selects;
}

/** A write is refused for the moment, and others to the same key are called until it comes back. */
function drawRivals(random: Random, length: number): Item[] {
  if (!random.chance(0.1)) return [];
  const first = random.int(0, length);
  const items: Item[] = [{ kind: 'refuse', at: first, duration: 20, word: 'TRYAGAIN' }];
  for (let id = random.int(2, 8); id > 0; id--) {
    const at = first + random.pick([0, 1, 5, 40, 50, 52, 54]);
    items.push({ ...drawSend(random, RIVALS + id, at), call: 'push', how: 'observe', reaction: undefined });
  }
  return items;
}

/** A script is called again and again among others that write to its key, and the server forgets it meanwhile. */
function drawScripts(random: Random, length: number): Item[] {
  if (!random.chance(0.2)) return [];
  const first = random.int(0, length);
  const items: Item[] = [];
  const times = [0, 0, 0, 1, 2, 5, 40, 50, 52, 54];
  for (let id = random.int(2, 10); id > 0; id--) {
    const at = first + random.pick(times);
    const call = random.pick(['script', 'script', 'push', 'get'] as const);
    items.push({ ...drawSend(random, SCRIPTS + id, at), call, reaction: undefined });
  }
  for (let count = random.pick([0, 1, 1, 2]); count > 0; count--)
    items.push({ kind: 'scriptFlush', at: first + random.pick(times) + random.int(0, 3) });
  return items;
}

/** In RESP2 a rotation takes the subscriptions away and brings them back, and the server has none of that for the moment. */
function drawRefusedRotation(random: Random, { protocol, password }: Settings, length: number): Item[] {
  if (protocol !== 2 || !password || !random.chance(0.5)) return [];
  const at = random.int(20, 20 + length);
  return [
    { kind: 'join', at: random.int(0, 10), id: LAST_ID, names: [random.pick(CHANNELS)], bytes: false },
    { kind: 'rotate', at, wrongly: false },
    { kind: 'refuse', at, duration: random.pick([5, 10, 30]), word: random.pick(['TRYAGAIN', 'LOADING']) },
  ];
}

/** The client leaves a shard channel, after its Observer, while the server takes it away. */
function drawMigration(random: Random, length: number): Item[] {
  if (!random.chance(0.1)) return [];
  const [at, leaveAfter] = [random.int(0, length), random.pick([30, 60])];
  return [
    { kind: 'join', at, id: LAST_ID + 1, names: [MOVING], sharded: true, bytes: false, leaveAfter },
    {
      kind: 'migrate',
      at: at + leaveAfter + IDLE + random.pick([-1, 0, 0, 0, 1]),
      duration: random.pick([5, 50]),
      channel: MOVING,
    },
  ];
}

/** A shard channel is taken away that is observed still, while the client leaves another one. */
function drawRemoval(random: Random, length: number): Item[] {
  if (!random.chance(0.05)) return [];
  const [at, leaveAfter] = [random.int(0, length), random.pick([30, 60])];
  const join = { kind: 'join', at, sharded: true, bytes: false } as const;
  return [
    { ...join, id: LAST_ID + 5, names: [MOVING] },
    { ...join, id: LAST_ID + 6, names: ['sport'], leaveAfter },
    {
      kind: 'migrate',
      at: at + leaveAfter + IDLE + random.pick([-1, 0, 0, 1]),
      duration: random.pick([5, 50, 500]),
      channel: MOVING,
    },
  ];
}

/** Several observe on one lent connection what all commands do. */
function drawMonitor(random: Random, length: number): Item[] {
  if (!random.chance(0.06)) return [];
  const [observers, gap] = [random.pick([1, 2, 2, 3]), random.pick([0, 0, 10])];
  const leaveAfter = random.maybe(0.5, () => random.pick([10, 100, 500]));
  return [{ kind: 'monitor', at: random.int(0, Math.ceil(length / 2)), id: LAST_ID + 4, observers, gap, leaveAfter }];
}

/** The server serves nothing for a while and goes on pushing, and an Observer asks for a channel meanwhile. */
function drawDeafness(random: Random, length: number): Item[] {
  if (!random.chance(0.04)) return [];
  const at = random.int(10, 10 + length);
  const items: Item[] = [
    { kind: 'join', at: random.int(0, 5), id: LAST_ID + 2, names: ['news'], bytes: false },
    { kind: 'sleep', at, duration: 600 },
    { kind: 'join', at: at + 1, id: LAST_ID + 3, names: ['weather'], bytes: false },
  ];
  for (let id = 1; id <= 18; id++) items.push({ kind: 'publish', at: at + id * 30, id: DEAF + id, channel: 'news' });
  return items;
}

function drawJoins(random: Random, { joins, names }: Theme, length: number): Item[] {
  const items: Item[] = [];
  for (let id = random.pick(joins); id > 0; id--) {
    const join = drawJoin(random, id, names, random.int(0, length));
    items.push(join);
    // Who has subscribed publishes at once.
    if (random.chance(0.2))
      items.push({ ...drawSend(random, PUBLISHERS + id, join.at), call: 'publish', how: 'observe' });
  }
  if (items.length === 0) return items;
  for (let id = random.int(0, 8); id > 0; id--) {
    const channel = random.pick(['news', 'sport', 'weather']);
    items.push({ kind: 'publish', at: random.int(0, length), id, channel, sharded: random.maybe(0.1, () => true) });
  }
  return items;
}

function drawJoin(random: Random, id: number, most: number, at: number): JoinItem {
  const sharded = random.chance(0.1);
  const channels = sharded ? SHARD_CHANNELS : CHANNELS;
  const names = new Set([random.pick(channels)]);
  while (names.size < most && random.chance(0.4)) names.add(random.pick(channels));
  if (random.chance(0.04)) names.add(FORBIDDEN);
  return {
    kind: 'join',
    at,
    id,
    names: [...names],
    ...(sharded && { sharded }),
    bytes: random.chance(0.2),
    leaveAfter: random.maybe(0.6, () => random.pick([0, 1, 3, 10, 50, 200, 500])),
    takes: random.maybe(0.1, () => random.int(1, 3)),
    // By no chance, so that all else stays as it was drawn.
    ...((id + at) % 5 < 2 && { gaps: true }),
    throws: random.maybe(0.05, () => true),
  };
}

function drawUserActions(random: Random, length: number): Item[] {
  const items: Item[] = [];
  const at = () => random.int(0, length);
  if (random.chance(0.2)) items.push({ kind: 'connect', at: at() });
  if (random.chance(0.1)) items.push({ kind: 'close', at: at() });
  if (random.chance(0.05)) items.push({ kind: 'destroy', at: at() });
  for (let count = random.pick([0, 0, 0, 1, 3]); count > 0; count--)
    items.push({ kind: 'rotate', at: at(), wrongly: random.chance(0.3) });
  if (random.chance(0.05)) items.push({ kind: 'loseCredentials', at: at() });
  if (random.chance(0.1)) items.push({ kind: 'hold', at: at(), duration: random.pick([5, 30, 200, 2000]) });
  return items;
}

function drawServer(random: Random, length: number): Item[] {
  const items: Item[] = [];
  const at = () => random.int(0, length);
  const duration = () => random.pick([0, 5, 30, 150, 600]);
  if (random.chance(0.08)) items.push({ kind: 'restart', at: at(), duration: duration() });
  if (random.chance(0.12)) {
    items.push({ kind: 'failover', at: at(), duration: random.pick([0, 0, 5, 30, 150]) });
  }
  if (random.chance(0.12)) items.push({ kind: 'kill', at: at() });
  if (random.chance(0.12)) items.push({ kind: 'sleep', at: at(), duration: duration() });
  for (let count = random.pick([0, 0, 0, 1, 2]); count > 0; count--) {
    items.push({ kind: 'refuse', at: at(), duration: duration(), word: random.pick(WORDS) });
  }
  return items;
}
