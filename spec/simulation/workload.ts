import { firstValueFrom, type Subscription } from 'rxjs';
import type { Command } from '../../src/commands/command';
import type { RedisError } from '../../src/errors';
import type { RedisView } from '../../src/redis-view';
import { callOf } from './calls';
import type { SimulatedClient } from './client';
import type { RetryChoice, SendItem } from './plan';
import { Sent, type Circumstances } from './sent';
import { watchEnd, type UserErrors } from './user-errors';

/** Ids of commands that are sent by who was told of another's outcome. */
const REACTION = 100_000;

/** What the workload may do with the client beside sending. */
export interface Actions {
  close(): void;
  destroy(): void;
}

/** Calls the commands of a plan, and waits for their replies in all the ways that users do. */
export class Workload {
  private readonly subscriptions = new Map<Sent, Subscription>();
  /** in the order in which they were submitted */
  readonly all: Sent[] = [];

  constructor(
    private readonly client: () => SimulatedClient,
    private readonly sents: Map<number, Sent>,
    private readonly around: Circumstances,
    private readonly userErrors: UserErrors,
    private readonly actions: Actions,
  ) {}

  get unsettled(): readonly Sent[] {
    return this.all.filter(({ outcome }) => outcome === undefined);
  }

  send(item: SendItem): void {
    const { timeline, journal } = this.around;
    const { connection } = this.client();
    const { kind } = connection.state$.value;
    const { queued } = connection.multiplexer;
    const wasOver = this.around.over();
    const sent = new Sent(item, this.all.length, this.around);
    sent.admission = { ready: kind === 'ready', queued };
    this.all.push(sent);
    this.sents.set(item.id, sent);
    timeline.touched = true;
    journal.note('sends', item.id, item.call, item.how);
    const reply = callOf(item).send(this.viewFor(item), item);
    if (item.how === 'observe') this.observe(sent, reply);
    else if (item.how === 'await') void reply.then(...this.outcomes(sent));
    else void firstValueFrom(reply).then(...this.outcomes(sent));
    if (wasOver && item.how === 'observe' && sent.outcome === undefined)
      sent.fail('was taken by a client that is closed');
    if (
      kind === 'reconnecting' &&
      connection.multiplexer.queued > Math.max(queued, this.around.settings.offlineQueue)
    ) {
      sent.fail('was taken into a queue that is full');
    }
  }

  /** What the user's own policy says. */
  decide(choice: RetryChoice, command: Command, error: RedisError, attempt: number): number | false {
    const sent = this.sentOf(command);
    this.around.journal.note('asked', sent?.id, attempt, error.name);
    const delay = this.delayOf(choice, error, attempt);
    if (delay !== false && sent !== undefined) sent.grants++;
    return delay;
  }

  private delayOf(choice: RetryChoice, error: RedisError, attempt: number): number | false {
    switch (choice) {
      case 'always':
        return attempt <= 3 && 0;
      case 'slowly':
        return error.repeatable && attempt <= 5 && 30;
      case 'throwing':
        return this.userErrors.throw();
      default:
        return false;
    }
  }

  private sentOf({ args }: Command): Sent | undefined {
    for (const arg of args) {
      const id = /^[a-z]:(\d+)/.exec(String(arg));
      if (id !== null) return this.sents.get(Number(id[1]));
    }
    return undefined;
  }

  private viewFor({ bytes, timeout, idempotent, retry }: SendItem): RedisView {
    const client = this.client();
    const view = (bytes ? client.view.bytes : client.view) as RedisView;
    if (timeout === undefined && idempotent === undefined && retry === undefined) return view;
    return view.withOptions({
      ...(timeout !== undefined && { commandTimeout: timeout }),
      ...(idempotent !== undefined && { idempotent }),
      ...(retry !== undefined && { retry: client.retryOption(retry) }),
    });
  }

  private observe(sent: Sent, reply: ReturnType<ReturnType<typeof callOf>['send']>): void {
    const { item } = sent;
    let values = 0;
    let value: unknown;
    const subscription = reply.subscribe({
      next: (next) => {
        values++;
        value = next;
        if (values > 1) sent.fail('got a second value');
      },
      error: (error: unknown) => {
        if (values > 0) sent.fail('got a value and an error');
        this.settled(sent, { kind: 'error', error });
      },
      complete: () => {
        if (values === 0) sent.fail('completed without a value');
        this.settled(sent, { kind: 'value', value });
      },
    });
    this.subscriptions.set(sent, subscription);
    // Who destroys the client while it is being told is told of that too, and RxJS keeps it from it.
    const mayHear = () => sent.outcome?.kind === 'left' || item.reaction !== undefined;
    watchEnd(subscription, () => (mayHear() ? undefined : `${item.call} (${item.id}) was told twice`));
    if (item.leaveAfter === 0) this.leave(sent);
    else if (item.leaveAfter !== undefined)
      this.around.timeline.afterInProcess(item.leaveAfter, () => this.leave(sent));
  }

  private outcomes(sent: Sent): [(value: unknown) => void, (error: unknown) => void] {
    return [
      (value) => this.settled(sent, { kind: 'value', value }),
      (error) => this.settled(sent, { kind: 'error', error }),
    ];
  }

  private settled(sent: Sent, outcome: Parameters<Sent['settle']>[0]): void {
    sent.settle(outcome);
    this.subscriptions.delete(sent);
    this.react(sent);
    if (sent.item.throws === true && sent.item.how === 'observe') this.userErrors.throw();
  }

  private react({ item }: Sent): void {
    if (item.reaction === undefined) return;
    switch (item.reaction) {
      case 'send':
        this.send({
          kind: 'send',
          at: 0,
          id: REACTION + item.id,
          call: 'incr',
          how: 'observe',
          bytes: false,
          size: 1,
          wait: 0,
        });
        break;
      case 'close':
        this.actions.close();
        break;
      case 'destroy':
        this.actions.destroy();
        break;
      case 'leave': {
        const [other] = this.subscriptions.keys();
        if (other !== undefined) this.leave(other);
        break;
      }
    }
  }

  private leave(sent: Sent): void {
    const subscription = this.subscriptions.get(sent);
    if (subscription === undefined || sent.outcome !== undefined) return;
    this.around.timeline.touched = true;
    this.subscriptions.delete(sent);
    sent.settle({ kind: 'left' });
    subscription.unsubscribe();
  }
}
