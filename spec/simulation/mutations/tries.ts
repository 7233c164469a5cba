import type { Mutation } from '../mutant';

/** Faults in how commands wait, and in how they are sent once more. */
export const tryMutations: readonly Mutation[] = [
  {
    fault: 'what was lost twice, and alone the second time, is sent a third time',
    file: 'connection/retrier.ts',
    from: 'return !isMeant && isOldest && past?.onTrial === true && (isAlone || past.suspected);',
    to: 'return !isMeant && isOldest && past?.onTrial === true && !isAlone && past.suspected;',
  },
  {
    fault: 'who was lost once and refused then is told that it has not run',
    file: 'commands/reply-error.ts',
    from: "const delivery = mayHaveRun ? 'unknown' : 'answered';",
    to: "const delivery = 'answered' as const;",
  },
  {
    fault: 'retry.maxAttempts is overlooked',
    file: 'connection/retry.ts',
    from: 'if (!error.repeatable || attempt > options.maxAttempts) return false;',
    to: 'if (!error.repeatable) return false;',
  },
  {
    fault: 'what was refused for the moment is sent again at once',
    file: 'connection/retry.ts',
    from: 'return error instanceof ReplyError ? backoff(options, attempt) : 0;',
    to: 'return 0;',
  },
  {
    fault: "the user's policy is told of attempt 0",
    file: 'connection/retry.ts',
    from: 'context.retry(attempt + 1, error, command)',
    to: 'context.retry(attempt, error, command)',
  },
  {
    fault: 'the deadline is not looked at when a command is to be tried again',
    file: 'connection/retry.ts',
    from: 'delay !== false && deadline !== 0 && now + delay >= deadline ? false : delay',
    to: 'delay !== false && deadline < 0 ? false : delay',
  },
  {
    fault: 'what a replica refused is sent again and again',
    file: 'connection/retrier.ts',
    from: 'return request.past?.hasMoved !== true && hasNotRun(frame, command);',
    to: 'return hasNotRun(frame, command);',
  },
  {
    fault: 'all that waited for the first dial is kept when it fails',
    file: 'connection/admission.ts',
    from: 'line.failBeyond(most, (request) => this.overflow(request, error));',
    to: '',
  },
  {
    fault: 'the queue has no bound while a lost connection is being made',
    file: 'connection/connection.ts',
    from: 'if (this.admission.admitsAll) return undefined;',
    to: "if (this.admission.admitsAll || this.state$.value.kind === 'connecting') return undefined;",
  },
  {
    fault: 'what nobody waits for any more fills the queue',
    file: 'connection/backlog.ts',
    from: 'this.countDepartures();\n      if (this.queued',
    to: 'if (this.queued',
  },
  {
    fault: 'what was not sent when its time was up is not called repeatable',
    file: 'connection/failures.ts',
    from: "const repeatable = delivery !== 'unknown' || (bearsRepetition && request.repeatable);",
    to: 'const repeatable = bearsRepetition && request.repeatable;',
  },
  {
    fault: 'a read that a closed client gave up is called repeatable',
    file: 'connection/refusals.ts',
    from: 'facts.repeatable = false;\n  facts.cause',
    to: 'facts.cause',
  },
  {
    fault: 'a Reply that is awaited twice is sent twice',
    file: 'commands/reply.ts',
    from: '(this.promise ??= sendOnce(this))',
    to: '(this.promise = sendOnce(this))',
  },
  {
    fault: 'who subscribes once more to a Reply gets the value of the first time',
    file: 'commands/reply.ts',
    from: '  surface.executor.submit(new Request(command, surface, subscriber));',
    to: '  const memory = this as unknown as { last?: { value: T } };\n  if (memory.last !== undefined) {\n    subscriber.next(memory.last.value);\n    subscriber.complete();\n    return;\n  }\n  const next = subscriber.next.bind(subscriber);\n  subscriber.next = (value?: T) => next((memory.last = { value: value! }).value);\n  surface.executor.submit(new Request(command, surface, subscriber));',
  },
  {
    fault: 'others pass what a server refused that refuses everything',
    file: 'connection/retrier.ts',
    from: 'if (!isWaitedFor || delay > LONGEST_PAUSE) {',
    to: 'if (!isWaitedFor || delay > -1) {',
  },
  {
    fault: 'what was refused for the moment goes behind the queue',
    file: 'connection/backlog.ts',
    from: 'return this.repeats.length === 0 ? this.queue.shift() : this.repeats.shift();',
    to: 'return this.queue.shift() ?? this.repeats.shift();',
  },
  {
    fault: 'a server that refuses everything is asked on and on',
    file: 'connection/backlog.ts',
    from: 'if (this.pausing !== undefined) return undefined;',
    to: '',
  },
  {
    fault: 'what is refused later goes before what was released before and not sent',
    file: 'connection/repeats.ts',
    from: 'if (this.inOrder.length > 0 && request.place < this.latest) {',
    to: 'if (this.inOrder.length < 0) {',
  },
  {
    fault: 'what was refused in one database is sent again in another',
    file: 'connection/places.ts',
    from: 'place < (this.underWay > 0 ? this.written : this.latest)',
    to: 'place < this.latest',
  },
];
