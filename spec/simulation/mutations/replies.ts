import type { Mutation } from '../mutant';

/** Faults in who is told which reply. */
export const replyMutations: readonly Mutation[] = [
  {
    fault: 'a request whose subscriber left loses its place in line',
    file: 'connection/multiplexer.ts',
    from: 'const request = this.inFlight.shift();\n    if (request === undefined) {',
    to: 'let request = this.inFlight.shift();\n    while (request?.abandoned) request = this.inFlight.shift();\n    if (request === undefined) {',
  },
  {
    fault: 'a timed-out request loses its place in line, and its late reply goes to the next command',
    file: 'connection/multiplexer.ts',
    from: "for (const request of unanswered) failSafely(request, timedOut(request, 'unknown'));",
    to: "for (const request of unanswered) failSafely(request, timedOut(request, 'unknown'));\n    for (const request of this.inFlight.drain()) if (!isDue(request)) this.inFlight.push(request);",
  },
  {
    fault: 'replies are decoded as the command behind wants them',
    file: 'connection/multiplexer.ts',
    from: '      () => this.inFlight.peek(),\n      this.replyMode,',
    to: '      () => [...this.inFlight][1],\n      this.replyMode,',
  },
  {
    fault: 'what was owed by the lost link stays in line for the next',
    file: 'connection/multiplexer.ts',
    from: 'for (const request of this.inFlight.drain()) {',
    to: 'for (const request of this.inFlight) {\n      if (request.abandoned) continue;',
  },
  {
    fault: 'a reply that nothing asked for is overlooked',
    file: 'connection/multiplexer.ts',
    from: "this.breakLink(new ProtocolError('A reply came that no command waits for'));",
    to: '',
  },
  {
    fault: 'a push of an unknown kind takes the place of an element',
    file: 'resp/decoder.ts',
    from: 'this.open !== undefined && !isElement(value)',
    to: "this.open !== undefined && !isElement(value) && value.kind === 'invalidate'",
  },
  {
    fault: 'a subscriber is told twice',
    file: 'commands/request.ts',
    from: 'this.subscriber.next(value);\n    this.subscriber.complete();',
    to: 'this.subscriber.next(value);\n    this.subscriber.next(value);\n    this.subscriber.complete();',
  },
  {
    fault: 'a subscriber that has been told is told again',
    file: 'commands/request.ts',
    from: 'this.subscriber.next(value);\n    this.subscriber.complete();',
    to: 'this.subscriber.next(value);\n    this.subscriber.complete();\n    this.subscriber.complete();',
  },
  {
    fault: 'a link that is gone is still listened to',
    file: 'connection/multiplexer.ts',
    from: 'subscriber.add(\n        frames$.subscribe({',
    to: 'void [].push.call(\n        [],\n        frames$.subscribe({',
  },
  {
    fault: 'what was written is reported as unsent',
    file: 'connection/retrier.ts',
    from: "const failure = connectionLost(cause, request, 'unknown');",
    to: "const failure = connectionLost(cause, request, 'unsent');",
  },
];
