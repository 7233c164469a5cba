import type { Clock } from './clock';

/** How far the making of a link has come, and since when: what people are told whose command had no time to wait for it. */
//  begin ──▶ connecting ──accepted──▶ TLS handshake ──opened──▶ greeting
//                └───────────opened, without TLS──────────────────▲
export class Dialing {
  private stage: 'connecting' | 'securing' | 'greeting' = 'connecting';
  private since = 0;

  constructor(private readonly clock: Clock) {}

  begin(): void {
    this.enter('connecting');
  }

  /** The server has accepted, and TLS begins. */
  readonly accepted = (): void => this.enter('securing');

  /** The stream is open. */
  opened(): void {
    this.enter('greeting');
  }

  /** What has been going on for how long. */
  describe(address: string): string {
    const time = `for ${Math.round(this.clock.now() - this.since)} ms`;
    switch (this.stage) {
      case 'connecting':
        return `connecting to ${address} ${time}`;
      case 'securing':
        return `${unanswered(address)} ${time}${IS_IT_PLAIN}`;
      case 'greeting':
        return `greeting ${address} ${time}`;
    }
  }

  private enter(stage: Dialing['stage']): void {
    this.stage = stage;
    this.since = this.clock.now();
  }
}

const IS_IT_PLAIN = ': is it the port without TLS?';

function unanswered(address: string): string {
  return `${address} accepted, and did not answer the TLS handshake`;
}

/** What is said of a server that accepts and is silent: a Redis takes the beginning of TLS for that of a command. */
export function noTls(address: string, within: number): string {
  return `${unanswered(address)} within ${within} ms${IS_IT_PLAIN}`;
}
