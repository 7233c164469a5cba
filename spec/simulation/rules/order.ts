import type { Link } from '../link';
import type { Sent } from '../sent';
import { REFUSES_ALL } from '../tries';
import { isTaken, type WireRequest } from '../wire';
import { Hold } from './hold';
import { PerLink, type Arrival, type Rule, type Scene, type Write } from './rule';
import { TickWrites } from './tick-writes';

/**
 * Commands are written in the order of the calls, those of one tick in one write. What a server refuses that refuses everything is
 * written again before all others.
 */
export class OrderRule implements Rule {
  private readonly last = new PerLink(() => ({ publishing: -1, others: -1 }));
  private readonly holds = new PerLink(() => new Hold());
  private readonly ticks: TickWrites;

  constructor(private readonly scene: Scene) {
    this.ticks = new TickWrites(scene.around);
  }

  written(link: Link, { sent, writtenAt, group, member = 0 }: WireRequest): void {
    if (sent === undefined || member > 0) return;
    this.checkOrder(link, sent);
    this.holds.of(link).checkWritten(sent, group?.begin?.writtenAt ?? writtenAt);
  }

  wrote(link: Link, write: Write): void {
    this.ticks.wrote(link, write);
  }

  arriving(link: Link, { answered }: Arrival): () => void {
    const wasHeld = this.holds.of(link).begun;
    return () => this.holdFor(link, answered, wasHeld);
  }

  /** Commands stay in line, except those that had to wait before they were sent again. */
  private checkOrder(link: Link, sent: Sent): void {
    if (sent.outOfLine) return;
    const last = this.last.of(link);
    // What publishes may wait for subscriptions that were made before it, and is passed by others meanwhile.
    const kind = sent.item.call === 'publish' ? 'publishing' : 'others';
    if (sent.order < last[kind]) sent.fail('was written behind a command that was submitted later');
    last[kind] = Math.max(last[kind], sent.order);
  }

  /** What a server refuses that refuses everything keeps all others waiting. */
  private holdFor(link: Link, wires: readonly WireRequest[], wasHeld: boolean): void {
    for (const part of wires) {
      const { group } = part;
      const wire = group?.run === part ? group : part;
      const { sent, answeredAt } = wire;
      // An Observer that was told of a reply before it, in the same read, may have left it.
      if (sent === undefined || !isTaken(wire) || sent.wires.at(-1) !== wire) continue;
      if (![...REFUSES_ALL].some((word) => sent.isRefusedBy(word))) continue;
      // Of a transaction perhaps MULTI alone was written before, and lost: that was a try, and the next one comes later, or never.
      if (sent.isTransaction && this.scene.around.lonelyMultis() > 0) continue;
      const delay = sent.tries.delayAfter(wire);
      if (delay !== undefined) this.holds.of(link).begin(sent, answeredAt, delay, wasHeld);
    }
  }
}
