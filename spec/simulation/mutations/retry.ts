import type { Mutation } from '../mutant';

/** Faults in what is sent again, and what is not. */
export const retryMutations: readonly Mutation[] = [
  {
    fault: 'whatever was in flight is sent again on the next link',
    file: 'connection/retrier.ts',
    from: 'const delay = this.delayOf(request, failure);',
    to: 'const delay = this.delayOf(request, failure) || (0 as number | false);',
  },
  {
    fault: 'a write that may have run counts as repeatable',
    file: 'commands/request.ts',
    from: "replay === 'read' || replay === 'same';",
    to: "replay === 'read' || replay === 'same' || replay === 'state';",
  },
  {
    fault: 'refusals for good are tried again',
    file: 'connection/retry.ts',
    from: 'if (!error.repeatable || attempt > options.maxAttempts) return false;',
    to: 'if (attempt > options.maxAttempts) return false;',
  },
  {
    fault: 'the policy that throws leaves the connection in pieces',
    file: 'connection/retry.ts',
    from: '  } catch (thrown) {\n    reportUnhandled(thrown);',
    to: '  } catch (thrown) {\n    throw thrown;',
  },
  {
    fault: 'a read that was in flight is given up',
    file: 'commands/request.ts',
    from: "this.context.idempotent || replay === 'read' || replay === 'same'",
    to: "this.context.idempotent || replay === 'same'",
  },
  {
    fault: 'what was refused for the moment is given up',
    file: 'commands/reply-error.ts',
    from: "new Set(['LOADING', 'BUSY', 'TRYAGAIN', 'CLUSTERDOWN', 'MASTERDOWN'])",
    to: 'new Set<string>()',
  },
  {
    fault: 'retrySafely repeats what may have run',
    file: 'connection/retry.ts',
    from: 'error.repeatable && attempt <= resolved',
    to: 'attempt <= resolved',
  },
  {
    fault: 'retrySafely does not wait',
    file: 'connection/retry.ts',
    from: 'timer(delay, scheduler)',
    to: 'timer(0, scheduler)',
  },
  {
    fault: 'retrySafely gives up at once',
    file: 'connection/retry.ts',
    from: 'attempt <= resolved.maxAttempts',
    to: 'attempt < resolved.maxAttempts',
  },
  {
    fault: 'what a policy that destroys the client wants sent again is sent again',
    file: 'connection/retrier.ts',
    from: 'return this.ended === undefined && delay;',
    to: 'return delay;',
  },
  {
    fault: 'what a module says is believed',
    file: 'commands/define-spec.ts',
    from: 'foreign: facts.foreign ?? false,',
    to: 'foreign: false,',
  },
  {
    fault: 'what waits for a second try is forgotten when the client is destroyed',
    file: 'connection/backlog.ts',
    from: 'this.keepParked(stays);',
    to: '',
  },
];
