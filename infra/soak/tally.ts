import { RedisError, ReplyError, type Delivery } from 'rxjs-redis';

/** What became of commands. */
export class Tally {
  answered = 0;
  unknown = 0;
  unsent = 0;
  /** Errors that a cut line does not explain. */
  readonly strange = new Map<string, number>();

  get all(): number {
    return this.answered + this.unknown + this.unsent;
  }

  /** Counts a failure, and tells how far its command got. */
  failed(error: unknown): Delivery {
    if (!(error instanceof RedisError) || error instanceof ReplyError || error.delivery === 'answered') {
      const text = String(error);
      this.strange.set(text, (this.strange.get(text) ?? 0) + 1);
      return 'unknown';
    }
    this[error.delivery]++;
    return error.delivery;
  }
}
