import { firstValueFrom, type Subscription } from 'rxjs';
import type { Command } from '../../src/commands/command';
import { Group } from '../../src/commands/group';
import type { Reply } from '../../src/commands/reply';
import type { ConnectionState } from '../../src/connection/connection-state';
import type { RedisError } from '../../src/errors';
import type { RedisView } from '../../src/redis-view';
import type { SimulatedClient, Witness } from './client';
import { callOf, memberOf } from './groups';
import type { RetryChoice, SendItem } from './plan';
import { SafeRetries } from './safe-retries';
import { Sent, type Admission, type Circumstances, type Outcome } from './sent';
import { watchEnd, type UserErrors } from './user-errors';

/** Ids of commands that are sent by who was told of another's outcome. */
const REACTION = 100_000;

/** What the workload may do with the client beside sending. */
export interface Actions {
  close(): void;
  destroy(): void;
}

/** What the client shows of its connection. */
export interface View {
  state(): ConnectionState['kind'];
  /** no attempt has failed since it was made, or since it left its link on purpose */
  admitsAll(): boolean;
}
type Told = (sent: Sent, outcome: Outcome) => void;

/** Calls the commands of a plan, and waits for their replies in all the ways that users do. */
export class Workload {
  private readonly subscriptions = new Map<Sent, Subscription>();
  private readonly told = new Map<Sent, Told>();
  private readonly safeRetries: SafeRetries;
  /** in the order in which they were submitted */
  readonly all: Sent[] = [];

  constructor(
    private readonly client: () => SimulatedClient,
    private readonly sents: ReadonlyMap<number, Sent>,
    private readonly around: Circumstances,
    private readonly userErrors: UserErrors,
    private readonly actions: Actions,
    private readonly view: View,
    private readonly witness: Witness | undefined,
  ) {
    const sending = {
      send: (item: SendItem, told: Told) => this.submit(item, this.replyTo(item), told),
      leave: (sent: Sent) => this.leave(sent),
    };
    this.safeRetries = new SafeRetries(sending, around);
  }

  get unsettled(): readonly Sent[] {
    return this.all.filter(({ outcome }) => outcome === undefined);
  }

  /** The client has found out that it cannot reach the server: no more may wait than its queue has room for. */
  checkBurst(): void {
    const { offlineQueue } = this.around.settings;
    const { least } = this.queue();
    if (least > offlineQueue)
      this.around.journal.fail(`${least} commands wait in a queue for ${offlineQueue} after the first dial`);
  }

  /** So many wait for the first dial that this one is one too many if that comes to nothing. */
  overflows({ order, admission }: Sent): boolean {
    const now = this.around.timeline.now();
    const before = this.all.filter((sent) => sent.order < order && sent.settledAt >= now).length;
    return admission?.isEarly === true && before >= this.around.settings.offlineQueue;
  }

  /** It waits at the server, or stands behind a command that does. */
  isBlocked({ order, outOfLine, retry, wires, item }: Sent): boolean {
    // Who waits for another try, or for subscriptions, comes back behind all others.
    const comesBack = outOfLine || (retry === 'slowly' && wires.length > 0) || item.call === 'publish';
    return this.all.some((sent) => sent.blocks && (comesBack || sent.outOfLine || sent.order <= order));
  }

  /** How many wait to be written: those that surely do, and all that may. */
  private queue(): { least: number; most: number } {
    const waiting = this.unsettled;
    // Those whose time is up are told one after the other.
    const now = this.around.timeline.now();
    const sure = waiting.filter((sent) => surelyWaits(sent) && sent.due > now);
    return { least: sure.length, most: waiting.length };
  }

  send(item: SendItem): void {
    if (item.how === 'retrySafely') this.safeRetries.observe(item);
    else this.submit(item, this.replyTo(item));
  }

  private replyTo(item: SendItem): Reply<unknown> {
    const reply = callOf(item).send(this.surfaceFor(item), item);
    this.witness?.('reply', reply);
    return reply;
  }

  /** @param told hears of the outcome, unless its Observer leaves */
  private submit(item: SendItem, reply: Reply<unknown>, told?: Told): Sent {
    const { timeline, journal } = this.around;
    const wasOver = this.around.over();
    const sent = new Sent(item, this.all.length, this.around);
    const admission = this.admission();
    sent.admission = admission;
    this.all.push(sent);
    this.around.judge.submitted(sent);
    if (told !== undefined) this.told.set(sent, told);
    timeline.touched = true;
    journal.note('sends', item.id, item.call, item.how);
    this.wait(sent, reply);
    if (item.how !== 'observe' || sent.outcome !== undefined) return sent;
    if (wasOver) sent.fail('was taken by a client that is closed');
    else if (admission.isFull) sent.fail('was taken into a queue that is full');
    return sent;
  }

  /** Whether there is room for one more. Nothing is refused that is sent at once, nor before the first dial is over. */
  private admission(): Admission {
    const { least, most } = this.queue();
    const { offlineQueue } = this.around.settings;
    const isEarly = this.view.admitsAll();
    const mayWait = isEarly || this.view.state() === 'ready';
    // Whoever could not sign in empties the queue before it tells anybody.
    const isEmptied = this.around.signInRefused();
    return {
      isEarly,
      isFull: !mayWait && !isEmptied && least >= offlineQueue,
      mayBeFull: !mayWait && most >= offlineQueue,
    };
  }

  private wait(sent: Sent, reply: Reply<unknown>): void {
    switch (sent.item.how) {
      case 'observe':
        this.observe(sent, reply);
        break;
      case 'await':
        void reply.then(...this.outcomes(sent));
        break;
      case 'awaitTwice':
        void reply.then(...this.outcomes(sent));
        void reply.then(
          (value) => sent.settleAgain({ kind: 'value', value }),
          (error) => sent.settleAgain({ kind: 'error', error }),
        );
        break;
      case 'retrySafely':
        break; // its tries are observed, each for itself
      case 'first':
        void firstValueFrom(reply).then(...this.outcomes(sent));
        break;
    }
  }

  /** What the user's own policy says. */
  decide(choice: RetryChoice, command: Command, error: RedisError, attempt: number): number | false {
    const sent = this.sentOf(command);
    this.around.journal.note('asked', sent?.id, attempt, error.name);
    // Of a MULTI that was lost before its first command nobody knows whose it was.
    const most = sent?.isTransaction === true ? sent.wires.length + this.around.lonelyMultis() : sent?.wires.length;
    if (sent !== undefined && !(attempt >= sent.wires.length && attempt <= most!))
      sent.fail(`was written ${sent.wires.length} times, and its policy is told of attempt ${attempt}`);
    const delay = this.delayOf(choice, error, attempt);
    if (delay !== false) sent?.tries.grant(delay);
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
      case 'destroying':
        this.around.journal.count('destroyed by a policy');
        this.actions.destroy();
        return 0;
      default:
        return false;
    }
  }

  private sentOf(command: Command): Sent | undefined {
    const { args, spec } =
      command instanceof Group ? command.members.find((member) => member.args.length > 0)! : command;
    if (spec.name === 'SELECT') return this.sents.get(Number(args[0]));
    for (const arg of args) {
      const id = /^[a-z]:(\d+)/.exec(String(arg));
      if (id !== null) return this.sents.get(memberOf(Number(id[1]))?.group ?? Number(id[1]));
    }
    return undefined;
  }

  private surfaceFor({ bytes, timeout, idempotent, retry }: SendItem): RedisView {
    const { redis } = this.client();
    const surface = (bytes ? redis.bytes : redis) as RedisView;
    if (timeout === undefined && idempotent === undefined && retry === undefined) return surface;
    return surface.withOptions({
      ...(timeout !== undefined && { commandTimeout: timeout }),
      ...(idempotent !== undefined && { idempotent }),
      ...(retry !== undefined && { retry: this.client().retryOption(retry) }),
    });
  }

  private observe(sent: Sent, reply: Reply<unknown>): void {
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
        this.settled(sent, { kind: 'error', error }, reply);
      },
      complete: () => {
        if (values === 0) sent.fail('completed without a value');
        this.settled(sent, { kind: 'value', value }, reply);
      },
    });
    if (sent.outcome === undefined) this.subscriptions.set(sent, subscription);
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

  private settled(sent: Sent, outcome: Outcome, reply?: Reply<unknown>): void {
    sent.settle(outcome);
    this.subscriptions.delete(sent);
    this.told.get(sent)?.(sent, outcome);
    this.react(sent, reply);
    if (sent.item.throws === true && sent.item.how === 'observe') this.userErrors.throw();
  }

  private react({ item }: Sent, reply: Reply<unknown> | undefined): void {
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
      case 'again':
        // Who subscribes once more to the same Reply sends once more.
        if (reply !== undefined) this.submit({ ...item, reaction: undefined }, reply);
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
    this.around.journal.count(`left ${sent.whereabouts}`);
    sent.settle({ kind: 'left' });
    subscription.unsubscribe();
  }
}

/** Who awaits its reply hears of a failure a little later than the client is done with it. */
function surelyWaits({ wires, item, tries }: Sent): boolean {
  // Of a transaction MULTI alone may have been written, and it then waits for a delay of its own.
  return wires.length === 0 && !tries.hasDelay && item.how === 'observe';
}
