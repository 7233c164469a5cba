import fc from 'fast-check';
import { get } from '../../../src/commands/generated/builders';
import { Request } from '../../../src/commands/request';
import { plainContext } from '../../../src/commands/request-context';
import { Backlog } from '../../../src/connection/backlog';
import { WriteOrder } from '../../../src/connection/write-order';
import { ConnectionError } from '../../../src/errors';
import { unobserved } from '../../support/observers';
import { VirtualClock } from '../../support/virtual-clock';

/** A backlog, and requests that count how often their places are looked at. */
function setUp() {
  const none = () => undefined;
  const backlog = new Backlog(new VirtualClock(), new WriteOrder(), none, none);
  let looks = 0;
  const make = (place: number, isRepeated = true) => {
    const request = new Request(get('k'), plainContext, unobserved);
    if (isRepeated) request.tried(new ConnectionError('gone'));
    Object.defineProperty(request, 'place', { get: () => (looks++, place) });
    return request;
  };
  const placesLeft = () => {
    const places: number[] = [];
    for (let next = backlog.shift(); next !== undefined; next = backlog.shift()) places.push(next.place);
    return places;
  };
  return { backlog, make, placesLeft, looks: () => looks };
}

const SIZE = 1_000;

describe('What comes back to a queue that cannot be written', () => {
  it.each([
    ['in the order of the calls', (n: number) => n],
    ['in another order', (n: number, size: number) => (n * 7_919) % size],
    ['backwards', (n: number, size: number) => size - n],
  ])('one by one costs no more for each where they are many, %s', (_, placeOf) => {
    const work = (size: number) => {
      const { backlog, make, looks } = setUp();
      backlog.push(make(size + 1, false));
      for (let n = 0; n < size; n++) {
        backlog.bringBack(make(placeOf(n, size)));
        backlog.readmit();
      }
      return looks() / size;
    };
    // Each meets as many others at most as there are levels in a heap.
    expect(work(2 * SIZE) - work(SIZE)).toBeLessThan(4);
  });

  it('costs nothing to look through for what a SELECT has left behind, where that is none of it', () => {
    const work = (size: number) => {
      const { backlog, make, looks } = setUp();
      for (let n = 1; n <= size; n++) backlog.bringBack(make(n));
      backlog.readmit();
      const before = looks();
      for (let n = 0; n < size; n++) expect(backlog.takeRepeated(1)).toStrictEqual([]);
      return (looks() - before) / size;
    };
    expect(work(2 * SIZE)).toBe(work(SIZE));
  });

  it('goes out before the queue and in the order of the calls, whatever comes, goes and is taken meanwhile', () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('bring back' as const), at: fc.nat(1_000) }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('push' as const, 'readmit' as const), at: fc.nat() }) },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('shift' as const), at: fc.nat() }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('take' as const), at: fc.nat(300) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const { backlog, make, placesLeft } = setUp();
        let returning: number[] = [];
        let first: number[] = [];
        const queue: number[] = [];
        let calls = 2_000;
        let tie = 0;
        const ascending = (one: number, other: number) => one - other;
        for (const step of steps) {
          if (step.kind === 'bring back') {
            const place = step.at + ++tie / 1_000; // no two have the same
            backlog.bringBack(make(place));
            returning.push(place);
          } else if (step.kind === 'push') {
            backlog.push(make(++calls, false));
            queue.push(calls);
          } else if (step.kind === 'readmit') {
            backlog.readmit();
            first = [...first, ...returning].sort(ascending);
            returning = [];
          } else if (step.kind === 'shift') {
            expect(backlog.shift()?.place).toBe(first.length > 0 ? first.shift() : queue.shift());
          } else {
            const taken = backlog.takeRepeated(step.at).map(({ place }) => place);
            const wanted = [...first, ...returning].filter((place) => place < step.at);
            expect(taken.sort(ascending)).toStrictEqual(wanted.sort(ascending));
            first = first.filter((place) => place >= step.at);
            returning = returning.filter((place) => place >= step.at);
          }
          expect([backlog.length, backlog.queued]).toStrictEqual([
            returning.length + first.length + queue.length,
            first.length + queue.length,
          ]);
        }
        expect(placesLeft()).toStrictEqual([...first, ...queue]);
      }),
    );
  });
});
