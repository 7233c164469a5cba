import type { CallName } from './calls';
import type { RetryChoice, SendItem } from './plan';
import type { Random } from './random';

const CALLS: readonly CallName[] = [
  ...(['get', 'get', 'get', 'strlen', 'mget', 'hgetall', 'echo', 'echo'] as const),
  ...([
    'set',
    'set',
    'setBytes',
    'hset',
    'del',
    'incr',
    'incr',
    'incr',
    'append',
    'push',
    'push',
    'swap',
    'unknown',
    'publish',
  ] as const),
  ...(['blpop', 'wrongtype', 'misread', 'unencodable'] as const),
];
export const TIMEOUTS = [20, 50, 200, 1000, 5000];
export const RETRIES: readonly RetryChoice[] = ['default', 'default', 'default', 'off', 'twice', 'always', 'slowly'];
/** What groups are made of. */
export const MEMBERS = CALLS.filter((call) => !['publish', 'blpop', 'misread', 'unencodable'].includes(call));

/** A command of any kind, called in any way. */
export function drawSend(random: Random, id: number, at: number): SendItem {
  const call = random.pick(CALLS);
  const how = random.pick([
    'observe',
    'observe',
    'observe',
    'observe',
    'await',
    'awaitTwice',
    'first',
    'retrySafely',
  ] as const);
  return {
    kind: 'send',
    at,
    id,
    call,
    how,
    bytes: random.chance(0.25),
    size: random.pick([0, 1, 10, 10, 30, 30, 300, 2000]),
    wait: random.pick([20, 50, 200, 0]),
    timeout: random.maybe(0.25, () => random.pick(TIMEOUTS)),
    idempotent: random.maybe(0.1, () => random.chance(0.7)),
    // One that tries again is enough.
    retry: how === 'retrySafely' ? random.pick(['off', 'default']) : random.maybe(0.15, () => random.pick(RETRIES)),
    leaveAfter: random.maybe(0.15, () => random.pick([0, 0, 1, 2, 5, 20, 100])),
    throws: random.maybe(0.01, () => true),
    reaction: random.maybe(0.05, () => drawReaction(random, call)),
  };
}

function drawReaction(random: Random, call: CallName): SendItem['reaction'] {
  if (call === 'unencodable') return random.pick(['send', 'destroy', 'close']);
  return random.chance(0.1) ? random.pick(['close', 'destroy']) : random.pick(['send', 'leave', 'again']);
}
