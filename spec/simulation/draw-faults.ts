import type { Fault, LinkItem, Place, RefusalWord, Way } from './plan';
import type { Random } from './random';

const GARBAGE = [
  'HTTP/1.1 400 Bad Request\r\n\r\n',
  ':12x\r\n',
  '$3\r\nabcXY',
  '*99999999999\r\n',
  '$?\r\n',
  '>0\r\n',
  '#maybe\r\n',
  '\0\0\0\0',
  '$-7\r\n',
];
const NOISE = [
  '>2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n',
  '|1\r\n+ttl\r\n:3600\r\n',
  '>1\r\n+server-cpu-usage\r\n',
];
/** What a server refuses with. */
export const WORDS: readonly RefusalWord[] = [
  'LOADING',
  'BUSY',
  'TRYAGAIN',
  'CLUSTERDOWN',
  'MASTERDOWN',
  'OOM',
  'WRONGTYPE',
];

/**
 * What befalls connections.
 * @param links of how many, one of these
 * @param faults and by how much each, one of these
 */
export function drawLinks(random: Random, links: readonly number[], faults: readonly number[]): LinkItem[] {
  const items: LinkItem[] = [];
  let link = 0;
  for (let left = random.pick(links); left > 0; left--) {
    for (let count = random.pick(faults); count > 0; count--)
      items.push({ kind: 'link', link, fault: drawFault(random) });
    // Most plans do not need many connections.
    if (random.chance(0.6)) link++;
  }
  if (random.chance(0.15)) items.push({ kind: 'link', link: 'every', fault: { ...drawPieces(random), gap: 0 } });
  return items;
}

/** How proxies answer HELLO. */
export function drawGreetings(random: Random): LinkItem[] {
  if (!random.chance(0.08)) return [];
  const answer = random.pick(['arrayOf2', 'arrayOf2', 'arrayOf3', 'mapOf2', 'ok'] as const);
  return [{ kind: 'link', link: random.pick([0, 0, 1, 2]), fault: { type: 'hello', answer } }];
}

function drawFault(random: Random): Fault {
  const kind = random.int(1, 100);
  if (kind <= 3) return { type: 'refuse' };
  if (kind <= 5) return { type: 'silent' };
  if (kind <= 10) return { type: 'resp2' };
  if (kind <= 12) return { type: 'noproto' };
  if (kind <= 14) return { type: 'wrongpass' };
  if (kind <= 19) return drawHandshakeFault(random);
  if (kind <= 22) return { type: 'closetwice', first: random.pick(['bytes', 'dial']) };
  if (kind <= 25) return { type: 'accept', delay: random.pick([0, 10, 80, 500]) };
  if (kind <= 32) return { type: 'latency', up: random.pick([0, 1, 5, 25]), down: random.pick([0, 1, 5, 25]) };
  if (kind <= 42) return drawPieces(random);
  if (kind <= 50)
    return {
      type: 'buffer',
      capacity: random.pick([1, 40, 200, 2000]),
      delay: random.pick([0, 1, 5, 40, 80, 300, Infinity]),
      greeted: random.chance(0.6),
    };
  if (kind <= 80) {
    const notice = random.pick([0, 0, 0, 1, 10, 100, Infinity]);
    return { type: 'cut', ...drawPlace(random), notice, both: random.chance(0.6) };
  }
  if (kind <= 89) return { type: 'stall', ...drawPlace(random), duration: random.pick([1, 20, 100, 700, Infinity]) };
  if (kind <= 93)
    return {
      type: 'garbage',
      ...drawPlace(random),
      way: 'down',
      plus: random.pick([0, 0, 1]),
      text: random.pick(GARBAGE),
    };
  if (kind <= 97) return { type: 'noise', ...drawPlace(random), way: 'down', plus: 0, text: random.pick(NOISE) };
  return { type: 'extra', ...drawPlace(random), way: 'down', plus: 0 };
}

function drawHandshakeFault(random: Random): Fault {
  if (random.chance(0.2)) return { type: random.pick(['maxclients', 'onConnect']) };
  if (random.chance(0.55))
    return { type: 'credentials', manner: random.pick(['late', 'failing', 'ending', 'never', 'malformed']) };
  return {
    type: 'refuseGreeting',
    command: random.pick(['SELECT', 'CLIENT', 'X.PREPARE']),
    word: random.pick([...WORDS, 'NOPERM', 'NOPERM', 'NOPERM']),
  };
}

/** Before, within and behind the requests and replies of the handshake and of the commands that follow. */
function drawPlace(random: Random): Place {
  const plus = random.pick([0, 0, 0, 1, 2, random.int(0, 12), random.int(0, 60)]);
  const way = drawWay(random);
  if (random.chance(0.35)) return { way, after: random.int(0, 6), plus };
  return { way, since: 'ready', after: random.pick([0, 0, 0, 1, 1, 2, 3, random.int(0, 20)]), plus };
}

export function drawPieces(random: Random): Extract<Fault, { type: 'pieces' }> {
  return { type: 'pieces', way: drawWay(random), sizes: drawSizes(random), gap: random.pick([0, 0, 1, 3]) };
}

function drawWay(random: Random): Way {
  return random.pick(['up', 'down']);
}

function drawSizes(random: Random): number[] {
  return random.pick([[1], [2, 3], [7], [20], [1, 40], [random.int(1, 9), random.int(1, 99)]]);
}
