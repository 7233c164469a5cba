import type { Key } from '../commands/arguments';
import type { Arg, Command } from '../commands/command';
import { lpush, rpush, zadd } from '../commands/generated/builders';
import { textOf } from '../commands/text-of';
import { readScoredMembers } from '../commands/replies/sorted-sets';
import { readDouble } from '../commands/replies/values';
import type { Frame } from '../resp/frames';

/** Makes the command that puts back what a command has taken. */
type PutBack = (reply: readonly Frame[], command: Command) => Command;

const memberBack: PutBack = ([key, member, score]) => membersBack(key, [[readDouble(score!), member as Arg]]);

/** By the name of the command. What others have taken is not lost: it lies in the destination, is pending, or still there. */
const BACK: ReadonlyMap<string, PutBack> = new Map<string, PutBack>([
  ['BLPOP', ([key, element]) => lpush(key as Key, element as Arg)],
  ['BRPOP', ([key, element]) => rpush(key as Key, element as Arg)],
  ['BLMPOP', elementsBack],
  ['BZPOPMIN', memberBack],
  ['BZPOPMAX', memberBack],
  [
    'BZMPOP',
    ([key, members]) =>
      membersBack(
        key,
        readScoredMembers(members!).map(({ member, score }) => [score, member]),
      ),
  ],
]);

/** Whether a command takes something that would be lost with its reply. */
export function takesAway({ spec }: Command): boolean {
  return BACK.has(spec.name);
}

/**
 * The command that puts back what a command has taken: to the end of the list that it came from, in the same order; with its score.
 * @param frame the reply, decoded as bytes; keys have the client's prefix, as the server names them
 * @returns undefined where nothing is lost
 */
export function putBack(command: Command, frame: Frame): Command | undefined {
  if (!Array.isArray(frame)) return undefined;
  return BACK.get(command.spec.name)?.(frame, command);
}

/** The elements came from the outside inwards, so they go back from the inside outwards. */
function elementsBack([key, elements]: readonly Frame[], { args }: Command): Command {
  const back = [...(elements as Arg[])].reverse();
  const where = textOf(args[2 + Number(textOf(args[1]))]).toUpperCase();
  return where === 'LEFT' ? lpush(key as Key, back) : rpush(key as Key, back);
}

/** A member that is there again has a newer score, and keeps it. */
function membersBack(key: Frame | undefined, members: readonly (readonly [score: number, member: Arg])[]): Command {
  return zadd(key as Key, members, { NX: true });
}
