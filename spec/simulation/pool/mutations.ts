import type { Mutation } from '../mutant';

/** Faults that a pool could have. Each has to be found. */
export const poolMutations: readonly Mutation[] = [
  {
    fault: 'a connection that comes back stays in the list of those that are lent',
    file: 'leases/lease-lists.ts',
    from: "else if (member.list !== 'none') this[member.list].delete(member);",
    to: "else if (member.list !== 'none' && list !== 'idle') this[member.list].delete(member);",
  },
  {
    fault: 'a lease that is given back twice takes the connection from its next user',
    file: 'leases/lease.ts',
    from: '    if (this.isOver) return;\n    this.isOver = true;',
    to: '    this.isOver = true;',
  },
  {
    fault: 'the time of a caller is up only where it is the first in the line',
    file: 'leases/timed-list.ts',
    from: '    if (this.first !== undefined) this.arm(this.first);\n',
    to: '',
  },
  {
    fault: 'a caller that has left is lent a connection',
    file: 'leases/lease-pool.ts',
    from: 'return () => void this.lists.leave(place);',
    to: 'return () => undefined;',
  },
  {
    fault: 'a caller that comes first is served last',
    file: 'leases/lease-pool.ts',
    from: '    const { oldest } = callers;\n    if (oldest === undefined) {',
    to: '    const { newest: oldest } = callers;\n    if (oldest === undefined) {',
  },
  {
    fault: 'fewer connections are kept once one is lost',
    file: 'leases/lease-pool.ts',
    from: '    this.kept.restoreAfter(member);\n',
    to: '',
  },
  {
    fault: 'more connections are made than there may be',
    file: 'leases/lease-pool.ts',
    from: 'return this.lists.total < this.parts.limits.max;',
    to: 'return this.lists.total <= this.parts.limits.max;',
  },
  {
    fault: 'a connection in another database is lent',
    file: 'leases/returned.ts',
    from: "if (trace === 'more') return 'spoilt';",
    to: "if (trace === 'more') return 'clean';",
  },
  {
    fault: 'the connection of the pool itself is never given back',
    file: 'leases/spread.ts',
    from: 'if (one.pending === 0) this.giveBack(one);',
    to: '',
  },
  {
    fault: 'the pool sends its commands on a connection that it has given back',
    file: 'leases/spread.ts',
    from: '    this.open.remove(one);\n    const { lease }',
    to: '    const { lease }',
  },
];
