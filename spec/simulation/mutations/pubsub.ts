import type { Mutation } from '../mutant';

/** Faults in what is subscribed to. */
export const pubsubMutations: readonly Mutation[] = [
  {
    fault: 'a shard subscription that the server has taken away is not asked for again',
    file: 'pubsub/removals.ts',
    from: 'if (this.subscriptions.removed(key, loss)) this.taken(key, send);',
    to: 'this.subscriptions.removed(key, loss);',
  },
  {
    fault: 'a confirmation confirms whatever was asked for',
    file: 'connection/incoming.ts',
    from: 'if (sameName(args[this.count], push.items[1])) {',
    to: 'if (this.count < args.length) {',
  },
  {
    fault: 'each Observer of a monitor has MONITOR sent',
    file: 'leases/monitor.ts',
    from: 'if (this.asked !== undefined) return;',
    to: '',
  },
  {
    fault: 'a line of MONITOR is taken for a reply',
    file: 'connection/link-mode.ts',
    from: 'return this.monitoring && MONITORED.test(text);',
    to: 'return !this.monitoring && MONITORED.test(text);',
  },
  {
    fault: 'what a server refuses of a subscription that it has taken away is taken for the next reply',
    file: 'connection/incoming.ts',
    from: "else if (command.spec.effect === 'fence' && isLateRefusal(frame)) return;",
    to: '',
  },
  {
    fault: 'nothing shows that the reply to SUNSUBSCRIBE was the last',
    file: 'pubsub/subscriptions.ts',
    from: "return this.kind === 'shard' && this.bySlot() ?",
    to: "return this.kind === 'channel' && this.bySlot() ?",
  },
  {
    fault: 'a loss leaves what was confirmed as it was, and no gap is told',
    file: 'pubsub/topic.ts',
    from: "if (this.state === 'confirmed') this.state = loss;",
    to: '',
  },
  {
    fault: 'an Observer that joins a confirmed channel is told of the gap before it',
    file: 'pubsub/notices.ts',
    from: 'else if (loss !== undefined) {',
    to: 'if (loss !== undefined) {\n      toldAt ??= 0;',
  },
  {
    fault: 'an Observer that joins a confirmed channel is told nothing',
    file: 'pubsub/notices.ts',
    from: 'if (topic.isConfirmed) tell',
    to: 'if (topic.isConfirmed && topic.confirmations.size > 1) tell',
  },
  {
    fault: 'in RESP2 the time in which channels are left to sign in anew is no gap',
    file: 'pubsub/reconciler.ts',
    from: 'for (const subscriptions of this.all) subscriptions.lose(loss);',
    to: 'void loss;',
  },
  {
    fault: 'subscriptions are not restored after a reconnect',
    file: 'pubsub/reconciler.ts',
    from: 'return isOneSlots ? this.askInAWhile() : throwError(() => error);\n    });',
    to: 'return isOneSlots ? this.askInAWhile() : throwError(() => error);\n    }) && EMPTY;',
  },
  {
    fault: 'the last observer to leave does not unsubscribe',
    file: 'pubsub/subscriptions.ts',
    from: 'this.inBatches(left, ',
    to: 'this.inBatches(left.slice(left.length), ',
  },
  {
    fault: 'who joins while subscriptions are restored is forgotten',
    file: 'pubsub/subscriptions.ts',
    from: 'this.topics.set(key, (topic = new Topic(key)));\n      this.changed.add(key);',
    to: 'this.topics.set(key, (topic = new Topic(key)));\n      if (this.joining === 0) this.changed.add(key);',
  },
  {
    fault: 'what was asked for on the lost link is not asked for again',
    file: 'pubsub/reconciler.ts',
    from: 'for (const subscriptions of this.all) subscriptions.forget();',
    to: '',
  },
  {
    fault: 'a subscription that is refused behind a rotation is not asked for again',
    file: 'pubsub/reconciler.ts',
    from: 'return this.reconcileInTime(send);',
    to: 'return this.reconcile(send, () => EMPTY);',
  },
  {
    fault: 'every Observer has a connection for messages opened',
    file: 'pubsub/pubsub.ts',
    from: 'if (this.carrier === undefined) this.open();',
    to: 'this.open();',
  },
  {
    fault: 'the connection for messages stands still while the other one is made anew',
    file: 'pubsub/pubsub.ts',
    from: "if (!reconciler.isDue || carrier?.state$.value.kind !== 'ready') return;",
    to: "if (!reconciler.isDue || carrier?.state$.value.kind !== 'ready' || this.main.state$.value.kind !== 'ready') return;",
  },
  {
    fault: 'the end of a connection for messages that was left is taken for the end of the messages',
    file: 'pubsub/pubsub.ts',
    from: 'if (carrier !== this.carrier) return;',
    to: '',
  },
  {
    fault: 'what publishes overtakes the subscriptions that were made before it',
    file: 'pubsub/pubsub.ts',
    from: "if (kind === undefined || kind === 'reconnecting' || !this.reconciler.unconfirmed) {",
    to: 'if (kind !== null) {',
  },
  {
    fault: 'what publishes is held although the subscriptions before it are confirmed',
    file: 'pubsub/held-messages.ts',
    from: 'if (this.held.length > 0) this.connection.line.release(this.held.splice(0));',
    to: 'this.held = [];',
  },
  {
    fault: 'what publishes is held for a second, whatever its own time',
    file: 'pubsub/held-messages.ts',
    from: 'Math.min(this.longest, request.context.commandTimeout * PART)',
    to: 'LONGEST',
  },
];
