import type { Circumstances, Sent } from './sent';
import type { WireRequest } from './wire';

/** Refusals that Redis means for the moment. */
export const NOT_RUN = new Set(['LOADING', 'BUSY', 'TRYAGAIN', 'CLUSTERDOWN', 'MASTERDOWN']);
/** Those of them that every command meets, so that all wait and stay in line. */
export const REFUSES_ALL = new Set(['LOADING', 'BUSY', 'CLUSTERDOWN', 'MASTERDOWN']);

/** How often and how soon a command may be sent again. */
export class Tries {
  /** the delays that its user's own policy asked for and that have not led to another try yet, ms */
  private readonly grants: number[] = [];

  constructor(
    private readonly sent: Sent,
    private readonly around: Circumstances,
  ) {}

  /** How often the default policies of the client try again. */
  get most(): number {
    return this.sent.retry === 'default' ? 16 : this.sent.retry === 'twice' ? 2 : 0;
  }

  /** Its user's own policy asked for another try. */
  grant(delay: number): void {
    this.grants.push(delay);
  }

  /** How long it waits, ms, when what was written last is refused for the moment; undefined when it is given up. */
  delayAfter({ answer, answeredAt }: WireRequest): number | undefined {
    if (answer === undefined || !('error' in answer)) return undefined;
    const delay = this.grants.at(-1) ?? (NOT_RUN.has(wordOf(answer.error)) ? this.backoff : undefined);
    return delay !== undefined && answeredAt + delay < this.sent.due ? delay : undefined;
  }

  /** It is written once more: what it was written as before is the last of its wires. */
  checkNext(last: WireRequest): void {
    const { sent } = this;
    if (last.answered && last.answer !== undefined && 'error' in last.answer) {
      this.checkAfterRefusal(last, wordOf(last.answer.error));
    } else if (last.answered) {
      sent.fail('was sent again although it had been answered');
    } else if (this.grants.pop() === undefined) {
      this.checkPolicy();
      if (!sent.repeatable) sent.fail('was sent again although it may have run');
    }
  }

  private checkAfterRefusal(last: WireRequest, word: string): void {
    const { sent } = this;
    if (word === 'READONLY' && sent.wires.length === 1) return; // once to the new master, whatever the policy
    // The next link ends the wait for a server that refuses everything, and others may have begun it.
    const waitsAlone = !REFUSES_ALL.has(word);
    const delay = this.delayAfter(last);
    const early = delay === undefined ? 0 : last.answeredAt + delay - this.around.timeline.now();
    if (early > 0 && waitsAlone) sent.fail(`was sent again ${early} ms too early`);
    if (this.grants.pop() !== undefined) return;
    if (NOT_RUN.has(word)) this.checkPolicy();
    else sent.fail(`was sent again after ${word}`);
  }

  private checkPolicy(): void {
    const { sent, most } = this;
    if (most === 0) sent.fail('was sent again although its policy does not want that');
    else if (sent.wires.length > most) sent.fail('was sent more often than its policy wants');
  }

  /** What the options of the client stand for; undefined when it does not try again. */
  private get backoff(): number | undefined {
    const { length } = this.sent.wires;
    if (length > this.most) return undefined;
    return Math.min(1_000, (this.sent.retry === 'twice' ? 20 : 50) * 2 ** (length - 1));
  }
}

export function wordOf(error: string): string {
  return error.split(' ')[0]!;
}
