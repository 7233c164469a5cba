import type { Link } from '../link';
import { GRAIN, type Circumstances, type Sent } from '../sent';
import type { WireRequest } from '../wire';
import type { Write } from './rule';

/** The write that went last to a connection. */
interface LastWrite {
  readonly at: number;
  readonly bytes: number;
  readonly requests: number;
  readonly last: WireRequest | undefined;
}

/** The commands of one tick go in one write, as long as there is room. */
export class TickWrites {
  private readonly writes = new Map<Link, LastWrite>();
  private readonly firsts = new Map<number, Sent>();

  constructor(private readonly around: Circumstances) {}

  wrote(link: Link, { bytes, requests }: Write): void {
    const { journal, settings, timeline } = this.around;
    const before = this.writes.get(link);
    for (const { sent } of requests) this.isFresh(sent, link);
    const at = timeline.now();
    this.writes.set(link, { at, bytes, requests: requests.length, last: requests.at(-1) });
    if (!settings.autoPipeline || timeline.heldUp > 0 || before?.at !== at) return;
    // Nothing is written behind the call of a script that the server may lack until it is answered, and that may take no time.
    if (before.last?.sent?.item.call === 'script' && before.last.answered) return;
    const isFull = before.requests >= settings.pipelineDepth || before.bytes >= settings.writeBufferSize;
    if (!isFull && this.isFresh(before.last?.sent, link) && this.isFresh(requests[0]?.sent, link))
      journal.fail(`link ${link.index}: commands of one tick were written one by one`);
    if (isFull) journal.count('a tick in several writes');
  }

  /** It was written in the tick in which its user submitted it, to a link that was ready by then. */
  private isFresh(sent: Sent | undefined, link: Link): boolean {
    if (sent === undefined || sent.wires.length > 1 || !sent.isOfPlan) return false;
    // What publishes may wait for subscriptions.
    if (sent.item.call === 'publish') return false;
    // An Observer that sends the same again does so in a tick of its own.
    if (!this.firsts.has(sent.id)) this.firsts.set(sent.id, sent);
    if (this.firsts.get(sent.id) !== sent) return false;
    const { submittedAt, wires } = sent;
    return wires[0]?.writtenAt === submittedAt && link.readyAt + GRAIN < submittedAt;
  }
}
