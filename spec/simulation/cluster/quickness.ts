import { hashSlot } from '../../../src/resp/hash-slot';
import type { Journal } from '../journal';
import type { Call } from './calls';
import type { SimulatedCluster } from './cluster';
import type { Happening, World } from './draw';
import type { Observer } from './messages';

/** How soon the node that takes writes for slots is found, ms, beside what commands are on their way. */
const FOUND = 100;
/** The same where the one before hangs: nothing but its silence tells. */
const HUNG = 1_000;
/** How long other slots' commands take at most, beside that. */
const UNDISTURBED = 50;
/** How long links to a node are kept that no view names. */
const UNNAMED = 1_000;

/** Judges how soon a client does what it has to, in worlds where one thing happens. */
//  Until it is found a replica is asked for its role in vain, then again, and for its slots; and the command is sent: six ways.
export class Quickness {
  private readonly happening: Happening;
  /** When nodes were first missing among those that the client knows, ms. */
  private readonly missingSince = new Map<number, number>();
  private readonly way: number;

  constructor(
    world: World,
    private readonly cluster: SimulatedCluster,
    private readonly journal: Journal,
  ) {
    this.happening = world.items.find((item): item is Happening => !['call', 'join', 'news'].includes(item.kind))!;
    this.way = Math.max(...world.distances);
  }

  /** Which nodes the client knows just now. */
  knows(names: readonly string[], now: number): void {
    for (const node of this.cluster.nodes) {
      if (names.includes(node.name) || this.cluster.named.has(node)) this.missingSince.delete(node.index);
      else if (!this.missingSince.has(node.index)) this.missingSince.set(node.index, now);
      const since = this.missingSince.get(node.index) ?? Infinity;
      if (now > since + UNNAMED && node.state === 'up' && node.wires.size > 0)
        this.journal.fail(`a link to ${node.name} is left, which no view has named for ${now - since} ms`);
    }
  }

  private get limit(): number {
    const { happening } = this;
    const isHung = happening.kind === 'failover' && happening.how === 'hung';
    return (isHung ? HUNG : FOUND) + 6 * this.way;
  }

  judge(calls: readonly Call[], observers: readonly Observer[]): void {
    const { cluster, happening, journal } = this;
    const [change] = cluster.changes;
    // A node that was made to leave with its slots refuses them until a view comes.
    if (change === undefined || happening.kind === 'leave') return;
    const isRefused = happening.kind === 'failover' && happening.outage > 0;
    for (const { id, op, at, keys, settledAt = Infinity } of calls) {
      const slot = hashSlot(keys[0]!);
      if (at < happening.at || at > change.at + 1_000) continue;
      if (change.slots.has(slot)) {
        const late = settledAt - Math.max(at, change.at);
        journal.count('calls to a slot whose owner changes');
        if (late > this.limit) journal.fail(`call ${id} (${op}) is over ${late} ms after its slot was served again`);
      } else if (!isRefused && settledAt - at > UNDISTURBED + 2 * this.way) {
        journal.fail(`call ${id} (${op}) to another slot has taken ${settledAt - at} ms`);
      }
    }
    for (const { id, of, channel, subscribedAt = Infinity, resumedAt, inGap } of observers) {
      if (of !== 'shard' || subscribedAt > happening.at || !change.slots.has(hashSlot(channel))) continue;
      const late = (inGap || resumedAt < happening.at ? Infinity : resumedAt) - change.at;
      journal.count('observers of a shard channel whose owner changes');
      if (late > this.limit) journal.fail(`observer ${id} hears again ${late} ms after its slot was served again`);
    }
  }
}
