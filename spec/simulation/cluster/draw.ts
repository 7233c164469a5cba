import { Random } from '../random';

/** How many slots are used, and how many keys in each. */
export const USED = 8;
export const KEYS = 2;

/** A call of the workload. */
export interface CallItem {
  readonly kind: 'call';
  readonly at: number;
  readonly op:
    'rpush' | 'set' | 'get' | 'mget' | 'mset' | 'del' | 'pipeline' | 'multi' | 'eval' | 'spublish' | 'publish';
  /** which keys, by number; those of a transaction have the slot of the first */
  readonly keys: readonly number[];
  readonly leaveAfter: number | undefined;
}

/** Somebody observes a channel. */
export interface JoinItem {
  readonly kind: 'join';
  readonly at: number;
  readonly of: 'shard' | 'channel';
  readonly channel: number;
  readonly leaveAfter: number | undefined;
}

/** Another client publishes, at the node that has the channel. */
export interface NewsItem {
  readonly kind: 'news';
  readonly at: number;
  readonly of: 'shard' | 'channel';
  readonly channel: number;
}

/** How a master is replaced: by order; or because it was killed, hangs, or does not hear of the others. */
export type Cause = 'ordered' | 'killed' | 'hung' | 'apart';

/** What befalls the cluster. Nodes and slots are numbers, and what is not possible then does not happen. Durations are ms. */
export type Happening = { readonly at: number } & (
  | {
      readonly kind: 'failover';
      readonly slot: number;
      readonly how: Cause;
      readonly detection: number;
      /** how long all slots are refused until a replica is promoted */
      readonly outage: number;
      /** until the old master is back, from the beginning */
      readonly back: number;
      readonly lags: readonly number[];
    }
  /** slots change their owner at once */
  | {
      readonly kind: 'move';
      readonly slots: readonly number[];
      readonly to: number;
      readonly lags: readonly number[];
    }
  /** a slot moves key by key */
  | {
      readonly kind: 'migrate';
      readonly slot: number;
      readonly to: number;
      readonly steps: readonly number[];
      readonly lags: readonly number[];
    }
  | { readonly kind: 'unserved'; readonly slot: number; readonly for: number; readonly lags: readonly number[] }
  | { readonly kind: 'leave'; readonly node: number; readonly stops: boolean; readonly lags: readonly number[] }
  | {
      readonly kind: 'restart';
      readonly node: number;
      readonly for: number;
      readonly loading: number;
      /** its slots are another's when it is back */
      readonly to: number | undefined;
      readonly lags: readonly number[];
    }
  | { readonly kind: 'away'; readonly node: number; readonly state: 'away' | 'hung'; readonly for: number }
  | { readonly kind: 'cut'; readonly node: number }
);

/** A world, and what befalls it. */
export interface World {
  readonly seed: number;
  /** by node: the master that it follows; itself where it is one */
  readonly masters: readonly number[];
  /** so many of the first nodes have slots */
  readonly shards: number;
  readonly distances: readonly number[];
  /** nodes hear of epochs before they hear of what has changed, so much of their lag */
  readonly early: number;
  /** When what befalls it is over, and how soon then everything is to have settled, ms; what began before `exempt` may take longer. */
  readonly settles?: { readonly over: number; readonly within: number; readonly exempt: number };
  /** It is judged how soon the client does what it has to. */
  readonly isSwift?: boolean;
  readonly options: {
    readonly endpoint: 'named' | 'unnamed';
    readonly commandTimeout: number;
    readonly readTimeout: number;
    readonly offlineQueue: number;
    readonly autoPipeline: boolean;
    readonly reads: 'master' | 'replica' | 'nearest';
    readonly seeds: number;
    readonly closes: boolean;
  };
  readonly items: readonly (CallItem | JoinItem | NewsItem | Happening)[];
}

const OPS: readonly CallItem['op'][] = [
  ...(['rpush', 'rpush', 'rpush', 'rpush', 'set', 'set', 'get', 'mget', 'mset', 'del'] as const),
  ...(['pipeline', 'multi', 'eval', 'spublish', 'spublish', 'publish'] as const),
];

/** The same world for the same seed. */
export function drawWorld(seed: number): World {
  const random = new Random(seed + 11_000_000);
  const shards = random.int(2, 3);
  const masters = Array.from({ length: shards }, (_, index) => index);
  for (let master = 0; master < shards; master++) if (random.chance(0.7)) masters.push(master);
  if (random.chance(0.4)) masters.push(masters.length);
  const distances = masters.map(() => random.pick([0, 1, 1, 2, 5, 20]));
  const happenings = drawHappenings(random, masters.length);
  const end = Math.max(...happenings.map(({ at }) => at)) + random.pick([200, 1_500]);
  return {
    seed,
    masters,
    shards,
    distances,
    early: random.pick([0, 0, 0.5, 1]),
    options: {
      endpoint: random.pick(['named', 'named', 'unnamed']),
      commandTimeout: random.pick([700, 3_000, 6_000]),
      readTimeout: random.pick([800, 2_500]),
      offlineQueue: random.pick([3, 1_000, Infinity]),
      autoPipeline: random.chance(0.8),
      reads: random.pick(['master', 'master', 'master', 'replica', 'nearest']),
      seeds: random.int(1, masters.length),
      closes: random.chance(0.5),
    },
    items: [
      ...happenings,
      ...drawJoins(random, end),
      ...drawCalls(random, happenings, end),
      ...drawNews(random, happenings),
    ],
  };
}

function drawHappenings(random: Random, nodes: number): Happening[] {
  const happenings: Happening[] = [];
  const slot = () => random.int(0, USED - 1);
  const node = () => random.int(0, nodes - 1);
  const lags = () => Array.from({ length: nodes }, () => random.pick([0, 0, 2, 10, 60, 400, 1_500]));
  let at = random.int(20, 300);
  for (let times = random.int(1, 4); times > 0; times--) {
    happenings.push(
      random.pick<() => Happening>([
        () => drawFailover(random, at, slot(), lags()),
        () => drawFailover(random, at, slot(), lags()),
        () => ({
          kind: 'move',
          at,
          slots: Array.from({ length: random.int(1, 4) }, slot),
          to: node(),
          lags: lags(),
        }),
        () => drawMigration(random, at, slot(), node(), lags()),
        () => drawMigration(random, at, slot(), node(), lags()),
        () => ({ kind: 'unserved', at, slot: slot(), for: random.pick([3, 10, 30, 1_000]), lags: lags() }),
        () => ({ kind: 'leave', at, node: node(), stops: random.chance(0.5), lags: lags() }),
        () => ({
          kind: 'restart',
          at,
          node: node(),
          for: random.pick([0, 20, 400, 2_000]),
          loading: random.pick([0, 0, 50, 700]),
          to: random.maybe(0.5, node),
          lags: lags(),
        }),
        () => ({
          kind: 'away',
          at,
          node: node(),
          state: random.pick(['away', 'hung']),
          for: random.pick([30, 500, 2_000, 4_000]),
        }),
        () => ({ kind: 'cut', at, node: node() }),
        () => ({ kind: 'cut', at, node: node() }),
      ])(),
    );
    at += random.pick([0, 5, 40, 300, 1_500]);
  }
  return happenings;
}

function drawFailover(random: Random, at: number, slot: number, lags: readonly number[]): Happening {
  const how = random.pick<Cause>(['ordered', 'killed', 'hung', 'apart']);
  const detection = how === 'ordered' ? random.pick([0, 5, 50]) : random.pick([300, 900, 1_800]);
  const back = random.pick([500, 2_500, 5_000]);
  return { kind: 'failover', at, slot, how, detection, outage: random.pick([0, 200, 900]), back, lags };
}

function drawMigration(random: Random, at: number, slot: number, to: number, lags: readonly number[]): Happening {
  const steps = Array.from({ length: KEYS + 1 }, () => random.pick([0, 3, 20, 100, 500]));
  return { kind: 'migrate', at, slot, to, steps, lags };
}

function drawJoins(random: Random, end: number): JoinItem[] {
  return Array.from({ length: random.int(0, 4) }, () => ({
    kind: 'join',
    at: random.pick([0, random.int(0, end)]),
    of: random.pick(['shard', 'shard', 'channel']),
    channel: random.int(0, 2),
    leaveAfter: random.maybe(0.3, () => random.int(0, end)),
  }));
}

/** Most calls come near to what happens. */
function drawCalls(random: Random, happenings: readonly Happening[], end: number): CallItem[] {
  const calls: CallItem[] = [];
  const size = random.pick([10, 25, 50]);
  while (calls.length < size) {
    const near = random.pick(happenings).at + random.int(-30, random.pick([20, 100, 800]));
    const at = Math.max(0, random.chance(0.7) ? near : random.int(0, end));
    const own = random.int(0, USED - 1);
    for (let burst = random.pick([1, 1, 3, 8]); burst > 0; burst--) {
      const op = random.pick(OPS);
      const first = (random.chance(0.6) ? own : random.int(0, USED - 1)) * KEYS + random.int(0, KEYS - 1);
      const others = Array.from({ length: random.int(1, 3) }, () => random.int(0, USED * KEYS - 1));
      calls.push({
        kind: 'call',
        at,
        op,
        keys: [first, ...others],
        leaveAfter: random.maybe(0.08, () => random.int(0, 60)),
      });
    }
  }
  return calls;
}

function drawNews(random: Random, happenings: readonly Happening[]): NewsItem[] {
  return Array.from({ length: random.pick([0, 20, 40]) }, () => ({
    kind: 'news',
    at: random.pick(happenings).at + random.int(0, random.pick([30, 300, 3_000])),
    of: random.pick(['shard', 'shard', 'channel']),
    channel: random.int(0, 2),
  }));
}
