import type { Mutation } from '../mutant';

/** Faults of the commands between MULTI and EXEC. */
export const transactionMutations: readonly Mutation[] = [
  {
    fault: 'a transaction is repeated whatever is in it',
    file: 'commands/group.ts',
    from: 'new Repetition(this.commands)',
    to: 'new Repetition(this.commands === this.members ? this.commands : [])',
  },
  {
    fault: 'a transaction that was lost before EXEC is said to may have run',
    file: 'commands/transaction.ts',
    from: 'return written === this.members.length;',
    to: 'return written > 0;',
  },
  {
    fault: 'a transaction whose EXEC was written is said to be unsent',
    file: 'commands/transaction.ts',
    from: 'return written === this.members.length;',
    to: 'return written > this.members.length;',
  },
  {
    fault:
      'a transaction that is lost before EXEC is said to be unsent although it may have run when it was sent before',
    file: 'connection/lost-links.ts',
    from: 'past?.mayHaveRun === true || ',
    to: '',
  },
  {
    fault: 'the members of a transaction that may have run before are told to be unsent',
    file: 'connection/failures.ts',
    from: 'if (past?.mayHaveRun !== true) return fate;',
    to: 'if (past === undefined || past.failure !== undefined) return fate;',
  },
  {
    fault: 'the causes of a discarded transaction are shifted by one',
    file: 'commands/transaction.ts',
    from: 'const error = values[index + 1];',
    to: 'const error = values[index];',
  },
  {
    fault: 'a command slips between the last of a transaction and EXEC',
    file: 'connection/outgoing.ts',
    from: 'const request = this.next();\n      if (request === undefined) break;',
    to: 'const request = this.next();\n      if (request === undefined) break;\n      if (!request.command.spec.plain && request.command.isDivisible === false) {\n        const other = this.next();\n        if (other !== undefined && !other.abandoned && other.command.spec.plain) {\n          const members = [...request.command.members];\n          members.splice(-1, 0, other.command);\n          Object.assign(request.command, { members });\n        }\n      }',
  },
  {
    fault: 'QUEUED is taken for the value of a command',
    file: 'commands/transaction.ts',
    from: 'return run as Frame;',
    to: "return (values.length > 3 ? values.slice(1, -1).map(() => 'QUEUED') : run) as Frame;",
  },
  {
    fault: 'what a transaction queues is not compared with QUEUED',
    file: 'commands/transaction.ts',
    from: 'if (isQueued(frame)) return undefined;',
    to: 'if (isQueued(frame) || index > 0) return undefined;',
  },
  {
    fault: 'a transaction is overtaken by writes to other keys',
    file: 'commands/writes-to.ts',
    from: 'of group.commands)',
    to: 'of group.members)',
  },
];
