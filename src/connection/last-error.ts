import { AuthenticationError, type RedisError, type TimeoutError } from '../errors';
import type { Clock } from './clock';
import { notReached } from './refusals';
import { isUsersWish } from './renewal';

/** Why the last link of a connection was lost or could not be made, and whether another attempt may help. */
export class LastError {
  /** Undefined while there is a link. */
  error: RedisError | undefined;
  /** No repetition cures it. */
  isIncurable = false;
  /** When it came, on the clock, ms. */
  private at = 0;

  constructor(private readonly clock: Clock) {}

  note(error: RedisError, isIncurable: boolean): void {
    this.error = error;
    this.isIncurable = isIncurable;
    this.at = this.clock.now();
  }

  /** There is a link. */
  forget(): void {
    this.error = undefined;
    this.isIncurable = false;
  }

  /** The error, unless the link was left because its user wants another. */
  get failure(): RedisError | undefined {
    return isUsersWish(this.error) ? undefined : this.error;
  }

  /** Every further attempt would fail in the same way, so requests do not wait for a link. */
  get isHopeless(): boolean {
    return this.isIncurable || this.error instanceof AuthenticationError;
  }

  /**
   * The error of a caller that has waited so many ms for the connection to be ready.
   * @param doing what is being done to make a link, for people
   */
  late(limit: number, address: string, doing: string | undefined): TimeoutError {
    const age = Math.round(this.clock.now() - this.at);
    return notReached(address, limit, this.failure, age, doing);
  }
}
