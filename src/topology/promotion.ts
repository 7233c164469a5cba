import type { Observable } from 'rxjs';
import { Subject, Subscription, exhaustMap, filter, take, takeUntil, timer } from 'rxjs';
import type { Clock } from '../connection/clock';
import type { Connection } from '../connection/connection';
import { nameOf, type ServerAddress } from '../options/addresses';
import { roleOf } from './role-of';
import type { Sentinel } from './sentinel';

/** How long nothing is sent to a master whose replica is promoted, ms. */
const LONGEST_HOLD = 2_000;

/** How long before its end the replica is asked, and after how long again, ms. */
const LONGEST_ANSWER = 500;
const ASK_AGAIN = 100;

/** What a promotion is followed with. */
export interface PromotionParts {
  readonly clock: Clock;
  /** makes a connection to a replica, to ask it for its role; undefined where none is to be asked */
  readonly connect: ((replica: ServerAddress) => Connection) | undefined;
  /** told that the replica is a master, and no sentinel has told so in time */
  readonly onPromoted: (promoted: Promoted, by: Sentinel) => void;
}

/** A replica that is promoted, and the master in whose place; undefined where the sentinel does not name that one. */
export interface Promoted {
  readonly replica: ServerAddress;
  readonly replaced: ServerAddress | undefined;
}

/** A replica that a sentinel has announced to be promoted: until it is known what has become of it, nothing is sent to the old master. */
//  announced ──held──▶ told, or seen: let go at the new master
//                 ├──▶ called off by the same sentinel: let go
//                 └──▶ 2 s: let go, unless the replica says that it is a master
export class Promotion {
  /** For how many ms nothing is to be sent to the master at the most; 0 to go on. */
  readonly hold$ = new Subject<number>();
  /** Until when that is, on the clock, ms. */
  private until = 0;
  private announcer: Sentinel | undefined;
  private promoted: Promoted | undefined;
  private asking = Subscription.EMPTY;

  constructor(private readonly parts: PromotionParts) {}

  /** For how many ms more nothing is to be sent to the master. */
  get holding(): number {
    return Math.max(0, this.until - this.parts.clock.now());
  }

  announced(promoted: Promoted, by: Sentinel): void {
    const { clock, connect, onPromoted } = this.parts;
    this.until = clock.now() + LONGEST_HOLD;
    this.announcer = by;
    this.promoted = promoted;
    this.hold$.next(LONGEST_HOLD);
    this.stopAsking();
    if (connect !== undefined)
      this.asking = seenAsMaster(clock, () => connect(promoted.replica)).subscribe(() => onPromoted(promoted, by));
  }

  /** That server is the one that is promoted. */
  promotes(address: ServerAddress): boolean {
    return this.promoted !== undefined && nameOf(this.promoted.replica) === nameOf(address);
  }

  /** That server is the one that is replaced: a sentinel that names it as the master has not heard of the promotion. */
  replaces(address: ServerAddress): boolean {
    const { replaced } = this.promoted ?? {};
    return replaced !== undefined && nameOf(replaced) === nameOf(address);
  }

  /** @returns what is called off; undefined where another sentinel has announced it: one that was not elected says nothing of the one that was */
  calledOff(by: Sentinel): Promoted | undefined {
    if (by !== this.announcer) return undefined;
    this.stopAsking();
    this.letGo();
    return this.promoted;
  }

  /** What has become of the replica is known, or the client has ended. */
  stopAsking(): void {
    this.asking.unsubscribe();
  }

  /** Commands are sent again. */
  letGo(): void {
    if (this.until === 0) return;
    this.until = 0;
    this.hold$.next(0);
  }
}

/**
 * Asks the replica that is promoted for its role, shortly before the hold ends. Emits if it is a master by then, and completes with the hold.
 * A sentinel tells of a promotion when it has read that, which can take longer than the hold: what the old master answers meanwhile is lost.
 * @param connect makes a connection to the replica
 */
function seenAsMaster(clock: Clock, connect: () => Connection): Observable<unknown> {
  return timer(LONGEST_HOLD - LONGEST_ANSWER, ASK_AGAIN, clock).pipe(
    exhaustMap(() => roleOf(connect())),
    filter((role) => role === 'master'),
    take(1),
    takeUntil(timer(LONGEST_HOLD, clock)),
  );
}
