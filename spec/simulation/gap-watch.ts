import type { Notice } from '../../src/pubsub/notices';
import type { Journal } from './journal';
import type { Link } from './link';
import type { PushedMessage } from './peer';
import type { Timeline } from './timeline';

/** What an Observer was told of one name. */
interface Told {
  /** the link on which it was told last that the name is subscribed to; none before the first time */
  link: Link | undefined;
  at: number;
  /** a gap was told last: `subscribed` has to follow it */
  inGap: boolean;
}

/**
 * What an Observer with gaps is told beside its messages: `subscribed` before all else, and a gap around every loss, none twice, none without
 * a loss. Each message comes on the link of the last `subscribed`.
 */
export class GapWatch {
  private readonly names = new Map<string, Told>();

  constructor(
    private readonly id: number,
    private readonly sharded: boolean,
    private readonly timeline: Timeline,
    private readonly journal: Journal,
    /** the link for messages that the client has just now */
    private readonly carrier: () => Link | undefined,
  ) {}

  told(notice: Notice<string | Buffer>): void {
    const name = String(notice.channel ?? notice.pattern);
    const told = this.of(name);
    this.journal.count(`told: ${notice.type}`);
    const link = this.carrier();
    const now = this.timeline.now();
    if (notice.type === 'gap') {
      if (told.link === undefined) this.fail(name, 'a gap before it was told `subscribed`');
      if (told.inGap) this.fail(name, 'a gap twice');
      if (link === told.link && !this.mayBeLeft(told, name)) this.fail(name, 'a gap although nothing was lost');
      told.inGap = true;
      const [from, to] = [notice.from, notice.to].map((date) => date.getTime() - performance.timeOrigin);
      // Dates are whole milliseconds.
      if (from! > to! || from! < told.at - 1 || Math.abs(to! - now) > 1)
        this.fail(name, `a gap from ${from} to ${to}, at ${now}`);
    } else {
      if (told.link !== undefined && !told.inGap) this.fail(name, '`subscribed` twice, without a gap');
      Object.assign(told, { link, at: now, inGap: false });
    }
  }

  /**
   * A message of an earlier subscription, which comes before the one that the client has asked for last is confirmed. Undefined where that
   * cannot be known.
   */
  isEarly(link: Link, { channel, pattern, behind = 0 }: PushedMessage): boolean | undefined {
    const name = pattern ?? channel;
    if (this.of(name).link !== undefined) return false;
    const kind = this.sharded ? 'S' : pattern === undefined ? '' : 'P';
    const asks = new RegExp(`^${kind}(UN)?SUBSCRIBE$`);
    const last = link.requests.findLastIndex(({ words }) => asks.test(words[0]!) && words.includes(name));
    if (link.requests[last]?.words[0] !== `${kind}SUBSCRIBE` || last >= behind) return true;
    // What is asked for waits for the socket, which takes nothing more, and for AUTH, behind which nothing is written.
    return link.drained && link.oldest?.words[0] !== 'AUTH' ? false : undefined;
  }

  message(name: string): void {
    const told = this.of(name);
    if (told.link === undefined) this.fail(name, 'a message before `subscribed`');
    else if (told.inGap) this.fail(name, 'a message inside a gap');
    else if (told.link !== this.carrier()) this.fail(name, 'a message behind a loss, and no gap');
  }

  private of(name: string): Told {
    let told = this.names.get(name);
    if (told === undefined) this.names.set(name, (told = { link: undefined, at: 0, inGap: false }));
    return told;
  }

  /** A server takes shard channels away, and in RESP2 channels are left to sign in anew: the link stays. */
  private mayBeLeft({ at, link }: Told, name: string): boolean {
    if (this.sharded) return true;
    return link!.requests.some(
      ({ words, writtenAt }) => /^P?UNSUBSCRIBE$/.test(words[0]!) && words.includes(name) && writtenAt >= at,
    );
  }

  private fail(name: string, what: string): void {
    this.journal.fail(`observer ${this.id} was told of ${name}: ${what}`);
  }
}
