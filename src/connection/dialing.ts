import type { Clock } from './clock';

/** How far the making of a link has come, and since when. Errors of commands that waited for the link in vain tell it. */
//  begin ──▶ connecting ──accepted──▶ TLS handshake ──opened──▶ handshake
//    │         ▲   └───────────opened, without TLS─────────────────────▲
//    └▶ asking ┘ where the server is
export class Dialing {
  private stage: 'asking' | 'connecting' | 'securing' | 'handshake' = 'connecting';
  private since = 0;

  constructor(private readonly clock: Clock) {}

  /** @param asks whether it is asked where the server is */
  begin(asks: boolean): void {
    this.enter(asks ? 'asking' : 'connecting');
  }

  /** It is known where the server is. */
  located(): void {
    this.enter('connecting');
  }

  /** The server has accepted, and TLS begins. */
  readonly accepted = (): void => this.enter('securing');

  /** The stream is open. */
  opened(): void {
    this.enter('handshake');
  }

  /**
   * Says what is going on, and for how long.
   * @param name of what is asked for
   */
  describe(address: string, name: string): string {
    const time = `for ${Math.round(this.clock.now() - this.since)} ms`;
    switch (this.stage) {
      case 'asking':
        return `asking where ${name} is ${time}`;
      case 'connecting':
        return `connecting to ${address} ${time}`;
      case 'securing':
        return `${unanswered(address)} ${time}${IS_IT_PLAIN}`;
      case 'handshake':
        return `handshake with ${address} ${time}`;
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

/** The message about a server that accepts and stays silent: a Redis without TLS takes the start of TLS for the start of a command. */
export function noTls(address: string, within: number): string {
  return `${unanswered(address)} within ${within} ms${IS_IT_PLAIN}`;
}
