import { asyncScheduler, interval, map, share, startWith, switchMap, type Observable, type SchedulerLike } from 'rxjs';
import type { RedisCommands } from 'rxjs-redis';
import { expire, hgetall, hincrby } from 'rxjs-redis/commands';

export interface RouteFigures {
  readonly route: string;
  readonly requests: number;
  readonly errors: number;
  /** of a request, ms */
  readonly averageTime: number;
}

const MINUTE = 60_000;

/** Counts the requests of all processes of a service, a hash a minute, and shows the sums of the last minutes. */
export class Dashboard {
  constructor(
    private readonly redis: RedisCommands,
    private readonly service: string,
    private readonly minutes = 5,
    private readonly now = Date.now,
  ) {}

  /** Counts a request. Nothing waits for it; an error is told on the client's `events$`. */
  count(route: string, status: number, time: number): void {
    const key = this.keyOf(this.now());
    this.redis
      .pipeline([
        hincrby(key, `${route} requests`, 1),
        hincrby(key, `${route} errors`, status < 500 ? 0 : 1),
        hincrby(key, `${route} time`, Math.round(time)),
        expire(key, (this.minutes + 1) * 60),
      ])
      .forget();
  }

  /**
   * The figures now and again, the busiest route first. All Observers share one reading.
   * @param every ms
   */
  figures(every = 1_000, scheduler: SchedulerLike = asyncScheduler): Observable<RouteFigures[]> {
    return interval(every, scheduler).pipe(
      startWith(undefined),
      switchMap(() => this.read()),
      share(),
    );
  }

  private read(): Observable<RouteFigures[]> {
    const now = this.now();
    const keys = Array.from({ length: this.minutes }, (_, ago) => this.keyOf(now - ago * MINUTE));
    return this.redis
      .pipeline(
        keys.map((key) => hgetall(key)),
        { failFast: true },
      )
      .pipe(map(figuresOf));
  }

  private keyOf(time: number): string {
    return `dashboard:{${this.service}}:${Math.floor(time / MINUTE)}`;
  }
}

function figuresOf(minutes: readonly Readonly<Record<string, string>>[]): RouteFigures[] {
  const sums = new Map<string, number>();
  for (const minute of minutes) {
    for (const [name, value] of Object.entries(minute)) sums.set(name, (sums.get(name) ?? 0) + Number(value));
  }
  const routes = new Set([...sums.keys()].map((name) => name.slice(0, name.lastIndexOf(' '))));
  const sumOf = (route: string, what: string): number => sums.get(`${route} ${what}`) ?? 0;
  return [...routes]
    .map((route) => {
      const requests = sumOf(route, 'requests');
      return { route, requests, errors: sumOf(route, 'errors'), averageTime: sumOf(route, 'time') / requests };
    })
    .sort((one, other) => other.requests - one.requests);
}
