import { isDeepStrictEqual } from 'node:util';
import { shapeOf } from '../outcomes';
import type { Run, Twice } from './run-twice';
import type { KeyState, ServerState } from './server-state';
import { UNLIKE } from './unlike';

/**
 * Holds what a second run did and said against what is claimed of it. A time to live that counts from now moves with the run: the
 * repetition is as if the command had run then.
 */
export function expectAsClaimed(name: string, twice: Twice): void {
  const { text, claim, before, fresh, first } = twice;
  const [once, again] = seenOf(name, twice);
  const replies = (seen: Seen): object => (claim === 'state' ? {} : { outcome: seen.outcome });
  expect({ text, claim, ...again.left, ...replies(again) }).toEqual({ text, claim, ...once.left, ...replies(once) });
  if (claim !== 'read') return;
  // What only reads has changed nothing the first time either.
  expect({ text, ...leftBy(fresh, before) }).toEqual({ text, ...leftBy(first.connection, first.state) });
}

/** Whether the second run left or said something else than the first: `state` for the former, `reply` for the latter. */
export function differenceOf(name: string, twice: Twice): 'state' | 'reply' | 'none' {
  const [once, again] = seenOf(name, twice);
  if (!isDeepStrictEqual(again.left, once.left)) return 'state';
  return isDeepStrictEqual(again.outcome, once.outcome) ? 'none' : 'reply';
}

/** Whether the first run changed anything, so that the second could have done more. */
export function hasEffect({ before, fresh, first }: Twice): boolean {
  return !isDeepStrictEqual(leftBy(fresh, before), leftBy(first.connection, first.state));
}

interface Left {
  readonly connection: unknown;
  readonly server: unknown;
  readonly keys: ServerState['keys'];
}

interface Seen {
  readonly outcome: unknown;
  readonly left: Left;
}

/** What was seen of each run, with those differences taken out that mean nothing. */
function seenOf(name: string, { before, first, second }: Twice): [once: Seen, again: Seen] {
  const outcome = (run: Run): unknown => comparable(name, run);
  const passed = second.state.at - before.at;
  const keys = movedBack(second.state, first.state, passed);
  return [
    { outcome: outcome(first), left: leftBy(first.connection, first.state) },
    { outcome: outcome(second), left: leftBy(second.connection, { ...second.state, keys }) },
  ];
}

function leftBy(connection: unknown, { server, keys }: ServerState): Left {
  return { connection, server, keys };
}

function comparable(name: string, { outcome }: Run): unknown {
  if (!('value' in outcome) || UNLIKE[name] === undefined) return outcome;
  // What it tells of is not the same by names either.
  return name === 'LATENCY HISTOGRAM' ? typeof outcome.value : shapeOf(outcome.value);
}

/** The keys of a state, with expiries as they were before where they moved by no more than the time that has passed, ms. */
function movedBack(now: ServerState, then: ServerState, passed: number): ServerState['keys'] {
  const back = ([key, state]: [string, KeyState]): [string, KeyState] => {
    const earlier = then.keys[key]?.expires ?? [];
    const expires = state.expires.map((at, index) => {
      const was = earlier[index];
      return at !== null && typeof was === 'number' && at >= was && at - was <= passed + 1 ? was : at;
    });
    return [key, { ...state, expires }];
  };
  return Object.fromEntries(Object.entries(now.keys).map(back));
}
