import type { Command } from '../commands/command';
import { Group, type GroupProgress } from '../commands/group';
import type { Request } from '../commands/request';
import { unexpected, type UnexpectedReply } from '../commands/unexpected-reply';
import { connectionLost, failSafely, unfinished } from './failures';
import type { Cut } from './group-writer';
import type { Incoming } from './incoming';
import type { Link } from './link';

/** The groups on one link: how far each has come, and how one ends that is cut short or answered wrongly. It ends with the link. */
export class LinkGroups {
  constructor(
    private readonly link: Link,
    private readonly incoming: Incoming,
  ) {}

  /** How far the members of a group have come. The rest of a divisible group will not be written, the rest of another will. */
  progressSoFar(request: Request): GroupProgress | undefined {
    const { command } = request;
    const progress = this.progressOf(request, this.link.owed.peek());
    if (progress === undefined || (command as Group).isDivisible) return progress;
    return { ...progress, written: (command as Group).members.length };
  }

  /** How far the members of a group had come when the link was lost: so many were answered, so many written. */
  progressOf(request: Request, oldest: Request | undefined): GroupProgress | undefined {
    const { command } = request;
    if (!(command instanceof Group)) return undefined;
    const answered = request === oldest ? this.incoming.answered : [];
    return { answered, written: this.link.outgoing.membersWritten(request, command) };
  }

  /** A group is written no further. */
  cut({ request, written, error }: Cut): void {
    const { link, incoming } = this;
    if (link.isLost) return;
    // Otherwise, for instance, the connection would stay in a transaction.
    if (!(request.command as Group).isDivisible) {
      link.lose(error!);
      return;
    }
    const answered = request === link.owed.peek() ? incoming.answered : [];
    if (error !== undefined) failSafely(request, unfinished(error, request, { answered, written }));
    incoming.endGroup(request, written);
  }

  /** The reply to a member of the oldest request is perhaps another's. Later members are not answered, and must not run any more. */
  unexpected(reply: UnexpectedReply, member: Command): void {
    const { link } = this;
    const error = unexpected(reply, member);
    const group = link.owed.peek()!;
    const progress = this.progressOf(group, group);
    link.owed.shift();
    this.incoming.leaveGroup(group);
    link.lose(error, true);
    failSafely(group, connectionLost(error, group, 'unknown', progress));
  }
}
