import type { Circumstances, Sent } from './sent';
import { isRefused, lacksScript, type RefusedRequest, type WireRequest } from './wire';

/** Refusals that Redis means for the moment. */
export const NOT_RUN = new Set(['LOADING', 'BUSY', 'TRYAGAIN', 'CLUSTERDOWN', 'MASTERDOWN']);
/** Those of them that every command meets, so that all wait and stay in line. */
export const REFUSES_ALL = new Set(['LOADING', 'BUSY', 'CLUSTERDOWN', 'MASTERDOWN']);

/** What a script or a module answers says nothing of whether it has run. */
const SAYS_ANYTHING = new Set(['unknown', 'script']);

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

  /** It is written: all delays that were asked for have led to that. Of a transaction MULTI alone may have been written in between, and lost. */
  spendGrants(): boolean {
    return this.grants.splice(0).length > 0;
  }

  /** Its user's own policy has asked for a delay. */
  get hasDelay(): boolean {
    return this.grants.length > 0;
  }

  /** How long it waits, ms, when what was written last is refused for the moment; undefined when it is given up. */
  delayAfter({ answer, answeredAt }: WireRequest, until = this.sent.due): number | undefined {
    if (answer === undefined || !('error' in answer)) return undefined;
    const delay = this.grants.at(-1) ?? (this.isForTheMoment(answer.error) ? this.backoff : undefined);
    return delay !== undefined && answeredAt + delay < until ? delay : undefined;
  }

  /** A server means a refusal for the moment, and not what a command of its user's own may have raised when all was done. */
  isForTheMoment(error: string): boolean {
    return reasonsOf(error).every((word) => NOT_RUN.has(word)) && !SAYS_ANYTHING.has(this.sent.item.call);
  }

  /** A replica refused it the last time, for the first time: it goes to the new master, whatever its policy. */
  get movesOnce(): boolean {
    if (this.around.settings.reconnect === 'off') return false; // nowhere to go
    // What user code makes of an error is what its own word says.
    if (this.sent.isTransaction && this.around.settings.reconnectOnError !== 'default') return false;
    const isByReplica = (wire: WireRequest) => isRefused(wire) && reasonsOf(wire.answer.error).includes('READONLY');
    const { wires } = this.sent;
    return wires.length > 0 && isByReplica(wires.at(-1)!) && wires.filter(isByReplica).length === 1;
  }

  /** It is written once more: what it was written as before is the last of its wires. */
  checkNext(last: WireRequest): void {
    const { sent } = this;
    if (isRefused(last)) {
      this.checkAfterRefusal(last);
    } else if (last.answered) {
      sent.fail('was sent again although it had been answered');
    } else if (!this.spendGrants()) {
      this.checkPolicy();
      if (!sent.repeatable && sent.tried.includes(last)) sent.fail('was sent again although it may have run');
    }
  }

  private checkAfterRefusal(last: RefusedRequest): void {
    const { sent } = this;
    const word = wordOf(last.answer.error);
    if (this.movesOnce || lacksScript(last)) return;
    // The next link ends the wait for a server that refuses everything, and others may have begun it; SELECT is waited for as well.
    const waitsAlone = !REFUSES_ALL.has(word) && sent.item.call !== 'select';
    const delay = this.delayAfter(last);
    const early = delay === undefined ? 0 : last.answeredAt + delay - this.around.timeline.now();
    if (early > 0 && waitsAlone) sent.fail(`was sent again ${early} ms too early`);
    if (this.spendGrants()) return;
    if (this.isForTheMoment(last.answer.error)) this.checkPolicy();
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

/** The server's word for it; of a transaction the first of those that say why. */
export function wordOf(error: string): string {
  return reasonsOf(error)[0]!;
}

/** Why something was refused, in the server's words: of a transaction why each of its commands was. */
export function reasonsOf(error: string): readonly string[] {
  const word = error.split(' ')[0]!;
  if (word !== 'EXECABORT') return [word];
  const reasons = [...error.matchAll(/(?:; command \d+, [^:]+| because of): ([A-Z]+) /g)].map((match) => match[1]!);
  return reasons.length > 0 ? reasons : [word];
}
