import type { Mutation } from '../mutant';

/** Faults of queues of jobs. */
export const jobMutations: readonly Mutation[] = [
  {
    fault: 'a worker does not acknowledge what it has done',
    file: 'streams/queue-held.ts',
    from: 'const sent$ = defer(() => transport.send(command)).pipe(',
    to: "const sent$ = defer(() => (event.type === 'done' ? of(1) : transport.send(command))).pipe(",
  },
  {
    fault: 'a worker acknowledges what it begins',
    file: 'streams/queue-held.ts',
    from: 'if (handle !== undefined) this.run(held, handle);',
    to: 'this.parts.transport.send(this.removal(entry)).subscribe(); if (handle !== undefined) this.run(held, handle);',
  },
  {
    fault: 'the end of a job is sent once, and is lost with its connection',
    file: 'streams/queue-held.ts',
    from: 'mayPass(error) && this.isHeld(held)\n            ? merge(timer(delayAfter(count), clock), this.allGone$.pipe(mergeMap(() => throwError(() => error))))\n            : throwError(() => error),',
    to: 'count > 0 ? of(0).pipe(tap(() => { throw error; })) : timer(0, clock),',
  },
  {
    fault: 'a worker that lives does not renew its lease, so that its jobs are taken back',
    file: 'streams/queue-worker.ts',
    from: 'this.beatIn(Math.min(BEAT, this.limits.lease / 3, nextDue));',
    to: 'this.beatIn(Math.min(this.limits.lease * 1.5, nextDue));',
  },
  {
    fault: 'a job that is to be tried later is forgotten',
    file: 'streams/queue-held.ts',
    from: "return [fail(keys, worker, entry.whole, again, delay), { type: 'failed', job, error, delay }];",
    to: "return [this.removal(entry), { type: 'failed', job, error, delay }];",
  },
  {
    fault: 'a worker that is left stays known',
    file: 'streams/queue-worker.ts',
    from: 'this.send(leave(this.keys, this.id, isLast ? 0 : this.limits.lease, ids)).subscribe({',
    to: 'this.send(leave(this.keys, this.id, this.limits.lease, ids)).subscribe({',
  },
  {
    fault: 'a worker that is left leaves what it could not end in time in its list',
    file: 'streams/queue-worker.ts',
    from: 'this.hasUnstarted = true;\n    this.proceed();',
    to: 'this.gone();',
  },
  {
    fault: 'a worker does a job twice that two answers bring',
    file: 'streams/queue-worker.ts',
    from: 'if (this.held.has(entry)) return;',
    to: '',
  },
  {
    fault: 'a worker does one job more at the same time than it may',
    file: 'streams/queue-worker.ts',
    from: 'return Math.min(this.limits.concurrency, this.held.active.length + this.task.wanted());',
    to: 'return Math.min(this.limits.concurrency + 1, this.held.active.length + this.task.wanted());',
  },
  {
    fault: 'a worker goes on with what was taken from it',
    file: 'streams/queue-held.ts',
    from: "this.letGo(held, 'the lease of its worker was over, and it was taken back');",
    to: 'this.held.delete(id);',
  },
  {
    fault: 'the jobs of workers that died are not taken back',
    file: 'streams/queue-worker.ts',
    from: 'if (worker !== this.id) this.takeBack(worker);',
    to: '',
  },
  {
    fault: 'a job is tried once more than it may',
    file: 'streams/queue-held.ts',
    from: 'const delay = attempt >= limits.attempts ? false',
    to: 'const delay = attempt > limits.attempts ? false',
  },
  {
    fault: 'a worker ends when the server cannot be asked for a moment',
    file: 'streams/queue-worker.ts',
    from: 'if (mayPass(error)) {\n      this.beatIn(delayAfter(++this.failures));',
    to: 'if (this.failures < 0) {\n      this.beatIn(delayAfter(++this.failures));',
  },
];
