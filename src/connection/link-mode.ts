import { textOf, type Command, type CommandSpec } from '../commands/command';
import { Group } from '../commands/group';
import type { Request } from '../commands/request';
import { ErrorFrame, type Frame } from '../resp/frames';
import { TransactionByHand } from './transaction-by-hand';

/** A line of MONITOR: `1700000000.123456 [0 127.0.0.1:50000] "GET" "k"`. */
const MONITORED = /^\d+\.\d+ \[/;

/**
 * Servers leave these unanswered among others: a refused AUTH behind other replies, and its place in the reply to EXEC (Redis 8,
 * Valkey 8); a second MONITOR always.
 */
export function standsAlone({ solitary, effect }: CommandSpec): boolean {
  return solitary || effect === 'monitor';
}

/** Says that a command is for no transaction and no pipeline. */
export function aloneOnly({ name }: CommandSpec): TypeError {
  return new TypeError(
    `${name} is sent alone, not in a transaction or a pipeline: servers may leave its place there without a reply`,
  );
}

/** What commands have made of one link, read from their `effect`. It ends with the link. */
//  CLIENT REPLY SKIP ──taken───▶ nothing,                 then the reply to the probe
//                    ──refused─▶ an error or QUEUED, the reply to what should be muted, …
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
  private watching = false;
  private tracking = false;
  /** CLIENT REPLY was written, and nothing has been written since that will be answered. */
  private unconfirmed = false;
  /** In a transaction the server answers QUEUED to CLIENT REPLY, and keeps it for EXEC. */
  private hadTransactions = false;
  /** The first requests to be answered behind CLIENT REPLY: what comes in their place shows whether the server took it. */
  private readonly probes = new Set<Request>();

  /** Nothing is left on the link that the next user of it would notice. */
  get clean(): boolean {
    const { inTransaction, muted, monitoring, watching, tracking, unconfirmed, probes } = this;
    return (
      !inTransaction &&
      muted === undefined &&
      !monitoring &&
      !watching &&
      !tracking &&
      !unconfirmed &&
      probes.size === 0
    );
  }

  /** Every request that is written now will be answered, unless it changes that itself. */
  get answersAll(): boolean {
    return this.muted === undefined && !this.unconfirmed;
  }

  /** Why a command cannot be written now; undefined when it can. */
  refusalOf(command: Command): TypeError | undefined {
    if (!this.inTransaction) return undefined;
    if (command instanceof Group) return new TypeError('MULTI was sent before, and EXEC was not');
    return standsAlone(command.spec) ? aloneOnly(command.spec) : undefined;
  }

  /** A group is written. What a pipeline holds changes nothing. */
  writeGroup({ members, isDivisible }: Group): void {
    if (!isDivisible) for (const member of members) this.noteWritten(member);
  }

  /** A request is written. Returns whether it will be answered. */
  write(request: Request): boolean {
    const { command } = request;
    this.noteWritten(command);
    const answered = this.decide(command);
    if (!answered) this.monitoring ||= command.spec.effect === 'monitor';
    else if (this.unconfirmed) {
      this.unconfirmed = false;
      this.probes.add(request);
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

  /** The server has accepted a command that has an effect. */
  accepted({ spec, args }: Command): void {
    switch (spec.effect) {
      case 'multi':
        this.onlyQueues = this.inTransaction;
        break;
      case 'monitor':
        this.monitoring = true;
        break;
      case 'tracking':
        this.tracking = textOf(args[0]).toUpperCase() !== 'OFF';
        break;
      case 'reset':
        this.monitoring = false;
        this.tracking = false;
        break;
      default:
    }
  }

  private noteWritten({ spec }: Command): void {
    switch (spec.effect) {
      case 'multi':
        this.inTransaction = true;
        this.hadTransactions = true;
        this.isOrdinary = false;
        break;
      case 'reply':
        this.byHand.forget();
        this.isOrdinary = false;
        break;
      case 'monitor':
        this.isOrdinary = false;
        break;
      case 'watch':
        this.watching = true;
        break;
      case 'unwatch':
        this.watching = false;
        break;
      case 'exec':
      case 'discard':
      case 'reset':
        this.inTransaction = false;
        this.onlyQueues = false;
        this.watching = false;
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
