import fc from 'fast-check';
import { Ring } from '../../../src/connection/ring';

describe('Ring', () => {
  it('answers as an array does, whatever is pushed and shifted', () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.constant('push') },
      { weight: 3, arbitrary: fc.constant('shift') },
      { weight: 1, arbitrary: fc.constant('burst') },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const ring = new Ring<number>();
        const model: number[] = [];
        steps.forEach((step, n) => {
          const push = (item: number) => {
            ring.push(item);
            model.push(item);
          };
          if (step === 'push') push(n);
          else if (step === 'burst') for (let i = 0; i < 20; i++) push(i);
          else expect(ring.shift()).toBe(model.shift());
          expect(ring.length).toBe(model.length);
          expect(ring.peek()).toBe(model[0]);
        });
        expect([...ring]).toStrictEqual(model);
        expect(ring.drain()).toStrictEqual(model);
        expect(ring.length).toBe(0);
      }),
    );
  });

  it('gives the memory of a burst back once it is empty', () => {
    const ring = new Ring<number>();
    for (let i = 0; i < 200_000; i++) ring.push(i);
    expect(ring.drain()).toHaveLength(200_000);
    expect((ring as unknown as { slots: unknown[] }).slots.length).toBe(16);
    ring.push(1);
    expect(ring.drain()).toStrictEqual([1]);
  });
});
