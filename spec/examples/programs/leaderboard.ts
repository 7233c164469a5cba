import { auditTime, map, startWith, switchMap, type Observable } from 'rxjs';
import type { Redis } from 'rxjs-redis';
import { publish, zaddIncr } from 'rxjs-redis/commands';

export interface Place {
  /** 1 for the best */
  readonly rank: number;
  readonly player: string;
  readonly score: number;
}

/** A leaderboard: a sorted set, and a channel that tells of changes. */
export class Leaderboard {
  constructor(
    private readonly redis: Redis,
    private readonly name: string,
  ) {}

  /** Adds to a player's score, and gives the new one. */
  award(player: string, points: number): Observable<number> {
    return this.redis
      .multi([zaddIncr(this.key, points, player), publish(this.key, player)], { failFast: true })
      .pipe(map((values) => Number(values?.[0])));
  }

  /** The best. */
  top(count: number): Observable<Place[]> {
    return this.places(0, count - 1);
  }

  /** A player among those who are next to him, so many above and below; empty where the player is not known. */
  around(player: string, count: number): Observable<Place[]> {
    return this.redis
      .zrevrank(this.key, player)
      .pipe(switchMap((rank) => (rank === null ? [[]] : this.places(Math.max(0, rank - count), rank + count))));
  }

  /**
   * The best now, and again when that may have changed, at most once every so often.
   * @param every ms
   */
  live(count: number, every = 250): Observable<Place[]> {
    return this.redis.subscribe(this.key, { literal: true, gaps: true }).pipe(
      auditTime(every),
      startWith(undefined),
      switchMap(() => this.top(count)),
    );
  }

  private places(from: number, to: number): Observable<Place[]> {
    return this.redis
      .zrange(this.key, from, to, { REV: true, WITHSCORES: true })
      .pipe(map((members) => members.map(({ member, score }, at) => ({ rank: from + at + 1, player: member, score }))));
  }

  private get key(): string {
    return `leaderboard:${this.name}`;
  }
}
