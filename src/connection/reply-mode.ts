import { textOf, type Command } from '../commands/command';
import type { Request } from '../commands/request';
import { ErrorFrame, type Frame } from '../resp/frames';

/** A line of MONITOR: `1700000000.123456 [0 127.0.0.1:50000] "GET" "k"`. */
const MONITORED = /^\d+\.\d+ \[/;

/** When the server answers less than a reply a command, or more: by the wish of CLIENT REPLY and of MONITOR. */
//  CLIENT REPLY SKIP ──taken───▶ nothing,                 then the reply to the witness
//                    ──refused─▶ an error or QUEUED, the reply to what should be muted, …
export class ReplyMode {
  private muted: 'all' | 'next' | undefined;
  private monitoring = false;
  /** Silence was asked for, and nothing has been written since that will be answered. */
  private unwitnessed = false;
  /** There was a transaction, and in one the server answers QUEUED, for it keeps the wish for EXEC. */
  private transactions = false;
  /** The first to be answered behind a wish for silence: what comes in their place shows whether that was taken. */
  private readonly witnesses = new Set<Request>();

  // Hot: once per command.
  /** Whether a request that is written now will be answered. */
  isAnswered(request: Request): boolean {
    const { command } = request;
    if (this.muted === undefined && !this.unwitnessed && !command.spec.connection) return true;
    const answered = this.decide(command);
    if (!answered) this.monitoring ||= command.spec.mode === 'monitor';
    else if (this.unwitnessed) {
      this.unwitnessed = false;
      this.witnesses.add(request);
    }
    return answered;
  }

  // Hot: once per reply.
  /**
   * Whether a reply may be the server's to a CLIENT REPLY that it refuses, or keeps for EXEC. An error may as well be that of the
   * oldest request: nobody can tell.
   */
  isDoubtful(frame: Frame, oldest: Request | undefined): boolean {
    if (!this.unwitnessed && this.witnesses.size === 0) return false;
    const isFirst = oldest === undefined ? this.unwitnessed : this.witnesses.delete(oldest);
    return isFirst && (frame instanceof ErrorFrame || (this.transactions && frame === 'QUEUED'));
  }

  /** Whether a string is no reply but what MONITOR tells of others. */
  isMonitored(text: string): boolean {
    return this.monitoring && MONITORED.test(text);
  }

  /** A command that concerns the connection has been accepted. */
  note({ spec }: Command): void {
    if (spec.mode === 'monitor') this.monitoring = true;
    else if (spec.name === 'RESET') this.monitoring = false;
  }

  /** A new connection answers everything. */
  reset(): void {
    this.muted = undefined;
    this.monitoring = false;
    this.unwitnessed = false;
    this.transactions = false;
    this.witnesses.clear();
  }

  private decide({ spec, args }: Command): boolean {
    this.transactions ||= spec.name === 'MULTI';
    if (spec.name === 'CLIENT REPLY' && args.length === 1) {
      const action = textOf(args[0]).toUpperCase();
      if (action === 'ON' || action === 'OFF' || action === 'SKIP') return this.follow(action);
    }
    // It ends the silence of OFF before it answers, and that of SKIP behind it.
    const answered = this.muted === undefined || (this.muted === 'all' && spec.name === 'RESET');
    if (this.muted === 'next' || answered) this.muted = undefined;
    return answered;
  }

  /** ON is answered, OFF and SKIP are not. */
  private follow(action: 'ON' | 'OFF' | 'SKIP'): boolean {
    if (action === 'ON') {
      this.muted = undefined;
      return true;
    }
    this.unwitnessed ||= this.muted === undefined;
    this.muted = action === 'OFF' ? 'all' : (this.muted ?? 'next');
    return false;
  }
}
