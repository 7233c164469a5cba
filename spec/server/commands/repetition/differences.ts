import { shapeOf } from '../outcomes';
import type { Run, Twice } from './run-twice';
import type { KeyState, ServerState } from './server-state';
import { UNLIKE } from './unlike';

interface Seen {
  readonly reply?: unknown;
  readonly connection: unknown;
  readonly server: unknown;
  readonly keys: ServerState['keys'];
}

/**
 * Holds what a second run did and said against what is claimed of it. A time to live that counts from now moves with the run: the
 * repetition is as if the command had run then.
 */
export function expectAsClaimed(name: string, { text, claim, before, fresh, first, second }: Twice): void {
  const reply = (run: Run): object => (claim === 'state' ? {} : { reply: comparable(name, run) });
  const once: Seen = {
    ...reply(first),
    connection: first.connection,
    server: first.state.server,
    keys: first.state.keys,
  };
  const again: Seen = {
    ...reply(second),
    connection: second.connection,
    server: second.state.server,
    keys: movedBack(second.state, first.state, second.state.at - before.at),
  };
  expect({ text, claim, ...again }).toEqual({ text, claim, ...once });
  if (claim !== 'read') return;
  // What only reads has changed nothing the first time either.
  const untouched = { connection: fresh, server: before.server, keys: before.keys };
  expect({ text, ...untouched }).toEqual({ text, connection: once.connection, server: once.server, keys: once.keys });
}

/** Whether the first run changed anything, so that the second could have done more. */
export function hasEffect({ before, fresh, first }: Twice): boolean {
  const seen = (connection: unknown, { server, keys }: ServerState): string =>
    JSON.stringify([connection, server, keys]);
  return seen(fresh, before) !== seen(first.connection, first.state);
}

function comparable(name: string, { outcome }: Run): unknown {
  return 'value' in outcome && UNLIKE[name] !== undefined ? shapeOf(outcome.value) : outcome;
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
