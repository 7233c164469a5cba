import type { Mutation } from '../mutant';

/** Faults in commands that travel together. */
export const groupMutations: readonly Mutation[] = [
  {
    fault: 'a group that takes several writes is torn by what waits',
    file: 'connection/outgoing.ts',
    from: 'let count = groups.isWriting ? groups.write(depth) : 0;',
    to: 'let count = 0;\n    if (groups.isWriting) {\n      const other = this.next();\n      if (other !== undefined && !other.abandoned && other.command.spec.plain) {\n        encoder.add(other.command.spec.words, other.command.spec.head, other.command.args);\n        owed.push(other);\n        count++;\n      }\n      count += groups.write(depth - count);\n    }',
  },
  {
    fault: 'a member of a group is written twice where a write ends',
    file: 'connection/group-writer.ts',
    from: 'const count = this.member - first;',
    to: 'const count = this.member - first;\n    if (count === depth && count > 1 && this.member < members.length) this.member--;',
  },
  {
    fault: 'a reply of a group is given to two members',
    file: 'connection/incoming.ts',
    from: 'values.push(value);',
    to: 'values.push(values.length === 1 ? values[0] : value);',
  },
  {
    fault: 'a group is taken for answered before its last member is',
    file: 'connection/incoming.ts',
    from: 'this.cut.size === 0 ? length :',
    to: 'this.cut.size === 0 ? length - 1 :',
  },
  {
    fault: 'the replies of a group are added to those of the last',
    file: 'connection/incoming.ts',
    from: 'this.leaveGroup(request);\n    this.sink.replied(',
    to: 'this.cut.delete(request);\n    this.values = values.slice(values.length - 1).filter((value) => value instanceof Error);\n    this.sink.replied(',
  },
  {
    fault: 'a member that is refused fails the whole group',
    file: 'commands/group.ts',
    from: 'if (frame instanceof ErrorFrame) return withoutStacks(() => toReplyError(frame, command));',
    to: '',
  },
  {
    fault: 'members of a lost group that were written are told to be unsent',
    file: 'commands/group.ts',
    from: "return index < written ? 'unknown' : 'unsent';",
    to: "return index < answered.length + 1 ? 'unknown' : 'unsent';",
  },
  {
    fault: 'members of a lost group that were never written are told to may have run',
    file: 'connection/group-writer.ts',
    from: 'return request === this.group ? this.member : members.length;',
    to: 'return members.length;',
  },
  {
    fault: 'the members of a lost group that were answered are forgotten',
    file: 'connection/link-groups.ts',
    from: 'const answered = request === oldest ? this.incoming.answered : [];',
    to: 'const answered = request === undefined ? this.incoming.answered : [];',
  },
  {
    fault: 'a group is as harmless as its most harmless member',
    file: 'commands/repetition.ts',
    from: 'worst = Math.max(worst,',
    to: 'worst = Math.min(worst,',
  },
  {
    fault: 'the members of a group that are answered are no signs of life',
    file: 'connection/incoming.ts',
    from: 'return command instanceof Group ? length / command.members.length : 0;',
    to: 'return command instanceof Group && length < 0 ? 1 : 0;',
  },
  {
    fault: 'a group is written to its end although nothing waits for it',
    file: 'connection/group-writer.ts',
    from: 'if (isDivisible && request.abandoned) {',
    to: 'if (isDivisible && request.place < 0) {',
  },
  {
    fault: 'an indivisible group is left in its middle with its Observer',
    file: 'connection/group-writer.ts',
    from: 'if (isDivisible && request.abandoned) {',
    to: 'if (request.abandoned) {',
  },
];
