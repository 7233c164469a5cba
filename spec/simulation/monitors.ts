import { merge, tap, timer, switchMap, type Subscription } from 'rxjs';
import { RedisError } from '../../src/errors';
import type { Redis } from '../../src/redis';
import type { Journal } from './journal';
import type { MonitorItem } from './plan';
import type { Server } from './server';
import type { Timeline } from './timeline';

/** What the Observers of one lent connection were told. */
interface Watched {
  readonly item: MonitorItem;
  /** the lines of each, in order */
  readonly lines: readonly string[][];
  subscription: Subscription | undefined;
}

/** All who observe the lines of MONITOR: each is told all lines from its first one on, in order. */
export class Monitors {
  private readonly all: Watched[] = [];

  constructor(
    private readonly timeline: Timeline,
    private readonly journal: Journal,
    private readonly server: Server,
  ) {}

  watch(redis: Redis, item: MonitorItem): void {
    const { timeline, journal } = this;
    const lines = Array.from({ length: item.observers }, (): string[] => []);
    const watched: Watched = { item, lines, subscription: undefined };
    this.all.push(watched);
    watched.subscription = redis
      .dedicated((connection) => {
        const streams = lines.map((own, index) => {
          const lines$ = connection.monitor().pipe(tap((line) => own.push(line)));
          return index === 0 || item.gap === 0
            ? lines$
            : timer(index * item.gap, timeline.user).pipe(switchMap(() => lines$));
        });
        return merge(...streams);
      })
      .subscribe({
        error: (error: unknown) => {
          journal.count('monitor lost');
          if (!(error instanceof RedisError)) journal.fail(`monitor ${item.id} failed with ${String(error)}`);
        },
      });
    if (item.leaveAfter !== undefined) timeline.afterInProcess(item.leaveAfter, () => this.leave(watched));
  }

  get any(): boolean {
    return this.all.length > 0;
  }

  leaveAll(): void {
    for (const watched of this.all) this.leave(watched);
  }

  /** What they have been told by the end. */
  check(): void {
    for (const { item, lines } of this.all) {
      const told = lines.filter(({ length }) => length > 0);
      this.journal.count(`${told.length} observers of MONITOR`);
      for (const own of told) {
        const from = this.server.lines.indexOf(own[0]!);
        if (from === -1 || own.join() !== this.server.lines.slice(from, from + own.length).join())
          this.journal.fail(`an observer of monitor ${item.id} was told '${own.join()}'`);
        if (own.at(-1) !== told[0]!.at(-1))
          this.journal.fail(`an observer of monitor ${item.id} was told less than the others`);
      }
    }
  }

  private leave({ subscription, item }: Watched): void {
    if (subscription?.closed !== false) return;
    this.timeline.touched = true;
    this.journal.note('leaves', item.id);
    subscription.unsubscribe();
  }
}
