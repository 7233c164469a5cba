import type { Mutation } from '../mutant';

/** Faults of tails. */
export const tailMutations: readonly Mutation[] = [
  {
    fault: 'a tail begins anew when its connection was lost',
    file: 'streams/tail.ts',
    from: "if (this.state === 'waiting') this.state = 'reading';",
    to: "this.positions.forEach((one) => (one.id = '0-0')); this.state = 'reading';",
  },
  {
    fault: 'a tail that has lost its connection goes on behind what is last then',
    file: 'streams/tail.ts',
    from: "if (this.state === 'waiting') this.state = 'reading';",
    to: "this.positions.forEach((one) => (one.id = '$')); this.state = 'unknown';",
  },
  {
    fault: 'a tail leaves $ to the server',
    file: 'streams/tail-position.ts',
    from: 'if (this.id === LAST) {',
    to: 'if (false) {',
  },
  {
    fault: 'a tail reads the rest of a page once more',
    file: 'streams/tail-position.ts',
    from: 'this.id = entry.id;\n      this.isBeginning = false;',
    to: 'this.id = entries[0]!.id;\n      isPart = true;',
  },
  {
    fault: 'a tail takes what ends its wait for read',
    file: 'streams/tail.ts',
    from: "BLOCK: WAIT })).pipe(tap(() => (this.state = 'reading')));",
    to: "BLOCK: WAIT })).pipe(tap((read) => { for (const [, entries] of entriesByName(read as Read)) this.positions[0]!.id = entries[0]!.id; this.state = 'reading'; }));",
  },
  {
    fault: 'a tail is silent about what was trimmed',
    file: 'streams/tail-position.ts',
    from: 'return { from, to, reason };',
    to: "return reason === 'trimmed' ? undefined : { from, to, reason };",
  },
  {
    fault: 'a tail tells of gaps where nothing was trimmed',
    file: 'streams/tail-position.ts',
    from: '!this.isBeginning && this.isTrimmed(now, info.length)',
    to: '!this.isBeginning',
  },
  {
    fault: 'a tail that is to end does so with the first page',
    file: 'streams/tail-position.ts',
    from: 'if (this.until !== undefined && compareIds(last, this.until) >= 0)',
    to: 'if (this.until !== undefined)',
  },
  {
    fault: 'a tail ends when its connection is lost again and again',
    file: 'streams/outage.ts',
    from: "error.repeatable || (error.delivery !== 'unsent' && error.cause !== undefined)",
    to: 'error.repeatable',
  },
];
