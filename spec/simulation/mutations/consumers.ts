import type { Mutation } from '../mutant';

/** Faults of consumers. */
export const consumerMutations: readonly Mutation[] = [
  {
    fault: 'a consumer acknowledges what it begins to handle',
    file: 'streams/consumer.ts',
    from: 'else this.slots.give(consumed);',
    to: 'else { this.acks.add(entry.id); this.slots.give(consumed); }',
  },
  {
    fault: 'a consumer forgets what was delivered with a lost reply',
    file: 'streams/consumer.ts',
    from: `if (!isGroupLost) this.pending.recover();
    if (this.settings.claimIdle === Infinity) this.strayUntil = this.parts.clock.now() + 2 * TICK;`,
    to: '',
  },
  {
    fault: 'a consumer takes over what others have not had for long enough',
    file: 'streams/consume-options.ts',
    from: '    claimIdle,\n    maxDeliveries:',
    to: '    claimIdle: claimIdle / 3,\n    maxDeliveries:',
  },
  {
    fault: 'a consumer does not say that it is still handling what it has',
    file: 'streams/in-hand.ts',
    from: '      this.keep();',
    to: '',
  },
  {
    fault: 'a consumer handles one entry more at the same time than it may',
    file: 'streams/consumer.ts',
    from: 'size: settings.concurrency,',
    to: 'size: settings.concurrency + 1,',
  },
  {
    fault: 'a consumer handles entries of one key at the same time',
    file: 'demand/slots.ts',
    from: '      line.isBusy = true;',
    to: '',
  },
  {
    fault: 'a consumer cuts off what it handles when it is left',
    file: 'streams/consumer.ts',
    from: 'if (drainTimeout < Infinity) this.under.add(clock.schedule(() => this.abandon(), drainTimeout));',
    to: 'this.abandon();',
  },
  {
    fault: 'a consumer that is left acknowledges nothing any more',
    file: 'streams/consumer.ts',
    from: "this.state = 'draining';",
    to: "this.state = 'draining'; this.acks.stop();",
  },
  {
    fault: 'a consumer handles what was delivered too often',
    file: 'streams/consumer.ts',
    from: 'const isDead = deliveries > this.settings.maxDeliveries;',
    to: 'const isDead = false;',
  },
  {
    fault: 'a consumer takes for acknowledged what the server has not heard of',
    file: 'streams/acknowledge.ts',
    from: 'defer(() => this.acknowledged(ids)),',
    to: '',
  },
  {
    fault: 'a consumer ends when its group is gone',
    file: 'streams/consumer-group.ts',
    from: 'if (this.settings.from === undefined) return false;',
    to: 'if (this.settings.from !== undefined) return false;',
  },
  {
    fault: 'a group that is made once more leaves out what was added meanwhile',
    file: 'streams/consumer-group.ts',
    from: 'if (compareIds(last, delivered) >= 0) return delivered;',
    to: 'if (compareIds(last, delivered) >= 0) return last;',
  },
];
