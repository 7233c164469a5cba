import { Random } from '../random';
import { KEYS, USED, type CallItem, type Happening, type JoinItem, type World } from './draw';

/** Limits that end nothing, ms: only what a client notices does. */
const NO_LIMIT = 3_600_000;

/** From this seed on the client is to be as quick as it says. */
export const SWIFT = 60_000_000;

/** The same world for the same seed: a master is replaced, slots move, or a node leaves. Its draws are its own. */
export function drawSwiftWorld(seed: number): World {
  const random = new Random(seed + 29_000_000);
  const masters = [0, 1, 2, 0, 1, 2];
  const at = random.int(100, 300);
  const kind = random.pick(['killed', 'killed', 'hung', 'move', 'leaves'] as const);
  const lags = masters.map(() => random.pick([0, 0, 2, 10, 60, 400]));
  const detection = random.pick(kind === 'hung' ? [900, 1_800, 6_000] : [300, 900, 1_800, 6_000, 16_000]);
  const outage = random.pick([0, 0, 200, 900]);
  const slot = random.int(0, USED - 1);
  const failover = (how: 'killed' | 'hung'): Happening => ({
    ...{ kind: 'failover', at, slot, how, detection, outage, back: NO_LIMIT, lags },
  });
  const happenings: Record<typeof kind, () => Happening> = {
    killed: () => failover('killed'),
    hung: () => failover('hung'),
    move: () => ({ kind: 'move', at, slots: [slot], to: random.int(0, 2), lags: lags.map(() => 0) }),
    leaves: () => ({ kind: 'leave', at, node: random.int(1, 5), stops: false, lags }),
  };
  const happening = happenings[kind]();
  const over = kind === 'killed' || kind === 'hung' ? at + detection + outage : at;
  const call = (time: number, own: number): CallItem => {
    const op = random.pick(['rpush', 'rpush', 'set', 'get'] as const);
    return { kind: 'call', at: time, op, keys: [own * KEYS + random.int(0, KEYS - 1)], leaveAfter: undefined };
  };
  const calls = Array.from({ length: random.int(20, 60) }, () =>
    call(
      random.pick([random.int(0, over), at + random.int(1, 60), over + random.int(-60, 200)]),
      random.int(0, USED - 1),
    ),
  );
  // Something is owed from the beginning, and waits for the slot.
  for (let own = 0; own < USED; own++) calls.push(call(0, own), call(at + 1, own));
  const joins = Array.from({ length: random.int(0, 3) }, (): JoinItem => {
    const of = random.pick(['shard', 'shard', 'channel'] as const);
    return { kind: 'join', at: 0, of, channel: random.int(0, 2), leaveAfter: undefined };
  });
  return {
    seed,
    masters,
    shards: 3,
    distances: masters.map(() => random.pick([0, 1, 2])),
    early: random.pick([0, 1]),
    isSwift: true,
    options: {
      endpoint: 'named',
      commandTimeout: NO_LIMIT,
      readTimeout: NO_LIMIT,
      offlineQueue: Infinity,
      autoPipeline: random.chance(0.8),
      reads: 'master',
      seeds: masters.length,
      closes: false,
    },
    items: [
      happening,
      ...joins,
      ...calls.map((one) => ({ ...one, at: Math.max(0, one.at) })),
      { kind: 'news', at: over + 3_000, of: 'channel', channel: 0 },
    ],
  };
}
