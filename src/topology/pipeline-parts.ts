import type { Unsubscribable } from 'rxjs';
import type { Group } from '../commands/group';
import type { Happening } from '../commands/happening';
import { Request, type ReplyObserver } from '../commands/request';
import { ReplyError, remade, type Delivery, type RedisError } from '../errors';

/**
 * A pipeline whose commands go to several nodes. Each is a request of its own, submitted in one go, so that those for one node are written
 * one behind the other; the values come in the order of the caller.
 */
export class PipelineParts {
  private readonly values: unknown[];
  private readonly deliveries: Delivery[];
  private left: number;
  private failure: RedisError | undefined;

  constructor(
    private readonly whole: Request,
    private readonly group: Group,
  ) {
    const { length } = group.members;
    this.left = length;
    this.values = new Array<unknown>(length).fill(undefined);
    this.deliveries = new Array<Delivery>(length).fill('unsent');
  }

  send(submit: (request: Request) => void): void {
    const { whole, group } = this;
    group.members.forEach((member, index) => {
      const request = new Request(group.sent(member), whole.context, this.observer(index));
      request.deadline = whole.deadline;
      submit(request);
    });
  }

  private observer(index: number): ReplyObserver<unknown> {
    const { whole } = this;
    let isOver = false;
    const over = (value: unknown, delivery: Delivery): void => {
      if (isOver) return;
      isOver = true;
      this.values[index] = value;
      this.deliveries[index] = delivery;
      if (--this.left === 0) this.tell();
    };
    return {
      get closed() {
        return isOver || whole.abandoned;
      },
      next: (value) => over(value, 'answered'),
      error: (error) => {
        if (!(error instanceof ReplyError)) this.failure ??= error;
        over(error, error.delivery);
      },
      complete: () => undefined,
      add: (departure: Unsubscribable) => whole.onLeave(departure),
      happened: (what: Happening) => whole.happened(what),
    };
  }

  private tell(): void {
    const { whole, failure, values, deliveries } = this;
    if (whole.abandoned) return;
    if (failure === undefined) {
      whole.settle(values as never);
      return;
    }
    const { message, cause, repeatable } = failure;
    const delivery = deliveries.includes('unknown') ? 'unknown' : failure.delivery;
    const facts = { delivery, cause, command: 'PIPELINE', repeatable: repeatable && whole.repeatable };
    whole.fail(remade(failure, message, { ...facts, group: { results: values, deliveries } }));
  }
}
