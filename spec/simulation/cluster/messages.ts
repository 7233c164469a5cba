import { Subscription } from 'rxjs';
import type { Notice } from '../../../src/pubsub/notices';
import type { Message } from '../../../src/pubsub/topic';
import type { RedisCluster } from '../../../src/redis-cluster';
import type { Journal } from '../journal';
import type { Timeline } from '../timeline';
import { channelOf } from './cluster';
import type { JoinItem } from './draw';

/** A message that a node has published. */
interface Published {
  readonly kind: JoinItem['of'];
  readonly channel: string;
  readonly tag: string;
  readonly at: number;
  /** when it would have come at the latest, from whichever node */
  readonly due: number;
  /** another node takes itself for the one that has the channel */
  readonly isElsewhere: boolean;
}

/** What an Observer of a channel was told. */
export interface Observer {
  readonly id: number;
  readonly of: JoinItem['of'];
  readonly channel: string;
  readonly tags: string[];
  readonly gaps: { readonly from: number; readonly to: number }[];
  readonly subscription: Subscription;
  subscribedAt: number | undefined;
  /** when it was told 'subscribed' for the last time */
  resumedAt: number;
  inGap: boolean;
  endedAt: number;
}

/** Observers of channels: each message comes to them once at the most, in order, and what they miss they are told of. */
export class Messages {
  readonly observers: Observer[] = [];
  private readonly published: Published[] = [];
  /** The client is being ended: its streams end. */
  isOver = false;

  constructor(
    private readonly client: RedisCluster,
    private readonly timeline: Timeline,
    private readonly journal: Journal,
    /** how long bytes are on their way at most, ms */
    private readonly farthest: number,
  ) {}

  join({ of, channel: number, leaveAfter }: Pick<JoinItem, 'of' | 'channel' | 'leaveAfter'>): Observer {
    const { client, timeline, journal } = this;
    const channel = channelOf(number);
    const id = this.observers.length;
    const items$ =
      of === 'shard' ? client.ssubscribe(channel, { gaps: true }) : client.subscribe(channel, { gaps: true });
    timeline.touched = true;
    journal.note('joins', id, of, channel);
    const observer: Observer = {
      ...{ id, of, channel, tags: [], gaps: [], subscribedAt: undefined, resumedAt: 0, inGap: false },
      ...{ endedAt: Infinity },
      subscription: new Subscription(),
    };
    this.observers.push(observer);
    observer.subscription.add(
      items$.subscribe({
        next: (item) => this.told(observer, item),
        error: (error: Error) => {
          if (!this.isOver) journal.fail(`observer ${id} is told ${error.name}: ${error.message}`);
          observer.endedAt = timeline.now();
        },
      }),
    );
    if (leaveAfter !== undefined)
      timeline.afterInProcess(leaveAfter, () => {
        timeline.touched = true;
        this.leave(observer);
      });
    return observer;
  }

  leave(observer: Observer): void {
    this.journal.note('leaves', `observer ${observer.id}`);
    observer.endedAt = Math.min(observer.endedAt, this.timeline.now());
    observer.subscription.unsubscribe();
  }

  private told(observer: Observer, item: Message | Notice): void {
    const { timeline, journal } = this;
    const now = timeline.now();
    const { id } = observer;
    journal.note('told', id, item.type, 'data' in item ? item.data : '');
    switch (item.type) {
      case 'subscribed':
        if (observer.subscribedAt !== undefined && !observer.inGap)
          journal.fail(`observer ${id} is told 'subscribed' twice, without a gap`);
        observer.subscribedAt ??= now;
        observer.resumedAt = now;
        observer.inGap = false;
        return;
      case 'gap': {
        if (observer.subscribedAt === undefined || observer.inGap)
          journal.fail(`observer ${id} is told a gap out of place`);
        const [from, to] = [item.from, item.to].map((date) => date.getTime() - performance.timeOrigin) as [
          number,
          number,
        ];
        observer.gaps.push({ from, to });
        journal.note('gap', id, from, to);
        observer.inGap = true;
        return;
      }
      default: {
        const { data } = item;
        if (observer.subscribedAt === undefined || observer.inGap)
          journal.fail(`observer ${id} is told a message out of place`);
        if (observer.tags.includes(data)) journal.fail(`observer ${id} is told the message ${data} twice`);
        observer.tags.push(data);
      }
    }
  }

  /** A node has published a message. */
  note(kind: JoinItem['of'], channel: string, tag: string, isElsewhere: boolean): void {
    const at = this.timeline.now();
    this.published.push({ kind, channel, tag, at, due: at + this.farthest, isElsewhere });
  }

  /** Judges what was told, when all is over. */
  judge(): void {
    for (const { id, of, channel, tags, gaps, subscribedAt = Infinity, endedAt } of this.observers) {
      const own = this.published.filter((one) => one.kind === of && one.channel === channel);
      const places = new Map(own.map(({ tag }, place) => [tag, place]));
      const told = own.filter(({ tag }) => tags.includes(tag));
      const heardUntil = Math.max(subscribedAt, ...gaps.map(({ to }) => to), ...told.map(({ at }) => at));
      let last = -1;
      for (const tag of tags) {
        const place = places.get(tag) ?? -1;
        if (place < last) this.journal.fail(`observer ${id} is told the message ${tag} behind a later one`);
        last = Math.max(last, place);
      }
      for (const { tag, at, due, isElsewhere } of own) {
        if (at <= subscribedAt || isElsewhere || tags.includes(tag)) continue;
        // It has left before it could be told of a gap.
        if (endedAt < Infinity && due >= heardUntil) continue;
        // Dates are whole milliseconds, and what was on its way counts as missed.
        if (gaps.some(({ from, to }) => due >= from - 1 && at <= to + 1)) continue;
        this.journal.fail(`observer ${id} misses the message ${tag}, and was told of no gap`);
      }
    }
  }
}
