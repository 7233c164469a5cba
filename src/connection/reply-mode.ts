import type { Command } from '../commands/command';

/** A line of MONITOR: `1700000000.123456 [0 127.0.0.1:50000] "GET" "k"`. */
const MONITORED = /^\d+\.\d+ \[/;

/** When the server answers less than a reply a command, or more: by the wish of CLIENT REPLY and of MONITOR. */
export class ReplyMode {
  private muted: 'all' | 'next' | undefined;
  private monitoring = false;

  // Hot: once per command.
  /** Whether a command that is written now will be answered. */
  isAnswered(command: Command): boolean {
    return (this.muted === undefined && !command.spec.connection) || this.decide(command);
  }

  /** Whether a string is no reply but what MONITOR tells of others. */
  isMonitored(text: string): boolean {
    return this.monitoring && MONITORED.test(text);
  }

  /** A command that concerns the connection has been accepted. */
  note({ spec }: Command): void {
    if (spec.mode === 'monitor') this.monitoring = true;
  }

  /** A new connection answers everything. */
  reset(): void {
    this.muted = undefined;
    this.monitoring = false;
  }

  private decide({ spec, args }: Command): boolean {
    if (spec.name === 'CLIENT REPLY') return this.follow(String(args[0]).toUpperCase());
    const answered = this.muted === undefined;
    if (this.muted === 'next') this.muted = undefined;
    return answered;
  }

  /** ON is answered, OFF and SKIP are not. */
  private follow(action: string): boolean {
    if (action === 'OFF') this.muted = 'all';
    else if (action === 'ON') this.muted = undefined;
    else if (action === 'SKIP') this.muted ??= 'next';
    return action !== 'OFF' && action !== 'SKIP';
  }
}
