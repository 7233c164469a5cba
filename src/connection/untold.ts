import type { Request } from '../commands/request';
import type { RedisError } from '../errors';
import { failSafely } from './failures';
import { guarded } from './guarded';
import type { Solitude } from './solitude';

/**
 * Requests that end without a reply: they are written and get none, or they cannot be sent. Their observers are told when the write is
 * done, because user code may do anything: destroy the client, or send more.
 */
export class Untold {
  private readonly unanswered: Request[] = [];
  private readonly failed: { readonly request: Request; readonly error: RedisError }[] = [];

  constructor(private readonly solitude: Solitude) {}

  /** A request is encoded, and gets no reply. */
  completes(request: Request): void {
    this.unanswered.push(request);
  }

  /** A request that was taken cannot be sent. */
  fails(request: Request, error: RedisError): void {
    this.failed.push({ request, error });
  }

  /** The write is done. */
  tell(): void {
    if (this.unanswered.length > 0)
      for (const request of this.takeUnanswered()) guarded(() => request.settleUnanswered());
    this.tellFailed();
  }

  /** The write was refused. */
  tellFailed(): void {
    if (this.failed.length === 0) return;
    for (const { request, error } of this.failed.splice(0)) {
      if (request.command.spec.solitary) this.solitude.stop();
      failSafely(request, error);
    }
  }

  /** What was encoded and gets no reply. It is still here only if its write was refused. */
  takeUnanswered(): Request[] {
    return this.unanswered.splice(0);
  }
}
