import type { Unsubscribable } from 'rxjs';
import type { Happening } from '../commands/happening';
import type { ReplyObserver, Request } from '../commands/request';
import type { RedisError } from '../errors';

/** What is told of the parts of a request, by their index. */
export interface PartsOwner {
  readonly whole: Request;
  answered(index: number, value: unknown): void;
  failed(index: number, error: RedisError): void;
}

/** Takes what comes of one part, once. */
export class PartObserver implements ReplyObserver<unknown> {
  private isOver = false;

  constructor(
    private readonly parts: PartsOwner,
    private readonly index: number,
  ) {}

  get closed(): boolean {
    return this.isOver || this.parts.whole.abandoned;
  }

  next(value: unknown): void {
    if (this.isOver) return;
    this.isOver = true;
    this.parts.answered(this.index, value);
  }

  error(error: RedisError): void {
    if (this.isOver) return;
    this.isOver = true;
    this.parts.failed(this.index, error);
  }

  complete(): void {
    // its value has come
  }

  add(departure: Unsubscribable): void {
    this.parts.whole.onLeave(departure);
  }

  happened(what: Happening): void {
    this.parts.whole.happened(what);
  }
}
