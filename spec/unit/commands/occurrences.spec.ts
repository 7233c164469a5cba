import fc from 'fast-check';
import { occurrences } from '../../../src/commands/occurrences';
import { expectLinear } from '../../support/growth';

describe('The occurrences of a word', () => {
  it('are where it stands, overlapping ones included', () => {
    expect([...occurrences('aba', 'abababa aba')]).toStrictEqual([0, 2, 4, 8]);
  });

  it('are those that looking at every place finds', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 30 });
    const word = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(word, letters, (word, text) => {
        const places = Array.from(text, (_, at) => at).filter((at) => text.startsWith(word, at));
        expect([...occurrences(word, text)]).toStrictEqual(places);
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    ['a', 'a'],
    ['b', 'a'],
    ['a', 'b'],
  ])('are found in time in proportion to both lengths: %s, %s', (first, last) => {
    const prepare = (size: number) => {
      const word = first + 'a'.repeat(size) + last;
      const text = 'a'.repeat(2 * size);
      return () => [...occurrences(word, text)];
    };
    expectLinear(prepare, 2_500);
  });
});
