import { WORDS } from './draw-faults';
import { drawSend, MEMBERS } from './draw-send';
import type { Item, SendItem } from './plan';
import type { Random } from './random';

/** Ids of groups. */
const GROUPS = 7000;
/** The id of a transaction that is lost while it is written. */
const INTERRUPTED = 7_500;

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
