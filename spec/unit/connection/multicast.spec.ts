import fc from 'fast-check';
import { Subject, config, take, type Subscription } from 'rxjs';
import { Multicast } from '../../../src/connection/multicast';
import { record } from '../../support/clients';

/** What a Subscriber does when a value comes, beside noting it. */
type Deed =
  { readonly kind: 'nothing' | 'leave' | 'join' | 'emit' } | { readonly kind: 'send away'; readonly which: number };

/** A step of a program that is run on a Multicast and on a Subject. */
type Step =
  | { readonly kind: 'join'; readonly deed: Deed }
  | { readonly kind: 'leave'; readonly which: number }
  | { readonly kind: 'emit' };

const which = fc.nat(200);
const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Deed>({ kind: 'nothing' }) },
  { weight: 1, arbitrary: fc.constantFrom<Deed>({ kind: 'leave' }, { kind: 'join' }, { kind: 'emit' }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('send away' as const), which }) },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('join' as const), deed }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('leave' as const), which }) },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: 'emit' }) },
);

/** Runs a program and tells who was told what, in order. */
function told(
  subject: Subject<number> | Multicast<number>,
  steps: readonly Step[],
  end: 'error' | 'complete',
): string[] {
  const log: string[] = [];
  const members: Subscription[] = [];
  let value = 0;
  const emit = () => {
    if (value < 500) subject.next(value++); // a Subscriber that emits is told of it itself
  };
  const join = (deed: Deed) => {
    const name = members.length;
    const act = () => {
      if (deed.kind === 'leave') members[name]!.unsubscribe();
      if (deed.kind === 'join') join({ kind: 'nothing' });
      if (deed.kind === 'emit' && value % 3 === 0) emit();
      if (deed.kind === 'send away') members[deed.which % members.length]!.unsubscribe();
    };
    members.push(
      subject.subscribe({
        next: (n) => {
          log.push(`${name} got ${n}`);
          act();
        },
        error: () => {
          log.push(`${name} failed`);
          if (deed.kind === 'send away') members[deed.which % members.length]!.unsubscribe();
        },
        complete: () => {
          log.push(`${name} completed`);
          if (deed.kind === 'send away') members[deed.which % members.length]!.unsubscribe();
        },
      }),
    );
  };
  for (const step of steps) {
    if (step.kind === 'join') join(step.deed);
    else if (step.kind === 'emit') emit();
    else members[step.which % Math.max(1, members.length)]?.unsubscribe();
    const { observed } = subject;
    log.push(`observed: ${observed}`);
  }
  emit();
  if (end === 'error') subject.error(new Error('over'));
  else subject.complete();
  return log;
}

/** Counts how often the places of the Subscribers are looked at or changed. */
function counting(multicast: Multicast<unknown>): () => number {
  const inside = multicast as unknown as { slots: unknown[] };
  let count = 0;
  inside.slots = new Proxy(inside.slots, {
    get: (slots, key) => (count++, Reflect.get(slots, key) as unknown),
    set: (slots, key, value) => (count++, Reflect.set(slots, key, value)),
  });
  return () => count;
}

describe('Multicast', () => {
  it('tells its Subscribers what an RxJS Subject tells them, whatever they do meanwhile', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 300 }),
        fc.constantFrom('error' as const, 'complete' as const),
        (steps, end) => {
          expect(told(new Multicast<number>(), steps, end)).toStrictEqual(told(new Subject<number>(), steps, end));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('keeps the order of those who stay while places are moved together', () => {
    const multicast = new Multicast<void>();
    const log: number[] = [];
    const members = Array.from({ length: 1_000 }, (_, n) => multicast.subscribe(() => log.push(n)));
    members.forEach((member, n) => n % 7 !== 0 && member.unsubscribe());
    multicast.next();
    expect(log).toStrictEqual(members.map((_, n) => n).filter((n) => n % 7 === 0));
    expect(multicast.size).toBe(log.length);
  });

  it('lets a Subscriber that was moved leave, and no other in its stead', () => {
    const multicast = new Multicast<void>();
    const log: number[] = [];
    const members = Array.from({ length: 200 }, (_, n) => multicast.subscribe(() => log.push(n)));
    for (const member of members.slice(0, 150)) member.unsubscribe();
    members[199]!.unsubscribe();
    members[150]!.unsubscribe();
    multicast.next();
    expect(log).toStrictEqual(members.map((_, n) => n).slice(151, 199));
  });

  it('gives a value to all that were there when it came, and to none that joins for it', () => {
    const multicast = new Multicast<string>();
    const late: string[] = [];
    multicast.pipe(take(1)).subscribe(() => multicast.subscribe((value) => late.push(value)));
    multicast.next('first');
    multicast.next('second');
    expect(late).toStrictEqual(['second']);
  });

  it('takes places together after an emission during which most have left', () => {
    const multicast = new Multicast<void>();
    for (let n = 0; n < 1_000; n++) multicast.pipe(take(1)).subscribe();
    multicast.next();
    expect([multicast.size, multicast.observed]).toStrictEqual([0, false]);
    expect((multicast as unknown as { slots: unknown[] }).slots).toHaveLength(0);
  });

  it.each(['error', 'complete'] as const)('tells each once of the end by %s, and keeps none', (kind) => {
    const multicast = new Multicast<number>();
    const members = Array.from({ length: 100 }, () => record(multicast));
    multicast[kind](new Error('over'));
    multicast[kind](new Error('again'));
    multicast.next(1);
    for (const { ended, values } of members) {
      expect(kind === 'error' ? String(ended) : ended).toBe(kind === 'error' ? 'Error: over' : 'complete');
      expect(values).toStrictEqual([]);
    }
    expect(multicast.observed).toBe(false);
  });

  it.each(['error', 'complete'] as const)(
    'keeps a Subscriber that joins while others are told of the end by %s',
    (kind) => {
      const multicast = new Multicast<number>();
      const again: number[] = [];
      const joinAgain = () => multicast.subscribe((value) => again.push(value));
      // Its own place is left only after it has been told, and another Subscriber has that number by then.
      multicast.subscribe({ error: joinAgain, complete: joinAgain });
      multicast[kind](new Error('over'));
      multicast.next(7);
      expect(again).toStrictEqual([7]);
    },
  );

  it('goes on to the others when a Subscriber throws, and reports what it threw', async () => {
    const reported: unknown[] = [];
    config.onUnhandledError = (error) => reported.push(error);
    const multicast = new Multicast<number>();
    multicast.subscribe(() => {
      throw new Error('careless');
    });
    const other = record(multicast);
    multicast.next(1);
    multicast.complete();
    await new Promise((resolve) => setTimeout(resolve));
    config.onUnhandledError = null;
    expect([other.values, other.ended, reported.map(String)]).toStrictEqual([[1], 'complete', ['Error: careless']]);
  });

  it.each([
    ['the first first', (members: Subscription[]) => members],
    ['the last first', (members: Subscription[]) => members.reverse()],
    [
      'every other first',
      (members: Subscription[]) => [...members.filter((_, n) => n % 2), ...members.filter((_, n) => n % 2 === 0)],
    ],
  ])('takes constant work to join and to leave, %s, however many are there', (_title, inOrder) => {
    const perMember = (size: number): number => {
      const multicast = new Multicast<void>();
      const count = counting(multicast);
      const members = Array.from({ length: size }, () => multicast.subscribe());
      for (const member of inOrder(members)) member.unsubscribe();
      expect(multicast.size).toBe(0);
      return count() / size;
    };
    expect(perMember(8_000)).toBeLessThan(perMember(500) * 1.2);
    expect(perMember(8_000)).toBeLessThan(40);
  });

  it.each(['error', 'complete'] as const)('takes constant work for each Subscriber to end by %s', (kind) => {
    const perMember = (size: number): number => {
      const multicast = new Multicast<void>();
      for (let n = 0; n < size; n++) multicast.subscribe({ error: () => undefined });
      const count = counting(multicast);
      multicast[kind](new Error('over'));
      return count() / size;
    };
    expect(perMember(8_000)).toBeLessThan(perMember(500) * 1.2);
  });

  it('takes constant work for one that joins and leaves beside 50 000 others', () => {
    const multicast = new Multicast<void>();
    for (let n = 0; n < 50_000; n++) multicast.subscribe();
    const count = counting(multicast);
    for (let n = 0; n < 1_000; n++) multicast.subscribe().unsubscribe();
    // A thousand places that are left do not make half of them.
    expect(count() / 1_000).toBeLessThan(20);
  });
});
