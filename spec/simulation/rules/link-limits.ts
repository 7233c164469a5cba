import type { Link } from '../link';
import { isSubscribed } from '../peer';
import type { Settings } from '../plan';
import { GRAIN, wasKept } from '../sent';
import type { Timeline } from '../timeline';
import { isBlocking, waitOf, type WireRequest } from '../wire';

/** A time, and for how long the process had been held up by then. */
interface Moment {
  readonly at: number;
  readonly heldUp: number;
}

/** How long a connection may be silent, full or not ready yet. Times are those of the timeline. */
export class LinkLimits {
  readonly openedAt: number;
  private readonly opened: Moment;
  private heardAt: Moment;
  private repliedAt: Moment;
  /** when something of a reply came last: pushes come also to a client that the server no longer serves */
  private servedAt: Moment;
  private owedSince: Moment;
  private fullSince: Moment | undefined;
  /** What was written last, and what of it the full buffer holds. */
  private latest: readonly WireRequest[] = [];
  private unsent: readonly WireRequest[] = [];
  /** How many names of a SUNSUBSCRIBE the server has taken away by itself while its reply was owed: the client takes that for the reply. */
  private readonly takenAway = new Map<WireRequest, number>();

  constructor(
    private readonly link: Link,
    private readonly timeline: Timeline,
    private readonly settings: Settings,
    private readonly fail: (violation: string) => void,
  ) {
    this.opened = this.heardAt = this.servedAt = this.repliedAt = this.owedSince = this.now();
    this.openedAt = this.opened.at;
  }

  /** What is owed first as far as the client can know. */
  private get oldest(): WireRequest | undefined {
    const { link, takenAway } = this;
    if (takenAway.size === 0) return link.oldest;
    return link.owed.find((request) => takenAway.get(request) !== request.words.length - 1);
  }

  /** The server has taken a channel away by itself, which looks as if it confirmed this request. */
  confirmed(request: WireRequest, channel: string): void {
    const count = this.takenAway.get(request) ?? 0;
    if (request.words[count + 1] === channel) this.takenAway.set(request, count + 1);
  }

  get isFull(): boolean {
    return this.fullSince !== undefined;
  }

  /**
   * @param isReply a whole reply came: parts of replies may not count as signs of life
   * @param bringsReplies a reply came, or a part of one: pushes are no signs of life where a reply is owed
   */
  heard(isReply: boolean, bringsReplies: boolean): void {
    this.heardAt = this.now();
    if (bringsReplies || this.oldest === undefined) this.servedAt = this.heardAt;
    if (isReply || this.oldest === undefined) this.repliedAt = this.heardAt;
  }

  /** @param first nothing was owed before */
  wrote(requests: readonly WireRequest[], first: boolean): void {
    this.latest = requests;
    if (first || (requests.length > 0 && this.oldest === requests[0])) this.owedSince = this.now();
  }

  filled(): void {
    this.fullSince ??= this.now();
    this.unsent = this.latest;
  }

  /** For what was not sent nothing was owed. */
  emptied(): void {
    this.checkFull();
    if (!this.owesSent) this.owedSince = this.now();
    this.fullSince = undefined;
    this.unsent = [];
  }

  private get owesSent(): boolean {
    const { oldest } = this;
    return oldest !== undefined && !this.unsent.includes(oldest);
  }

  /** No limit of an open link may be over. */
  check(): void {
    this.checkSilence();
    this.checkFull();
    if (!this.link.ready && this.since(this.opened) > this.settings.connectTimeout + GRAIN)
      this.fail(`not ready within ${this.settings.connectTimeout} ms, and kept`);
  }

  checkSilence(): void {
    const { heardAt, link, oldest } = this;
    const { readTimeout } = this.settings;
    if (oldest === undefined) {
      const unasked = this.since(heardAt);
      if (link.ready && isSubscribed(link.peer) && !this.isFull && unasked > readTimeout + GRAIN)
        this.fail(`silent for ${unasked} ms while somebody listens, and not asked whether it lives`);
      return;
    }
    if (!this.owesSent) return;
    const silent = this.since(this.silentSince);
    const { sent } = oldest;
    const wait = this.waitOf(oldest);
    if (wait !== undefined && silent <= wait + GRAIN && this.timeline.now() <= (sent?.latest ?? Infinity)) return;
    if (silent > readTimeout + GRAIN) this.fail(`kept for ${silent} ms that owed replies`);
  }

  /** A limit is over, so that it may be left; but what is at hand is read before anybody gives up for want of it. */
  get isOver(): boolean {
    const { readTimeout, writeTimeout } = this.settings;
    const { fullSince, link, oldest } = this;
    const now = this.timeline.now();
    if (fullSince !== undefined && now >= fullSince.at + writeTimeout) return true;
    if (oldest === undefined || !this.owesSent) return false;
    const silentSince = Math.max(this.repliedAt.at, this.owedSince.at);
    const silentUntil = silentSince + readTimeout;
    const { sent } = oldest;
    const wait = this.waitOf(oldest);
    // The time of its caller counts from when it was written, though the server may have got it later.
    const waitsUntil = wait === undefined ? 0 : Math.min(sent?.due ?? oldest.writtenAt + wait, silentSince + wait);
    const due = Math.max(silentUntil, waitsUntil);
    return now >= due && !(wasKept(this.timeline, due) && link.atHand);
  }

  /** How long its server may wait before it answers, and a grace, ms. */
  private waitOf(request: WireRequest): number | undefined {
    if (request.sent !== undefined || !isBlocking(request)) return request.sent?.wait;
    return waitOf(request) + this.settings.blockingGrace;
  }

  private get silentSince(): Moment {
    const { servedAt, owedSince } = this;
    return servedAt.at > owedSince.at ? servedAt : owedSince;
  }

  private checkFull(): void {
    if (this.fullSince === undefined) return;
    const full = this.since(this.fullSince);
    if (full > this.settings.writeTimeout + GRAIN) this.fail(`kept for ${full} ms with a full buffer`);
  }

  private now(): Moment {
    return { at: this.timeline.now(), heldUp: this.timeline.heldUp };
  }

  /** How long ago it was, for a process that did not notice what it was held up for. */
  private since({ at, heldUp }: Moment): number {
    return this.timeline.now() - at - (this.timeline.heldUp - heldUp);
  }
}
