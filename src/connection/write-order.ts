import type { Request } from '../commands/request';
import { writesTo } from '../commands/writes-to';
import { Heap } from './heap';
import { Ring } from './ring';

/** A request that waits to be repeated. */
interface Waiting {
  readonly request: Request;
  readonly place: number;
  /** the keys that it writes to, where a later write finds it … */
  readonly lanes: readonly Lane[];
  /** … and the lanes in which a later write may be ahead of it */
  readonly rivals: readonly Lane[];
  /** all that was on its way when it failed is answered once so many replies have come … */
  answeredAt: number;
  /** it has left the line, and all that stood there is answered once so many have, or fewer, without those that are repeated here */
  passedAt: number | undefined;
  /** it does not wait any more */
  isOver: boolean;
}

/** The requests that wait to be repeated and write to the same key. */
class Lane {
  /** some of them do not wait any more */
  private readonly heap = new Heap<Waiting>();
  private length = 0;
  /** the request with the greatest place that was written to the link meanwhile, and its number among all that are owed */
  private latestPlace = 0;
  private latestNumber = -1;

  /** @param name of the key; undefined for the lanes that are always there */
  constructor(readonly name?: string) {}

  add(waiting: Waiting): void {
    if (this.heap.length > 2 * this.length + 16) this.heap.retain(({ isOver }) => !isOver);
    this.heap.push(waiting);
    this.length++;
  }

  /** One of them does not wait any more. Returns whether none is left. */
  left(): boolean {
    return --this.length === 0;
  }

  /** The one that was called first. */
  first(): Waiting | undefined {
    const { heap } = this;
    for (let first = heap.peek(); first !== undefined; first = heap.peek()) {
      if (!first.isOver) return first;
      heap.shift();
    }
    return undefined;
  }

  /** Takes out those that were called before a place. */
  takeBefore(place: number): Waiting[] {
    const taken: Waiting[] = [];
    for (let first = this.first(); first !== undefined && first.place < place; first = this.first()) {
      taken.push(first);
      this.heap.shift();
    }
    return taken;
  }

  /** A request is written. */
  wrote({ place }: Request, owed: Ring<Request>): void {
    const isAnswered = this.latestNumber < owed.passed;
    if (!isAnswered && place < this.latestPlace) return;
    this.latestPlace = place;
    this.latestNumber = owed.passed + owed.length;
  }

  /** Whether a later call than a place is on its way. */
  isAheadOf(place: number, owed: Ring<Request>): boolean {
    const { latestPlace, latestNumber } = this;
    return latestPlace > place && latestNumber >= owed.passed && latestNumber < owed.passed + owed.length;
  }

  /** Another link owes other replies. */
  linkChanged(): void {
    this.latestPlace = 0;
  }
}

/**
 * Keeps writes to one place in the order of the calls where one of them was refused or lost and waits to be repeated. A later one that
 * runs meanwhile overtakes it, and it must fail; a later one that is on its way must be answered before it is written again.
 */
//  called:   SET k 1    SET k 2    SET m 3
//  answered: refused    OK         OK
//            waits   ◀─ overtakes  another key, so it may
export class WriteOrder {
  /** Something waits. Until then nothing is noted, so that it costs nothing. */
  isActive = false;
  private readonly waiting = new Map<Request, Waiting>();
  /** Those of them that have left the line, the first first. */
  private readonly away = new Ring<Waiting>();
  /** How many of those that wait are to be repeated here. */
  private here = 0;
  /** How many were answered and are repeated here since the first has left; and when the last of them is answered. */
  private repeated = 0;
  private repeatedAt = 0;
  private readonly lanes = new Map<string, Lane>();
  /** all that wait, and those of them of which it is not known what they write to */
  private every = new Lane();
  private unknown = new Lane();
  private owed: Ring<Request> | undefined;

  /** @param onLeft told when a request does not wait any more and is not written: what stands behind it may be */
  constructor(private readonly onLeft: () => void = () => undefined) {}

  /** Another link owes other replies. */
  linkChanged(owed: Ring<Request> | undefined): void {
    this.owed = owed;
    if (!this.isActive) return;
    for (const { request, isOver } of this.away.drain()) if (!isOver) this.leaves(request);
    this.repeated = this.repeatedAt = 0;
    for (const waiting of this.waiting.values()) waiting.answeredAt = 0;
    for (const lane of this.lanes.values()) lane.linkChanged();
    this.every.linkChanged();
    this.unknown.linkChanged();
  }

  /** A request has failed and waits to be repeated. */
  waits(request: Request): void {
    if (this.waiting.has(request)) return;
    if (this.away.length > 0) this.repeated++;
    this.add(request);
  }

  private add(request: Request): void {
    const written = writesTo(request.command);
    if (written === 'nothing') return;
    this.isActive = true;
    const { every, unknown, owed } = this;
    const own = written === 'everything' ? [unknown] : written.map((name) => this.laneOf(name));
    const waiting: Waiting = {
      request,
      place: request.place,
      lanes: [every, ...own],
      rivals: written === 'everything' ? [every] : [...own, unknown],
      answeredAt: owed === undefined ? 0 : owed.passed + owed.length,
      passedAt: undefined,
      isOver: false,
    };
    for (const lane of waiting.lanes) lane.add(waiting);
    this.waiting.set(request, waiting);
    this.here++;
  }

  /**
   * A refused request leaves the line: what is on its way here, or stands here, may still run, and overtake it, until that is answered.
   * @param standing how many requests stand here
   */
  departs(request: Request, standing: number): void {
    if (!this.waiting.has(request)) this.add(request);
    const waiting = this.waiting.get(request);
    if (waiting === undefined) return;
    const { owed } = this;
    const isHere = waiting.passedAt === undefined;
    waiting.passedAt = (owed === undefined ? 0 : owed.passed + owed.length) + standing - this.repeated;
    if (!isHere) return;
    this.here--;
    this.away.push(waiting);
  }

  /** So many requests were answered before the one that is just now. */
  answered(count: number): void {
    if (this.away.length === 0 || this.here > 0 || count < this.repeatedAt) return;
    const { away } = this;
    for (
      let first = away.peek();
      first !== undefined && first.passedAt! <= count - this.repeated;
      first = away.peek()
    ) {
      away.shift();
      if (!first.isOver) this.leaves(first.request);
    }
  }

  /** It does not wait any more: it has failed, or its observer has left. */
  leaves(request: Request): void {
    if (this.takeOut(request)) this.onLeft();
  }

  private takeOut(request: Request): boolean {
    const waiting = this.waiting.get(request);
    if (waiting === undefined) return false;
    this.waiting.delete(request);
    waiting.isOver = true;
    if (waiting.passedAt === undefined) this.here--;
    for (const lane of waiting.lanes) if (lane.left() && lane.name !== undefined) this.lanes.delete(lane.name);
    if (this.waiting.size === 0) this.rest();
    return true;
  }

  /** Whether a later write to the same place may be on its way. */
  mustWait(request: Request): boolean {
    const { owed } = this;
    const waiting = this.waiting.get(request);
    if (waiting === undefined || owed === undefined) return false;
    return waiting.answeredAt > owed.passed || waiting.rivals.some((lane) => lane.isAheadOf(request.place, owed));
  }

  /** A request is about to be written. */
  wrote(request: Request): void {
    const isRepeated = this.takeOut(request);
    const { owed } = this;
    if (!this.isActive || owed === undefined) return;
    if (isRepeated) this.repeatedAt = owed.passed + owed.length + 1;
    const written = writesTo(request.command);
    if (written === 'nothing') return;
    this.every.wrote(request, owed);
    if (written === 'everything') this.unknown.wrote(request, owed);
    else for (const name of written) this.lanes.get(name)?.wrote(request, owed);
  }

  /** The first of the earlier writes to the same place that wait, where it waits here. */
  earlierThan({ command, place }: Request): Request | undefined {
    const written = writesTo(command);
    if (written === 'nothing') return undefined;
    for (const lane of this.lanesOf(written)) {
      const first = lane.first();
      if (first !== undefined && first.place < place && first.passedAt === undefined) return first.request;
    }
    return undefined;
  }

  /** A request has run: takes out those that were called before it, wait, and write to the same place. */
  overtakenBy({ command, place }: Request): readonly Request[] {
    const written = writesTo(command);
    if (written === 'nothing') return [];
    const overtaken: Request[] = [];
    for (const lane of this.lanesOf(written)) {
      for (const { request } of lane.takeBefore(place)) {
        this.leaves(request);
        overtaken.push(request);
      }
    }
    return overtaken;
  }

  private laneOf(name: string): Lane {
    let lane = this.lanes.get(name);
    if (lane === undefined) this.lanes.set(name, (lane = new Lane(name)));
    return lane;
  }

  /** Where the writes are that one to these may overtake. */
  private lanesOf(written: readonly string[] | 'everything'): Lane[] {
    if (written === 'everything') return [this.every];
    return [this.unknown, ...written.flatMap((name) => this.lanes.get(name) ?? [])];
  }

  private rest(): void {
    this.isActive = false;
    this.repeated = this.repeatedAt = 0;
    this.away.drain();
    this.lanes.clear();
    this.every = new Lane();
    this.unknown = new Lane();
  }
}
