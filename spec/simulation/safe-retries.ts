import { Observable, type Subscriber } from 'rxjs';
import { retrySafely } from '../../src/connection/retry';
import { AuthenticationError, ProtocolError, RedisError, ReplyError, TimeoutError } from '../../src/errors';
import { allSaidBy, tellsWhyItWaits } from './failure-rules';
import type { SendItem } from './plan';
import type { Circumstances, Outcome, Sent } from './sent';
import { isRefused } from './wire';

/** Ids of the tries behind the first, which are commands of their own; ten to a command. */
const AGAIN = 1_000_000;
const OPTIONS = { maxAttempts: 3, initialDelay: 20, maxDelay: 50, jitter: 0 };
/** How long `retrySafely` waits before each, ms. */
const DELAYS = [20, 40, 50];

/** How a try failed that may not have been the last. */
interface Failure {
  readonly sent: Sent;
  readonly error: unknown;
  readonly at: number;
  readonly over: boolean;
}

/** What a command is sent with, and taken back. */
interface Sending {
  send(item: SendItem, told: (sent: Sent, outcome: Outcome) => void): Sent;
  leave(sent: Sent): void;
}

/** Commands behind the operator `retrySafely`: each try is a command of its own, and only what does no harm is tried again. */
export class SafeRetries {
  constructor(
    private readonly sending: Sending,
    private readonly around: Circumstances,
  ) {}

  observe(item: SendItem): void {
    let tries = 0;
    let failure: Failure | undefined;
    const source = new Observable<unknown>((subscriber) => {
      if (failure !== undefined) this.checkAgain(failure, tries);
      const id = tries === 0 ? item.id : AGAIN + item.id * 10 + tries;
      tries++;
      const told = (sent: Sent, outcome: Outcome) => {
        const { timeline } = this.around;
        if (outcome.kind === 'error')
          failure = { sent, error: outcome.error, at: timeline.now(), over: this.around.over() };
        pass(outcome, subscriber);
      };
      const plain = { how: 'observe', leaveAfter: undefined, throws: undefined, reaction: undefined } as const;
      const sent = this.sending.send({ ...item, ...plain, id }, told);
      return () => this.sending.leave(sent);
    });
    const subscription = source.pipe(retrySafely(OPTIONS, this.around.timeline.user)).subscribe({
      error: () => this.checkGivenUp(failure!, tries),
    });
    if (item.leaveAfter !== undefined)
      this.around.timeline.afterInProcess(item.leaveAfter, () => {
        this.around.timeline.touched = true;
        subscription.unsubscribe();
      });
  }

  private checkAgain({ sent, error, at }: Failure, tries: number): void {
    const { journal, timeline } = this.around;
    journal.count('tried again by retrySafely');
    const waited = Math.round(timeline.now() - at);
    if (tries > DELAYS.length) sent.fail(`was tried ${tries} times`);
    else if (waited < DELAYS[tries - 1]!) sent.fail(`was tried again after ${waited} ms`);
    if (!(error instanceof RedisError) || !isHarmless(sent, error)) sent.fail(`was tried again after ${String(error)}`);
  }

  private checkGivenUp({ sent, error, over }: Failure, tries: number): void {
    if (over || tries > DELAYS.length || error instanceof AuthenticationError) return;
    // In another database it would be another command.
    const isLeftBehind = this.around.selectedBehind(sent) || this.around.overtaken(sent);
    if (error instanceof RedisError && !error.repeatable && isLeftBehind) return;
    if (error instanceof RedisError && isHarmless(sent, error)) sent.fail(`was given up after ${String(error)}`);
  }
}

function pass(outcome: Outcome, subscriber: Subscriber<unknown>): void {
  if (outcome.kind === 'error') subscriber.error(outcome.error);
  if (outcome.kind !== 'value') return;
  subscriber.next(outcome.value);
  subscriber.complete();
}

/** It did not run, or it does not matter that it may have. What cannot be read or encoded is not worth another try. */
function isHarmless(sent: Sent, error: RedisError): boolean {
  if (error instanceof ProtocolError || error.message.includes('not sent a third time')) return false;
  // The connection cannot be made, and what waited for it is told why.
  const { cause } = error;
  if (!error.repeatable && cause instanceof ReplyError && tellsWhyItWaits(error, cause)) return false;
  if (error.delivery === 'unsent') return sent.tried.every(isRefused);
  // It was refused, and waited for another try of the client's own.
  if (error.delivery === 'answered' && error instanceof TimeoutError) return sent.refusals > 0;
  // Refused now, it may have run the time before, when its link was lost.
  const mayHaveRun = error.delivery === 'unknown';
  if (error instanceof ReplyError && !sent.tries.isForTheMoment(allSaidBy(error))) return false;
  if (!(error instanceof ReplyError) && !mayHaveRun) return false;
  return !mayHaveRun || (sent.repeatable && !sent.mayComeLate(error));
}
