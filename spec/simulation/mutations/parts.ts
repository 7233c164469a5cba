import type { Mutation } from '../mutant';

/** Faults in reading a long reply as it comes. */
export const partMutations: readonly Mutation[] = [
  {
    fault: 'the values of a transaction that have come are read once more with those that come later',
    file: 'commands/transaction.ts',
    from: 'for (let index = read.length; index < end; index++) {',
    to: 'for (let index = 0; index < end; index++) {',
  },
  {
    fault: 'what comes of a transaction is read as if it began anew with each part',
    file: 'commands/transaction.ts',
    from: 'for (let index = read.length; index < end; index++) {\n      const frame = frames[index]!;\n      const command = this.received(index + 1);',
    to: 'const first = read.length;\n    for (let index = first; index < end; index++) {\n      const frame = frames[index]!;\n      const command = this.received(index - first + 1);',
  },
  {
    fault: 'a value of a transaction is left out where a part of the reply ends',
    file: 'commands/transaction.ts',
    from: 'if (answered.length === this.members.length - 1) this.readOn(frames, context, read);',
    to: 'if (answered.length === this.members.length - 1) this.readOn(frames.slice(0, -1), context, read);\n    read.pop();\n    read.push(null);',
  },
  {
    fault: 'a part of one value is taken for a part of the reply to EXEC',
    file: 'resp/decoder.ts',
    from: 'while (open.parent !== undefined) open = open.parent;',
    to: '',
  },
  {
    fault: 'a part of a reply is told with places that nothing has come for yet',
    file: 'resp/decoder.ts',
    from: 'if (isArray && open.count > FEW_ELEMENTS) this',
    to: 'if (isArray && open.count > 1) this',
  },
];
