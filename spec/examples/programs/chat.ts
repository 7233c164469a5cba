import {
  EMPTY,
  asyncScheduler,
  concatMap,
  distinctUntilChanged,
  exhaustMap,
  filter,
  finalize,
  ignoreElements,
  interval,
  map,
  merge,
  startWith,
  type Observable,
  type SchedulerLike,
} from 'rxjs';
import type { Redis } from 'rxjs-redis';
import { zadd, zremrangebyscore } from 'rxjs-redis/commands';

export type ChatEvent =
  | { readonly type: 'said'; readonly id: string; readonly from: string; readonly text: string }
  | { readonly type: 'present'; readonly users: readonly string[] };

/** How many messages of a room are kept. */
const KEPT = 1_000;

/**
 * A room of a chat. What is said is in a stream: a user who comes later or comes back reads it again, and no outage swallows a message.
 * Who is there is in a sorted set with the time of the last sign of life, so that the users of a process that was killed are soon gone.
 */
export class Room {
  private readonly messages: string;
  private readonly users: string;
  private readonly changes: string;

  /** @param ttl a user without a sign of life for so long is gone, ms */
  constructor(
    private readonly redis: Redis,
    name: string,
    private readonly ttl = 15_000,
    private readonly scheduler: SchedulerLike = asyncScheduler,
  ) {
    this.messages = `chat:{${name}}:messages`;
    this.users = `chat:{${name}}:users`;
    this.changes = `chat:{${name}}:changes`;
  }

  /**
   * What is said, and who is there. The user is there as long as it is subscribed to.
   * @param behind the id of the last message that the user has seen; `'0'` for all that is kept
   * @example
   * room.join('ann').subscribe((event) => socket.send(JSON.stringify(event)));
   */
  join(user: string, behind = '0'): Observable<ChatEvent> {
    const signs$ = this.now$().pipe(
      concatMap(() => this.sign(user)),
      ignoreElements(),
    );
    return merge(this.said(behind), this.present(), signs$).pipe(finalize(() => this.leave(user)));
  }

  say(from: string, text: string) {
    return this.redis.xadd(this.messages, '*', { from, text }, { TRIM: { MAXLEN: KEPT, exact: false } });
  }

  private said(behind: string): Observable<ChatEvent> {
    return this.redis.tail(this.messages, { from: behind }).pipe(
      filter((item) => item.type === 'entry'),
      map(({ id, fields }) => ({ type: 'said', id, from: fields.from ?? '', text: fields.text ?? '' })),
    );
  }

  /** Reads again when told of a change, when changes may have been missed, and now and then, for users that are gone without a word. */
  private present(): Observable<ChatEvent> {
    return merge(this.redis.subscribe(this.changes, { literal: true, gaps: true }), this.now$()).pipe(
      exhaustMap(() => this.redis.zrange(this.users, Date.now() - this.ttl, '+inf', { BY: 'SCORE' })),
      map((users): ChatEvent => ({ type: 'present', users: users.sort() })),
      distinctUntilChanged((one, other) => JSON.stringify(one) === JSON.stringify(other)),
    );
  }

  private now$(): Observable<unknown> {
    return interval(this.ttl / 3, this.scheduler).pipe(startWith(undefined));
  }

  private sign(user: string): Observable<unknown> {
    const now = Date.now();
    return this.redis
      .pipeline([zremrangebyscore(this.users, '-inf', now - this.ttl), zadd(this.users, { [user]: now })], {
        failFast: true,
      })
      .pipe(concatMap(([gone, come]) => (gone + come > 0 ? this.redis.publish(this.changes, '') : EMPTY)));
  }

  private leave(user: string): void {
    this.redis.zrem(this.users, user).forget();
    this.redis.publish(this.changes, '').forget();
  }
}
