import type { Sent } from './sent';
import type { CallName } from './calls';
import type { SendItem } from './plan';
import type { Answer } from './peer';
import { GroupWire, isCall, lacksScript, type WireRequest } from './wire';

/** The list that every RPUSH of a plan is for. */
export const LIST = 'list';

/** Nobody knows what they write to, or they make something else of all that comes behind them. */
const EVERYTHING = new Set(['unknown', 'select']);

/** Whether the order of two commands matters. All other commands have a key of their own, made of their ids. */
function areRivals({ item: one }: Sent, { item: other }: Sent): boolean {
  return callsOf(one).some((call) => callsOf(other).some((another) => areRivalCalls(call, another)));
}

function callsOf({ call, members }: SendItem): readonly CallName[] {
  return call === 'group' ? members! : [call];
}

function areRivalCalls(call: CallName, another: CallName): boolean {
  const [one, other] = [{ call }, { call: another }];
  if (one.call === 'publish' && other.call === 'publish') return true;
  if (PUSHES.has(one.call) && PUSHES.has(other.call)) return true;
  const changes = (sent: { readonly call: CallName }) =>
    EVERYTHING.has(sent.call) || sent.call === 'publish' || !READS.has(sent.call);
  return (EVERYTHING.has(one.call) && changes(other)) || (EVERYTHING.has(other.call) && changes(one));
}

/** They write to the list. */
const PUSHES = new Set(['push', 'script']);
const READS = new Set(['get', 'strlen', 'mget', 'hgetall', 'echo', 'wrongtype']);

/** It has run, as far as its answer tells. A module or a script may answer what looks like a refusal when all is done. */
function hasRun(wire: WireRequest): boolean {
  const { answered, answer, words } = wire;
  if (!answered || answer === undefined) return false;
  if (isCall(wire)) return !lacksScript(wire) && !isReadonly(answer);
  return 'value' in answer || words[0] === 'X.DO';
}

/** A script that says that it writes is refused by a replica as a whole. */
function isReadonly(answer: Answer): boolean {
  return 'error' in answer && answer.error.startsWith('READONLY ');
}

/**
 * A later call ran that writes to the same place, so this one is not to be sent again behind it.
 * @param requests all that the client has written
 */
export function isOvertaken(sent: Sent, all: readonly Sent[], requests: () => readonly WireRequest[]): boolean {
  // Of a transaction MULTI alone may have been written.
  const since = sent.wires[0]?.writtenAt ?? (sent.isTransaction ? sent.submittedAt : Infinity);
  const overtakes = (wire: WireRequest): boolean =>
    wire instanceof GroupWire && !wire.isTransaction
      ? wire.members.some(overtakes)
      : hasRun(wire) && wire.answeredAt >= since;
  if (all.some((other) => other.order > sent.order && areRivals(sent, other) && other.wires.some(overtakes)))
    return true;
  // An element that the client itself has put back may be what this one would write to.
  const isReturn = ({ sent: own, words }: WireRequest): boolean =>
    own === undefined && /^[LR]PUSH$/.test(words[0]!) && words[1]!.startsWith('Q:');
  const mayChangeAll = callsOf(sent.item).some((call) => EVERYTHING.has(call));
  return mayChangeAll && requests().some((request) => isReturn(request) && overtakes(request));
}

/** A stream or a queue was written to, so that what may write to anything is not to be sent again behind that. */
export function isOvertakenByStream(sent: Sent, writtenAt: number): boolean {
  const since = sent.wires[0]?.writtenAt ?? (sent.isTransaction ? sent.submittedAt : Infinity);
  return writtenAt >= since && callsOf(sent.item).some((call) => EVERYTHING.has(call));
}

/** Commands whose order matters and that were answered ran in the order of the calls. */
export function checkWriteOrder(runs: readonly WireRequest[]): void {
  const last = new Map<Sent, number>();
  runs.forEach((wire, index) => {
    const { sent, answered } = wire;
    if (sent?.outcome?.kind !== 'value' || sent.item.call === 'group') return;
    // What is selected on a link that is gone concerns no other.
    if (sent.item.call === 'select' && !answered) return;
    // Where the user vouches for repetitions, a copy may come late on a link that was given up.
    if ((sent.retry === 'always' || sent.item.idempotent === true) && !answered) return;
    // The copy of a call that was answered on another link came late; that its own link was reset is a rule of its own (late copies).
    if (!answered && sent.wires.some((other) => other !== wire && other.answered)) return;
    last.set(sent, index);
  });
  for (const [one, ranAt] of last) {
    for (const [other, otherRanAt] of last) {
      // What publishes may wait for subscriptions that were made before it, and other commands pass it meanwhile.
      if ((one.item.call === 'publish') !== (other.item.call === 'publish')) continue;
      if (one.order < other.order && ranAt > otherRanAt && areRivals(one, other))
        one.fail(`ran behind ${other.call.name} (${other.id}), which was called later, and both were answered`);
    }
  }
}
