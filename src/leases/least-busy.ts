import type { Executor } from '../commands/request-context';
import type { Lease } from './lease';

/** Of so many connections that are ready the least busy is chosen: all of them in most pools. */
const LOOKED_AT = 16;
/** A connection that could not be made yet counts as one with so many commands: they would wait on it, while others answer. */
const UNREADY = 2 ** 40;

/** A connection that the commands of many callers share. */
export class Shared {
  /** Where it stands among those that commands are sent on; -1 where nothing more is sent on it. */
  place = -1;
  /** It is given back at the end of this turn of the event loop if nothing is pending then. */
  isResting = false;

  constructor(
    readonly lease: Lease,
    readonly executor: Executor,
  ) {}

  /** How many commands are pending on it. */
  get pending(): number {
    return this.lease.connection.line.pending;
  }

  /** How many count as pending, for the choice. */
  get busy(): number {
    return this.lease.connection.wasReady ? this.pending : this.pending + UNREADY;
  }
}

/**
 * The connections that commands are sent on. The least busy is chosen among sixteen, which are others each time where there are more, so a
 * choice among a thousand costs what one among sixteen costs.
 */
export class LeastBusy {
  private readonly all: Shared[] = [];
  private first = 0;

  get size(): number {
    return this.all.length;
  }

  [Symbol.iterator](): Iterator<Shared> {
    return this.all[Symbol.iterator]();
  }

  add(one: Shared): void {
    one.place = this.all.push(one) - 1;
  }

  remove(one: Shared): void {
    const { place } = one;
    if (place < 0) return;
    one.place = -1;
    const last = this.all.pop()!;
    if (last === one) return;
    this.all[place] = last;
    last.place = place;
  }

  // Hot: once per command of a pool.
  choose(): Shared | undefined {
    const { all } = this;
    const { length } = all;
    let at = length > LOOKED_AT ? (this.first = (this.first + 1) % length) : 0;
    let least: Shared | undefined;
    let fewest = Infinity;
    let looked = 0;
    for (let n = 0; n < length && looked < LOOKED_AT; n++, at = at + 1 < length ? at + 1 : 0) {
      const one = all[at]!;
      const { connection } = one.lease;
      if (connection.isMisled) continue;
      if (connection.wasReady) looked++;
      const { busy } = one;
      if (busy >= fewest) continue;
      least = one;
      fewest = busy;
    }
    return least;
  }
}
