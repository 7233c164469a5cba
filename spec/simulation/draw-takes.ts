import type { Item, LinkItem, Settings, TakeItem } from './plan';
import type { Random } from './random';

/** Ids of takes and of elements. Its chance is its own as well, so that all else stays as it was drawn. */
export const TAKES = 9_000;
/** Ids of takes whose ends come late. */
const OVERTAKEN = 9_100;
/** Ids of takes around a failover. */
const ASTRAY = 9_200;

/** Callers that wait at the server for elements of a few lists, each on a connection of its own, and leave, or are lost. */
export function drawTakes(random: Random, { offlineQueue, retry, leaseMax }: Settings, length: number): Item[] {
  if (!random.chance(0.25)) return [];
  // What is put back waits in the same queue as commands, and is repeated as they are.
  if (offlineQueue < 1000 || !['default', 'off', 'twice'].includes(retry)) return [];
  const items: Item[] = [];
  const first = random.int(0, length);
  const times = [0, 0, 1, 2, 5, 10, 30, 100, 400, 1200, 2500];
  for (let id = TAKES + random.int(1, 8); id > TAKES; id--) {
    const take = drawTake(random, id, first + random.pick(times));
    items.push(take);
    const { leaveAfter } = take;
    // An element that comes while the caller leaves.
    if (leaveAfter !== undefined && random.chance(0.6))
      items.push({ kind: 'element', at: take.at + leaveAfter + random.int(0, 6), id: TAKES + id, list: take.list });
  }
  for (let id = TAKES + random.int(0, 8); id > TAKES; id--)
    items.push({ kind: 'element', at: first + random.pick(times) + random.int(0, 40), id, list: random.int(1, 2) });
  if (random.chance(0.3)) items.push({ kind: 'kill', at: first + random.pick(times) + random.int(1, 60) });
  if (random.chance(0.4)) items.push(...drawOvertaken(random, first + random.int(0, 50), leaseMax));
  if (random.chance(0.2)) items.push(...drawAstray(random, first + random.int(0, 50)));
  if (random.chance(0.4)) items.push(drawLostElement(random));
  if (random.chance(0.2))
    items.push({ kind: 'failover', at: first + random.pick(times), duration: random.pick([0, 5]) });
  return items;
}

/** The connection of the commands is slow, so that the end of a wait comes late, while others are in line for its connection. */
function drawOvertaken(random: Random, at: number, leaseMax: number): Item[] {
  const [up, down] = [random.pick([5, 25, 25]), random.pick([0, 1, 25])];
  const leaveAfter = random.pick([6, 8, 20, 100]);
  const items: Item[] = [
    { kind: 'link', link: random.pick([0, 0, 0, 1]), fault: { type: 'latency', up, down } },
    { ...drawTake(random, OVERTAKEN, at), list: 1, wait: 0, timeout: undefined, leaveAfter },
    { kind: 'element', at: at + leaveAfter + random.int(0, 8), id: OVERTAKEN, list: 1 },
  ];
  for (let others = leaseMax; others > 0; others--)
    items.push({ ...drawTake(random, OVERTAKEN + others, at), leaveAfter: undefined, timeout: undefined });
  return items;
}

/** The limit of a caller is reached when the client has found out that its connections lead to the wrong server. */
function drawAstray(random: Random, at: number): Item[] {
  const first = { ...drawTake(random, ASTRAY, at), wait: 0, timeout: random.pick([50, 200]), leaveAfter: undefined };
  return [
    first,
    { kind: 'failover', at: at + random.int(8, 20), duration: random.pick([0, 5]) },
    drawTake(random, ASTRAY + 1, at + random.int(20, 40)),
  ];
}

/** A connection is lost behind an element that was given, and before the reply has come. */
function drawLostElement(random: Random): LinkItem {
  const place = {
    way: 'down',
    since: 'ready',
    after: random.pick([1, 1, 2, 3]),
    plus: random.pick([0, 0, 1]),
  } as const;
  const [link, notice] = [random.int(1, 4), random.pick([0, 5, 300])];
  return { kind: 'link', link, fault: { type: 'cut', ...place, notice, both: false } };
}

function drawTake(random: Random, id: number, at: number): TakeItem {
  return {
    kind: 'take',
    at,
    id,
    list: random.pick([1, 1, 1, 2]),
    moves: random.chance(0.25),
    bytes: random.chance(0.2),
    wait: random.pick([0, 0, 20, 100, 1000]),
    timeout: random.maybe(0.2, () => random.pick([10, 50, 200])),
    leaveAfter: random.maybe(0.5, () => random.pick([0, 1, 2, 3, 4, 5, 8, 20, 100, 400])),
  };
}
