import type { Mutation } from '../mutant';

/** Faults of connections that are lent, and of what watches keys on them. */
export const leaseMutations: readonly Mutation[] = [
  {
    fault: 'a connection is lent with an open MULTI or watched keys of the last user',
    file: 'leases/returned.ts',
    from: "if (trace !== 'none') return trace;",
    to: "if (trace !== 'none') return 'clean';",
  },
  {
    fault: 'a connection is lent with the database or name that the last user chose',
    file: 'leases/returned.ts',
    from: "if (trace === 'more') return 'spoilt';",
    to: "if (trace === 'more') return 'clean';",
  },
  {
    fault: 'watched keys are left behind',
    file: 'connection/link-mode.ts',
    from: "return this.watching ? 'watches' : 'none';",
    to: "return 'none';",
  },
  {
    fault: 'a connection is lent that owes replies to the last user',
    file: 'leases/returned.ts',
    from: "return 'owes';",
    to: "return 'clean';",
  },
  {
    fault: 'the name of a connection is no trace',
    file: 'connection/link-mode.ts',
    from: "case 'fence':\n        break;",
    to: "case 'fence':\n      case 'name':\n        break;",
  },
  {
    fault: 'what the last user sends behind the end is sent',
    file: 'leases/lease.ts',
    from: 'if (lease.hasEnded) {',
    to: 'if (lease.hasEnded && request.abandoned) {',
  },
  {
    fault: 'what the last user has not sent yet is sent behind the end',
    file: 'leases/returned.ts',
    from: 'if (!connection.closed) connection.line.failQueued',
    to: 'if (connection.closed) connection.line.failQueued',
  },
  {
    fault: 'a lease is leaked where its user leaves',
    file: 'leases/use.ts',
    from: '    super.unsubscribe();\n    this.lease.giveBack();\n',
    to: '    super.unsubscribe();\n',
  },
  {
    fault: 'a lease is leaked where the work fails',
    file: 'leases/use.ts',
    from: '    this.lease.giveBack();\n    this.subscriber.error(error);\n',
    to: '    Object.assign(this.lease, { isOver: true });\n    this.subscriber.error(error);\n',
  },
  {
    fault: 'a lease is leaked where its connection is lost',
    file: 'leases/returned.ts',
    from: "if (member.list !== 'leased') return;",
    to: "if (member.list !== 'leased' || connection.closed) return;",
  },
  {
    fault: 'a lease is leaked where the user leaves the line',
    file: 'leases/lease-pool.ts',
    from: 'return () => void this.lists.leave(place);',
    to: 'return () => undefined;',
  },
  {
    fault: 'a connection that leads to the wrong server is lent again',
    file: 'connection/connection.ts',
    from: 'this.session.outdate();',
    to: '',
  },
  {
    fault: 'a caller is overtaken by later ones',
    file: 'leases/lease-pool.ts',
    from: 'const { oldest } = callers;',
    to: 'const oldest = callers.newest;',
  },
  {
    fault: 'one connection more is made than there may be',
    file: 'leases/lease-pool.ts',
    from: 'this.lists.total < this.parts.limits.max',
    to: 'this.lists.total <= this.parts.limits.max',
  },
  {
    fault: 'a caller waits for longer than it may',
    file: 'leases/lease-lists.ts',
    from: 'longest: acquireTimeout,',
    to: 'longest: 2 * acquireTimeout,',
  },
  {
    fault: 'callers that come later are not given up when the time of the first is up',
    file: 'leases/timed-list.ts',
    from: 'if (this.first !== undefined) this.arm(this.first);',
    to: '',
  },
  {
    fault: 'an idle connection is kept',
    file: 'leases/lease-lists.ts',
    from: 'longest: idleTimeout,',
    to: 'longest: Infinity,',
  },
  {
    fault: 'keys are read before they are watched',
    file: 'groups/watch.ts',
    from: 'forkJoin([watched.watch(source), watched.read(source, lender.types)]).pipe(\n      map(([, values]) => values),',
    to: 'forkJoin([watched.read(source, lender.types), watched.watch(source)]).pipe(\n      map(([values]) => values),',
  },
  {
    fault: 'keys are not watched',
    file: 'groups/watched-keys.ts',
    from: 'this.command = watch(list);',
    to: 'this.command = mget([...list]);',
  },
  {
    fault: 'a conflict is taken for success',
    file: 'groups/watch.ts',
    from: 'values ?? CONFLICT',
    to: "values ?? ['OK', 1]",
  },
  {
    fault: 'the EXEC of a lost lease is repeated',
    file: 'groups/watch.ts',
    from: "isLoss(error) && error.delivery === 'unsent'",
    to: 'isLoss(error)',
  },
  {
    fault: 'the last conflict is told as success',
    file: 'groups/watch.ts',
    from: 'this.attempts >= attempts ? null : outcome',
    to: "this.attempts >= attempts ? ['OK', 1] : outcome",
  },
];
