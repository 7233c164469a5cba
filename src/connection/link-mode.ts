import type { Command, CommandSpec } from '../commands/command';
import { Group } from '../commands/group';
import { isQueued } from '../commands/queued';
import type { Request } from '../commands/request';
import { textOf } from '../commands/text-of';
import { ErrorFrame, type Frame } from '../resp/frames';
import { TransactionByHand } from './transaction-by-hand';

/** A line of MONITOR: `1700000000.123456 [0 127.0.0.1:50000] "GET" "k"`. */
const MONITORED = /^\d+\.\d+ \[/;

/**
 * Whether a command must travel alone. Servers leave these unanswered: a refused AUTH behind other replies, and in the reply to EXEC
 * (Redis 8, Valkey 8); a second MONITOR always.
 */
export function standsAlone({ solitary, effect }: CommandSpec): boolean {
  return solitary || effect === 'monitor';
}

/** The error of a command that no transaction and no pipeline can hold. */
export function aloneOnly({ name }: CommandSpec): TypeError {
  return new TypeError(
    `${name} is sent alone, not in a transaction or a pipeline: servers may leave its place there without a reply`,
  );
}

/** Whether a command is sent by a step of the client that needs its answer at once. What users send is refused by the server. */
function isOutside({ noTransaction, effect, closes }: CommandSpec): boolean {
  return noTransaction === true && effect === undefined && closes !== true;
}

function beginsTransaction(command: Command): boolean {
  return command instanceof Group ? !command.isDivisible : command.spec.effect === 'multi';
}

/** The requests with an effect that the server has queued since it accepted MULTI. */
interface Transaction {
  /** the number, among all that were ever owed, of what is first in the reply to EXEC */
  first: number;
  readonly queued: { readonly request: Request; readonly number: number }[];
}

const NONE: readonly Request[] = [];

/** What commands have made of one link, read from their `effect`. It ends with the link. */
//  muted: no ──SKIP──▶ next ──one command──▶ no
//         no, next ──OFF──▶ all ──ON, RESET──▶ no
//  The frame in place of the next reply, that to the probe, shows whether the server took OFF or SKIP.
export class LinkMode {
  /**
   * Neither CLIENT REPLY nor MONITOR was written, so every frame that is no push is the reply to the oldest request; nor was MULTI by
   * itself, so no reply says what the next ones are.
   */
  isOrdinary = true;
  readonly byHand = new TransactionByHand();
  /** MULTI is written and EXEC is not: whatever is written now would belong to the transaction. */
  inTransaction = false;
  /** The server has accepted MULTI, and EXEC is not written: what is written between them never runs if the link is lost now. */
  onlyQueues = false;
  private muted: 'all' | 'next' | undefined;
  private monitoring = false;
  /** MONITOR is written, and was neither refused nor ended by RESET. */
  private linesMayCome = false;
  private watching = false;
  /** The server has accepted, perhaps, a command whose effect lasts: the link is not as the handshake made it. */
  private altered = false;
  /** How many requests with an effect are written and not answered. */
  private underWay = 0;
  private transaction: Transaction | undefined;
  /** CLIENT REPLY was written, and nothing has been written since that will be answered. */
  private unconfirmed = false;
  /** In a transaction the server answers QUEUED to CLIENT REPLY, and keeps it for EXEC. */
  private hadTransactions = false;
  /** The first requests to be answered behind CLIENT REPLY: what comes in their place shows whether the server took it. */
  private readonly probes = new Set<Request>();

  /**
   * The link is as the handshake made it, and nothing is under way that changes it, so another caller may use it. A link that was
   * changed stays so. RESET does not make it clean either: it undoes the handshake as well.
   */
  get clean(): boolean {
    return this.trace === 'none' && this.underWay === 0;
  }

  /** What callers have left on the link: nothing, WATCH alone, an open MULTI, with or without WATCH, or more than a command undoes. */
  get trace(): 'none' | 'watches' | 'transaction' | 'more' {
    if (this.altered || this.monitoring || !this.answersAll || this.probes.size > 0) return 'more';
    if (this.inTransaction || this.transaction !== undefined) return 'transaction';
    return this.watching ? 'watches' : 'none';
  }

  /** The server has accepted MULTI, and has not answered EXEC: it answers QUEUED to what it queues. */
  get isQueueing(): boolean {
    return this.transaction !== undefined;
  }

  /** Every request that is written now will be answered, unless it changes that itself. */
  get answersAll(): boolean {
    return this.muted === undefined && !this.unconfirmed;
  }

  /** Why a command cannot be written now; undefined when it can. */
  refusalOf(command: Command): TypeError | undefined {
    if (this.linesMayCome && beginsTransaction(command))
      return new TypeError('MONITOR was sent before, and its lines would stand among the replies of a transaction');
    if (!this.inTransaction) return undefined;
    if (command instanceof Group || isOutside(command.spec))
      return new TypeError('MULTI was sent before, and EXEC was not');
    return standsAlone(command.spec) ? aloneOnly(command.spec) : undefined;
  }

  /** A group is written. The members of a pipeline have no effect, those of a transaction may. */
  writeGroup({ members, isDivisible }: Group): void {
    if (!isDivisible) for (const member of members) this.noteWritten(member);
  }

  /** A request is written. Returns whether it will be answered. */
  write(request: Request): boolean {
    const { command } = request;
    this.noteWritten(command);
    if (command.spec.effect === 'multi') this.isOrdinary = false;
    const answered = this.decide(command);
    if (!answered) this.unseen(command);
    else {
      if (command.spec.effect !== undefined) this.underWay++;
      if (this.unconfirmed) {
        this.unconfirmed = false;
        this.probes.add(request);
      }
    }
    return answered;
  }

  /**
   * Whether a reply may be the server's to a CLIENT REPLY that it refuses, or keeps for EXEC. An error may as well be that of the
   * oldest request: it cannot be told.
   */
  isDoubtful(frame: Frame, oldest: Request | undefined): boolean {
    if (!this.unconfirmed && this.probes.size === 0) return false;
    const isFirst = oldest === undefined ? this.unconfirmed : this.probes.delete(oldest);
    return isFirst && (frame instanceof ErrorFrame || (this.hadTransactions && frame === 'QUEUED'));
  }

  /** Whether a string is a line of MONITOR and no reply. */
  isMonitored(text: string): boolean {
    return this.monitoring && MONITORED.test(text);
  }

  /**
   * A request that is not plain has been answered.
   * @param number its number among all that were ever owed
   * @returns the requests whose effects the link has from now on: this one, and with EXEC those that were queued and have run
   */
  answered(request: Request, frame: Frame, number: number): readonly Request[] {
    const { command } = request;
    if (command instanceof Group) this.groupAnswered(command, frame);
    if (command.spec.effect === undefined) return NONE;
    this.underWay--;
    if (frame instanceof ErrorFrame) {
      this.refused(command, frame);
      return NONE;
    }
    if (isQueued(frame)) {
      this.transaction?.queued.push({ request, number });
      return NONE;
    }
    const run = command.spec.effect === 'exec' ? this.runBy(frame) : NONE;
    for (const one of run) this.take(one.command);
    this.take(command);
    if (command.spec.effect === 'multi') this.transaction = { first: number + 1, queued: [] };
    return [...run, request];
  }

  /** EXEC has ended WATCH, unless MULTI was refused: then there was no EXEC. */
  private groupAnswered({ isDivisible }: Group, frame: Frame): void {
    if (!isDivisible && (!(frame instanceof ErrorFrame) || frame.kind === 'EXECABORT')) this.watching = false;
  }

  private refused({ spec: { effect } }: Command, { kind }: ErrorFrame): void {
    if (effect === 'monitor' && !this.monitoring) this.linesMayCome = false;
    if (kind === 'EXECABORT') this.endTransaction();
    // These end no transaction, and have no place in the reply to EXEC.
    else if (this.transaction !== undefined && (effect === 'multi' || effect === 'watch')) this.transaction.first++;
  }

  /** The queued requests that EXEC has run; none where a watched key has changed. */
  private runBy(replies: Frame): readonly Request[] {
    if (this.transaction === undefined || !Array.isArray(replies)) return NONE;
    const { first, queued } = this.transaction;
    return queued
      .filter(({ number }) => !(replies[number - first] instanceof ErrorFrame))
      .map(({ request }) => request);
  }

  /** No reply will tell what has become of a command. */
  private unseen({ spec: { effect } }: Command): void {
    if (effect === 'monitor') this.monitoring = true;
    else if (effect !== undefined && effect !== 'reply') this.altered = true;
  }

  /** The server has accepted a command that has an effect. */
  private take({ spec: { effect } }: Command): void {
    switch (effect) {
      case 'reply':
      case 'fence':
        break;
      case 'multi':
        this.onlyQueues = this.inTransaction;
        break;
      case 'watch':
        this.watching = true;
        break;
      case 'unwatch':
        this.watching = false;
        break;
      case 'exec':
      case 'discard':
        this.endTransaction();
        break;
      case 'monitor':
        this.monitoring = true;
        break;
      case 'reset':
        this.monitoring = false;
        this.linesMayCome = false;
        this.altered = true;
        this.endTransaction();
        break;
      default:
        this.altered = true;
    }
  }

  private endTransaction(): void {
    this.transaction = undefined;
    this.watching = false;
  }

  private noteWritten({ spec }: Command): void {
    switch (spec.effect) {
      case 'multi':
        this.inTransaction = true;
        this.hadTransactions = true;
        break;
      case 'reply':
        this.byHand.forget();
        this.isOrdinary = false;
        break;
      case 'monitor':
        this.isOrdinary = false;
        this.linesMayCome = true;
        break;
      case 'exec':
      case 'discard':
      case 'reset':
        this.inTransaction = false;
        this.onlyQueues = false;
        break;
      default:
    }
  }

  private decide({ spec, args }: Command): boolean {
    if (spec.effect === 'reply' && args.length === 1) {
      const action = textOf(args[0]).toUpperCase();
      if (action === 'ON' || action === 'OFF' || action === 'SKIP') return this.follow(action);
    }
    // RESET ends the silence of OFF before it answers, and the silence of SKIP after it.
    const answered = this.muted === undefined || (this.muted === 'all' && spec.effect === 'reset');
    if (this.muted === 'next' || answered) this.muted = undefined;
    return answered;
  }

  /** ON is answered, OFF and SKIP are not. */
  private follow(action: 'ON' | 'OFF' | 'SKIP'): boolean {
    if (action === 'ON') {
      this.muted = undefined;
      return true;
    }
    this.unconfirmed ||= this.muted === undefined;
    this.muted = action === 'OFF' ? 'all' : (this.muted ?? 'next');
    return false;
  }
}
