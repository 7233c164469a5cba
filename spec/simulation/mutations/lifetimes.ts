import type { Mutation } from '../mutant';

/** Faults in how a client, its connections and its streams come to their ends. */
export const lifetimeMutations: readonly Mutation[] = [
  {
    fault: 'a lost connection is never made again',
    file: 'connection/reconnect.ts',
    from: 'const wait = decide(policy, attempt, error);',
    to: 'const wait = false as ReturnType<typeof decide>;',
  },
  {
    fault: 'the client gives up at the second attempt',
    file: 'connection/reconnect.ts',
    from: 'const wait = decide(policy, attempt, error);',
    to: 'const wait = attempt < 2 && decide(policy, attempt, error);',
  },
  {
    fault: 'a broken protocol ends the client for good',
    file: 'connection/reconnect.ts',
    from: 'const wait = decide(policy, attempt, error);',
    to: "const wait = error.code !== 'PROTOCOL' && decide(policy, attempt, error);",
  },
  {
    fault: 'the client goes on when its attempts are used up',
    file: 'connection/reconnect.ts',
    from: 'policy !== false && attempt <= policy.maxAttempts && backoff',
    to: 'policy !== false && backoff',
  },
  {
    fault: 'close() does not wait for replies',
    file: 'connection/connection.ts',
    from: 'if (!linked || this.multiplexer.pending === 0) {',
    to: 'if (linked || !linked) {',
  },
  {
    fault: 'close() does not wait for a connection that is being made',
    file: 'connection/connection.ts',
    from: "const linked = kind === 'ready' || kind === 'connecting';",
    to: "const linked = kind === 'ready';",
  },
  {
    fault: 'close() waits for replies, and not for what is not written yet',
    file: 'connection/multiplexer.ts',
    from: 'return this.pending === 0 || (this.draining',
    to: 'return this.inFlight.length === 0 || (this.draining',
  },
  {
    fault: 'close() waits for what waits at the server',
    file: 'connection/multiplexer.ts',
    from: 'return this.pending === 0 || (this.draining && next',
    to: 'return this.pending === 0 || (this.draining && this.pending < 0 && next',
  },
  {
    fault: 'close() waits for what nobody waits for any more',
    file: 'connection/multiplexer.ts',
    from: 'if (this.draining) this.backlog.prune();',
    to: '',
  },
  {
    fault: 'close() comes to its end before the connection does',
    file: 'redis.ts',
    from: 'return new Completion(forkJoin(closing).pipe(map(() => undefined)));',
    to: 'return new Completion(forkJoin(closing) && []);',
  },
  {
    fault: 'destroy() leaves the shared connection open',
    file: 'redis.ts',
    from: 'for (const connection of [this.connection, ...this.leases]) connection.destroy();',
    to: 'for (const connection of this.leases) connection.destroy();',
  },
  {
    fault: 'every lost connection ends the streams of messages',
    file: 'pubsub/pubsub.ts',
    from: "if (state.kind === 'reconnecting' && state.error instanceof AuthenticationError) {\n      this.dropOwn();",
    to: "if (state.kind === 'reconnecting') {\n      this.dropOwn();",
  },
  {
    fault: 'one refused channel ends the others of the same SUBSCRIBE',
    file: 'pubsub/subscriptions.ts',
    from: 'if (names.length > 1) {',
    to: 'for (const name of names) this.refuse(name, error);\n        if (names.length < 0) {',
  },
  {
    fault: 'streams of messages fail when the client is closed',
    file: 'pubsub/subscriptions.ts',
    from: 'if (error === undefined) topic.complete();',
    to: "if (error === undefined) topic.error(new ReplyError('closed', 'ERR', {}));",
  },
  {
    fault: 'streams of messages complete when the client gives up',
    file: 'pubsub/subscriptions.ts',
    from: 'else topic.error(error);',
    to: 'else topic.complete();',
  },
  {
    fault: 'who throws when its stream ends keeps others open',
    file: 'connection/report-unhandled.ts',
    from: '    reportUnhandled(error);',
    to: '    throw error;',
  },
  {
    fault: 'close() waits for replies without a limit',
    file: 'connection/connection.ts',
    from: 'race(this.multiplexer.drained(), lost, limit)',
    to: 'race(this.multiplexer.drained(), lost)',
  },
  {
    fault: 'close() waits for a link that is lost',
    file: 'connection/connection.ts',
    from: 'race(this.multiplexer.drained(), lost, limit)',
    to: 'race(this.multiplexer.drained(), limit)',
  },
  {
    fault: 'the first reconnect does not wait',
    file: 'connection/backoff.ts',
    from: 'options.factor ** (attempt - 1)',
    to: 'options.factor ** (attempt - 1) * (attempt === 1 ? 0 : 1)',
  },
  {
    fault: 'a limit that ends a link is told as a loss',
    file: 'connection/connection.ts',
    from: "if (error instanceof TimeoutError) return 'timeout';",
    to: '',
  },
  {
    fault: 'a server that closes a link is told as a loss',
    file: 'connection/connection.ts',
    from: "error.cause === undefined ? 'server_closed'",
    to: "error.cause === undefined ? 'connection_lost'",
  },
  {
    fault: 'who closes the client is told of a loss',
    file: 'connection/connection.ts',
    from: "reason: 'closed_by_user' }",
    to: "reason: 'connection_lost' }",
  },
  {
    fault: 'what a policy that destroys the client wants of a connection is done',
    file: 'connection/retrier.ts',
    from: "return this.ended === undefined && (reaction === true || reaction === 'resend') ? reaction : false;",
    to: "return reaction === true || reaction === 'resend' ? reaction : false;",
  },
  {
    fault: 'a client that its policy destroys announces another attempt',
    file: 'connection/connection.ts',
    from: "if (this.state$.value.kind === 'closed') return; // by the user's own function",
    to: '',
  },
];
