import { ReplyError } from '../errors';
import { latin1Of } from '../resp/bytes-of';
import { ErrorFrame, type Frame } from '../resp/frames';
import { slotOf } from '../resp/hash-slot';
import type { Command } from './command';
import { Group } from './group';
import { keysOf } from './prefix';
import { hasNotRun } from './reply-error';
import { runsScripts } from './runs-scripts';

/** What a node of a cluster answers that does not have the slot, also to scripts. */
const ELSEWHERE = /^(?:MOVED|ASK) (\d+) /;

/** What a command changes: places by their names; everything, where the names are not known; or nothing. */
export type Written = readonly string[] | 'everything' | 'nothing';

/** With more places than this a group counts as one that may change everything: to note each would block the event loop. */
const MOST_PLACES = 5_000;

/** It ends a wait on another connection, and leaves nothing that an earlier command could undo. The client itself sends it as well. */
const ENDS_A_WAIT = 'CLIENT UNBLOCK';

/**
 * What a command may change, so that it is known which commands have to keep their order: keys and channels, or the settings of
 * commands with the same first word, as ACL or CONFIG. What runs a script without keys, FLUSHALL, SELECT and commands that the
 * facts do not have may change everything.
 */
export function writesTo(command: Command): Written {
  if (command instanceof Group) return together(command);
  const { spec, args } = command;
  if (spec.replay === 'read' || spec.name === ENDS_A_WAIT) return 'nothing';
  const keys = keysOf(command);
  // A key may be given as text or in bytes: the same key has the same name.
  if (keys.length > 0) return keys.map((key) => `key ${latin1Of(key)}`);
  if (spec.name === 'PUBLISH' || spec.name === 'SPUBLISH') return [`${spec.name} ${latin1Of(args[0]!)}`];
  if (spec.access === 'write' || spec.foreign === true || runsScripts(spec) || spec.effect !== undefined)
    return 'everything';
  return [`setting ${spec.name.split(' ', 1)[0]!}`];
}

function together(group: Group): Written {
  const all = new Set<string>();
  for (const member of group.commands) {
    if (member.spec.replay === 'read') continue;
    const written = asSent(group, member);
    if (written === 'everything') return written;
    if (written !== 'nothing') for (const name of written) all.add(name);
    if (all.size > MOST_PLACES) return 'everything';
  }
  return all.size === 0 ? 'nothing' : [...all];
}

function asSent(group: Group, member: Command): Written {
  try {
    return writesTo(group.sent(member));
  } catch {
    return 'everything'; // the memory of a key was transferred before it was written
  }
}

/** Whether a command may have written what it writes, now that it is answered. Of a group, the values of its members are the answer. */
export function mayHaveWritten(answer: Frame, command: Command): boolean {
  if (command instanceof Group && Array.isArray(answer)) {
    return !(answer as unknown[]).every((value) => value instanceof ReplyError);
  }
  if (answer === null && command instanceof Group) return false; // a watched key had changed
  return !(answer instanceof ErrorFrame && (isElsewhere(answer, command) || hasNotRun(answer, command)));
}

/** Whether a node has answered that a command belongs to another. A script may answer the like when all is done, and then of any slot. */
function isElsewhere({ text }: ErrorFrame, command: Command): boolean {
  const [, slot] = ELSEWHERE.exec(text) ?? [];
  if (slot === undefined || !runsScripts(command.spec)) return slot !== undefined;
  const [key] = keysOf(command);
  return key !== undefined && slotOf(key) === Number(slot);
}
