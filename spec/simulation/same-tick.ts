import type { Link } from './link';
import type { Observers } from './observers';
import { GRAIN, type Circumstances, type Sent } from './sent';
import type { WireRequest } from './wire';

/** So long what publishes waits at most for subscriptions, ms. */
const LONGEST_WAIT = 1_000;

/** The write that went last to a connection. */
interface LastWrite {
  readonly at: number;
  readonly bytes: number;
  readonly requests: number;
  readonly last: WireRequest | undefined;
}

/** What one tick submits belongs together: it travels in one write, and who subscribes and then publishes gets the message. */
export class SameTick {
  private readonly writes = new Map<Link, LastWrite>();
  private readonly firsts = new Map<number, Sent>();
  /** how many observers there were when a command was submitted that publishes */
  private readonly publishers = new Map<number, number>();

  constructor(
    private readonly observers: Observers,
    private readonly around: Circumstances,
  ) {}

  submitted(id: number): void {
    this.publishers.set(id, this.observers.joined);
  }

  /** The commands of a tick go in one write as long as there is room. */
  wrote(link: Link, bytes: number, requests: readonly WireRequest[]): void {
    const { journal, settings, timeline } = this.around;
    const before = this.writes.get(link);
    for (const { sent } of requests) this.isFresh(sent, link);
    const at = timeline.now();
    this.writes.set(link, { at, bytes, requests: requests.length, last: requests.at(-1) });
    if (!settings.autoPipeline || timeline.heldUp > 0 || before?.at !== at) return;
    const isFull = before.requests >= settings.pipelineDepth || before.bytes >= settings.writeBufferSize;
    if (!isFull && this.isFresh(before.last?.sent, link) && this.isFresh(requests[0]?.sent, link))
      journal.fail(`link ${link.index}: commands of one tick were written one by one`);
    if (isFull) journal.count('a tick in several writes');
  }

  /**
   * A message of the workload's own is about to be published: Observers that had joined before get it.
   * @param carrier the link that the client has for its messages just now
   */
  published(link: Link, carrier: Link | undefined, id: number, channel: string): void {
    const { journal, timeline } = this.around;
    const sent = link.requests.find((request) => request.id === id)?.sent;
    const joined = this.publishers.get(id);
    if (sent === undefined || joined === undefined || sent.wires.length > 1 || carrier === undefined) return;
    if (carrier.peer.refusesSubscriptions || !carrier.ready || carrier.readyAt + GRAIN >= sent.submittedAt) return;
    if (timeline.now() - sent.submittedAt >= LONGEST_WAIT) return;
    if (!this.observers.hasJoined(channel, sent.submittedAt, joined)) return;
    journal.count('published by who had subscribed in the same tick');
    if (!carrier.peer.subscriptions.channel.has(channel))
      journal.fail(`PUBLISH (${id}) overtook the SUBSCRIBE of the same tick`);
  }

  /** It was written in the tick in which its user submitted it, to a link that was ready by then. */
  private isFresh(sent: Sent | undefined, link: Link): boolean {
    if (sent === undefined || sent.wires.length > 1 || !sent.isOfPlan) return false;
    // What publishes may wait for subscriptions.
    if (sent.item.call === 'publish') return false;
    // Whoever sends the same again does so in a tick of its own.
    if (!this.firsts.has(sent.id)) this.firsts.set(sent.id, sent);
    if (this.firsts.get(sent.id) !== sent) return false;
    const { submittedAt, wires } = sent;
    return wires[0]?.writtenAt === submittedAt && link.readyAt + GRAIN < submittedAt;
  }
}
