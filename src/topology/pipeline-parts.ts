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
    readonly whole: Request,
    private readonly group: Group,
  ) {
    const { length } = group.members;
    this.left = length;
    this.values = new Array<unknown>(length).fill(undefined);
    this.deliveries = new Array<Delivery>(length).fill('unsent');
  }

  send(submit: (request: Request) => void): void {
    const { whole, group } = this;
    const { members } = group;
    for (let index = 0; index < members.length; index++) {
      const request = new Request(group.sent(members[index]!), whole.context, new MemberObserver(this, index));
      request.deadline = whole.deadline;
      submit(request);
    }
  }

  /** One command is over. */
  over(index: number, value: unknown, delivery: Delivery): void {
    this.values[index] = value;
    this.deliveries[index] = delivery;
    if (--this.left === 0) this.tell();
  }

  /** One command has no answer: then the whole has none. */
  failed(error: RedisError): void {
    this.failure ??= error;
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

/** Takes the value of one command. */
class MemberObserver implements ReplyObserver<unknown> {
  private isOver = false;

  constructor(
    private readonly parts: PipelineParts,
    private readonly index: number,
  ) {}

  get closed(): boolean {
    return this.isOver || this.parts.whole.abandoned;
  }

  next(value: unknown): void {
    if (this.isOver) return;
    this.isOver = true;
    this.parts.over(this.index, value, 'answered');
  }

  error(error: RedisError): void {
    if (this.isOver) return;
    this.isOver = true;
    if (!(error instanceof ReplyError)) this.parts.failed(error);
    this.parts.over(this.index, error, error.delivery);
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
