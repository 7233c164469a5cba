import type { Group } from '../commands/group';
import { Request } from '../commands/request';
import { ReplyError, remade, type Delivery, type RedisError } from '../errors';
import { PartObserver, type PartsOwner } from './part-observer';
import { deliveryOfAll } from './parts';

/**
 * A pipeline whose commands go to several nodes. Each is a request of its own, submitted in one go, so that those for one node are written
 * one behind the other; the values come in the order of the caller.
 */
export class PipelineParts implements PartsOwner {
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
      const request = new Request(group.sent(members[index]!), whole.context, new PartObserver(this, index));
      request.deadline = whole.deadline;
      submit(request);
    }
  }

  answered(index: number, value: unknown): void {
    this.over(index, value, 'answered');
  }

  /** A command that has no answer leaves the whole without one. */
  failed(index: number, error: RedisError): void {
    if (!(error instanceof ReplyError)) this.failure ??= error;
    this.over(index, error, error.delivery);
  }

  private over(index: number, value: unknown, delivery: Delivery): void {
    this.values[index] = value;
    this.deliveries[index] = delivery;
    if (--this.left === 0) this.tell();
  }

  private tell(): void {
    const { whole, failure, values, deliveries } = this;
    if (whole.abandoned) return;
    if (failure === undefined) {
      whole.settle(values as never);
      return;
    }
    const { message, cause, repeatable } = failure;
    const facts = {
      delivery: deliveryOfAll(deliveries),
      cause,
      command: 'PIPELINE',
      repeatable: repeatable && whole.repeatable,
    };
    whole.fail(remade(failure, message, { ...facts, group: { results: values, deliveries } }));
  }
}
