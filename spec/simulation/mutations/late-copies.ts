import type { Mutation } from '../mutant';

/** Faults in what may still reach a server from a link that was left, and in what is found to be dead. */
export const lateCopyMutations: readonly Mutation[] = [
  {
    fault: 'a write that may come late is repeated after silence',
    file: 'connection/retrier.ts',
    from: 'const delay = this.delayOf(request, failure);',
    to: 'const delay = this.delayOf(request, Object.create(failure, { repeatable: { value: request.repeatable } }) as RedisError);',
  },
  {
    fault: 'a link that owes replies is left without a reset',
    file: 'connection/link.ts',
    from: 'this.socket.destroy(owes);',
    to: 'this.socket.destroy(false);',
  },
  {
    fault: 'a link is left without a reset that owes the members of a group behind one whose reply is not its own',
    file: 'connection/link-groups.ts',
    from: 'link.lose(error, true);',
    to: 'link.lose(error);',
  },
  {
    fault: 'a link that owes replies lives on by pushes',
    file: 'connection/liveness.ts',
    from: 'if (reached === this.reachedWhenHeard && this.link.owed.length > 0 && !isInsideReply) return;',
    to: '',
  },
];
