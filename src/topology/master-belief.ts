import type { Clock } from '../connection/clock';
import { nameOf, type ServerAddress } from '../options/addresses';
import type { Sentinel } from './sentinel';

/** A promotion that the client has seen, and no sentinel knows of after so many ms, was called off. */
const LONGEST_TRUST = 10_000;

/** The master is said to be a server. */
export interface MasterNews {
  readonly address: ServerAddress;
  /** it was another until then */
  readonly isOther: boolean;
}

/**
 * Which server is the master, by what all sentinels of a service say: asked, when the epoch tells which of two is behind, and unasked, which
 * comes first and may be long over.
 */
//  told, or seen by the client ──▶ ahead ──the same sentinel is asked──▶ confirmed, corrected, or overruled
//  answered ──a higher epoch──▶ news
export class MasterBelief {
  private master: ServerAddress | undefined;
  /** Where the master is by the answer of the highest epoch. */
  private answer: ServerAddress | undefined;
  private epoch = -1;
  /** The sentinel that has told of the master, unasked. */
  private teller: Sentinel | undefined;
  /** Where the master is by what was told or seen, and no sentinel has answered yet: others may name the old one for seconds. */
  ahead: ServerAddress | undefined;
  /** The master in whose place the client has seen the one ahead. */
  private replaced: ServerAddress | undefined;
  private seenAt = 0;

  /** @param sentinels all that are known */
  constructor(
    private readonly sentinels: ReadonlyMap<string, Sentinel>,
    private readonly clock: Clock,
  ) {}

  /** Where the master is by what was heard last. */
  get believed(): string | undefined {
    return this.master && nameOf(this.master);
  }

  /** A sentinel has told of another master. It is asked next. */
  told(address: ServerAddress, by: Sentinel): MasterNews {
    this.teller = by;
    return this.believe(address, false);
  }

  /**
   * The client has seen itself that a replica is the master.
   * @param replaced the master in whose place it is that
   */
  seen(replica: ServerAddress, replaced: ServerAddress | undefined): MasterNews {
    const news = this.believe(replica, false);
    this.replaced = replaced;
    this.seenAt = this.clock.now();
    return news;
  }

  /** A replica is not promoted after all. Returns where the master is if the client has seen that replica as one; undefined for no news. */
  calledOff(replica: ServerAddress): MasterNews | undefined {
    if (this.ahead === undefined || nameOf(this.ahead) !== nameOf(replica)) return undefined;
    this.ahead = undefined;
    return this.replaced && this.believe(this.replaced, true);
  }

  /** A sentinel has answered where the master is; undefined where that is no news. */
  answered(by: Sentinel, address: ServerAddress, epoch: number | undefined): MasterNews | undefined {
    const { epoch: before, named } = by;
    by.epoch = epoch;
    by.named = nameOf(address);
    // Where it falls, an operator has set the service up anew. A sentinel that was away may be behind instead.
    if (epoch !== undefined && before !== undefined && epoch < before) this.epoch = -1;
    // Sentinels that are made anew count from naught: what none of them says any more holds back none.
    if (epoch !== undefined) this.epoch = Math.min(this.epoch, this.highestEpoch);
    const known = this.master && nameOf(this.master);
    if (epoch !== undefined && epoch > this.epoch && this.wasReplaced(by.named)) {
      this.epoch = epoch;
      this.answer = address;
      return undefined;
    }
    if (this.isVoid(by.named) && !this.isBehind(epoch)) return this.believe(address, true);
    // What it answers counts for more than what it has told: one that was away may tell what is long over.
    const isTeller = by === this.teller;
    const isCorrected = isTeller && known !== by.named;
    if (isTeller) this.teller = undefined;
    const isOther = isCorrected || (named !== undefined && named !== by.named);
    const isNews = epoch === undefined ? isOther : epoch > this.epoch || (isCorrected && epoch === this.epoch);
    if (isNews && epoch !== undefined) this.epoch = epoch;
    if (isNews || this.answer === undefined) this.answer = address;
    if (known === undefined) this.master = address;
    else if (isNews) return this.believe(address, epoch !== undefined);
    // It is behind, and so is what it has told.
    else if (isTeller && this.isBehind(epoch)) return this.believe(this.answer, true);
    return undefined;
  }

  /** Whether an answer is older than others. */
  isBehind(epoch: number | undefined): boolean {
    return epoch !== undefined && epoch < this.epoch;
  }

  /** The client has seen that a server was replaced, and hears only now that it had become the master: that is news of what was before. */
  private wasReplaced(name: string): boolean {
    const { replaced, answer } = this;
    return replaced !== undefined && nameOf(replaced) === name && answer !== undefined && nameOf(answer) !== name;
  }

  /** A sentinel names the master still that the client has seen replaced long ago. That it was called off was not heard. */
  private isVoid(name: string): boolean {
    const { replaced, seenAt, clock } = this;
    return replaced !== undefined && nameOf(replaced) === name && clock.now() > seenAt + LONGEST_TRUST;
  }

  /** @param isAnswered a sentinel names that master when it is asked */
  private believe(address: ServerAddress, isAnswered: boolean): MasterNews {
    const isOther = this.master === undefined || nameOf(this.master) !== nameOf(address);
    this.master = address;
    // A sentinel may tell again what it has answered meanwhile.
    if (isAnswered) this.ahead = undefined;
    else if (isOther) this.ahead = address;
    this.replaced = undefined;
    return { address, isOther };
  }

  /** The highest epoch that a sentinel has told by the connection that there is. */
  private get highestEpoch(): number {
    return Math.max(...[...this.sentinels.values()].map(({ epoch }) => epoch ?? -1));
  }
}
