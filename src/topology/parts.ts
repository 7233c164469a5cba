import type { Command } from '../commands/command';
import { Request } from '../commands/request';
import { remade, type Delivery, type RedisError } from '../errors';
import { latin1Of } from '../resp/bytes-of';
import type { Frame } from '../resp/frames';
import { PartObserver, type PartsOwner } from './part-observer';

/** A part of a command that goes to a node of its own. */
export interface Part {
  readonly command: Command;
  /** what it is, for people: `slots of {a}`, `127.0.0.1:7000` */
  readonly of: string;
}

/** What has become of one part. */
export type Outcome = { readonly frame: Frame } | { readonly error: RedisError };

/**
 * A command that is sent in parts. Each is repeated by its own facts; when all are over the observer of the whole is told, with the merged
 * reply, or with an error that says which parts have failed and how far they got.
 */
export class Parts implements PartsOwner {
  private readonly outcomes: (Outcome | undefined)[];
  private left: number;

  /**
   * @param merge makes one reply of those of the parts
   * @param one one part that has succeeded is enough
   */
  constructor(
    readonly whole: Request,
    private readonly parts: readonly Part[],
    private readonly merge: (frames: readonly Frame[]) => Frame,
    private readonly one = false,
  ) {
    this.left = parts.length;
    this.outcomes = parts.map(() => undefined);
  }

  /** Sends all parts, in one go, so that those for one node travel together. */
  send(submit: (request: Request, index: number) => void): void {
    const { whole, parts } = this;
    for (let index = 0; index < parts.length; index++) {
      const request = new Request(parts[index]!.command, whole.context, new PartObserver(this, index));
      request.deadline = whole.deadline;
      submit(request, index);
    }
  }

  answered(index: number, frame: unknown): void {
    this.over(index, { frame: frame as Frame });
  }

  failed(index: number, error: RedisError): void {
    this.over(index, { error });
  }

  private over(index: number, outcome: Outcome): void {
    this.outcomes[index] = outcome;
    if (--this.left === 0) this.tell();
  }

  private tell(): void {
    const { whole, one } = this;
    if (whole.abandoned) return;
    const outcomes = this.outcomes as readonly Outcome[];
    const failed = outcomes.filter((outcome) => 'error' in outcome);
    if (failed.length === 0 || (one && failed.length < outcomes.length)) {
      whole.settle(this.merge(outcomes.flatMap((outcome) => ('frame' in outcome ? [outcome.frame] : []))));
    } else whole.fail(this.failure(outcomes));
  }

  private failure(outcomes: readonly Outcome[]): RedisError {
    const failures = outcomes.flatMap((outcome, index) =>
      'error' in outcome ? [{ of: this.parts[index]!.of, error: outcome.error }] : [],
    );
    const errors = failures.map(({ error }) => error);
    // The one that says the least of what has happened.
    const worst = errors.find(({ delivery }) => delivery === 'unknown') ?? errors[0]!;
    const { name } = this.whole.command.spec;
    if (outcomes.length === 1) return remade(worst, worst.message, { ...factsOf(worst), command: name });
    const told = failures.slice(0, MOST_TOLD).map(({ of, error }) => `${of}: ${error.message} (${error.delivery})`);
    const more = failures.length > MOST_TOLD ? `; and ${failures.length - MOST_TOLD} more` : '';
    const message = `${failures.length} of ${outcomes.length} parts of ${name} have failed: ${told.join('; ')}${more}`;
    const deliveries = outcomes.map((outcome) => ('error' in outcome ? outcome.error.delivery : ('answered' as const)));
    const results = outcomes.map((outcome) => ('error' in outcome ? outcome.error : outcome.frame));
    return remade(worst, message, {
      delivery: deliveryOfAll(deliveries),
      repeatable: errors.every(({ repeatable }) => repeatable) && this.whole.repeatable,
      command: name,
      cause: worst,
      group: { results, deliveries },
    });
  }
}

/** So many parts are named in the message of an error. */
const MOST_TOLD = 8;

function factsOf({ delivery, repeatable, cause, group }: RedisError) {
  return { delivery, repeatable, cause, ...(group !== undefined && { group }) };
}

/** How far a command got by that of its parts: where some have not run, and others perhaps, it is not known of the whole. */
export function deliveryOfAll(deliveries: readonly Delivery[]): Delivery {
  const [first] = deliveries;
  return deliveries.every((one) => one === first) ? first! : 'unknown';
}

/** How the replies of several nodes become one. */
export function mergeBy(policy: string | undefined): (frames: readonly Frame[]) => Frame {
  switch (policy) {
    case 'agg_sum':
      return (frames) => frames.reduce(sum);
    case 'agg_min':
      return (frames) => frames.reduce(least);
    case 'agg_logical_and':
      return (frames) => frames.reduce(least);
    case 'all_succeeded':
    case 'one_succeeded':
      return ([first]) => first!;
    case 'distinct':
      return (frames) => [...new Map(listed(frames).map((name) => [latin1Of(name), name])).values()];
    default:
      return listed;
  }
}

function listed(frames: readonly Frame[]): Frame[] {
  return frames.flatMap((frame) => (Array.isArray(frame) ? (frame as readonly Frame[]) : [frame]));
}

/** Numbers are added; of lists and maps each number in its place. */
function sum(one: Frame, other: Frame): Frame {
  return combine(one, other, (a, b) => {
    const total = BigInt(a) + BigInt(b);
    const number = Number(total);
    return Number.isSafeInteger(number) ? number : total;
  });
}

function least(one: Frame, other: Frame): Frame {
  return combine(one, other, (a, b) => (b < a ? b : a));
}

type Whole = number | bigint;

function combine(one: Frame, other: Frame, by: (one: Whole, other: Whole) => Whole): Frame {
  if (isWhole(one) && isWhole(other)) return by(one, other);
  if (Array.isArray(one) && Array.isArray(other)) {
    const others = other as readonly Frame[];
    return (one as readonly Frame[]).map((item, index) => combine(item, others[index]!, by));
  }
  if (one instanceof Map && other instanceof Map) {
    const others = other as ReadonlyMap<Frame, Frame>;
    return new Map(
      [...(one as ReadonlyMap<Frame, Frame>)].map(([key, item]) => [key, combine(item, others.get(key) ?? 0, by)]),
    );
  }
  return one;
}

function isWhole(frame: Frame): frame is Whole {
  return typeof frame === 'number' || typeof frame === 'bigint';
}
