import { NEVER, Observable, Subject, concat, of, take } from 'rxjs';
import { merged } from '../../../src/pubsub/merged';
import { record } from '../../support/clients';
import { workOfArrays } from '../../support/work-of-arrays';

describe('merged', () => {
  it('emits what all emit, and completes with the last of them', () => {
    const [a, b] = [new Subject<number>(), new Subject<number>()];
    const recorded = record(merged([a, of(0), b]));
    b.next(1);
    a.next(2);
    a.complete();
    b.next(3);
    expect([recorded.values, recorded.ended]).toStrictEqual([[0, 1, 2, 3], undefined]);
    b.complete();
    expect(recorded.ended).toBe('complete');
  });

  it('ends with the first error, and leaves the others', () => {
    const [a, b] = [new Subject<number>(), new Subject<number>()];
    const recorded = record(merged([a, b]));
    a.error(new Error('over'));
    expect([String(recorded.ended), b.observed]).toStrictEqual(['Error: over', false]);
  });

  it('leaves all of them when its Observer leaves, also while it is joining them', () => {
    let joined = 0;
    const a = new Subject<number>();
    const greeting = concat(of(1), NEVER);
    let left = 0;
    const held = new Observable<number>((subscriber) => {
      subscriber.add(() => left++);
      return greeting.subscribe(subscriber);
    });
    const later = new Observable<number>(() => void joined++);
    record(merged([a, held, later]).pipe(take(1)));
    expect([a.observed, left, joined]).toStrictEqual([false, 1, 0]);
  });

  it('takes constant work for each that completes, however many there are', () => {
    for (const count of [100, 4_000]) {
      const all = Array.from({ length: count }, () => new Subject<void>());
      const recorded = record(merged(all));
      const work = workOfArrays(() => {
        for (const one of all) one.complete();
      });
      expect([recorded.ended, work / count]).toStrictEqual(['complete', 0]);
    }
  });
});
