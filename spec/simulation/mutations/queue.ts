import type { Mutation } from '../mutant';

/** Faults in which commands are written, and when. */
export const queueMutations: readonly Mutation[] = [
  {
    fault: 'commands are written before the handshake is done',
    file: 'connection/multiplexer.ts',
    from: '(flows ? this.backlog.shift() : undefined)',
    to: 'this.backlog.shift()',
  },
  {
    fault: 'what returns to the queue returns in the wrong order',
    file: 'connection/ring.ts',
    from: 'for (let i = items.length - 1; i >= 0; i--) {',
    to: 'for (let i = 0; i < items.length; i++) {',
  },
  {
    fault: 'a full send buffer does not hold further writes back',
    file: 'connection/multiplexer.ts',
    from: 'this.full = !this.socket.write(this.encoder.take());',
    to: 'this.socket.write(this.encoder.take());',
  },
  {
    fault: 'more commands than pipelineDepth go into a write',
    file: 'connection/multiplexer.ts',
    from: 'while (count < depth && encoder',
    to: 'while (count <= depth && encoder',
  },
  {
    fault: 'the queue for commands without a link has no bound',
    file: 'connection/connection.ts',
    from: 'return this.multiplexer.queued < offlineQueue ? undefined : this.overflow(request);',
    to: 'return undefined;',
  },
  {
    fault: 'what nobody waits for any more is still written',
    file: 'connection/multiplexer.ts',
    from: 'if (request.abandoned) continue;\n      const { spec, args }',
    to: 'const { spec, args }',
  },
  {
    fault: 'what was never sent fails with the link',
    file: 'connection/multiplexer.ts',
    from: 'const unsent = this.greetings.drain();',
    to: 'const unsent = [...this.greetings.drain(), ...this.backlog.take(() => true)];',
  },
  {
    fault: 'an emptied send buffer goes unnoticed',
    file: 'connection/multiplexer.ts',
    from: 'this.full = false;\n          this.liveness.drained();',
    to: 'this.liveness.drained();',
  },
  {
    fault: 'each command has a write of its own',
    file: 'connection/multiplexer.ts',
    from: 'const depth = options.autoPipeline ? options.pipelineDepth : 1;',
    to: 'const depth = 1;',
  },
  {
    fault: 'commands overtake who subscribes in their tick',
    file: 'connection/multiplexer.ts',
    from: '(this.inTransaction ? undefined : this.greetings.shift()) ?? (flows ? this.backlog.shift() : undefined)',
    to: '(flows ? this.backlog.shift() : undefined) ?? this.greetings.shift()',
  },
  {
    fault: 'what cannot be encoded is taken for sent',
    file: 'connection/multiplexer.ts',
    from: 'this.unsendable.push({ request, error: notEncodable(cause, request) });',
    to: 'inFlight.push(request);',
  },
];
