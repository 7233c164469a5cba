import { NEVER, Observable, Subject, finalize, of, throwError } from 'rxjs';
import { Slots, type SlotsParts } from '../../../src/demand/slots';

function slotsWith<T>(size: number, work: (value: T) => unknown, keyOf?: SlotsParts<T>['keyOf']) {
  const told: string[] = [];
  const slots = new Slots<T>({
    size,
    work,
    keyOf,
    done: (value) => told.push(`done ${String(value)}`),
    failed: (value, error) => told.push(`failed ${String(value)}: ${(error as Error).message}`),
  });
  return { slots, told };
}

describe('Slots', () => {
  it('are taken until the work has ended', () => {
    const ends: Subject<never>[] = [];
    const { slots, told } = slotsWith<number>(2, () => {
      const end = new Subject<never>();
      ends.push(end);
      return end;
    });
    expect([slots.free, slots.isIdle]).toStrictEqual([2, true]);
    slots.give(1);
    slots.give(2);
    expect([slots.free, slots.isIdle, told]).toStrictEqual([0, false, []]);
    ends[1]!.complete();
    expect([slots.free, told]).toStrictEqual([1, ['done 2']]);
    ends[0]!.error(new Error('bad'));
    expect([slots.free, slots.isIdle, told]).toStrictEqual([2, true, ['done 2', 'failed 1: bad']]);
  });

  it.each([
    ['without keys', undefined],
    ['with keys', (value: number) => value],
  ])('work on no more values at the same time than there are, whatever they are given, %s', (_how, keyOf) => {
    const ends: Subject<never>[] = [];
    const { slots, told } = slotsWith<number>(
      2,
      () => {
        const end = new Subject<never>();
        ends.push(end);
        return end;
      },
      keyOf,
    );
    for (const value of [1, 2, 3, 4]) slots.give(value);
    expect([ends.length, slots.free]).toStrictEqual([2, 0]);
    ends[0]!.complete();
    expect([ends.length, slots.free]).toStrictEqual([3, 0]);
    ends[1]!.complete();
    ends[2]!.complete();
    expect([ends.length, slots.free, slots.isIdle]).toStrictEqual([4, 1, false]);
    ends[3]!.complete();
    expect([slots.isIdle, told]).toStrictEqual([true, ['done 1', 'done 2', 'done 3', 'done 4']]);
  });

  it('grow no stack where what they have no room for is done at once', () => {
    const first = new Subject<never>();
    let count = 0;
    const { slots } = slotsWith<number>(1, (value) => (value === 0 ? first : count++));
    for (let value = 0; value <= 20_000; value++) slots.give(value);
    expect(count).toBe(0);
    first.complete();
    expect([count, slots.isIdle]).toStrictEqual([20_000, true]);
  });

  it('begin nothing that they had no room for once they are cut', () => {
    const begun: number[] = [];
    const { slots } = slotsWith<number>(1, (value) => (begun.push(value), NEVER));
    slots.give(1);
    slots.give(2);
    slots.cut();
    expect([begun, slots.isIdle]).toStrictEqual([[1], true]);
  });

  it('follow whatever does its work as it is followed, and take anything else for done', async () => {
    const seen: string[] = [];
    const ways: Record<string, () => unknown> = {
      value: () => [1, 2],
      nothing: () => undefined,
      promise: () => Promise.resolve(),
      observable: () => of(1, 2),
      generator: function* () {
        yield seen.push('generator ran');
      },
      asyncGenerator: async function* () {
        yield await Promise.resolve(seen.push('async generator ran'));
      },
      throws: () => {
        throw new Error('thrown');
      },
      rejects: () => Promise.reject(new Error('rejected')),
      errors: () => throwError(() => new Error('errored')),
    };
    const { slots, told } = slotsWith<string>(9, (way) => ways[way]!());
    for (const way of Object.keys(ways)) slots.give(way);
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    expect(slots.isIdle).toBe(true);
    expect(seen.sort()).toStrictEqual(['async generator ran', 'generator ran']);
    expect(told.sort()).toStrictEqual([
      'done asyncGenerator',
      'done generator',
      'done nothing',
      'done observable',
      'done promise',
      'done value',
      'failed errors: errored',
      'failed rejects: rejected',
      'failed throws: thrown',
    ]);
  });

  it('work on values of one key one after another, in their order', () => {
    const ends = new Map<string, Subject<never>>();
    const begun: string[] = [];
    const work = (value: string) => {
      begun.push(value);
      const end = new Subject<never>();
      ends.set(value, end);
      return end;
    };
    const { slots } = slotsWith(9, work, (value) => value[0]);
    for (const value of ['a1', 'a2', 'b1', 'a3', 'b2']) slots.give(value);
    expect([begun, slots.free]).toStrictEqual([['a1', 'b1'], 4]);
    ends.get('a1')!.error(new Error('bad'));
    expect(begun).toStrictEqual(['a1', 'b1', 'a2']);
    ends.get('b1')!.complete();
    ends.get('a2')!.complete();
    expect([begun, slots.free]).toStrictEqual([['a1', 'b1', 'a2', 'b2', 'a3'], 7]);
  });

  it('grow no stack where the work of one key is done at once', () => {
    let count = 0;
    const first = new Subject<never>();
    const { slots } = slotsWith<number>(
      100_001,
      (n) => (n === 0 ? first : count++),
      () => 'one key',
    );
    for (let n = 0; n <= 100_000; n++) slots.give(n);
    expect([count, slots.free]).toStrictEqual([0, 0]);
    first.complete();
    expect([count, slots.isIdle]).toStrictEqual([100_000, true]);
  });

  it('tell of a key that cannot be had as of a failure', () => {
    const { slots, told } = slotsWith<number>(
      1,
      () => undefined,
      () => {
        throw new Error('no key');
      },
    );
    slots.give(1);
    expect([told, slots.free]).toStrictEqual([['failed 1: no key'], 1]);
  });

  it('leave what they work on when they are cut, and tell nothing of it', async () => {
    let left = 0;
    const late = Promise.resolve();
    const { slots, told } = slotsWith<unknown>(
      9,
      (value) => value,
      (value) => (value instanceof Observable ? 'one' : 'other'),
    );
    slots.give(NEVER.pipe(finalize(() => left++)));
    slots.give(of(1));
    slots.give(late);
    slots.cut();
    await late;
    await Promise.resolve();
    expect([left, told, slots.isIdle]).toStrictEqual([1, [], true]);
  });
});
