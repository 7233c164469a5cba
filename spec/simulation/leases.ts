import { concat, defer, from, ignoreElements, lastValueFrom, map, tap, timer, type Observable } from 'rxjs';
import type { Command } from '../../src/commands/command';
import { get, hset, incr, lset, set } from '../../src/commands/generated/builders';
import type { DedicatedConnection } from '../../src/dedicated-connection';
import { RedisError } from '../../src/errors';
import { canonical } from './calls';
import type { SimulatedClient } from './client';
import type { Journal } from './journal';
import type { CounterType, DedicatedItem, LeaseStep, WatchItem } from './plan';
import { valueOfUse } from './lease-desk';
import type { Referee } from './referee';
import type { Timeline } from './timeline';
import { Use, type UseOutcome } from './use';

/** The work's own failure. */
const FAILURE = new Error('the work has failed');
/** How long user code thinks, ms. */
const THOUGHT = 7;

/** All work on lent connections: it begins in line, and ends with its own value or error, or because its user leaves. */
export class Leases {
  private readonly uses: { readonly use: Use; readonly end: () => void }[] = [];

  constructor(
    private readonly client: () => SimulatedClient,
    private readonly referee: Referee,
    private readonly timeline: Timeline,
    private readonly journal: Journal,
  ) {}

  get any(): boolean {
    return this.uses.length > 0;
  }

  /** Work on a connection, step by step. */
  dedicated(item: DedicatedItem): void {
    const use = new Use(item, this.timeline);
    const work$ = this.client().redis.dedicated((connection) => {
      this.begins(use);
      if (item.ending === 'throws') throw FAILURE;
      const steps$ = this.stepsOf(use, item, connection);
      return item.promise ? lastValueFrom(steps$, { defaultValue: undefined }) : steps$;
    });
    this.follow(use, work$, item.leaveAfter);
  }

  /** A counter that is incremented, and another that nobody else increments. */
  watch(item: WatchItem): void {
    const use = new Use(item, this.timeline);
    if (item.typed === true) {
      this.watchTyped(item, use);
      return;
    }
    const { key, id, attempts, byName } = item;
    const counter = `W:${key}`;
    const keys = [counter, `L:${id}`];
    const next = (count: unknown) => this.decide(item, [set(counter, String(Number(count) + 1)), incr(`N:${id}`)]);
    const { redis } = this.client();
    const work$: Observable<unknown> = byName
      ? redis.watch(keys, ({ count }) => next(count), { attempts, read: { count: get(counter) } })
      : redis.watch(keys, (values) => next(values[counter]), { attempts });
    this.follow(use, work$, item.leaveAfter);
  }

  /** A counter that is read and set as what it is just now, beside another that may be something else. */
  private watchTyped(item: WatchItem, use: Use): void {
    const { key, id, attempts } = item;
    const [counter, other] = [`T:${key}`, `T:${3 - key}`];
    const work$ = this.client().redis.watch(
      [`L:${id}`, other, counter],
      (values) => {
        for (const one of [counter, other]) {
          const value = values[one];
          if (value !== null && typeof value !== 'string' && typeof value !== 'object')
            this.journal.fail(`watch ${id} is given ${String(value)} for ${one}`);
          this.referee.watchedAs(one, typeOf(value));
        }
        return this.decide(item, [setNext(counter, values[counter]), incr(`N:${id}`)]);
      },
      { attempts },
    );
    this.follow(use, work$, item.leaveAfter);
  }

  leaveAll(): void {
    for (const { end } of this.uses) end();
  }

  /** All is over, so all work is. */
  check(): void {
    for (const { use } of this.uses) {
      if (use.outcome === undefined) this.journal.fail(`use ${use.id} has never ended`);
      else this.referee.useConcluded(use);
    }
  }

  private follow(use: Use, work$: Observable<unknown>, leaveAfter: number | undefined): void {
    const { timeline, journal } = this;
    timeline.touched = true;
    journal.note('asks', use.id, use.item.kind);
    this.referee.useAsked(use);
    let value: unknown;
    let left = false;
    const subscription = work$.subscribe({
      next: (next) => (value = next),
      error: (error: unknown) => this.ended(use, { kind: 'error', error }),
      complete: () => this.ended(use, { kind: 'value', value }),
    });
    const end = () => {
      if (use.outcome !== undefined || left) return;
      left = true;
      timeline.touched = true;
      this.ended(use, { kind: 'left' });
      subscription.unsubscribe();
    };
    this.uses.push({ use, end });
    if (leaveAfter === 0) end();
    else if (leaveAfter !== undefined) timeline.afterInProcess(leaveAfter, end);
  }

  private begins(use: Use): void {
    this.journal.note('begins', use.id);
    if (use.begunAt !== undefined) this.journal.fail(`use ${use.id} has begun twice`);
    this.referee.useBegun(use);
    use.begunAt = this.timeline.now();
  }

  private ended(use: Use, outcome: UseOutcome): void {
    const { journal } = this;
    const { item } = use;
    const name = outcome.kind === 'error' && outcome.error instanceof Error ? ` ${outcome.error.name}` : '';
    journal.note('ends', use.id, outcome.kind + name);
    journal.count(`${item.kind} ${outcome.kind}${name}`);
    if (use.outcome !== undefined) journal.fail(`use ${use.id} has ended twice`);
    if (outcome.kind === 'error' && outcome.error !== FAILURE && !(outcome.error instanceof RedisError))
      journal.fail(`use ${use.id} has failed with ${String(outcome.error)}`);
    this.referee.useEnded(use, outcome);
    use.outcome = outcome;
  }

  /** What the user's function gives to `watch`. */
  private decide<T>({ gives }: WatchItem, commands: T): T | Promise<T> | Observable<T> | null {
    switch (gives) {
      case 'commands':
        return commands;
      case 'promise':
        return Promise.resolve(commands);
      case 'later':
        return timer(THOUGHT, this.timeline.user).pipe(map(() => commands));
      case 'nothing':
        return null;
      case 'error':
        throw FAILURE;
    }
  }

  private stepsOf(use: Use, item: DedicatedItem, connection: DedicatedConnection): Observable<unknown> {
    const state = { isOpen: false };
    const steps = ['get', ...item.steps] as const;
    const steps$ = steps.map((step, index) => defer(() => this.step(use, step, index, connection, state)));
    const end$ = defer(() => {
      if (item.ending === 'fails') throw FAILURE;
      return from([item.id]);
    });
    return concat(concat(...steps$).pipe(ignoreElements()), end$);
  }

  /** @param state whether MULTI was sent by hand, and no EXEC */
  private step(
    { id }: Use,
    step: LeaseStep,
    index: number,
    connection: DedicatedConnection,
    state: { isOpen: boolean },
  ): Observable<unknown> {
    const get$ = () => expected(valueOfUse(id), connection.get(`L:${id}`));
    const expected = (value: unknown, reply$: Observable<unknown>) => {
      const wanted = state.isOpen ? 'QUEUED' : value;
      return reply$.pipe(tap((got) => this.compare(id, step, got, wanted)));
    };
    switch (step) {
      case 'get':
        return get$();
      case 'incr':
        return expected(1, connection.incr(`N:${id}:${index}`));
      case 'select':
        return expected('OK', connection.select(7));
      case 'name':
        return expected('OK', connection.clientSetname('another'));
      case 'watch':
        return expected('OK', connection.watch('W:1', `L:${id}`));
      case 'unwatch':
        return expected('OK', connection.unwatch());
      case 'multi':
        return connection.call('MULTI').pipe(tap(() => (state.isOpen = true)));
      case 'exec':
        state.isOpen = false;
        return connection.exec();
      case 'discard':
        state.isOpen = false;
        return connection.discard();
      case 'transaction':
        return connection.multi(get(`L:${id}`), incr(`N:${id}:${index}`));
      case 'wait':
        return timer(THOUGHT, this.timeline.user);
      case 'behind':
        // Its reply may come when the connection is given back.
        get$().subscribe({ error: () => undefined });
        return from([undefined]);
    }
  }

  private compare(id: number, step: LeaseStep, got: unknown, wanted: unknown): void {
    if (canonical(got) !== canonical(wanted))
      this.journal.fail(`use ${id} got ${canonical(got)} for ${step}, not ${canonical(wanted)}`);
  }
}

/** What a counter was when it was read. */
function typeOf(value: unknown): CounterType {
  if (value === null) return 'none';
  if (typeof value === 'string') return 'string';
  return Array.isArray(value) ? 'list' : 'hash';
}

/** Counts on, and leaves the counter what it is. */
function setNext(counter: string, value: unknown): Command {
  const next = (count: unknown) => String(Number(count) + 1);
  switch (typeOf(value)) {
    case 'hash':
      return hset(counter, { n: next((value as { readonly n?: string }).n) });
    case 'list':
      return lset(counter, 0, next((value as readonly string[])[0]));
    default:
      return set(counter, next(value));
  }
}
