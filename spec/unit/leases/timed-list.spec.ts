import { TimedList, type Place } from '../../../src/leases/timed-list';
import { VirtualClock } from '../../support/virtual-clock';

describe('A timed list', () => {
  function setUp(longest: number) {
    const clock = new VirtualClock();
    const expired: string[] = [];
    const list = new TimedList<string>(clock, {
      longest,
      expired: (item) => expired.push(`${item} at ${clock.now()}`),
    });
    return { clock, expired, list };
  }

  const items = (list: TimedList<string>) => {
    const all: string[] = [];
    for (let place: Place<string> | undefined = list.oldest; place !== undefined; place = place.newer)
      all.push(place.item);
    return all;
  };

  it('keeps the order in which items came, whichever of them leave', () => {
    const { list } = setUp(Infinity);
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((item) => list.add(item));
    expect(list.remove(b!)).toBe(true);
    expect(items(list)).toStrictEqual(['a', 'c', 'd']);
    list.remove(d!);
    list.remove(a!);
    expect([list.oldest, list.newest]).toStrictEqual([c, c]);
    list.add('e');
    expect(items(list)).toStrictEqual(['c', 'e']);
    expect(list.length).toBe(2);
  });

  it('lets an item leave once', () => {
    const { list } = setUp(Infinity);
    const place = list.add('a');
    list.add('b');
    expect([list.remove(place), list.remove(place)]).toStrictEqual([true, false]);
    expect(list.length).toBe(1);
    expect(list.drain()).toStrictEqual(['b']);
    expect([list.length, list.oldest, list.newest]).toStrictEqual([0, undefined, undefined]);
  });

  it('lets each item stay for its time, by one timer', () => {
    const { clock, expired, list } = setUp(100);
    list.add('a');
    clock.advance(40);
    const b = list.add('b');
    list.add('c');
    clock.advance(20);
    list.add('d');
    list.remove(b);
    expect(clock.waiting).toBe(1);
    clock.advance(1_000);
    expect(expired).toStrictEqual(['a at 100', 'c at 140', 'd at 160']);
  });

  it.each([0.001, 33.003, 0.1 + 0.2, 1e6 + 1 / 3])(
    'ends the time of an item that came at a fraction of a ms: %d',
    (came) => {
      const { clock, expired, list } = setUp(300);
      clock.advance(came);
      list.add('a');
      clock.advance(302);
      expect(expired).toHaveLength(1);
      expect(clock.waiting).toBe(0);
    },
  );

  it('has no timer when it is empty, and none where items stay for ever', () => {
    const { clock, list } = setUp(100);
    const places = ['a', 'b'].map((item) => list.add(item));
    for (const place of places) list.remove(place);
    clock.advance(0);
    expect(clock.waiting).toBe(0);
    const endless = setUp(Infinity);
    endless.list.add('a');
    expect(endless.clock.waiting).toBe(0);
  });

  it('has put itself in order before it tells of an item whose time is up', () => {
    const clock = new VirtualClock();
    const left: number[] = [];
    const list: TimedList<string> = new TimedList<string>(clock, {
      longest: 10,
      expired: (item) => {
        left.push(list.length);
        if (item === 'a') list.add('again');
      },
    });
    list.add('a');
    list.add('b');
    clock.advance(10);
    expect(left).toStrictEqual([0, 1]);
    clock.advance(10);
    expect(left).toStrictEqual([0, 1, 0]);
  });
});
