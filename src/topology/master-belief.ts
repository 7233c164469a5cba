import { nameOf, type ServerAddress } from '../options/addresses';
import type { Sentinel } from './sentinel';

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

  /** @param sentinels all that are known */
  constructor(private readonly sentinels: ReadonlyMap<string, Sentinel>) {}

  /** A sentinel has told of another master. It is asked next. */
  told(address: ServerAddress, by: Sentinel): MasterNews {
    this.teller = by;
    return this.believe(address, false);
  }

  /** The client has found out itself. */
  seen(address: ServerAddress): MasterNews {
    return this.believe(address, false);
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

  /** @param isAnswered a sentinel names that master when it is asked */
  private believe(address: ServerAddress, isAnswered: boolean): MasterNews {
    const isOther = this.master === undefined || nameOf(this.master) !== nameOf(address);
    this.master = address;
    this.ahead = isAnswered ? undefined : address;
    return { address, isOther };
  }

  /** The highest epoch that a sentinel has told by the connection that there is. */
  private get highestEpoch(): number {
    return Math.max(...[...this.sentinels.values()].map(({ epoch }) => epoch ?? -1));
  }
}
