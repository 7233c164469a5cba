import { ErrorFrame, type Frame } from '../resp/frames';
import { Command, type Replay } from './command';
import { defineSpec } from './define-spec';
import { toReplyError } from './reply-error';
import type { RequestContext } from './request-context';

/**
 * Many commands that travel as one: one entry in the queue, written one behind the other with nothing between them, answered by as
 * many frames. Its value is the list of the members' values; an error reply stands in its place as a ReplyError.
 */
export class Group extends Command<readonly unknown[]> {
  /**
   * @param members at least one; none that blocks, subscribes or changes how replies come
   * @param isDivisible whether the rest may stay unwritten once the observer is gone; not where a member needs the later ones, as MULTI needs EXEC
   */
  constructor(
    readonly members: readonly Command[],
    name = 'PIPELINE',
    readonly isDivisible = true,
  ) {
    super({ ...defineSpec(name, { replay: worstReplay(members) }), plain: false }, [], asCollected, []);
  }

  /** The value of one member. */
  readMember(index: number, frame: Frame, context: RequestContext): unknown {
    const member = this.members[index]!;
    return frame instanceof ErrorFrame ? toReplyError(frame, member) : member.read(frame, context);
  }
}

/** The members' values have been read one by one, as they came. */
function asCollected(values: Frame): readonly unknown[] {
  return values as readonly unknown[];
}

const WORSE: readonly Replay[] = ['read', 'same', 'state', 'no'];

/** A group is repeated as a whole, so it is as harmless as its most harmful member. */
function worstReplay(members: readonly Command[]): Replay {
  let worst = 0;
  for (const { spec } of members) worst = Math.max(worst, WORSE.indexOf(spec.replay));
  return WORSE[worst]!;
}
