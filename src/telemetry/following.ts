import { filter, skip, type Observable, type Unsubscribable } from 'rxjs';
import type { Happening } from '../commands/happening';
import type { ReplyObserver, Request } from '../commands/request';
import type { Connection } from '../connection/connection';
import { reportUnhandled } from '../connection/guarded';
import { asItIs, type Wrap } from '../connection/wrapping';
import type { RedisError } from '../errors';

/** Follows one request from its submission to its end, of which there is one. */
export interface Follower {
  happened?(what: Happening): void;
  /** it has its value, or was sent and is to have none */
  answered(value: unknown): void;
  failed(error: RedisError): void;
  /** its observer has left before it was settled */
  left(): void;
}

/** What carries the requests that are followed. */
export interface Place {
  /** there is a connection that can take a request now */
  readonly isReady: () => boolean;
  /** where it leads to, for people */
  readonly name: () => string;
  /** the database that it has selected */
  readonly database: () => number;
  /** emits when an attempt at a connection has failed, or a connection is lost and is to be made again */
  readonly attempts$: Observable<FailedAttempt>;
}

/** Why there is no connection, and when which attempt at one follows: after `delay` ms, undefined where an Observable decides. */
export interface FailedAttempt {
  readonly attempt: number;
  readonly delay: number | undefined;
  readonly error?: RedisError;
}

/** A connection as such a place. */
export function placeOf(connection: Connection): Place {
  const { state$, session } = connection;
  return {
    isReady: () => state$.value.kind === 'ready',
    name: () => connection.address,
    database: () => session.database,
    attempts$: attemptsAt(connection),
  };
}

/** The failed attempts at a connection. */
export function attemptsAt({ state$ }: Connection): Observable<FailedAttempt> {
  // What has happened before is not told.
  return state$.pipe(
    skip(1),
    filter((state) => state.kind === 'reconnecting'),
  );
}

/** Begins to follow a request; undefined where there is nothing to note. */
export type Follow = (request: Request, place: Place) => Follower | undefined;

/** Wraps an executor so that its requests are followed. Nothing is wrapped where nothing follows. */
export function following(follows: readonly Follow[], place: Place): Wrap {
  if (follows.length === 0) return asItIs;
  return (executor) => ({
    submit: (request) => {
      const followers = beginAll(follows, request, place);
      if (followers !== undefined) followReply(request, followers);
      executor.submit(request);
    },
  });
}

function beginAll(follows: readonly Follow[], request: Request, place: Place): readonly Follower[] | undefined {
  let followers: Follower[] | undefined;
  for (const follow of follows) {
    const follower = begin(follow, request, place);
    if (follower !== undefined) (followers ??= []).push(follower);
  }
  return followers;
}

/** A tracer is another's code: what it throws concerns no command. */
function begin(follow: Follow, request: Request, place: Place): Follower | undefined {
  try {
    return follow(request, place);
  } catch (error) {
    reportUnhandled(error);
    return undefined;
  }
}

/** Does work in a span. A tracer is another's code: where that fails the work is done all the same, without a span. */
export function within<S>(begin: (work: (span: S) => void) => void, work: (span: S | undefined) => void): void {
  let hasBegun = false;
  try {
    begin((span) => {
      hasBegun = true;
      work(span);
    });
  } catch (error) {
    reportUnhandled(error);
    if (!hasBegun) work(undefined);
  }
}

/** How many requests of this process are followed and have not ended. */
let underWay = 0;

/** Whether a request is followed: otherwise nothing needs to be told of what happens to requests. */
export function isFollowing(): boolean {
  return underWay > 0;
}

/** Tells followers of a request from now on, until it ends or its observer leaves. */
export function followReply(request: Request, followers: readonly Follower[]): void {
  let followed: FollowedReply | undefined;
  request.observeBy((observer) => (followed = new FollowedReply(observer, followers)));
  request.onLeave(followed!);
}

/** An observer that is followed. Followers know of the end before the observer does, whose work is no part of the request. */
class FollowedReply implements ReplyObserver<unknown>, Unsubscribable {
  private isOver = false;

  constructor(
    private readonly observer: ReplyObserver<unknown>,
    private readonly followers: readonly Follower[],
  ) {
    underWay++;
  }

  get closed(): boolean {
    return this.observer.closed;
  }

  next(value: unknown): void {
    this.end('answered', value);
    this.observer.next(value);
  }

  error(error: RedisError): void {
    this.end('failed', error);
    this.observer.error(error);
  }

  complete(): void {
    this.end('answered', undefined);
    this.observer.complete();
  }

  /** The observer has left, or was told the outcome. */
  unsubscribe(): void {
    this.end('left', undefined);
  }

  add(departure: Unsubscribable): void {
    this.observer.add(departure);
  }

  /** The observer may be followed as well. */
  happened(what: Happening): void {
    if (!this.isOver) this.tell('happened', what);
    this.observer.happened?.(what);
  }

  private end<E extends 'answered' | 'failed' | 'left'>(how: E, what: Parameters<Follower[E]>[0]): void {
    if (this.isOver) return;
    this.isOver = true;
    underWay--;
    this.tell(how, what);
  }

  // A name and a value: a closure for each would be made several times a request.
  private tell(how: keyof Follower, what: unknown): void {
    for (const follower of this.followers) {
      try {
        follower[how]?.(what as never);
      } catch (error) {
        reportUnhandled(error);
      }
    }
  }
}
