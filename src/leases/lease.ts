import { Subject, defer, filter, merge, of, take, tap, type Observable } from 'rxjs';
import type { Executor } from '../commands/request-context';
import type { Connection } from '../connection/connection';
import type { ConnectionState } from '../connection/connection-state';
import { tooLate } from '../connection/refusals';

/** A connection that is lent to one caller, until it is given back. */
export class Lease {
  private readonly over$ = new Subject<void>();
  private isOver = false;

  /** @param onReturn told once that it is given back */
  constructor(
    readonly connection: Connection,
    private readonly onReturn: () => void,
  ) {}

  /** Gives the connection back. What the caller has not sent yet fails, and so does what it sends later. */
  giveBack(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.over$.next();
    this.onReturn();
  }

  /** @throws DisconnectedError once the connection was given back */
  mustBeLent(): void {
    if (this.isOver) throw tooLate(undefined, undefined, 'lost');
  }

  /** Emits once when the connection is given back or closed, and completes; errors when it is lost. */
  get ended$(): Observable<unknown> {
    const closed$ = this.connection.state$.pipe(filter(isClosed), tap(throwIfLost));
    return defer(() => (this.isOver ? of(undefined) : merge(this.over$, closed$).pipe(take(1))));
  }

  /** The same executor as long as the connection is lent; then one that refuses everything. */
  guard(executor: Executor): Executor {
    return {
      submit: (request) => {
        if (this.isOver) request.fail(tooLate(request, undefined, 'lost'));
        else executor.submit(request);
      },
    };
  }
}

function isClosed({ kind }: ConnectionState): boolean {
  return kind === 'closed';
}

function throwIfLost(state: ConnectionState): void {
  if (state.kind === 'closed' && state.error !== undefined) throw state.error;
}
