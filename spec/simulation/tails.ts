import { map } from 'rxjs';
import type { Subscription } from 'rxjs';
import type { RedisView } from '../../src/redis-view';
import type { TailItem as Given } from '../../src/streams/tail-options';
import type { SimulatedClient } from './client';
import type { Journal } from './journal';
import type { TailItem } from './plan';
import type { StreamEvents } from './rules/stream-events';
import type { Timeline } from './timeline';
import type { UseOutcome } from './use';

/** What a tail brings, with its texts as text. */
export interface TailedItem {
  readonly stream: string;
  /** of an entry */
  readonly id?: string;
  readonly number?: string;
  /** of a gap */
  readonly gap?: { readonly from: string; readonly to: string | null; readonly reason: string };
}

/** The names of the streams that a tail reads: nothing else reads them. */
export function tailedStreams({ id, streams }: Pick<TailItem, 'id' | 'streams'>): string[] {
  return Array.from({ length: streams }, (_, index) => `X:${id}:${index}`);
}

/** Somebody who reads streams as entries are added. */
export class Tail {
  outcome: UseOutcome | undefined;
  /** the last entry of each stream that it has brought */
  readonly lastIds = new Map<string, string>();
  /** how many entries are worked on just now */
  working = 0;

  constructor(
    readonly item: TailItem,
    readonly askedAt: number,
  ) {}

  get id(): number {
    return this.item.id;
  }
}

/** All who read streams as entries are added. */
export class Tails {
  readonly all: { readonly tail: Tail; readonly leave: () => void }[] = [];

  constructor(
    private readonly client: () => SimulatedClient,
    private readonly tell: StreamEvents,
    private readonly timeline: Timeline,
    private readonly journal: Journal,
  ) {}

  begin(item: TailItem): void {
    const { timeline, journal, tell } = this;
    const tail = new Tail(item, timeline.now());
    timeline.touched = true;
    journal.note('tails', item.id);
    tell.tailAsked(tail);
    const subscription = this.follow(tail);
    const leave = () => {
      if (tail.outcome !== undefined) return;
      timeline.touched = true;
      this.ended(tail, { kind: 'left' });
      subscription.unsubscribe();
    };
    this.all.push({ tail, leave });
    if (item.leaveAfter === 0) leave();
    else if (item.leaveAfter !== undefined) timeline.afterInProcess(item.leaveAfter, leave);
  }

  private follow(tail: Tail): Subscription {
    const { from, batch, ends, bytes, work, concurrency } = tail.item;
    const { redis } = this.client();
    const surface = (bytes ? redis.bytes : redis) as RedisView;
    const names = tailedStreams(tail.item);
    const options = { from, batch, ...(ends === true && { until: '$' }) };
    const observer = {
      error: (error: unknown) => this.ended(tail, { kind: 'error', error }),
      complete: () => this.ended(tail, { kind: 'value', value: undefined }),
    };
    if (work === undefined)
      return surface.tail(names, options).subscribe({ next: (item) => this.given(tail, item), ...observer });
    const project = (item: Given) => {
      this.given(tail, item);
      if (++tail.working > concurrency) this.journal.fail(`tail ${tail.id} works on ${tail.working} at the same time`);
      return this.timeline.thought(work).pipe(map(() => tail.working--));
    };
    return surface.tail(names, { ...options, project, concurrency }).subscribe(observer);
  }

  private given(tail: Tail, item: Given<string | Buffer>): void {
    const { journal } = this;
    journal.note('tailed', tail.id, item.type, item.type === 'entry' ? item.id : item.reason);
    journal.count(item.type === 'entry' ? 'entry tailed' : `gap ${item.reason}`);
    if (tail.outcome !== undefined) journal.fail(`tail ${tail.id} brings something although it has ended`);
    const wanted = tail.item.bytes ? 'object' : 'string';
    if (typeof item.stream !== wanted) journal.fail(`tail ${tail.id} got a name of the wrong kind`);
    const stream = item.stream.toString();
    if (item.type === 'gap') this.tell.tailGiven(tail, { stream, gap: item });
    else {
      tail.lastIds.set(stream, item.id);
      this.tell.tailGiven(tail, { stream, id: item.id, number: numberOf(item.fields) });
    }
  }

  private ended(tail: Tail, outcome: UseOutcome): void {
    const { journal } = this;
    const name = outcome.kind === 'error' && outcome.error instanceof Error ? ` ${outcome.error.name}` : '';
    journal.note('tail ends', tail.id, outcome.kind + name);
    journal.count(`tail ${outcome.kind}${name}`);
    if (tail.outcome !== undefined) journal.fail(`tail ${tail.id} has ended twice`);
    tail.outcome = outcome;
    this.tell.tailEnded(tail);
  }
}

/** The value of the one field of an entry, whose fields as bytes are a Map. */
export function numberOf(fields: unknown): string {
  const value =
    fields instanceof Map ? [...(fields as Map<unknown, unknown>).values()][0] : Object.values(fields as object)[0];
  return String(value);
}
