import type { Unsubscribable } from 'rxjs';
import { AnsweredCommand, isAnswered } from '../commands/answered';
import type { Command } from '../commands/command';
import type { Group } from '../commands/group';
import type { ReplyObserver } from '../commands/request';
import { Reply, type ReplySource } from '../commands/reply';
import type { Executor } from '../commands/request-context';
import { RedisError, remade, type Delivery } from '../errors';

/** What a group is answered: the values of its commands, or null where a watched key has changed. */
type Values = readonly unknown[] | null;

/**
 * Makes a group of commands.
 * @param sent those that are sent
 * @param given all commands of the caller: those included whose answers are known without the server
 * @param prefix of the surface
 */
export type ToGroup = (sent: readonly Command[], given: readonly Command[], prefix: string) => Group;

/**
 * The reply to several commands that are sent as one.
 * @param publisher carries a group in which something is published
 * @param commands without the prefix of the surface, unless `toGroup` leaves it out
 */
export function groupReply(
  source: ReplySource,
  publisher: Executor,
  commands: readonly Command[],
  failFast: boolean,
  toGroup: ToGroup,
): Reply<Values> {
  const sent = commands.some(isAnswered) ? commands.filter((command) => !isAnswered(command)) : commands;
  const group = toGroup(sent, commands, source.prefix);
  if (sent.length === 0) {
    const values = commands.map((command) => (command as AnsweredCommand).answer);
    return Reply.answered(new AnsweredCommand<Values>(group.spec, [], values));
  }
  const isComplete = sent.length === commands.length;
  const executor = sent.some(({ spec }) => isPublishing(spec.name)) ? publisher : source.executor;
  if (isComplete && !failFast) {
    return Reply.from<Values>(executor === source.executor ? source : { ...source, executor }, group);
  }
  const finish = (values: Values): Values => (values === null || isComplete ? values : withAnswered(values, commands));
  const finishing: Executor = {
    submit: (request) => {
      request.observeBy((observer) => new FinishedValues(observer, finish, failFast));
      executor.submit(request);
    },
  };
  return Reply.from<Values>({ ...source, executor: finishing }, group);
}

function isPublishing(name: string): boolean {
  return name === 'PUBLISH' || name === 'SPUBLISH';
}

/** The values of all commands, those included that were not sent. */
function withAnswered(values: readonly unknown[], commands: readonly Command[]): unknown[] {
  let next = 0;
  return commands.map((command): unknown => (isAnswered(command) ? command.answer : values[next++]));
}

/** An observer of a group that changes its values before it gives them. */
class FinishedValues implements ReplyObserver<unknown> {
  constructor(
    private readonly observer: ReplyObserver<unknown>,
    private readonly finish: (values: Values) => Values,
    private readonly failFast: boolean,
  ) {}

  get closed(): boolean {
    return this.observer.closed;
  }

  next(value: unknown): void {
    const values = this.finish(value as Values);
    const first = this.failFast && values !== null ? values.findIndex((one) => one instanceof RedisError) : -1;
    if (first < 0) this.observer.next(values);
    else this.observer.error(among(values!, first));
  }

  error(error: RedisError): void {
    this.observer.error(error);
  }

  complete(): void {
    if (!this.closed) this.observer.complete();
  }

  add(departure: Unsubscribable): void {
    this.observer.add(departure);
  }
}

/** The same error with the results that stood beside it. It is another object than the one among them, so no log meets it in itself. */
function among(results: readonly unknown[], index: number): RedisError {
  const error = results[index] as RedisError;
  const { message, delivery, repeatable, command, cause } = error;
  const deliveries = results.map((): Delivery => 'answered');
  return remade(error, message, { delivery, repeatable, command, cause, group: { results, deliveries, index } });
}
