import type { CounterType, DedicatedItem, Item, LeaseStep, LinkItem, Settings, WatchItem } from './plan';
import type { Random } from './random';

/** Ids of work on lent connections. Its chance is its own as well, so that all else stays as it was drawn. */
export const LEASES = 8_000;
/** The id of a `watch` whose reply is lost. */
const LOST_EXEC = 8_500;
/** Ids of those that watch counters of several types. */
const TYPED = 8_600;

/** Few connections, so that callers wait for each other; all limits are shorter than what a run waits for at its end. */
export function drawLeaseLimits(random: Random): Pick<Settings, 'leaseMax' | 'leaseIdle' | 'leaseWait'> {
  return {
    leaseMax: random.pick([1, 1, 2, 3]),
    leaseIdle: random.pick([20, 300, 3000, 10_000]),
    leaseWait: random.pick([30, 200, 1000, 5000]),
  };
}

/** Callers that want a connection of their own, several at a time, and others later when connections may be idle. */
export function drawLeases(random: Random, length: number): Item[] {
  if (!random.chance(0.2)) return [];
  const items: Item[] = [];
  const first = random.int(0, length);
  const times = [0, 0, 1, 2, 5, 10, 30, 100, 400, 1200, 2500];
  for (let id = LEASES + random.int(2, 12); id > LEASES; id--) {
    const at = first + random.pick(times);
    items.push(random.chance(0.6) ? drawDedicated(random, id, at) : drawWatch(random, id, at));
  }
  for (let count = random.pick([0, 0, 1, 3]); count > 0; count--)
    items.push({ kind: 'touch', at: first + random.pick(times) + random.int(0, 5), key: random.int(1, 2) });
  if (random.chance(0.3)) items.push({ kind: 'kill', at: first + random.pick(times) + random.int(1, 6) });
  if (random.chance(0.4)) items.push(drawLostReply(random));
  if (random.chance(0.3)) items.push(...drawLostExec(random, first + random.int(0, 50)));
  return items;
}

/** A connection is lost behind what the server has run, and before its reply has come. */
function drawLostReply(random: Random): LinkItem {
  const [link, after, plus] = [random.int(0, 5), random.int(0, 8), random.pick([0, 0, 1])];
  const place = { way: 'down', since: 'ready', after, plus } as const;
  return { kind: 'link', link, fault: { type: 'cut', ...place, notice: random.pick([0, 5, 300]), both: false } };
}

/** A `watch` whose transaction runs, and whose reply is lost on the way. */
function drawLostExec(random: Random, at: number): Item[] {
  const watch = { ...drawWatch(random, LOST_EXEC, at), attempts: 16, leaveAfter: undefined } as const;
  // Behind the replies to WATCH, what reads, MULTI and the two commands.
  const place = { way: 'down', since: 'ready', after: random.int(4, 6), plus: random.pick([0, 0, 1]) } as const;
  const fault = { type: 'cut', ...place, notice: random.pick([0, 5, 300]), both: false } as const;
  return [
    { ...watch, gives: 'commands' },
    { kind: 'link', link: random.int(0, 3), fault },
  ];
}

/** Counters that are no strings, or no strings any more, and are watched again and again. */
export function drawTypedWatches(random: Random, length: number): Item[] {
  if (!random.chance(0.12)) return [];
  const first = random.int(0, length);
  const types = ['hash', 'list', 'hash', 'list', 'string', 'none'] as const;
  const retype = (at: number, type: CounterType = random.pick(types)): Item => {
    return { kind: 'retype', at, key: random.int(1, 2), type };
  };
  const items: Item[] = [1, 2].map((key) => ({ kind: 'retype', at: first, key, type: random.pick(types) }));
  const times = [1, 1, 5, 10, 30, 60, 100, 400];
  for (let id = TYPED + random.int(2, 8); id > TYPED; id--) {
    const watch = drawWatch(random, id, first + random.pick(times));
    items.push({ ...watch, key: random.int(1, 2), byName: false, typed: true });
  }
  for (let count = random.pick([0, 0, 1, 2, 4]); count > 0; count--)
    items.push(retype(first + random.pick(times) + random.int(0, 6)));
  return items;
}

function drawDedicated(random: Random, id: number, at: number): DedicatedItem {
  return {
    kind: 'dedicated',
    at,
    id,
    steps: drawSteps(random),
    ending: random.pick(['completes', 'completes', 'completes', 'fails', 'throws']),
    promise: random.chance(0.3),
    leaveAfter: random.maybe(0.3, () => random.pick([0, 1, 2, 3, 4, 5, 8, 20, 100])),
  };
}

/** What the work does in turn: a transaction that is begun need not be ended, nor what is watched left. */
function drawSteps(random: Random): LeaseStep[] {
  const steps: LeaseStep[] = [];
  let isOpen = false;
  for (let count = random.pick([0, 1, 2, 4, 7]); count > 0; count--) {
    const common = ['get', 'incr', 'wait', 'behind'] as const;
    const step: LeaseStep = isOpen
      ? random.pick([...common, 'exec', 'discard', 'exec', 'select'])
      : random.pick([...common, 'multi', 'multi', 'watch', 'watch', 'unwatch', 'select', 'name', 'transaction']);
    if (step === 'multi') isOpen = true;
    if (step === 'exec' || step === 'discard') isOpen = false;
    steps.push(step);
  }
  return steps;
}

function drawWatch(random: Random, id: number, at: number): WatchItem {
  return {
    kind: 'watch',
    at,
    id,
    key: random.pick([1, 1, 1, 2]),
    attempts: random.pick([1, 1, 3, 16]),
    gives: random.pick(['commands', 'commands', 'commands', 'promise', 'later', 'nothing', 'error']),
    byName: random.chance(0.5),
    leaveAfter: random.maybe(0.2, () => random.pick([0, 1, 2, 3, 4, 5, 8, 20, 100])),
  };
}
