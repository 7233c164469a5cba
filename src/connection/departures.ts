import type { Unsubscribable } from 'rxjs';
import type { Request } from '../commands/request';

/** How many observers have left requests that still stand in a queue. */
export interface Departures {
  count: number;
}

/** What a request does when its observer leaves, or is told of its outcome. */
export class Departure implements Unsubscribable {
  constructor(
    private readonly request: Request,
    private readonly departures: Departures,
  ) {}

  unsubscribe(): void {
    // A request that was taken out of its line to be failed has no place.
    if (this.request.place !== 0) this.departures.count++;
  }
}
