import { Observable, type Subscription } from 'rxjs';
import type { RedisError } from '../errors';
import type { Clock } from './clock';
import type { Demand } from './demand';
import type { ServerInfo } from './hello';
import type { Line } from './line';
import { Renewal } from './renewal';
import type { Send } from './resident';
import type { Endpoint } from './socket';

/** Knows which server a connection is to lead to, and when that is another one. Each connection has a guide of its own. */
export interface Guide {
  /** what is asked for, for people: the name of a service */
  readonly name: string;
  /** where the next link leads to; asked anew for each */
  endpoint(): Observable<Endpoint>;
  /** asks the server whether it is the one that is wanted, at the end of the handshake; errors where it is not */
  confirm(send: Send, server: ServerInfo): Observable<unknown>;
  /** emits when the connection is to lead to another server: the link is left, or the attempt at one is broken off */
  readonly moved$: Observable<RedisError>;
  /** emits for how many ms nothing is to be written at the most, 0 to go on */
  readonly held$: Observable<number>;
  /** for how many ms more that is, for a link that is made meanwhile; 0 for not at all */
  holding(): number;
}

/** How long replies are waited for that a server owes which is not the right one any more, ms. */
const LONGEST_FAREWELL = 100;

/** What a guide acts on. */
export interface Guided {
  readonly clock: Clock;
  readonly line: Line;
  readonly demand: Demand;
}

/** One attempt at a link, or the link itself once there is one: both end when the guide says so, and the next attempt is made at once. */
//  attempt ──ready──▶ link ──moved──▶ retiring, until it owes nothing, or for 100 ms ──▶ Renewal
//     └──moved──▶ Renewal
export function guided<T>(attempt$: Observable<T>, guide: Guide, { clock, line, demand }: Guided): Observable<T> {
  return new Observable((subscriber) => {
    const leave = (reason: Renewal): Subscription | undefined => {
      const { link } = line;
      // A connection that is not made again has no next link.
      if (!demand.ends()) demand.hurry();
      if (link === undefined || link.inHandshake) {
        attempt.unsubscribe();
        subscriber.error(reason);
        return undefined;
      }
      link.retire(reason);
      line.rest();
      return link.isLost ? undefined : clock.schedule(() => link.lose(reason), LONGEST_FAREWELL);
    };
    const following = guide.moved$.subscribe((error) => {
      const farewell = leave(new Renewal(error));
      if (farewell !== undefined) subscriber.add(farewell);
    });
    following.add(guide.held$.subscribe((longest) => line.pause(longest)));
    subscriber.add(following);
    // By an observer of its own: RxJS takes a Subscriber for the subscription, and ending that would end all.
    const attempt = attempt$.subscribe({
      next: (value) => {
        line.pause(guide.holding());
        subscriber.next(value);
      },
      error: (error: unknown) => subscriber.error(error),
      complete: () => subscriber.complete(),
    });
    subscriber.add(attempt);
  });
}
