import type { Mutation } from '../mutant';

/** Faults in how a client finds out that replies have been mixed up. */
export const guardMutations: readonly Mutation[] = [
  {
    fault: 'a reply that its command cannot give fails that command alone',
    file: 'connection/reply-effects.ts',
    from: 'link.lose(error);',
    to: '',
  },
  {
    fault: 'a reply that a member of a group cannot give fails that member alone',
    file: 'commands/group.ts',
    from: 'if (cause instanceof UnexpectedReply) throw cause;',
    to: '',
  },
  {
    fault: 'whatever comes is taken for an integer',
    file: 'commands/replies/values.ts',
    from: "return frame as number;\n  return unreadable('an integer', frame);\n}\n\n/** How much",
    to: 'return frame as number;\n  return frame as unknown as number;\n}\n\n/** How much',
  },
  {
    fault: 'the group behind one whose link is left is told the results of that one',
    file: 'connection/link-groups.ts',
    from: 'this.incoming.leaveGroup(group);',
    to: '',
  },
  {
    fault: 'the reply to an ECHO that verifies is not compared',
    file: 'connection/verifier.ts',
    from: 'if (frame !== nonce) throw',
    to: "if (typeof frame !== 'string') throw",
  },
  {
    fault: 'replies are verified less often than is wanted',
    file: 'connection/verifier.ts',
    from: 'this.commands < this.every) return;',
    to: 'this.commands <= this.every) return;',
  },
];
