import { WORDS } from './draw-faults';
import { drawSend, MEMBERS } from './draw-send';
import type { Item, SendItem, Settings } from './plan';
import type { Random } from './random';

/** Ids of groups. */
const GROUPS = 7000;
/** The id of a transaction that is lost while it is written. */
const INTERRUPTED = 7_500;
/** Ids of groups whose replies come in parts. Their chance is their own as well, so that all else stays as it was drawn. */
export const LONG_GROUPS = 7_600;

/** Groups among the commands: of few members, and now and then of many that take several writes. */
export function drawGroups(random: Random, items: readonly Item[], length: number): Item[] {
  if (!random.chance(0.3)) return [];
  const sends = items.filter(({ kind }) => kind === 'send') as SendItem[];
  const groups: Item[] = [];
  for (let id = GROUPS + random.int(1, 4); id > GROUPS; id--) {
    const at = sends.length > 0 && random.chance(0.7) ? random.pick(sends).at : random.int(0, length);
    const size = random.chance(0.25) ? random.int(21, 40) : random.int(1, 6);
    const of = random.chance(0.3) ? MEMBERS.slice(0, 8) : MEMBERS; // reads alone may be repeated
    const members = Array.from({ length: size }, () => random.pick(of));
    if (random.chance(0.03)) members[random.int(0, size - 1)] = 'unencodable';
    const send = drawSend(random, id, at);
    // It is refused at a member, or at EXEC.
    if (random.chance(0.15))
      groups.push({
        kind: 'refuse',
        at: at + random.int(0, 2),
        duration: random.pick([1, 2, 30]),
        word: random.pick(WORDS),
      });
    groups.push({
      ...send,
      call: 'group',
      members,
      transaction: random.maybe(0.5, () => true),
      size: Math.min(send.size, 30),
      wait: 0,
    });
  }
  return groups;
}

/** A transaction that does not fit into the buffers on its way, and a server that is gone before it has all of it, or refuses the rest. */
export function drawInterrupted(random: Random, length: number): Item[] {
  if (!random.chance(0.06)) return [];
  const at = random.int(20, 20 + length);
  const of = random.chance(0.5) ? MEMBERS.slice(0, 8) : MEMBERS; // reads alone may be repeated
  const members = Array.from({ length: random.int(25, 40) }, () => random.pick(of));
  const delay = random.pick([1, 5, 40, 300]);
  const send = drawSend(random, INTERRUPTED, at);
  const times = Array.from({ length: random.int(1, 2) }, () => at + random.int(0, 60));
  const word = random.maybe(0.4, () => random.pick(WORDS));
  const capacity = random.pick([1, 200]);
  // Command by command, it is on its way for a second and not for longer than the run waits for its end.
  const pace = capacity === 1 ? Math.min(delay, 40) : delay;
  return [
    { ...send, call: 'group', members, transaction: true, size: Math.min(send.size, 30), wait: 0 },
    { kind: 'link', link: 'every', fault: { type: 'buffer', capacity, delay: pace, greeted: true } },
    ...times.map((at): Item =>
      word === undefined ? { kind: 'kill', at } : { kind: 'refuse', at, duration: 300, word },
    ),
  ];
}

/** Groups so long that the reply to EXEC is read in parts as it comes, and short ones behind them that get none of that. */
export function drawLongGroups(random: Random, { pipelineDepth }: Settings, length: number): Item[] {
  // Command by command they would be on their way for longer than the run waits for its end.
  if (!random.chance(0.08) || pipelineDepth < 100) return [];
  const first = random.int(0, length);
  const groups: Item[] = [];
  for (let id = LONG_GROUPS + random.int(2, 4); id > LONG_GROUPS; id--) {
    const size = random.chance(0.7) ? random.int(65, 200) : random.int(1, 6);
    const of = random.chance(0.4) ? MEMBERS.slice(0, 8) : MEMBERS; // reads alone may be repeated
    const members = Array.from({ length: size }, () => (random.chance(0.03) ? 'range' : random.pick(of)));
    const send = drawSend(random, id, first + random.pick([0, 0, 1, 5, 30]));
    groups.push({
      ...send,
      call: 'group',
      members,
      transaction: random.maybe(0.8, () => true),
      size: Math.min(send.size, 30),
      wait: 0,
    });
  }
  const sizes = [random.int(20, 600), random.int(20, 600)];
  return [
    ...groups,
    { kind: 'link', link: 'every', fault: { type: 'pieces', way: 'down', sizes, gap: random.pick([0, 0, 1]) } },
  ];
}
