import { Random } from '../random';
import { KEYS, USED, type CallItem, type Happening, type JoinItem, type World } from './draw';

/** How soon a client is to find out by itself that a node is gone or silent, ms. */
const WITHIN = 3_000;
/** Limits that end nothing, ms: only what a client notices does. */
const NO_LIMIT = 3_600_000;

/** From this seed on nothing ends by a limit. */
export const PATIENT = 50_000_000;

/** The same world for the same seed: one thing befalls it, and no limit of the client helps. Its draws are its own. */
export function drawPatientWorld(seed: number): World {
  const random = new Random(seed + 23_000_000);
  const masters = [0, 1, 0, 1];
  const at = random.int(100, 300);
  const lags = masters.map(() => random.pick([0, 0, 2, 10, 60, 400]));
  const kind = random.pick(['master', 'master', 'master', 'replica', 'leaves'] as const);
  const detection = random.pick([300, 900, 1_800]);
  const outage = random.pick([0, 200]);
  const how = random.pick(['killed', 'hung'] as const);
  const slot = random.int(0, USED - 1);
  // What a replica owes is waited for; the next read goes to the master.
  const over = { master: at + detection + outage + 400, replica: at + 1_500, leaves: at }[kind];
  const happenings: Record<typeof kind, readonly Happening[]> = {
    master: [{ kind: 'failover', at, slot, how, detection, outage, back: NO_LIMIT, lags }],
    replica: [{ kind: 'away', at, node: random.pick([2, 3]), state: 'hung', for: NO_LIMIT }],
    leaves: [
      { kind: 'leave', at, node: 1, stops: false, lags: lags.map(() => 0) },
      { kind: 'away', at: at + 1, node: 1, state: 'hung', for: NO_LIMIT },
      { kind: 'cut', at: at + 1, node: 1 },
    ],
  };
  const isQuiet = random.chance(0.4);
  const call = (time: number, op: CallItem['op']): CallItem => {
    const key = random.int(0, USED * KEYS - 1);
    return { kind: 'call', at: time, op, keys: [key, random.int(0, USED * KEYS - 1)], leaveAfter: undefined };
  };
  const ops = ['get', 'get', 'mget', 'rpush', 'set'] as const;
  const calls = Array.from({ length: isQuiet ? 0 : random.int(3, 25) }, () =>
    call(Math.max(0, random.pick([at - 50, at, over]) + random.int(-40, 1_000)), random.pick(ops)),
  );
  // It is known before, and noticed by what it owes.
  for (let own = 0; kind === 'replica' && own < 2 * USED; own++)
    calls.push({ kind: 'call', at: own < USED ? 0 : at + 1, op: 'get', keys: [own * KEYS], leaveAfter: undefined });
  const joins = Array.from({ length: random.int(isQuiet ? 1 : 0, 3) }, (): JoinItem => {
    const of = random.pick(['shard', 'channel'] as const);
    return { kind: 'join', at: 0, of, channel: random.int(0, 2), leaveAfter: undefined };
  });
  return {
    seed,
    masters,
    shards: 2,
    distances: masters.map(() => random.pick([0, 1, 2])),
    early: random.pick([0, 1]),
    settles: { over, within: WITHIN, exempt: kind === 'replica' ? over : 0 },
    options: {
      endpoint: 'named',
      commandTimeout: NO_LIMIT,
      readTimeout: NO_LIMIT,
      offlineQueue: Infinity,
      autoPipeline: random.chance(0.8),
      reads: kind === 'replica' ? 'replica' : 'master',
      seeds: masters.length,
      closes: false,
    },
    // The last of them is told when all has to be over.
    items: [...happenings[kind], ...joins, ...calls, { kind: 'news', at: over + WITHIN, of: 'channel', channel: 0 }],
  };
}
