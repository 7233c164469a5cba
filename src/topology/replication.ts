import { catchError, map, of, throwError, type Observable, type Subscription } from 'rxjs';
import { call } from '../commands/call';
import { inBackground, type Clock } from '../connection/clock';
import type { Connection } from '../connection/connection';
import type { Resident, Send } from '../connection/resident';
import { AuthenticationError, ReplyError } from '../errors';
import type { Frame } from '../resp/frames';
import { readSaidRole } from './sentinel-replies';

/** A replica that has no link to its master is asked again so often, ms. */
const AGAIN = 100;

/**
 * Whether a replica has a link to its master, as it says itself on the connection that reads from it. One that was started, or given another
 * master, has none of its data before that, and answers all the same.
 */
//  handshake, another master ─▶ ROLE ──connected──▶ read from
//                       ▲        └──sync, connect──▶ not read from ──┐
//                       └─────────────── after 100 ms ───────────────┘
export class Replication implements Resident {
  readonly listening = false;
  isLinked = true;
  private next: Subscription | undefined;

  /** @param changed told after each answer on a link that is ready */
  constructor(
    private readonly connection: Connection,
    private readonly clock: Clock,
    private readonly changed: () => void,
  ) {
    connection.line.residents.add(this);
  }

  receive(): void {
    // it takes no pushes
  }

  lost(): void {
    this.next?.unsubscribe();
  }

  restore(send: Send): Observable<unknown> {
    return this.asked(send(call<Frame>('ROLE')));
  }

  /** It has another master. */
  doubt(): void {
    this.isLinked = false;
    this.changed();
    this.ask();
  }

  /** Asks again, where it has no link. */
  askAgain(): void {
    this.next?.unsubscribe();
    if (!this.isLinked) this.next = inBackground(this.clock.schedule(() => this.ask(), AGAIN));
  }

  private ask(): void {
    const { line, state$ } = this.connection;
    if (state$.value.kind !== 'ready') return;
    this.asked(line.sendAhead(call<Frame>('ROLE'))).subscribe({ next: this.changed, error: this.changed });
  }

  private asked(role$: Observable<unknown>): Observable<unknown> {
    return role$.pipe(
      map((frame) => readSaidRole(frame as Frame)),
      catchError((error: unknown) => {
        // A user may not be allowed to ask.
        if (error instanceof ReplyError && !(error instanceof AuthenticationError)) return of(undefined);
        return throwError(() => error);
      }),
      map((said) => (this.isLinked = said !== 'syncing' && said !== 'unlinked')),
    );
  }
}
