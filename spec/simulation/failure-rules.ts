import {
  AuthenticationError,
  ConnectionError,
  DisconnectedError,
  ProtocolError,
  RedisError,
  ReplyError,
  TimeoutError,
} from '../../src/errors';
import { isUnencodable } from './groups';
import { wasKept, type Circumstances, type Sent } from './sent';
import { reasonsOf } from './tries';
import { isRefused, lacksScript } from './wire';

/** Whether a command may fail as it did: now, for this reason, and with these facts. */
export class FailureRules {
  constructor(
    private readonly sent: Sent,
    private readonly around: Circumstances,
  ) {}

  check(error: unknown): void {
    const { sent } = this;
    if (!(error instanceof RedisError)) {
      sent.fail(`failed with something else than a RedisError: ${String(error)}`);
      return;
    }
    const { delivery, repeatable } = error;
    if (error.command !== sent.call.name) sent.fail(`got the error of ${error.command}`);
    if (delivery === 'unsent' && sent.tried.some((wire) => !isRefused(wire)))
      sent.fail("was reported 'unsent' and had been written");
    // What is being written is written to its end.
    const isUnderWay = error instanceof TimeoutError && this.mayBeBegun;
    if (delivery !== 'unsent' && sent.tried.length === 0 && !isUnderWay)
      sent.fail(`was reported '${delivery}' and never written`);
    if (this.isTurnedAway(error)) {
      if (repeatable) sent.fail('is called repeatable although the connection cannot be made');
      return;
    }
    // In another database it would be another command.
    const isLeftBehind = (sent.wires.length > 0 || this.mayBeLonely) && this.isLeftBehind;
    if (repeatable !== this.isRepeatable(error) && (repeatable || !isLeftBehind))
      sent.fail(`was ${delivery} and called ${repeatable ? 'repeatable' : 'not repeatable'}: ${error.message}`);
    const isGivenUp = (error instanceof ConnectionError || error instanceof DisconnectedError) && !isOverflow(error);
    if (isGivenUp && this.around.owed(sent) && !this.isLeftBehind)
      sent.fail('was given up by a client that was told to close and had time to wait');
    // Whoever waits when the client cannot sign in is told that, whatever its own answer was before.
    const isSignIn = error instanceof AuthenticationError && error.cause instanceof AuthenticationError;
    const isMisread = sent.item.call === 'misread' && sent.wires.at(-1)?.answered === true;
    const isReply = (!isSignIn && error instanceof ReplyError) || (isMisread && error instanceof ProtocolError);
    const isAnswer = isReply || error instanceof ProtocolError;
    if (isReply && delivery !== (sent.tried.every(({ answered }) => answered) ? 'answered' : 'unknown'))
      sent.fail(`was answered after ${sent.wires.length} tries and is said to be ${delivery}`);
    if (delivery === 'answered' && !isAnswer && !sent.tried.every(isRefused))
      sent.fail('is said to have been refused, and may have run');
    if (isReply || (isAnswer && delivery === 'answered')) this.checkAnswer(error);
    else if (error instanceof ConnectionError && !this.isSuspect(error)) this.checkLoss(error);
    else if (error instanceof ConnectionError) this.checkSuspicion();
    else if (error instanceof TimeoutError) this.checkTimeout();
    else if (error instanceof ProtocolError) this.checkPoison();
    else if (error instanceof AuthenticationError) this.checkSignIn();
    else if (error instanceof DisconnectedError) this.checkRefusal(error);
    else sent.fail(`failed without reason: ${error.message}`);
  }

  /** The connection cannot be made, now or later: what waits for it is told why. */
  private isTurnedAway(error: RedisError): boolean {
    const { cause } = error;
    if (!(cause instanceof RedisError) || cause !== this.around.lastError()) return false;
    const isFinal = (cause instanceof ReplyError && !cause.repeatable) || cause instanceof ProtocolError;
    return isFinal && !(cause instanceof AuthenticationError) && tellsWhyItWaits(error, cause);
  }

  /** Whether another try does no harm, and could do some good. */
  private isRepeatable(error: RedisError): boolean {
    if (error instanceof AuthenticationError || error instanceof ProtocolError) return false;
    if (error instanceof ReplyError) {
      // Refused now, it may have run the time before, when its link was lost.
      const hasNotRun = this.sent.repeatable || this.sent.tried.every(({ answered }) => answered);
      return hasNotRun && this.sent.tries.isForTheMoment(allSaidBy(error));
    }
    if (error instanceof DisconnectedError) return isOverflow(error);
    if (this.isSuspect(error)) return false;
    return error.delivery !== 'unknown' || (this.sent.repeatable && !this.sent.mayComeLate(error));
  }

  /** Perhaps its MULTI was written, and no more. */
  private get mayBeLonely(): boolean {
    return this.sent.isTransaction && this.around.lonelyMultis() > 0;
  }

  /** A transaction was written, or a part of it. */
  private get mayBeBegun(): boolean {
    return this.sent.isTransaction && (this.sent.wires.length > 0 || this.mayBeLonely);
  }

  /** In another database, or behind a later write, it would be another command. */
  private get isLeftBehind(): boolean {
    return this.around.selectedBehind(this.sent) || this.around.overtaken(this.sent);
  }

  /** It was lost twice, and is what broke the link the second time, so it is not sent a third time. */
  private isSuspect({ message }: RedisError): boolean {
    const { wires, isTransaction } = this.sent;
    return (wires.length > 1 || isTransaction) && message.includes('not sent a third time');
  }

  private checkAnswer(error: RedisError): void {
    const { sent } = this;
    const last = sent.wires.at(-1);
    if (error instanceof ReplyError) {
      const own = sent.wires.some(
        ({ answered, answer }) =>
          answered && answer !== undefined && 'error' in answer && asTold(answer.error) === error.message,
      );
      if (!own) sent.fail(`got an error reply that is not its own: ${error.message}`);
      this.checkGivingUp(error);
    } else if (!(error instanceof ProtocolError && last?.answered === true && sent.item.call === 'misread')) {
      sent.fail(`got ${error.name} for its reply: ${error.message}`);
    }
  }

  /** What a server refuses for the moment, or because it is a replica, is worth another try. */
  private checkGivingUp(error: ReplyError): void {
    const { sent } = this;
    const last = sent.wires.at(-1);
    if (this.isLeftBehind) return;
    if (reasonsOf(allSaidBy(error)).includes('READONLY') && sent.tries.movesOnce && !this.around.over())
      sent.fail('was not sent to the new master');
    if (last !== undefined && lacksScript(last) && !this.around.over())
      sent.fail('failed for want of its script, although no later call had overtaken it');
    // Each MULTI that was lost alone has made the delay longer.
    if (last !== undefined && sent.tries.delayAfter(last) !== undefined && !this.mayBeLonely && !this.around.over())
      sent.fail('was refused for the moment and given up');
  }

  private checkLoss(error: ConnectionError): void {
    const { sent, around } = this;
    // A transaction that was lost before EXEC is tried again as often as its policy wants.
    if (error.delivery === 'unsent' && !this.mayBeBegun)
      sent.fail('failed although it was not sent and could have waited');
    if (around.over() || this.isLeftBehind || sent.mayComeLate(error)) return;
    if (this.mayBeLonely) return;
    if (
      (sent.repeatable || error.delivery === 'unsent') &&
      sent.wires.length <= sent.tries.most &&
      around.timeline.now() < sent.due
    ) {
      sent.fail('failed although it could have been sent again');
    }
  }

  private checkSuspicion(): void {
    const { sent } = this;
    if (this.mayBeLonely) return;
    const [before, last] = sent.wires.slice(-2);
    if (before!.answered || !last!.wasOldest) sent.fail('was suspected, and was not lost twice, at last as the oldest');
  }

  /** Only what was owed first when no RESP came may be taken for the one that was answered so. */
  private checkPoison(): void {
    const { wires, item } = this.sent;
    if (isUnencodable(item) && wires.length === 0) return;
    const last = wires.at(-1);
    if (this.mayBeLonely) return;
    if (last?.poisoned !== true && last?.misled !== true) this.sent.fail('failed for bytes that were not its answer');
  }

  private checkTimeout(): void {
    const { sent } = this;
    const now = this.around.timeline.now();
    const last = sent.wires.at(-1);
    // Where each command is a write of its own its time counts from the call; and so it does for what waits for subscriptions.
    const countsFromTick = this.around.settings.autoPipeline && sent.item.call !== 'publish';
    if (now < (countsFromTick ? sent.deadline : sent.due)) sent.fail(`timed out after ${now - sent.submittedAt} ms`);
    if (wasKept(this.around.timeline, sent.due) && last?.atHand() === true)
      sent.fail('timed out although its reply had come while user code kept the process busy');
    if (
      last?.answered === true &&
      !lacksScript(last) &&
      !sent.tries.movesOnce &&
      sent.tries.delayAfter(last, sent.deadline) === undefined
    )
      sent.fail('was kept waiting for another try for which it had no time');
  }

  private checkSignIn(): void {
    const { sent, around } = this;
    // While that is the last that was heard of the server, every command is told at once.
    const { timeline } = around;
    // An awaited command is told at the end of the tick, for which user code may keep the process busy.
    const isAtOnce = timeline.now() - sent.submittedAt <= timeline.heldUp - sent.heldUpBefore;
    const isTold = isAtOnce && around.lastError() instanceof AuthenticationError;
    if (!around.signInRefused() && !isTold)
      this.sent.fail('was told that the server does not let it in, which it had not said');
  }

  /** A client that goes on refuses only what its queue has no room for. */
  private checkRefusal({ delivery, message }: RedisError): void {
    const { sent } = this;
    if (this.around.over()) return;
    if (delivery !== 'unsent') sent.fail(`was given up by a client that goes on: ${message}`);
    else if (sent.admission?.mayBeFull !== true && !this.around.overflows(sent))
      sent.fail('was refused although there was room');
  }
}

/** Whether the error of a command says that it waited in vain for a connection that cannot be made, and why that is. */
export function tellsWhyItWaits({ message, command }: RedisError, { message: why }: RedisError): boolean {
  return message.startsWith(`${command} was `) && message.endsWith(`: ${why}`);
}

/** The queue was full; the client itself goes on. */
function isOverflow(error: RedisError): boolean {
  return error instanceof DisconnectedError && error.message.includes('out of reach');
}

/** So many of the commands that were refused are named in the text of an error. */
const NAMED = 10;

/** The text of an error as the caller is told it. */
function asTold(error: string): string {
  const [refused, ...causes] = error.split('; command ');
  if (causes.length <= NAMED) return error;
  return `${[refused, ...causes.slice(0, NAMED)].join('; command ')}; and ${causes.length - NAMED} more`;
}

/** The text of an error with all commands that were refused. */
export function allSaidBy(error: RedisError): string {
  if (!(error instanceof ReplyError) || error.causes === undefined) return error.message;
  const causes = error.causes.map(
    ({ index, command, error: { message } }) => `command ${index + 1}, ${command}: ${message}`,
  );
  return [error.message.split('; command ')[0], ...causes].join('; ');
}
