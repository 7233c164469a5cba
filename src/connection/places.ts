import type { Effect } from '../commands/command';
import type { Request } from '../commands/request';

/** Whether later commands mean something else after it: in another database, as another user. */
export function changesMeaning(effect: Effect | undefined): boolean {
  return effect === 'database' || effect === 'user' || effect === 'reset';
}

/**
 * Knows the places of SELECT and AUTH in the order of the calls. A request that was called before one of them is not repeated behind
 * it, because there it would be another command.
 */
//  called:  GET a   SELECT 1   GET b   SELECT 2
//  place:     1        2         3        4
export class Places {
  /** the place of the latest SELECT or AUTH that the server has accepted */
  private latest = 0;
  /** the place of the latest that is written, and how many of those written are not answered yet */
  private written = 0;
  private underWay = 0;

  /** Whether a request that is repeated would be written behind a later SELECT or AUTH. */
  hasLeft({ past, place }: Request): boolean {
    return past !== undefined && place < (this.underWay > 0 ? this.written : this.latest);
  }

  /** A request that was called before this place would be another command if it were repeated. */
  get changedAt(): number {
    return this.latest;
  }

  /** A request that is not plain is written. */
  wrote({ command, place }: Request): void {
    if (!changesMeaning(command.spec.effect)) return;
    this.underWay++;
    this.written = place;
  }

  /** A request that is not plain was answered, or lost. */
  ended({ command }: Request): void {
    if (changesMeaning(command.spec.effect)) this.underWay--;
  }

  /** The server has carried a request out, perhaps in a transaction. */
  accepted({ command, place }: Request): void {
    if (changesMeaning(command.spec.effect) && place > this.latest) this.latest = place;
  }
}

/** Whether a request goes ahead of the queue: it has no place in the order of the calls. */
export function isAhead({ place }: Request): boolean {
  return place === 0;
}
