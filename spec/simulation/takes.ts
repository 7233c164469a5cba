import type { Observable } from 'rxjs';
import { RedisError } from '../../src/errors';
import type { RedisView } from '../../src/redis-view';
import { canonical } from './calls';
import type { SimulatedClient } from './client';
import type { Journal } from './journal';
import type { TakeItem } from './plan';
import type { Referee } from './referee';
import type { Server } from './server';
import type { Timeline } from './timeline';
import type { UseOutcome } from './use';
import type { WireRequest } from './wire';

/** A caller that waits at the server for an element. */
export class Take {
  readonly askedAt: number;
  outcome: UseOutcome | undefined;
  readonly wires: WireRequest[] = [];

  constructor(
    readonly item: TakeItem,
    private readonly timeline: Timeline,
  ) {
    this.askedAt = timeline.now();
  }

  get id(): number {
    return this.item.id;
  }

  get age(): number {
    return this.timeline.now() - this.askedAt;
  }

  /** The element that its caller got, if it got one. */
  get element(): string | undefined {
    if (this.outcome?.kind !== 'value') return undefined;
    return /"(e\d+)"\]?$/.exec(canonical(this.outcome.value))?.[1];
  }
}

/** All who wait at the server for an element. */
export class Takes {
  private readonly all: { readonly take: Take; readonly leave: () => void }[] = [];

  constructor(
    private readonly client: () => SimulatedClient,
    private readonly referee: Referee,
    private readonly timeline: Timeline,
    private readonly journal: Journal,
  ) {}

  get any(): boolean {
    return this.all.length > 0;
  }

  begin(item: TakeItem): void {
    const { timeline, journal, referee } = this;
    const take = new Take(item, timeline);
    timeline.touched = true;
    journal.note('takes', item.id, item.list);
    referee.takeAsked(take);
    let value: unknown;
    const subscription = this.sent(item).subscribe({
      next: (next) => (value = next),
      error: (error: unknown) => this.ended(take, { kind: 'error', error }),
      complete: () => this.ended(take, { kind: 'value', value }),
    });
    const leave = () => {
      if (take.outcome !== undefined) return;
      timeline.touched = true;
      this.ended(take, { kind: 'left' });
      subscription.unsubscribe();
    };
    this.all.push({ take, leave });
    if (item.leaveAfter === 0) leave();
    else if (item.leaveAfter !== undefined) timeline.afterInProcess(item.leaveAfter, leave);
  }

  leaveAll(): void {
    for (const { leave } of this.all) leave();
  }

  /** All is over, so nobody waits, and every element is somewhere. */
  check(server: Server): void {
    for (const { take } of this.all)
      if (take.outcome === undefined) this.journal.fail(`take ${take.id} has never ended`);
    this.referee.takesConcluded(server.elements);
  }

  private sent({ id, list, moves, bytes, wait, timeout }: TakeItem): Observable<unknown> {
    const { redis } = this.client();
    const surface = (bytes ? redis.bytes : redis) as RedisView;
    const view = timeout === undefined ? surface : surface.withOptions({ commandTimeout: timeout });
    if (moves) return view.blmove(`Q:${list}`, `D:${id}`, 'LEFT', 'RIGHT', wait / 1000);
    return view.blpop([`Q:${list}`, `T:${id}`], wait / 1000);
  }

  private ended(take: Take, outcome: UseOutcome): void {
    const { journal } = this;
    const name = outcome.kind === 'error' && outcome.error instanceof Error ? ` ${outcome.error.name}` : '';
    journal.note('took', take.id, outcome.kind + name);
    journal.count(`take ${outcome.kind}${name}`);
    if (take.outcome !== undefined) journal.fail(`take ${take.id} has ended twice`);
    if (outcome.kind === 'error' && !(outcome.error instanceof RedisError))
      journal.fail(`take ${take.id} has failed with ${String(outcome.error)}`);
    take.outcome = outcome;
    this.referee.takeEnded(take);
  }
}
