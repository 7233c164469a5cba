import type { Mutation } from '../mutant';

/** Faults in the limits of commands and connections. */
export const limitMutations: readonly Mutation[] = [
  {
    fault: 'no deadline is watched',
    file: 'connection/deadlines.ts',
    from: 'this.sweep.watch(request.deadline);',
    to: '',
  },
  {
    fault: 'a link that owes replies in silence is kept',
    file: 'connection/liveness.ts',
    from: 'this.sweep.watch(now + this.limits.readTimeout);',
    to: '',
  },
  {
    fault: 'a link that takes no bytes is kept',
    file: 'connection/liveness.ts',
    from: 'this.fullSince = now;',
    to: '',
  },
  {
    fault: 'a link whose buffer has emptied counts as full',
    file: 'connection/liveness.ts',
    from: 'this.fullSince = undefined;\n    this.unsentFrom',
    to: 'this.unsentFrom',
  },
  {
    fault: 'a link may be as silent as it likes while its buffer is full',
    file: 'connection/liveness.ts',
    from: 'return this.link.reached() < this.unsentFrom;',
    to: 'return this.unsentFrom === Infinity;',
  },
  {
    fault: 'a link counts as silent while it takes what it is to answer',
    file: 'connection/liveness.ts',
    from: 'this.owesSent() ? this.readDue(oldest) : Infinity',
    to: 'this.readDue(oldest)',
  },
  {
    fault: 'a link whose buffer has emptied counts as silent since before',
    file: 'connection/liveness.ts',
    from: 'if (!this.owesSent()) this.owedSince = this.clock.now();',
    to: '',
  },
  {
    fault: 'a link lives on by every write that fills its buffer',
    file: 'connection/liveness.ts',
    from: 'if (!this.owesSent()) this.owedSince',
    to: 'this.owedSince',
  },
  {
    fault: 'a handshake may take for ever',
    file: 'connection/handshaker.ts',
    from: 'first: connectTimeout,',
    to: 'first: 1e8,',
  },
  {
    fault: 'a timer that user code kept waiting does not let what has come be read',
    file: 'connection/sweep.ts',
    from: 'if (now - deadline <= HELD_UP) this.run(now);',
    to: 'if (now >= deadline) this.run(now);',
  },
  {
    fault: 'a tick that user code holds up takes its time from its commands',
    file: 'connection/flusher.ts',
    from: 'if (late >= SHORTEST_DELAY) this.onLate(this.from, late);',
    to: '',
  },
  {
    fault: 'every try has the whole time',
    file: 'connection/line.ts',
    from: 'if (request.past === undefined) {\n      this.deadlines.enterAgain(request);',
    to: 'if (request.past !== undefined) this.deadlines.start(request, this.options.clock.now());\n    if (request.past === undefined) {\n      this.deadlines.enterAgain(request);',
  },
  {
    fault: 'what is to be sent to the master has no deadline meanwhile',
    file: 'connection/backlog.ts',
    from: '*toRepeat(): Iterable<Request> {\n    yield* this.returning;',
    to: '*toRepeat(): Iterable<Request> {',
  },
  {
    fault: 'a link on which somebody listens is silent for ever',
    file: 'connection/liveness.ts',
    from: 'this.link.probe();',
    to: '',
  },
];
