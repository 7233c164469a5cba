import { Subject, defer, filter, merge, of, take, tap, type Observable } from 'rxjs';
import { Command } from '../commands/command';
import { isGroup } from '../commands/group';
import { isQueued } from '../commands/queued';
import type { Request } from '../commands/request';
import type { Executor } from '../commands/request-context';
import type { Connection } from '../connection/connection';
import type { ConnectionState } from '../connection/connection-state';
import { tooLate } from '../connection/refusals';

/** A connection that is lent to one caller, until it is given back. */
export class Lease {
  /** Made once something observes the end. */
  private over$: Subject<void> | undefined;
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
    this.over$?.next();
    this.onReturn();
  }

  /** The connection was given back. */
  get hasEnded(): boolean {
    return this.isOver;
  }

  /** @throws DisconnectedError once the connection was given back */
  mustBeLent(): void {
    if (this.isOver) throw tooLate(undefined, undefined, 'lost');
  }

  /** Emits once when the connection is given back or closed, and completes; errors when it is lost. */
  get ended$(): Observable<unknown> {
    const closed$ = this.connection.state$.pipe(filter(isClosed), tap(throwIfLost));
    return defer(() => {
      if (this.isOver) return of(undefined);
      this.over$ ??= new Subject<void>();
      return merge(this.over$, closed$).pipe(take(1));
    });
  }

  /** The same executor as long as the connection is lent; then one that refuses everything. */
  guard(executor: Executor): Executor {
    return new LentExecutor(this, executor);
  }
}

/** What sends on a connection while that is lent. */
class LentExecutor implements Executor {
  /** MULTI by itself was sent, so a reply may be `QUEUED` in place of its own. */
  private mayQueue = false;

  constructor(
    private readonly lease: Lease,
    private readonly executor: Executor,
  ) {}

  // Hot: once per command of a lease.
  submit(request: Request): void {
    const { lease, executor } = this;
    if (lease.hasEnded) {
      request.fail(tooLate(request, undefined, 'lost'));
      return;
    }
    if (this.mayQueue) request.command = orQueued(request.command, lease.connection);
    else if (request.command.spec.effect === 'multi') this.mayQueue = true;
    executor.submit(request);
  }
}

/** The same command. Between MULTI and EXEC its reply is `QUEUED`, whatever it is elsewhere; there that is a word like any other. */
export function orQueued<T>(command: Command<T>, { line }: Connection): Command<T> {
  if (isGroup(command)) return command;
  const { spec, args, read, keys } = command;
  const readOrQueued: typeof read = (frame, context) =>
    isQueued(frame) && line.link?.mode.isQueueing === true ? ('QUEUED' as T) : read(frame, context);
  return new Command(spec, args, readOrQueued, keys);
}

function isClosed({ kind }: ConnectionState): boolean {
  return kind === 'closed';
}

function throwIfLost(state: ConnectionState): void {
  if (state.kind === 'closed' && state.error !== undefined) throw state.error;
}
