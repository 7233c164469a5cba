import type { Mutation } from '../mutant';

/** Faults in what follows commands for telemetry. */
export const spanMutations: readonly Mutation[] = [
  {
    fault: 'the span of a command does not end when its caller leaves',
    file: 'telemetry/following.ts',
    from: "this.end('left', undefined);",
    to: '',
  },
  {
    fault: 'the span of a command that has failed does not end',
    file: 'telemetry/following.ts',
    from: "this.end('failed', error);",
    to: 'this.isOver = true;',
  },
  {
    fault: 'the span of a watch does not end when that is left',
    file: 'telemetry/telemetry.ts',
    from: 'finalize(() => span?.end({ ...facts(), ...ending })),',
    to: 'tap({ complete: () => span?.end({ ...facts(), ...ending }) }),',
  },
  {
    fault: 'a span that has ended is told of attempts at a connection',
    file: 'telemetry/tracing.ts',
    from: 'this.waiting.delete(this);\n    endFailed(',
    to: 'endFailed(',
  },
];
