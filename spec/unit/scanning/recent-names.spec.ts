import fc from 'fast-check';
import { RecentNames } from '../../../src/scanning/recent-names';

describe('Names that are remembered', () => {
  it('are the last so many at least, and twice as many at most', () => {
    const name = fc.integer({ min: 0, max: 30 }).map(String);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.array(name, { maxLength: 200 }), (most, asked) => {
        const names = new RecentNames(most);
        const before: string[] = [];
        for (const one of asked) {
          // The last distinct names, the latest first.
          const recent = [...new Set(before.toReversed())];
          const isNew = names.isNew(one);
          if (recent.slice(0, most).includes(one)) expect(isNew).toBe(false);
          if (!recent.slice(0, 2 * most).includes(one)) expect(isNew).toBe(true);
          before.push(one);
        }
      }),
    );
  });

  it('are compared byte by byte where they are bytes', () => {
    const names = new RecentNames(10);
    expect(names.isNew(Buffer.of(0xfe))).toBe(true);
    expect(names.isNew(Buffer.of(0xff))).toBe(true);
    expect(names.isNew(Uint8Array.of(0xfe))).toBe(false);
  });
});
