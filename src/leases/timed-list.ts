import type { Subscription } from 'rxjs';
import { LONGEST_TIMER } from '../option-checks';
import { inBackground, type Clock } from '../connection/clock';

/** Where an item stands in a list. */
export class Place<T> {
  older: Place<T> | undefined;
  newer: Place<T> | undefined;
  /** It stands in the list still. */
  taken = true;

  constructor(
    readonly item: T,
    /** when the item came, on the clock, ms */
    readonly since: number,
  ) {}
}

/** What a list does with items whose time is up. Durations are milliseconds. */
export interface Expiry<T> {
  /** how long an item may stay; Infinity for ever */
  readonly longest: number;
  /** told of each item whose time is up, which has left the list */
  readonly expired: (item: T) => void;
  /** the timer does not keep the process alive */
  readonly inBackground?: boolean;
}

/**
 * Items in the order in which they came, each for a limited time. Coming, leaving and looking at either end take constant time, and one
 * timer serves all.
 */
//  oldest ◀─▶ … ◀─▶ newest      the timer waits for the oldest
export class TimedList<T> {
  private first: Place<T> | undefined;
  private last: Place<T> | undefined;
  private count = 0;
  private timer: Subscription | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly expiry: Expiry<T>,
  ) {}

  get length(): number {
    return this.count;
  }

  get oldest(): Place<T> | undefined {
    return this.first;
  }

  get newest(): Place<T> | undefined {
    return this.last;
  }

  add(item: T): Place<T> {
    const place = new Place(item, this.clock.now());
    place.older = this.last;
    if (this.last === undefined) this.first = place;
    else this.last.newer = place;
    this.last = place;
    this.count++;
    if (this.timer === undefined) this.arm(place);
    return place;
  }

  /** @returns whether the item was in the list */
  remove(place: Place<T>): boolean {
    if (!place.taken) return false;
    const { older, newer } = place;
    place.taken = false;
    place.older = undefined;
    place.newer = undefined;
    if (older === undefined) this.first = newer;
    else older.newer = newer;
    if (newer === undefined) this.last = older;
    else newer.older = older;
    this.count--;
    // A timer in the background goes off in vain, which costs less than to make one for each item that comes alone.
    if (this.count === 0 && this.expiry.inBackground !== true) this.stop();
    return true;
  }

  /** Empties the list and returns what was in it, the oldest first. */
  drain(): T[] {
    const items: T[] = [];
    for (let place = this.first; place !== undefined; place = this.first) {
      items.push(place.item);
      this.remove(place);
    }
    this.stop();
    return items;
  }

  private stop(): void {
    this.timer?.unsubscribe();
    this.timer = undefined;
  }

  /** The oldest may have left when the timer goes off: then the timer waits for the next. */
  private arm({ since }: Place<T>): void {
    const { longest } = this.expiry;
    if (longest === Infinity) return;
    // In whole ms, so that time passes: what is left may be too little to make a difference to the clock.
    const delay = Math.min(Math.max(0, Math.ceil(since + longest - this.clock.now())), LONGEST_TIMER);
    const timer = this.clock.schedule(() => this.goOff(), delay);
    this.timer = this.expiry.inBackground === true ? inBackground(timer) : timer;
  }

  private goOff(): void {
    this.timer = undefined;
    const now = this.clock.now();
    const { longest } = this.expiry;
    const expired: T[] = [];
    for (let place = this.first; place !== undefined && place.since + longest <= now; place = this.first) {
      expired.push(place.item);
      this.remove(place);
    }
    if (this.first !== undefined) this.arm(this.first);
    for (const item of expired) this.expiry.expired(item);
  }
}
