import { defer, type Observable } from 'rxjs';
import type { Redis } from 'rxjs-redis';

export interface Session {
  readonly user: string;
  readonly roles: readonly string[];
}

/**
 * Sessions of a web application in front of its database. However many requests of however many processes want a session that is not
 * there, the database is asked for it once; one that is over soon is loaded again before that, by one of them.
 */
export class SessionCache {
  constructor(
    private readonly redis: Redis,
    private readonly database: { find(token: string): Promise<Session | null> },
    private readonly ttl = 15 * 60_000,
  ) {}

  /** A session, or null; that is kept as well, so that guessed tokens are no load for the database. */
  find(token: string): Observable<Session | null> {
    const options = { ttl: this.ttl, lock: true, nulls: true };
    return defer(() => this.redis.cached(keyOf(token), () => this.database.find(token), options));
  }

  /** The next request asks the database. */
  forget(token: string): Observable<number> {
    return this.redis.unlink(keyOf(token));
  }
}

function keyOf(token: string): string {
  return `session:${token}`;
}
