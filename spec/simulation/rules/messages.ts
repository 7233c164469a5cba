import type { Link } from '../link';
import type { PushedMessage } from '../peer';
import { MOVING } from '../server';
import { GRAIN, type Sent } from '../sent';
import type { WireRequest } from '../wire';
import type { Arrival, Rule, Scene } from './rule';

/** So long what publishes waits at most for subscriptions, ms … */
const LONGEST_WAIT = 1_000;
/** … and such a part of its time, or of a command's. */
const PART = 1 / 4;

/** A command that publishes. */
interface Publisher {
  /** how many observers there were before it */
  readonly joined: number;
  /** when it has waited for as long as it may */
  readonly until: number;
  /** since when nothing holds it any more */
  freeAt: number;
}

/**
 * Whoever observes a channel gets every message that the server sends for it, in order, and nothing else; with gaps, from the first
 * confirmation on. A link is ready for messages
 * when it is subscribed to all that is observed. What publishes waits for the subscriptions that were made before it, and no longer.
 */
export class MessageRule implements Rule {
  private readonly publishers = new Map<Sent, Publisher>();

  constructor(private readonly scene: Scene) {}

  ready(link: Link): void {
    if (!link.carriesMessages) return;
    // What is refused for the moment of one slot alone is asked for again later.
    const isSure = (name: string) => !name.startsWith('#') || !link.peer.refusesSubscriptions;
    for (const name of this.missing(link, link.openedAt).filter(isSure))
      this.scene.journal.fail(`link ${link.index}: ready although it is not subscribed to ${name}`);
  }

  submitted(sent: Sent): void {
    const { observers, timeline, settings } = this.scene;
    if (sent.item.call !== 'publish') return;
    const { commandTimeout } = settings;
    const least = Math.min(commandTimeout, sent.item.timeout ?? commandTimeout);
    const until = timeline.now() + Math.min(LONGEST_WAIT, least * PART);
    this.publishers.set(sent, { joined: observers.joined, until, freeAt: until });
  }

  written(link: Link, { sent, words, member = 0 }: WireRequest): void {
    const { timeline } = this.scene;
    if (link.carriesMessages && /^([PS]?SUBSCRIBE|AUTH)$/.test(words[0]!)) this.holdBehindSignIn(link, words);
    if (sent === undefined || link.carriesMessages || member > 0 || sent.outOfLine || sent.wires.length > 1) return;
    for (const [other, { freeAt }] of this.publishers) {
      const isWaiting = other.outcome === undefined && other.wires.length === 0 && other.order < sent.order;
      // Timers that came due while user code kept the process busy go off behind it.
      const heldUp = timeline.heldUp - other.heldUpBefore;
      if (isWaiting && freeAt + GRAIN + heldUp < sent.submittedAt)
        other.fail(`was passed by ${sent.call.name} (${sent.id}) although nothing held it any more`);
    }
  }

  /**
   * What is asked for while AUTH is to be written, or is not answered, is written behind it, and what publishes waits for it, whether it is
   * still observed or not.
   */
  private holdBehindSignIn({ requests }: Link, words: readonly string[]): void {
    if (words[0] !== 'AUTH' && requests.at(-1)?.words[0] !== 'AUTH') return;
    const now = this.scene.timeline.now();
    for (const publisher of this.publishers.values()) if (publisher.freeAt === now) publisher.freeAt = publisher.until;
  }

  arriving(link: Link, { messages }: Arrival): () => void {
    const checkMessages = this.scene.observers.expect(link, messages);
    return () => {
      if (link.open) checkMessages();
      this.freePublishers(link);
    };
  }

  begun(message: PushedMessage): void {
    message.joinedBefore ??= this.scene.observers.joined;
  }

  /** A message of the workload's own is about to be published: Observers that had joined before get it. */
  published(link: Link, id: number, channel: string): void {
    const { journal, timeline, observers } = this.scene;
    const carrier = this.scene.carrier();
    const sent = link.requests.find((request) => request.id === id)?.sent;
    const publisher = sent && this.publishers.get(sent);
    if (sent === undefined || publisher === undefined || sent.wires.length > 1 || carrier === undefined) return;
    if (carrier.peer.refusesSubscriptions || !carrier.ready || carrier.readyAt + GRAIN >= sent.submittedAt) return;
    if (this.isLetOut(sent.submittedAt, timeline.now())) return;
    if (!observers.hasJoined(channel, sent.submittedAt, publisher.joined)) return;
    // In RESP2 a connection that signs in anew leaves what it has just been confirmed.
    const isLeft = ({ words, writtenAt }: WireRequest): boolean =>
      words[0] === 'UNSUBSCRIBE' && words.includes(channel) && writtenAt >= sent.submittedAt;
    if (carrier.requests.some(isLeft)) return;
    journal.count('published by who had subscribed in the same tick');
    if (!carrier.peer.subscriptions.channel.has(channel))
      journal.fail(`PUBLISH (${id}) overtook the SUBSCRIBE of the same tick`);
  }

  /** What waits has waited for as long as it may, or another has: they are let out in the order of the calls. */
  private isLetOut(since: number, now: number): boolean {
    for (const { until, freeAt } of this.publishers.values())
      if (freeAt === until && since < until && until <= now) return true;
    return false;
  }

  /** The server has confirmed all that is observed: nothing that was called before waits for it any more. */
  private freePublishers(link: Link): void {
    const { timeline } = this.scene;
    const isConfirmed = link.carriesMessages && link.open && link.ready && link.oldest === undefined;
    if (!isConfirmed || this.publishers.size === 0 || this.missing(link, Infinity, () => true).length > 0) return;
    for (const publisher of this.publishers.values()) publisher.freeAt = Math.min(publisher.freeAt, timeline.now());
  }

  /**
   * What is observed by Observers that joined before a time, and the link is not subscribed to.
   * @param counts whether a name matters; what the server may take away or refuse at any time does not
   */
  private missing({ peer }: Link, before: number, counts = (name: string) => name !== `#${MOVING}`): string[] {
    const { channel, pattern, shard } = peer.subscriptions;
    const there = new Set([...channel, ...pattern, ...[...shard].map((name) => `#${name}`)]);
    return [...this.scene.observers.observedBefore(before)].filter((name) => !there.has(name) && counts(name));
  }
}
