import { Subject, defer, of, type Observable } from 'rxjs';
import { blockingWait } from '../commands/blocking-wait';
import type { Request } from '../commands/request';
import type { Backlog } from './backlog';
import type { Ring } from './ring';

/** What Drain reads of a line. */
export interface LineView {
  /** requests that are not answered yet, written or not */
  readonly pending: number;
  readonly link: { readonly owed: Ring<Request> } | undefined;
}

/**
 * Tells when every reply that can still come has come. A blocking command at the head, and what is queued behind it, is not waited for
 * when the connection is to be closed.
 */
export class Drain {
  /** Emits whenever the last owed reply has come and nothing waits to be sent. */
  readonly idle$ = new Subject<void>();
  /** The connection is to be closed when it is drained. */
  isAwaited = false;

  constructor(
    private readonly line: LineView,
    private readonly backlog: Backlog,
  ) {}

  /** Emits when it is drained. */
  drained(): Observable<void> {
    return defer(() => {
      this.isAwaited = true;
      return this.isDrained() ? of(undefined) : this.idle$;
    });
  }

  /** A reply is owed, and the server does not block before it answers. */
  get owesSoon(): boolean {
    const oldest = this.line.link?.owed.peek();
    return oldest !== undefined && blockingWait(oldest.command) === undefined;
  }

  /** A request has ended: emits if the line is drained now. */
  tell(): void {
    if (this.isDrained()) this.idle$.next();
  }

  private isDrained(): boolean {
    const owed = this.line.link?.owed;
    // The backlog may be long, so it is looked through only when all that was sent is answered, not at every reply.
    if (this.isAwaited && (owed === undefined || owed.length === 0)) this.backlog.prune();
    const next = owed?.peek() ?? this.backlog.peek();
    return (
      this.line.pending === 0 || (this.isAwaited && next !== undefined && blockingWait(next.command) !== undefined)
    );
  }
}
