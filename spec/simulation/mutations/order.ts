import type { Mutation } from '../mutant';

/** Faults in the order of what is repeated. */
export const orderMutations: readonly Mutation[] = [
  {
    fault: 'a refused write is repeated although a later one has run',
    file: 'connection/reply-effects.ts',
    from: 'if (mayHaveWritten(frame, request.command)) this',
    to: 'if (request.place < 0) this',
  },
  {
    fault: 'a refused write is written behind a later one that is on its way',
    file: 'connection/backlog.ts',
    from: '!next.abandoned && order.mustWait(next)',
    to: 'order.mustWait(next) && next.place < 0',
  },
  {
    fault: 'what nobody knows the keys of overtakes nothing',
    file: 'connection/write-order.ts',
    from: 'this.lanesOf(written)) {\n      for (const { request }',
    to: 'this.lanesOf(written).slice(1)) {\n      for (const { request }',
  },
  {
    fault: 'a write that is refused fails when any other runs',
    file: 'connection/write-order.ts',
    from: 'this.lanesOf(written)) {\n      for (const { request }',
    to: '[this.every]) {\n      for (const { request }',
  },
];
