import { Waiting, type Overflow } from '../../../src/demand/waiting';

const GAP = { type: 'gap', channel: 'a' };
const dropped = (count: number) => ({ type: 'dropped', count });

/** What is left of items of which no more than so many may wait. */
function left(overflow: Overflow, size: number, items: readonly unknown[]): unknown[] {
  const waiting = new Waiting<unknown>(size, overflow, (item) => item === GAP);
  for (const item of items) expect(waiting.push(item)).toBe(true);
  const all: unknown[] = [];
  while (waiting.length > 0) all.push(waiting.shift());
  return all;
}

describe('Values that wait', () => {
  it.each([
    ['drop-oldest', [dropped(3), 4, 5]],
    ['drop-newest', [1, 2, dropped(3)]],
    ['latest', [dropped(4), 5]],
  ] as const)('%s', (overflow, expected) => {
    expect(left(overflow, 2, [1, 2, 3, 4, 5])).toStrictEqual(overflow === 'latest' ? [dropped(4), 5] : expected);
    expect(left(overflow, 5, [1, 2, 3, 4, 5])).toStrictEqual([1, 2, 3, 4, 5]);
  });

  it.each([
    ['drop-oldest', [dropped(1), GAP, dropped(1), 3, 4]],
    ['drop-newest', [1, GAP, 2, dropped(2)]],
    ['latest', [dropped(1), GAP, dropped(1), 3, 4]],
  ] as const)('%s: notices keep their place and are never dropped', (overflow, expected) => {
    expect(left(overflow, 2, [1, GAP, 2, 3, 4])).toStrictEqual(expected);
  });

  it('tell in each place what was dropped there', () => {
    const waiting = new Waiting<number>(1, 'drop-newest');
    for (const n of [1, 2, 3]) waiting.push(n);
    expect(waiting.shift()).toBe(1);
    for (const n of [4, 5]) waiting.push(n);
    expect([waiting.shift(), waiting.shift(), waiting.shift(), waiting.shift()]).toStrictEqual([
      dropped(2),
      4,
      dropped(1),
      undefined,
    ]);
    waiting.push(6);
    expect(waiting.shift()).toBe(6);
  });

  it('count on after what was dropped was told', () => {
    const waiting = new Waiting<number>(1, 'drop-oldest');
    for (const n of [1, 2, 3]) waiting.push(n);
    const first = waiting.shift();
    for (const n of [4, 5]) waiting.push(n);
    expect([first, waiting.shift(), waiting.shift(), waiting.length]).toStrictEqual([dropped(2), dropped(2), 5, 0]);
  });

  it('are refused where an overflow is an error', () => {
    const waiting = new Waiting<number>(1, 'error');
    expect([waiting.push(1), waiting.push(2), waiting.shift(), waiting.push(3)]).toStrictEqual([true, false, 1, true]);
  });
});
