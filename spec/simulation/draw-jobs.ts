import { TIMES, leavesThemAlone } from './draw-streams';
import type { Item, LinkItem, Settings, WorkerItem } from './plan';
import type { Random } from './random';

/** Ids of workers. Its chance is its own as well, so that all else stays as it was drawn. */
export const JOBS = 9_800;

/** Those who do the jobs of a queue, each with a connection of its own to wait on, and the jobs that other clients put in. */
export function drawJobs(random: Random, settings: Settings, length: number): Item[] {
  if (!random.chance(0.8)) return [];
  if (!leavesThemAlone(settings)) return [];
  const first = random.int(0, length);
  const times = () => first + random.pick(TIMES) + random.int(0, 40);
  const options = {
    lease: random.pick([1000, 1000, 3000]),
    attempts: random.pick([1, 2, 3]),
    backoff: random.pick([0, 20, 400, 1500]),
    deadLetter: random.chance(0.7),
  };
  const isHeldUp = random.chance(0.4);
  const items: Item[] = isHeldUp ? drawHeldUp(random, options, first + random.int(20, 100)) : [];
  for (let id = JOBS + random.int(1, 2); id > JOBS; id--) {
    const drawn = drawWorker(random, id, first + random.pick(TIMES));
    items.push({ ...options, ...drawn, ...(isHeldUp && { at: first, work: [5, 2600], leaveAfter: undefined }) });
  }
  for (let count = random.int(1, 10); count > 0; count--) {
    const delay = random.pick([0, 0, 0, 10, 300, 1500]);
    items.push({ kind: 'job', at: times(), count: random.pick([1, 1, 2, 5]), delay });
  }
  if (random.chance(0.5)) items.push({ kind: 'seize', at: times(), count: random.pick([0, 1, 2]), lease: 1000 });
  if (random.chance(0.3)) items.push({ kind: 'kill', at: times() });
  if (random.chance(0.2)) items.push({ kind: 'scriptFlush', at: times() });
  if (random.chance(0.15)) items.push({ kind: 'restart', at: times(), duration: random.pick([0, 5]) });
  if (random.chance(0.15)) items.push({ kind: 'failover', at: times(), duration: random.pick([0, 5]) });
  if (random.chance(0.2)) items.push({ kind: 'sleep', at: times(), duration: random.pick([30, 1200]) });
  if (random.chance(0.2))
    items.push({ kind: 'refuse', at: times(), duration: random.pick([2, 30]), word: random.pick(['LOADING', 'BUSY']) });
  for (let count = random.pick([0, 1, 1, 2]); count > 0; count--) items.push(drawLostReply(random));
  return items;
}

/** The process is kept busy for so long that others take back what its workers have. */
function drawHeldUp(random: Random, { lease, attempts }: { lease: number; attempts: number }, at: number): Item[] {
  const held = at + random.int(20, 1200);
  return [
    { kind: 'job', at: at + random.int(0, 20), count: 4, delay: 0 },
    { kind: 'hold', at: held, duration: lease + 400 },
    { kind: 'reap', at: held + lease + random.int(100, 399), attempts },
  ];
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

function drawWorker(
  random: Random,
  id: number,
  at: number,
): Omit<WorkerItem, 'lease' | 'attempts' | 'backoff' | 'deadLetter'> {
  return {
    kind: 'work',
    at,
    id,
    concurrency: random.pick([1, 1, 2, 4]),
    drainTimeout: random.pick([0, 100, 5000]),
    work: random.pick([[0], [5], [0, 20, 3], [50, 5], [400], [5, 2600]]),
    fails: random.pick([0, 0, 1, 2, Infinity]),
    leaveAfter: random.maybe(0.3, () => random.pick([0, 1, 3, 8, 20, 100, 400, 2000])),
  };
}
