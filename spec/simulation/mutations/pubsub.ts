import type { Mutation } from '../mutant';

/** Faults in what is subscribed to. */
export const pubsubMutations: readonly Mutation[] = [
  {
    fault: 'subscriptions are not restored after a reconnect',
    file: 'pubsub/pubsub.ts',
    from: '        return this.reconcile(send, (error) => throwError(() => error));',
    to: '      return EMPTY;',
  },
  {
    fault: 'the last observer to leave does not unsubscribe',
    file: 'pubsub/subscriptions.ts',
    from: 'left.length > 0 ? this.unsubscribe',
    to: 'left.length < 0 ? this.unsubscribe',
  },
  {
    fault: 'who joins while subscriptions are restored is forgotten',
    file: 'pubsub/pubsub.ts',
    from: "if (kind === 'ready') this.scheduleReconcile();",
    to: '',
  },
  {
    fault: 'what was asked for on the lost link is not asked for again',
    file: 'pubsub/pubsub.ts',
    from: 'for (const subscriptions of this.all) subscriptions.forget();',
    to: '',
  },
  {
    fault: 'a subscription that is refused behind a rotation is not asked for again',
    file: 'pubsub/pubsub.ts',
    from: 'this.reconcileLater(connection);',
    to: '',
  },
  {
    fault: 'two connections restore subscriptions at once',
    file: 'pubsub/pubsub.ts',
    from: 'if (connection === this.shared) this.dropOwn();',
    to: '',
  },
  {
    fault: 'the connection for messages stands still while the other one is made anew',
    file: 'pubsub/pubsub.ts',
    from: "if (this.own === undefined && state.kind !== 'ready') return this.shared;",
    to: "if (state.kind !== 'ready') return this.shared;",
  },
];
