import { EMPTY, ignoreElements, mergeMap, type Observable } from 'rxjs';
import type { Command } from '../commands/command';
import { xack, xclaim, xpending, xrange } from '../commands/generated/builders';
import type { Entry, PendingEntry } from '../commands/replies/types';
import type { ConsumerSettings } from './consume-options';
import { idAfter } from './stream-ids';

/** How many pending entries are looked at at once. */
const PAGE = 100;

/** What looking through pending entries needs. */
export interface PendingParts {
  readonly send: <T>(command: Command<T>) => Observable<T>;
  /** sends commands as a transaction; errors stand in their places */
  readonly multi: (commands: readonly Command[]) => Observable<readonly unknown[]>;
  readonly settle: <T>(command: Command<T>) => Observable<T>;
  /** how many entries may be taken */
  readonly room: () => number;
  /** an entry is being handled here, or has failed here a short time ago */
  readonly isOwn: (id: string) => boolean;
  readonly taken: (entry: Entry<string | Buffer>, deliveries: number, isClaimed: boolean) => void;
}

/** A walk through pending entries. */
interface Walk {
  /** whose they are; anybody's where they have to be idle */
  readonly isOwn: boolean;
  readonly from: string;
}

/** Takes over entries that are pending in a group: this consumer's own, and those that were not acknowledged for long. */
export class Pending {
  private walk: Walk | undefined;

  constructor(
    private readonly settings: ConsumerSettings,
    private readonly parts: PendingParts,
  ) {}

  /** There is something to be looked through. */
  get isWalking(): boolean {
    return this.walk !== undefined;
  }

  /** Looks for this consumer's own, which nothing is known of here: of the last process of that name, or whose delivery was lost. */
  recover(): void {
    this.walk = { isOwn: true, from: '-' };
  }

  /** Looks for those that were not acknowledged for long, unless it looks for something already. */
  claim(): void {
    if (this.settings.claimIdle < Infinity) this.walk ??= { isOwn: false, from: '-' };
  }

  /** Takes over what there is room for; completes when that is taken. */
  next(): Observable<unknown> {
    const { walk } = this;
    if (walk === undefined) return EMPTY;
    return this.page(walk);
  }

  private page(walk: Walk): Observable<unknown> {
    const { stream, group, consumer, claimIdle } = this.settings;
    const range = { start: walk.from, end: '+', count: PAGE, ...(walk.isOwn && { consumer: consumer as string }) };
    return this.parts.send(xpending(stream, group, range)).pipe(
      mergeMap((page) => {
        const least = walk.isOwn ? 0 : claimIdle;
        const wanted = page.filter(([id, , idle]) => idle >= least && !this.parts.isOwn(id));
        const chosen = wanted.slice(0, this.parts.room());
        const left = wanted[chosen.length];
        if (left !== undefined) this.walk = { ...walk, from: left[0] };
        else if (page.length === PAGE) this.walk = { ...walk, from: idAfter(page.at(-1)![0]) };
        else this.walk = undefined;
        return chosen.length === 0 ? EMPTY : this.take(chosen, walk.isOwn);
      }),
    );
  }

  private take(chosen: readonly PendingEntry[], isOwn: boolean): Observable<unknown> {
    const { stream, group, consumer, claimIdle } = this.settings;
    const ids = chosen.map(([id]) => id);
    // What another consumer has taken since it was looked at was idle for less than that.
    const least = isOwn ? Math.min(...chosen.map(([, , idle]) => idle)) : Math.ceil(claimIdle);
    return this.parts.send(xclaim(stream, group, consumer, least, ids)).pipe(
      mergeMap((entries) => {
        const got = new Map(entries.map((entry) => [entry.id, entry]));
        const gone = ids.filter((id) => !got.has(id));
        for (const [id, , , deliveries] of chosen) {
          const entry = got.get(id);
          if (entry !== undefined) this.parts.taken(entry, deliveries + 1, !isOwn);
        }
        return gone.length === 0 ? EMPTY : this.forget(gone);
      }),
    );
  }

  /** What was not claimed has another consumer now, or is deleted: that is pending all the same, before Redis 7.0. */
  private forget(ids: readonly string[]): Observable<never> {
    const { stream, group } = this.settings;
    return this.parts.multi(ids.map((id) => xrange(stream, id, id))).pipe(
      mergeMap((found) => {
        const deleted = ids.filter((_, index) => (found[index] as Partial<readonly unknown[]>).length === 0);
        return deleted.length === 0 ? EMPTY : this.parts.settle(xack(stream, group, deleted));
      }),
      ignoreElements(),
    );
  }
}
