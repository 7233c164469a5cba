import { compareIds, idAfter, wholeId } from '../../../src/streams/stream-ids';
import { thrownBy } from '../../support/outcomes';

const LARGEST = '18446744073709551615';

describe('Ids of entries', () => {
  it('are compared as the numbers that they are', () => {
    const ordered = ['0-0', '0-1', '1-0', '9-9', '9-10', '10-0', `10-${LARGEST}`, '11-0', `${LARGEST}-0`];
    const shuffled = [...ordered].reverse();
    expect(shuffled.sort(compareIds)).toStrictEqual(ordered);
    expect([compareIds('5-0', '5-0'), compareIds('5-0', '5-00')]).toStrictEqual([0, 0]);
  });

  it.each([
    ['1-0', '1-1'],
    ['0-0', '0-1'],
    [`7-${LARGEST}`, '8-0'],
  ])('have a next: after %s comes %s', (id, next) => {
    expect(idAfter(id)).toBe(next);
  });

  it.each([
    ['5', 'first', '5-0'],
    ['5', 'last', `5-${LARGEST}`],
    ['5-3', 'last', '5-3'],
    ['007-1', 'first', '7-1'],
    ['$', 'last', '$'],
    ['0', 'first', '0-0'],
  ] as const)('are made whole: %s as the %s is %s', (given, end, whole) => {
    expect(wholeId('id', given, end)).toBe(whole);
  });

  it.each([
    ['', '""'],
    ['-', '"-"'],
    ['+', '"+"'],
    ['*', '"*"'],
    ['1-*', '"1-*"'],
    ['1-2-3', '"1-2-3"'],
    [' 1', '" 1"'],
    ['18446744073709551616', '"18446744073709551616"'],
    [5, 'a number'],
    [undefined, 'undefined'],
  ])('are nothing else: %p is refused', (given, got) => {
    expect(thrownBy(() => wholeId('The id', given))).toBe(
      `TypeError: The id is the id of an entry, as '1526919030474-55', '0' or '$', got ${got}`,
    );
  });
});
