import type { Timeline } from './timeline';
import type { DedicatedItem, WatchItem } from './plan';

/** How the use of a lent connection ended for its user. */
export type UseOutcome =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'error'; readonly error: unknown }
  | { readonly kind: 'left' };

/** A user's work on a connection of its own: in line, then at work, then over. Its id stands in its commands. */
export class Use {
  readonly askedAt: number;
  readonly heldUpBefore: number;
  begunAt: number | undefined;
  outcome: UseOutcome | undefined;
  /** how often its transaction ran */
  runs = 0;
  /** what it watched has changed */
  disturbed = false;

  constructor(
    readonly item: DedicatedItem | WatchItem,
    timeline: Timeline,
  ) {
    this.askedAt = timeline.now();
    this.heldUpBefore = timeline.heldUp;
  }

  get id(): number {
    return this.item.id;
  }

  get isWaiting(): boolean {
    return this.begunAt === undefined && this.outcome === undefined;
  }
}

/** The id of the use among the words of a request; undefined for a request that names none. */
export function useOf(words: readonly string[]): number | undefined {
  for (const word of words.slice(1)) {
    const id = /^[LN]:(\d+)/.exec(word);
    if (id !== null) return Number(id[1]);
  }
  return undefined;
}
