import { catchError, forkJoin, map, mergeMap, of, type Observable, type OperatorFunction } from 'rxjs';
import { RedisError, ReplyError } from 'rxjs-redis';
import { announce } from './broadcast';
import type { Client } from './place';
import type { Space } from './space';
import type { Sample } from './vitals/samples';

/** How many samples of each sign are kept. */
export const HISTORY_LENGTH = 50;

/** What is kept ends by itself so many seconds after a demo that could not clean up. */
const LIFETIME = 60;

/**
 * What became of a message: somebody heard it, nobody was subscribed at that moment, or the connection was lost before the server
 * answered. While the connection is down messages wait in the client; they are sent, and only then counted, when it is back.
 */
export type Fate = 'heard' | 'unheard' | 'unanswered';

/** Publishes each sample on its sign's channel and keeps it in Redis. Commands of one tick leave in one write. */
export function publishTo(redis: Client, space: Space): OperatorFunction<Sample, Fate> {
  return mergeMap((sample) =>
    forkJoin({ hearers: announce(redis, space, sample), kept: keep(redis, space, sample) }).pipe(
      map(({ hearers }) => (hearers > 0 ? 'heard' : 'unheard')),
      catchError(fateOfLost),
    ),
  );
}

/** The latest value in a hash, the last ones in a list of limited length. */
function keep(redis: Client, space: Space, sample: Sample): Observable<unknown> {
  const history = space.history(sample.sign);
  return forkJoin([
    redis.hset(space.latest, sample.sign, sample.value),
    redis.expire(space.latest, LIFETIME),
    redis.lpush(history, JSON.stringify(sample)),
    redis.ltrim(history, 0, HISTORY_LENGTH - 1),
    redis.expire(history, LIFETIME),
  ]);
}

/** A lost connection is the demo's subject; a server that refuses is not. */
function fateOfLost(error: unknown): Observable<Fate> {
  if (error instanceof RedisError && !(error instanceof ReplyError)) return of('unanswered');
  throw error;
}
