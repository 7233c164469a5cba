import type { Request } from '../commands/request';
import { withoutStacks } from '../commands/without-stacks';
import type { RedisError } from '../errors';
import type { Clock } from './clock';
import { failSafely } from './failures';
import { Ring } from './ring';

/** So many observers are told in one turn of the event loop. */
export const SLICE = 1_000;

/** Requests that have left their line for the same reason. */
interface Batch {
  readonly requests: readonly Request[];
  readonly toError: (request: Request, index: number) => RedisError;
  next: number;
}

/**
 * Tells observers of failures, in the order of the failures. Many are told in slices, between which the event loop does other work. Each
 * error is made when its observer is told, so making a million of them does not block either.
 */
//  fail ──▶ batch │ batch │ …  ──a slice a turn──▶ told
export class Failer {
  private readonly batches = new Ring<Batch>();
  private busy = false;

  constructor(private readonly clock: Clock) {}

  /** Fails requests that have left their line: at once, unless they are many or others come before them. */
  fail(requests: readonly Request[], toError: Batch['toError']): void {
    if (requests.length === 0) return;
    this.batches.push({ requests, toError, next: 0 });
    // An observer that is being told may end the client. The failures of that come behind this one.
    if (!this.busy) this.tellSlice();
  }

  private readonly tellSlice = (): void => {
    this.busy = true;
    let left = SLICE;
    for (let batch = this.batches.peek(); batch !== undefined && left > 0; batch = this.batches.peek()) {
      left -= tell(batch, left);
      if (batch.next === batch.requests.length) this.batches.shift();
    }
    this.busy = this.batches.length > 0;
    if (this.busy) this.clock.afterInput(this.tellSlice);
  };
}

/** @returns how many have been told */
function tell(batch: Batch, most: number): number {
  const { requests, toError } = batch;
  const first = batch.next;
  const end = Math.min(requests.length, first + most);
  while (batch.next < end) {
    const index = batch.next++;
    const request = requests[index]!;
    if (!request.abandoned)
      failSafely(
        request,
        withoutStacks(() => toError(request, index)),
      );
  }
  return end - first;
}
