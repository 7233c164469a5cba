import type { Mutation } from '../mutant';

/** Faults of commands that wait at the server. */
export const takeMutations: readonly Mutation[] = [
  {
    fault: 'a wait goes on at the server when its caller has left',
    file: 'leases/blocking-call.ts',
    from: 'if (this.isOwed) this.unblock(false);\n    else this.leave();',
    to: 'if (!this.isOwed) this.leave();',
  },
  {
    fault: 'what came for a caller that had left is not put back',
    file: 'leases/undelivered.ts',
    from: 'return BACK.get(command.spec.name)?.(frame, command);',
    to: 'return undefined;',
  },
  {
    fault: 'what came for a caller that had left is put back at the other end',
    file: 'leases/undelivered.ts',
    from: "['BLPOP', ([key, element]) => lpush(",
    to: "['BLPOP', ([key, element]) => rpush(",
  },
  {
    fault: 'a connection is lent while CLIENT UNBLOCK is under way to it',
    file: 'leases/unblocking.ts',
    from: 'if (this.hasReplied && !this.isAsking && !this.isFencing)',
    to: 'if (this.hasReplied && !this.isFencing)',
  },
  {
    fault: 'a command that may have taken something is sent again',
    file: 'leases/blocking-call.ts',
    from: "!(error instanceof DisconnectedError) || !owner.moves) return false;\n    if (request.abandoned || (error.delivery === 'unknown' && !request.repeatable)) return false;",
    to: '!owner.moves || request.abandoned) return false;',
  },
  {
    fault: 'a caller is told that its wait was ended when the client closes',
    file: 'leases/blocking-call.ts',
    from: "isEnded ? this.owner.closedMeanwhile(request, 'nothing') : error",
    to: 'error',
  },
  {
    fault: 'a lease is leaked where its server cannot be asked to end a wait',
    file: 'leases/blocking-call.ts',
    from: 'unblocking.giveUp();',
    to: 'connection.destroy();',
  },
  {
    fault: "the limit of a caller ends a connection before the server's answer has come",
    file: 'leases/blocking-call.ts',
    from: 'this.inner.deadline = 0;',
    to: '',
  },
];
