import type { Mutation } from '../mutant';

/** Faults in who is told which reply. */
export const replyMutations: readonly Mutation[] = [
  {
    fault: 'a request whose subscriber left loses its place in line',
    file: 'connection/link.ts',
    from: 'const request = this.owed.shift();\n    if (request === undefined) {',
    to: 'let request = this.owed.shift();\n    while (request?.abandoned) request = this.owed.shift();\n    if (request === undefined) {',
  },
  {
    fault: 'a timed-out request loses its place in line, and its late reply goes to the next command',
    file: 'connection/deadlines.ts',
    from: 'for (const request of due) this.expired.add(request);',
    to: 'for (const request of due) this.expired.add(request);\n    if (due.length > 0) cursor.ring.retain((request) => !due.includes(request));',
  },
  {
    fault: 'replies are decoded as the command behind wants them',
    file: 'connection/incoming.ts',
    from: 'return this.wantsBytes(this.owed.peek());',
    to: 'return this.wantsBytes([...this.owed][1]);',
  },
  {
    fault: 'of what a lost link owed only the oldest is dealt with',
    file: 'connection/lost-links.ts',
    from: 'if (!request.command.spec.plain) this.places.ended(request);',
    to: 'if (request !== oldest) continue;\n      if (!request.command.spec.plain) this.places.ended(request);',
  },
  {
    fault: 'a reply that nothing asked for is overlooked',
    file: 'connection/link.ts',
    from: "this.lose(new ProtocolError('A reply came that no command waits for'));",
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
    from: 'observer.next(value);\n    observer.complete();',
    to: 'observer.next(value);\n    observer.next(value);\n    observer.complete();',
  },
  {
    fault: 'a subscriber that has been told is told again',
    file: 'commands/request.ts',
    from: 'observer.next(value);\n    observer.complete();',
    to: 'observer.next(value);\n    observer.complete();\n    observer.complete();',
  },
  {
    fault: 'a link that is gone is still listened to',
    file: 'connection/link.ts',
    from: 'subscriber.add(this.socket.drain$.subscribe(() => this.drained()));',
    to: 'this.socket.drain$.subscribe(() => this.drained());',
  },
  {
    fault: 'what was written is reported as unsent',
    file: 'connection/retrier.ts',
    from: 'const failure = connectionLost(cause, request, loss.delivery, loss.progress);',
    to: "const failure = connectionLost(cause, request, 'unsent', loss.progress);",
  },
];
