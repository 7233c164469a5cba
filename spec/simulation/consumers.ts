import { Observable } from 'rxjs';
import type { RedisView } from '../../src/redis-view';
import type { ConsumedEntry, ConsumeOptions } from '../../src/streams/consume-options';
import type { SimulatedClient } from './client';
import type { Journal } from './journal';
import type { ConsumeItem } from './plan';
import type { StreamEvents } from './rules/stream-events';
import { GROUP } from './server';
import { numberOf } from './tails';
import type { Timeline } from './timeline';
import type { UseOutcome } from './use';

/** How many keys entries have, where those with the same one are handled one after another. */
const KEYS = 2;

/** One entry while it is handled. */
export interface Handling {
  readonly consumer: Consumer;
  readonly id: string;
  /** which of all entries it is */
  readonly number: number;
  readonly deliveries: number;
  outcome: 'done' | 'failed' | 'left' | undefined;
}

/** Somebody who handles the entries of a stream. */
export class Consumer {
  outcome: UseOutcome | undefined;
  /** when it was left: it handles what it has, and takes nothing more */
  leftAt = Infinity;
  /** what it is handling */
  readonly handlings = new Set<Handling>();

  constructor(
    readonly item: ConsumeItem,
    readonly askedAt: number,
  ) {}

  get id(): number {
    return this.item.id;
  }

  get name(): string {
    return `c${this.item.id}`;
  }

  get stream(): string {
    return consumedStream(this.item.stream);
  }
}

export function consumedStream(stream: number): string {
  return `Y:${stream}`;
}

/** By which entries are told apart that are handled one after another. */
export function keyOf(number: number): number {
  return number % KEYS;
}

/** All who handle entries of streams. */
export class Consumers {
  readonly all: { readonly consumer: Consumer; readonly leave: () => void }[] = [];
  /** how often the handling of an entry has failed */
  private readonly failures = new Map<string, number>();

  constructor(
    private readonly client: () => SimulatedClient,
    private readonly tell: StreamEvents,
    private readonly timeline: Timeline,
    private readonly journal: Journal,
  ) {}

  begin(item: ConsumeItem): void {
    const { timeline, journal, tell } = this;
    const consumer = new Consumer(item, timeline.now());
    timeline.touched = true;
    journal.note('consumes', item.id, item.stream);
    tell.consumerAsked(consumer);
    const { redis } = this.client();
    const surface = (item.bytes ? redis.bytes : redis) as RedisView;
    const progress$ = surface.consume(consumer.stream, this.optionsOf(consumer), (entry) =>
      this.handle(consumer, entry),
    );
    const subscription = progress$.subscribe({
      next: (progress) => {
        journal.note('progress', item.id, progress.handled, progress.failed, progress.dead);
        tell.progressTold(consumer, progress);
      },
      error: (error: unknown) => this.ended(consumer, { kind: 'error', error }),
      complete: () => this.ended(consumer, { kind: 'value', value: undefined }),
    });
    const leave = () => {
      if (consumer.outcome !== undefined) return;
      timeline.touched = true;
      this.ended(consumer, { kind: 'left' });
      consumer.leftAt = timeline.now();
      subscription.unsubscribe();
    };
    this.all.push({ consumer, leave });
    if (item.leaveAfter === 0) leave();
    else if (item.leaveAfter !== undefined) timeline.afterInProcess(item.leaveAfter, leave);
  }

  private optionsOf({ item, name }: Consumer): ConsumeOptions {
    const { from, concurrency, keyed, claimIdle, deadLetter, maxDeliveries, deletes, block, drainTimeout } = item;
    return {
      ...{ group: GROUP, consumer: name, from, concurrency, claimIdle, block, drainTimeout, delete: deletes },
      ...(keyed && { keyOf: (entry: ConsumedEntry) => keyOf(Number(numberOf(entry.fields))) }),
      ...(deadLetter !== undefined && {
        maxDeliveries,
        deadLetter: deadLetter === 'stream' ? `Z:${item.stream}` : (entry) => this.bury(item, entry),
      }),
    };
  }

  private handle(consumer: Consumer, entry: ConsumedEntry): unknown {
    const { item } = consumer;
    const number = Number(numberOf(entry.fields));
    const handling: Handling = { consumer, id: entry.id, number, deliveries: entry.deliveries, outcome: undefined };
    this.journal.note('handles', item.id, entry.id, entry.deliveries);
    this.journal.count('entry handled');
    consumer.handlings.add(handling);
    this.tell.handlingBegun(handling);
    const failure = this.failureOf(item, handling);
    const end = () => this.handled(handling, failure === undefined ? 'done' : 'failed');
    if (item.gives === 'value') {
      end();
      if (failure !== undefined) throw failure;
      return undefined;
    }
    const handled$ = new Observable<never>((subscriber) => {
      const working = this.timeline.thought(item.work[number % item.work.length]!).subscribe(() => {
        end();
        if (failure === undefined) subscriber.complete();
        else subscriber.error(failure);
      });
      return () => {
        working.unsubscribe();
        if (handling.outcome === undefined) this.handled(handling, 'left');
      };
    });
    if (item.gives === 'observable') return handled$;
    return new Promise<void>((resolve, reject) => handled$.subscribe({ complete: resolve, error: reject }));
  }

  private failureOf({ stream, fails, deadLetter }: ConsumeItem, { id, number }: Handling): Error | undefined {
    // One of the consumers may make no dead letters.
    const most = fails === Infinity && deadLetter === undefined ? 0 : fails;
    if (number % 3 !== 0 || most === 0) return undefined;
    const name = `${stream} ${id}`;
    const failures = this.failures.get(name) ?? 0;
    if (failures >= most) return undefined;
    this.failures.set(name, failures + 1);
    return new Error(`entry ${number} has failed`);
  }

  private handled(handling: Handling, outcome: 'done' | 'failed' | 'left'): void {
    handling.outcome = outcome;
    handling.consumer.handlings.delete(handling);
    this.journal.note('handled', handling.consumer.id, handling.id, outcome);
    this.journal.count(`handling ${outcome}`);
    this.tell.handlingEnded(handling);
  }

  private bury({ stream }: ConsumeItem, { id, fields }: ConsumedEntry): void {
    this.journal.note('buries', stream, id);
    this.tell.deadLetterAdded(`Z:${stream}`, ['n', numberOf(fields), 'dead-letter:id', id]);
  }

  private ended(consumer: Consumer, outcome: UseOutcome): void {
    const { journal } = this;
    const name = outcome.kind === 'error' && outcome.error instanceof Error ? ` ${outcome.error.name}` : '';
    journal.note('consumer ends', consumer.id, outcome.kind + name);
    journal.count(`consume ${outcome.kind}${name}`);
    if (consumer.outcome !== undefined) journal.fail(`consumer ${consumer.id} has ended twice`);
    consumer.outcome = outcome;
    this.tell.consumerEnded(consumer);
  }
}
