import { ConnectionError, RedisError, TimeoutError } from '../../src/errors';
import { canonical, type Call } from './calls';
import { callOf } from './groups';
import type { Journal } from './journal';
import type { RetryChoice, SendItem, Settings } from './plan';
import type { Timeline } from './timeline';
import { REFUSES_ALL, Tries, wordOf } from './tries';
import { GroupWire, isRefused, type WireRequest } from './wire';

const KEEPS_PLACE = new Set([...REFUSES_ALL, 'READONLY']);

/** How a command ended for who waited for it. */
export type Outcome =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'error'; readonly error: unknown }
  | { readonly kind: 'left' };

/** The client's sweep deals with deadlines that are closer together than this at once, and rounds them up; ms. */
export const GRAIN = 8;
/** A deadline that passes this long unnoticed was kept by user code, ms. */
const KEPT = 21;

/** Whether user code kept the client from looking when something was due, until now. Where it was due long before that, it has looked. */
export function wasKept(timeline: Timeline, due: number): boolean {
  return timeline.now() > due + KEPT && timeline.heldSince <= due + KEPT;
}
/** How the client's queue was when a command was submitted, as far as who submits can know. */
export interface Admission {
  /** the first dial was not over, or that which follows a link left on purpose, so everything could wait */
  readonly isEarly: boolean;
  /** it had no room */
  readonly isFull: boolean;
  readonly mayBeFull: boolean;
}

/** What hears of commands. */
export interface Judge {
  submitted(sent: Sent): void;
  settled(sent: Sent, outcome: Outcome): void;
  concluded(sent: Sent): void;
}

/** What a command meets from the client as a whole. */
export interface Circumstances {
  readonly judge: Judge;
  readonly timeline: Timeline;
  readonly journal: Journal;
  readonly settings: Settings;
  /** the client has been closed, or has given up */
  over(): boolean;
  /** the client has been told to close, and has reason to wait for the reply */
  owed(sent: Sent): boolean;
  /** the first dial comes to nothing, and so many were submitted before that there is no room for this one */
  overflows(sent: Sent): boolean;
  /** the command that selects a database; none for the one that the client began with */
  selectorOf(database: number): Sent | undefined;
  /** a database was selected behind a command: sent again, that would be another */
  selectedBehind(sent: Pick<Sent, 'order'>): boolean;
  /** a later call ran that writes to the same place */
  overtaken(sent: Sent): boolean;
  /** the client is reading that the server does not let it in */
  signInRefused(): boolean;
  /** how many MULTIs were written that no command has followed: nobody knows whose they are */
  lonelyMultis(): number;
  /** why the client last lost a connection, or could not make it, as it has told */
  lastError(): unknown;
  /** how many things that were taken and nobody wanted could not be handed on, as the client has told */
  notHandedOn(): number;
  /** a connection for commands has met what is no Redis */
  metNoRedis(): boolean;
}

/** A command of the workload, all that became of it, and whether that may be. */
//  submitted ──▶ written, perhaps several times ──▶ settled: value, error, or its Observer left
export class Sent {
  readonly call: Call;
  readonly submittedAt: number;
  /** when it has to have settled; Infinity where it has no limit of its own */
  due: number;
  readonly heldUpBefore: number;
  /** for how long user code kept its tick from ending, which the client gives back, ms */
  private heldUpInTick = 0;
  readonly retry: RetryChoice;
  outcome: Outcome | undefined;
  settledAt = Infinity;
  readonly wires: WireRequest[] = [];
  readonly tries: Tries;
  /** what it found when it was submitted */
  admission: Admission | undefined;
  private toldAgain = false;

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
    this.tries = new Tries(this, around);
    this.due = this.submittedAt + (item.timeout ?? this.wait ?? settings.commandTimeout);
    process.nextTick(() => (this.heldUpInTick = timeline.now() - this.submittedAt));
  }

  /** When its time is up for the client, at the latest: that counts from the end of the tick, when it could be written. */
  get deadline(): number {
    return this.due + (this.startsAnew && this.wires.length > 0 ? 0 : this.heldUpInTick);
  }

  /** How long a blocking command may keep the server waiting, and a grace, ms. */
  get wait(): number | undefined {
    const { call, wait } = this.item;
    return call === 'blpop' ? (wait || Infinity) + this.around.settings.blockingGrace : undefined;
  }

  /** Its time starts anew when it is written. */
  private get startsAnew(): boolean {
    return this.wait !== undefined && this.item.timeout === undefined;
  }

  get id(): number {
    return this.item.id;
  }

  get isTransaction(): boolean {
    return this.item.transaction === true;
  }

  /** What was written and may have run, or was refused: of a transaction whose EXEC was not written nothing. */
  get tried(): readonly WireRequest[] {
    return this.wires.filter((wire) => !(wire instanceof GroupWire) || wire.mayHaveRun);
  }

  /** A second run does no harm. */
  get repeatable(): boolean {
    return this.item.idempotent === true || this.call.replay === 'read' || this.call.replay === 'same';
  }

  /** Its link was left for its silence, so that its first copy may come late: behind a later write that the second one preceded. */
  mayComeLate(error: RedisError): boolean {
    const isInFlight = error instanceof TimeoutError && error.cause === undefined;
    const isSilence = isInFlight || (error instanceof ConnectionError && error.cause instanceof TimeoutError);
    return this.undoesLaterWrites && isSilence && error.delivery === 'unknown';
  }

  /** A copy of it that comes late may undo what was written meanwhile. */
  get undoesLaterWrites(): boolean {
    return this.call.replay === 'same' && this.item.idempotent !== true && this.item.call !== 'select';
  }

  /** The server or the network has mixed up the replies, and it got another's. */
  get misled(): boolean {
    return this.wires.some(({ misled }) => misled);
  }

  get refusals(): number {
    return this.wires.filter(isRefused).length;
  }

  /**
   * It was submitted before another, and whatever befell it let nobody pass. A database that was selected behind it ends its wait,
   * and who awaits it learns that a moment later.
   */
  keepsPlaceBefore({ order }: Sent): boolean {
    const isPassed = ({ answer }: WireRequest) =>
      answer !== undefined && 'error' in answer && !KEEPS_PLACE.has(wordOf(answer.error));
    const hasWaited = this.retry === 'slowly' && this.wires.length > 1;
    const isOver = this.around.selectedBehind(this) || this.around.overtaken(this);
    return this.order < order && !hasWaited && !isOver && !this.wires.some(isPassed);
  }

  /** It keeps what stands behind it waiting: it waits at the server, or is about to, or did until this moment. */
  get blocks(): boolean {
    const now = this.around.timeline.now();
    const answeredAt = this.wires.at(-1)?.answeredAt ?? -1;
    return this.item.call === 'blpop' && Math.max(this.settledAt, answeredAt) >= now;
  }

  /** The server's last word for it. */
  isRefusedBy(word: string): boolean {
    const answer = this.wires.at(-1)?.answer;
    return answer !== undefined && 'error' in answer && wordOf(answer.error) === word;
  }

  /** Its user has submitted it, and no other's outcome. */
  get isOfPlan(): boolean {
    return this.id < 100_000;
  }

  /** Where it is that has not settled. */
  get whereabouts(): 'unsent' | 'in flight' | 'waiting for another try' {
    const last = this.wires.at(-1);
    return last === undefined ? 'unsent' : last.answered ? 'waiting for another try' : 'in flight';
  }

  /** It may stand behind commands that were submitted later: it had to wait before it was sent again. */
  get outOfLine(): boolean {
    if (this.refusals > 0) return true;
    // Of a transaction that was lost perhaps MULTI alone was written.
    const wasWritten = this.wires.length > 1 || (this.isTransaction && this.around.lonelyMultis() > 0);
    return this.retry === 'slowly' && wasWritten;
  }

  /** It may take this long, and what the process was held up meanwhile. */
  get latest(): number {
    return this.due + GRAIN + this.around.timeline.heldUp - this.heldUpBefore;
  }

  written(wire: WireRequest): void {
    const last = this.wires.at(-1);
    if (last !== undefined) this.tries.checkNext(last);
    else this.tries.spendGrants();
    this.wires.push(wire);
    // The server counts from when it has the command.
    if (this.startsAnew) this.due = this.around.timeline.now() + this.wait!;
  }

  /** It has come to the server, and not to a database that was selected behind it: there it would be another command. */
  arrived(wire: WireRequest): void {
    const { database } = wire;
    const select = this.around.selectorOf(database!);
    if (select === undefined || select.order <= this.order || this.item.call === 'select') return;
    // Channels are the same in all databases, so it may have waited for subscriptions; its first copy may come late.
    if (this.item.call === 'publish' && wire === this.wires[0]) return;
    this.fail(`ran in database ${database}, which was selected behind it`);
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
    this.around.judge.settled(this, outcome);
  }

  /** Who awaits the same Reply is told the same. */
  settleAgain(outcome: Outcome): void {
    const own = this.outcome;
    const isSame =
      own?.kind === outcome.kind &&
      ((own.kind === 'value' && outcome.kind === 'value' && own.value === outcome.value) ||
        (own.kind === 'error' && outcome.kind === 'error' && own.error === outcome.error));
    if (!isSame) this.fail(`was awaited twice and told ${own && describe(own)}, then ${describe(outcome)}`);
    this.toldAgain = true;
  }

  /** What can be told only when all is over. */
  conclude(): void {
    if (this.item.how === 'awaitTwice' && !this.toldAgain) this.fail('was awaited twice and told once');
    this.around.judge.concluded(this);
  }

  fail(violation: string): void {
    this.around.journal.fail(`${this.call.name} (${this.id}) ${violation}`);
  }
}

export function describe(outcome: Outcome): string {
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
