import type { Mutation } from '../mutant';

/** Faults in which commands are written, and when. */
export const queueMutations: readonly Mutation[] = [
  {
    fault: 'commands are written before the handshake is done',
    file: 'connection/line.ts',
    from: 'return this.link!.isOpen ? this.backlog.shift() : undefined;',
    to: 'return this.backlog.shift();',
  },
  {
    fault: 'what returns to the queue returns in the wrong order',
    file: 'connection/repeats.ts',
    from: 'one.place <= other.place',
    to: 'one.place >= other.place',
  },
  {
    fault: 'a full send buffer does not hold further writes back',
    file: 'connection/outgoing.ts',
    from: 'this.full = accepted !== true;',
    to: "this.full = accepted === 'refused';",
  },
  {
    fault: 'more commands than pipelineDepth go into a write',
    file: 'connection/outgoing.ts',
    from: 'while (count < depth && encoder',
    to: 'while (count <= depth && encoder',
  },
  {
    fault: 'the queue for commands without a link has no bound',
    file: 'connection/backlog.ts',
    from: 'if (this.queued >= most) return false;',
    to: '',
  },
  {
    fault: 'what nobody waits for any more is still written',
    file: 'connection/outgoing.ts',
    from: 'if (request.abandoned) continue;',
    to: '',
  },
  {
    fault: 'what was never sent fails with the link',
    file: 'connection/lost-links.ts',
    from: 'const { ahead, queued, refusedFrom, lastEnding } = link.outgoing.end();',
    to: 'const { ahead, queued, refusedFrom, lastEnding } = link.outgoing.end();\n    ahead.push(...this.backlog.takeBehind(0));',
  },
  {
    fault: 'an emptied send buffer goes unnoticed',
    file: 'connection/outgoing.ts',
    from: 'this.full = false;\n    this.liveness.drained();',
    to: 'this.liveness.drained();',
  },
  {
    fault: 'each command has a write of its own',
    file: 'connection/line.ts',
    from: 'pipelineDepth: autoPipeline ? pipelineDepth : 1 };',
    to: 'pipelineDepth: 1 };',
  },
  {
    fault: 'places are given in another order than that of the calls',
    file: 'connection/line.ts',
    from: 'request.place = ++this.calls.last;\n    if (request.deadline',
    to: 'request.place = (++this.calls.last ^ 1) + 1;\n    if (request.deadline',
  },
  {
    fault: 'what cannot be encoded is taken for sent',
    file: 'connection/outgoing.ts',
    from: 'untold.fails(request, notEncodable(cause, request));\n        continue;',
    to: '',
  },
];
