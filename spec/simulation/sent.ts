import {
  AuthenticationError,
  ConnectionError,
  DisconnectedError,
  ProtocolError,
  RedisError,
  ReplyError,
  TimeoutError,
} from '../../src/errors';
import { callOf, canonical, type Call } from './calls';
import type { Journal } from './journal';
import type { RetryChoice, SendItem, Settings } from './plan';
import type { Timeline } from './timeline';
import type { WireRequest } from './wire';

/** How a command ended for who waited for it. */
export type Outcome =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'error'; readonly error: unknown }
  | { readonly kind: 'left' };

/** The client's sweep deals with deadlines that are closer together than this at once, and rounds them up; ms. */
export const GRAIN = 8;
/** A deadline that passes this long unnoticed was kept by user code, ms. */
export const KEPT = 21;
/** The longest that a command waits for its next try, ms. */
const LONGEST_RETRY_DELAY = 1_000;
/** Refusals that Redis means for the moment. */
const NOT_RUN = new Set(['LOADING', 'BUSY', 'TRYAGAIN', 'CLUSTERDOWN', 'MASTERDOWN']);

/** How the client was when a command was submitted, or when what it could not keep was refused. */
export interface Admission {
  readonly ready: boolean;
  readonly queued: number;
}

/** What a command meets from the client as a whole. */
export interface Circumstances {
  readonly timeline: Timeline;
  readonly journal: Journal;
  readonly settings: Settings;
  /** the client has been closed, or has given up */
  over(): boolean;
}

/** A command of the workload, all that became of it, and whether that may be. */
//  submitted ──▶ written, perhaps several times ──▶ settled: value, error, or its Observer left
export class Sent {
  readonly call: Call;
  readonly submittedAt: number;
  /** when it has to have settled; Infinity where it has no limit of its own */
  due: number;
  readonly heldUpBefore: number;
  readonly retry: RetryChoice;
  outcome: Outcome | undefined;
  settledAt = Infinity;
  readonly wires: WireRequest[] = [];
  /** how often its user's own policy asked for another try */
  grants = 0;
  /** what it found when it was submitted */
  admission: Admission | undefined;

  constructor(
    readonly item: SendItem,
    /** its place among all commands, in the order in which they were submitted */
    readonly order: number,
    private readonly around: Circumstances,
  ) {
    const { settings, timeline } = around;
    this.call = callOf(item);
    this.retry = item.retry ?? settings.retry;
    this.submittedAt = timeline.now();
    this.heldUpBefore = timeline.heldUp;
    this.due = this.submittedAt + (item.timeout ?? this.wait ?? settings.commandTimeout);
  }

  /** What a blocking command may take where its user says nothing else, ms. */
  private get wait(): number | undefined {
    const { call, timeout, wait } = this.item;
    if (call !== 'blpop' || timeout !== undefined) return undefined;
    return (wait || Infinity) + this.around.settings.blockingGrace;
  }

  get id(): number {
    return this.item.id;
  }

  /** A second run does no harm. */
  get repeatable(): boolean {
    return this.item.idempotent === true || this.call.replay === 'read' || this.call.replay === 'same';
  }

  get refusals(): number {
    return this.wires.filter(isRefused).length;
  }

  /** It may stand behind commands that were submitted later: it had to wait before it was sent again. */
  get outOfLine(): boolean {
    return this.refusals > 0 || (this.retry === 'slowly' && this.wires.length > 1);
  }

  /** It may take this long, and what the process was held up meanwhile. */
  get latest(): number {
    return this.due + GRAIN + this.around.timeline.heldUp - this.heldUpBefore;
  }

  written(wire: WireRequest): void {
    const last = this.wires.at(-1);
    this.wires.push(wire);
    // The server counts from when it has the command.
    if (this.wait !== undefined) this.due = this.around.timeline.now() + this.wait;
    if (this.outcome !== undefined) {
      const why = this.outcome.kind === 'left' ? 'its Observer had left' : `it had settled (${describe(this.outcome)})`;
      this.fail(`was written although ${why}`);
    }
    if (last === undefined) return;
    const refusal =
      last.answered && last.answer !== undefined && 'error' in last.answer ? last.answer.error : undefined;
    if (refusal !== undefined) this.repeatedAfterRefusal(refusal.split(' ')[0]!);
    else if (last.answered) this.fail('was sent again although it had been answered');
    else if (this.grants > 0) this.grants--;
    else if (this.retry !== 'default' && this.retry !== 'twice')
      this.fail('was sent again although its policy does not want that');
    else if (!this.repeatable) this.fail('was sent again although it may have run');
  }

  settle(outcome: Outcome): void {
    if (this.outcome !== undefined && this.outcome.kind !== 'left') {
      this.fail(`was told twice: ${describe(this.outcome)}, then ${describe(outcome)}`);
      return;
    }
    if (this.outcome !== undefined) {
      this.fail(`was told ${describe(outcome)} although its Observer had left`);
      return;
    }
    const { journal, timeline } = this.around;
    journal.note('settles', this.id, this.call.name, describe(outcome));
    journal.count(`${outcome.kind}${outcome.kind === 'error' ? ` ${nameOf(outcome.error)}` : ''}`);
    this.outcome = outcome;
    this.settledAt = timeline.now();
    if (this.settledAt > this.latest) {
      this.fail(`took ${this.settledAt - this.submittedAt} ms, its limit is ${this.due - this.submittedAt} ms`);
    }
    if (outcome.kind === 'value') this.checkValue(outcome.value);
    if (outcome.kind === 'error') this.checkError(outcome.error);
  }

  /** What can be told only when all is over. */
  conclude(): void {
    const { outcome } = this;
    if (outcome === undefined) return;
    const isSaidToHaveRun =
      outcome.kind === 'error' && outcome.error instanceof RedisError && outcome.error.delivery === 'unknown';
    if (isSaidToHaveRun && this.wires.every((wire) => isRefused(wire) && wire.inTime && !wire.doubtful)) {
      this.fail('was refused, and is said to may have run');
    }
    const answered = this.wires.some(
      ({ answer, inTime, doubtful }) => inTime && !doubtful && answer !== undefined && 'value' in answer,
    );
    if (answered && outcome.kind === 'error' && !(outcome.error instanceof ProtocolError)) {
      this.fail(`was answered, and told ${describe(outcome)}`);
    }
    if (outcome.kind === 'error' && outcome.error instanceof RedisError && outcome.error.delivery === 'unsent') {
      if (this.wires.length > 0) this.fail("was reported 'unsent' and had been written");
    }
    const runs = this.wires.filter(({ ran }) => ran).length;
    if (outcome.kind === 'value' && runs !== 1 && !this.repeatable && this.retry !== 'always') {
      this.fail(`was answered once and ran ${runs} times`);
    }
  }

  fail(violation: string): void {
    this.around.journal.fail(`${this.call.name} (${this.id}) ${violation}`);
  }

  private repeatedAfterRefusal(word: string): void {
    if (word === 'READONLY') return;
    if (this.grants > 0) this.grants--;
    else if (!NOT_RUN.has(word)) this.fail(`was sent again after ${word}`);
    else if (this.retry !== 'default' && this.retry !== 'twice')
      this.fail('was sent again although its policy does not want that');
  }

  private checkValue(value: unknown): void {
    const { fits } = this.call;
    const got = canonical(value);
    const own = this.wires.some(
      ({ answered, answer }) => answered && answer !== undefined && 'value' in answer && answer.value === got,
    );
    if (!own) this.fail(`got a reply that is not its own: ${got.slice(0, 60)}`);
    if (fits !== undefined && !fits(value, this.item.bytes)) {
      this.fail(`got ${this.item.bytes ? 'strings where bytes' : 'bytes where strings'} were wanted`);
    }
  }

  private checkError(error: unknown): void {
    if (!(error instanceof RedisError)) {
      this.fail(`failed with something else than a RedisError: ${String(error)}`);
      return;
    }
    const { delivery } = error;
    if (error.command !== this.call.name) this.fail(`got the error of ${error.command}`);
    if (delivery === 'unsent' && this.wires.length > 0) this.fail("was reported 'unsent' and had been written");
    if (delivery !== 'unsent' && this.wires.length === 0) this.fail(`was reported '${delivery}' and never written`);
    if (delivery === 'unknown' && error.repeatable && !this.repeatable)
      this.fail('may have run and was called repeatable');
    // Whoever waits when the client cannot sign in is told that, whatever its own answer was before.
    const isSignIn = error instanceof AuthenticationError && error.cause instanceof AuthenticationError;
    const isAnswer = !isSignIn && (error instanceof ReplyError || error instanceof ProtocolError);
    if (delivery === 'answered' && !isAnswer && !this.wires.every(isRefused))
      this.fail('is said to have been refused, and may have run');
    if (isAnswer && delivery === 'answered') this.checkAnswer(error);
    else if (error instanceof ConnectionError) this.checkLoss(error);
    else if (error instanceof TimeoutError) this.checkTimeout();
    else if (error instanceof ProtocolError) this.checkPoison();
    else if (error instanceof DisconnectedError || error instanceof AuthenticationError) this.checkRefusal(error);
    else this.fail(`failed without reason: ${error.message}`);
  }

  private checkAnswer(error: RedisError): void {
    const last = this.wires.at(-1);
    if (error instanceof ReplyError) {
      const own = this.wires.some(
        ({ answered, answer }) =>
          answered && answer !== undefined && 'error' in answer && answer.error === error.message,
      );
      if (!own) this.fail(`got an error reply that is not its own: ${error.message}`);
      this.checkGivingUp(error);
    } else if (!(error instanceof ProtocolError && last?.answered === true && this.item.call === 'misread')) {
      this.fail(`got ${error.name} for its reply: ${error.message}`);
    }
  }

  /** What a server refuses for the moment, or because it is a replica, is worth another try. */
  private checkGivingUp({ kind }: ReplyError): void {
    const { reconnect } = this.around.settings;
    if (kind === 'READONLY' && this.wires.length === 1 && reconnect !== 'off')
      this.fail('was not sent to the new master');
    const hasTime = this.around.timeline.now() + LONGEST_RETRY_DELAY < this.due;
    if (NOT_RUN.has(kind) && this.wires.length <= this.tries && hasTime)
      this.fail('was refused for the moment and given up');
  }

  /** How often the default policies of the client try again. */
  private get tries(): number {
    return this.retry === 'default' ? 16 : this.retry === 'twice' ? 2 : 0;
  }

  private checkLoss({ delivery }: ConnectionError): void {
    if (delivery === 'unsent') this.fail('failed although it was not sent and could have waited');
    if (
      this.repeatable &&
      this.wires.length <= this.tries &&
      !this.around.over() &&
      this.around.timeline.now() < this.due
    ) {
      this.fail('failed although it could have been sent again');
    }
  }

  /** Only what was owed first when no RESP came may be taken for the one that was answered so. */
  private checkPoison(): void {
    if (this.wires.at(-1)?.poisoned !== true) this.fail('failed for bytes that were not its answer');
  }

  private checkTimeout(): void {
    const now = this.around.timeline.now();
    if (now < this.due) this.fail(`timed out after ${now - this.submittedAt} ms`);
    if (now - this.due > KEPT && this.wires.at(-1)?.atHand() === true) {
      this.fail('timed out although its reply had come while user code kept the process busy');
    }
  }

  /** A client that goes on refuses only what its queue has no room for. */
  private checkRefusal(error: RedisError): void {
    const { settings } = this.around;
    if (error instanceof AuthenticationError || this.around.over()) return;
    if (error.delivery !== 'unsent') this.fail(`was given up by a client that goes on: ${error.message}`);
    else if (this.admission === undefined) this.fail('was refused by a client that goes on');
    else if (this.admission.ready || this.admission.queued < settings.offlineQueue)
      this.fail('was refused although there was room');
  }
}

function isRefused({ answered, answer }: WireRequest): boolean {
  return answered && answer !== undefined && 'error' in answer;
}

function describe(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'value':
      return `value ${canonical(outcome.value).slice(0, 40)}`;
    case 'error':
      return `error ${nameOf(outcome.error)}${outcome.error instanceof RedisError ? ` ${outcome.error.delivery}` : ''}`;
    case 'left':
      return 'left';
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : String(error);
}
