import { systemClock } from '../../../src/connection/clock';
import { Sweep } from '../../../src/connection/sweep';
import { VirtualClock } from '../../support/virtual-clock';

/** Deadlines that are due are taken out, as by the multiplexer. */
function setUp() {
  const clock = new VirtualClock();
  const left: number[] = [];
  const expired: { deadline: number; at: number }[] = [];
  const sweep = new Sweep(
    clock,
    (now) => {
      for (const deadline of left.filter((deadline) => deadline <= now)) {
        expired.push({ deadline, at: now });
        left.splice(left.indexOf(deadline), 1);
      }
      return Math.min(Infinity, ...left);
    },
    () => 0,
  );
  const watch = (deadline: number) => {
    left.push(deadline);
    sweep.watch(deadline);
  };
  return { clock, sweep, watch, left, expired };
}

describe('Sweep', () => {
  it('deals with each deadline when it is due, whatever their order', () => {
    const { clock, watch, expired } = setUp();
    for (const deadline of [30, 10, 20, 10]) watch(deadline);
    clock.advance(100);
    expect(expired).toStrictEqual([10, 10, 20, 30].map((deadline) => ({ deadline, at: deadline })));
  });

  it('takes one timer for any number of deadlines', () => {
    const { clock, watch } = setUp();
    for (let deadline = 1_000; deadline < 2_000; deadline++) watch(deadline);
    expect(clock.waiting).toBe(1);
  });

  it('does not look before the earliest deadline that was ever announced, nor ever again when none is left', () => {
    const { clock, watch, left, expired } = setUp();
    watch(50);
    clock.advance(49);
    expect(expired).toStrictEqual([]);
    left.length = 0;
    clock.advance(1);
    expect(clock.waiting).toBe(0);
  });

  it('goes on to what is left after a deadline that no longer matters', () => {
    const { clock, watch, left, expired } = setUp();
    watch(50);
    watch(80);
    left.splice(left.indexOf(50), 1);
    clock.advance(79);
    expect(expired).toStrictEqual([]);
    clock.advance(1);
    expect(expired).toStrictEqual([{ deadline: 80, at: 80 }]);
  });

  it('deals at once with a deadline that has passed', () => {
    const { clock, watch, expired } = setUp();
    clock.advance(100);
    watch(40);
    clock.advance(1);
    expect(expired).toHaveLength(1);
  });

  it('does nothing more once it is stopped, until it is told of another deadline', () => {
    const { clock, sweep, watch, expired } = setUp();
    watch(50);
    sweep.stop();
    clock.advance(100);
    expect(expired).toStrictEqual([]);
    watch(150);
    clock.advance(50);
    expect(expired.map(({ deadline }) => deadline)).toStrictEqual([50, 150]);
  });

  it('lets a socket be read first when the event loop was held up beyond the deadline', async () => {
    const order: string[] = [];
    await new Promise<void>((done) => {
      const sweep = new Sweep(
        systemClock,
        () => {
          order.push('sweep');
          done();
          return Infinity;
        },
        () => 0,
      );
      sweep.watch(systemClock.now() + 5);
      const heldUpTo = systemClock.now() + 50;
      while (systemClock.now() < heldUpTo);
      setImmediate(() => order.push('what had arrived'));
    });
    expect(order).toStrictEqual(['what had arrived', 'sweep']);
  });

  it('judges by what was read: what arrived while the event loop was held up once more is not', async () => {
    const block = (ms: number) => {
      const until = systemClock.now() + ms;
      while (systemClock.now() < until);
    };
    let blockedAgain = -Infinity;
    const judged = await new Promise<number>((done) => {
      const sweep: Sweep = new Sweep(
        systemClock,
        (now) => (done(now), Infinity),
        () => {
          // It asks how much was read, and then for one more turn: user code has that first.
          if (blockedAgain === -Infinity) {
            blockedAgain = systemClock.now();
            setImmediate(() => block(60));
          }
          return 0;
        },
      );
      sweep.watch(systemClock.now() + 5);
      block(50);
    });
    expect(judged).toBeLessThan(blockedAgain + 60);
  });

  it('reads on in as many turns as what is at hand takes, and no more than the system keeps of it', () => {
    const clock = new VirtualClock();
    let read = 0;
    let left = 5;
    let turns = 0;
    const swept: number[] = [];
    const sweep = new Sweep(
      clock,
      () => (swept.push(turns), Infinity),
      () => {
        turns++;
        return left-- > 0 ? ++read : read;
      },
    );
    const late = (deadline: number): void => {
      sweep.watch(deadline);
      clock.schedule(() => undefined, 0); // what else is due
      clock.advance(1);
    };
    clock.advance(100);
    late(10);
    expect(swept).toHaveLength(1);
    const few = swept[0]!;
    expect(few).toBeGreaterThanOrEqual(5);
    // An endless stream does not keep what is due for ever.
    left = Infinity;
    read = 0;
    const endless = new Sweep(
      clock,
      () => (swept.push(read), Infinity),
      () => (read += 2 ** 20),
    );
    endless.watch(20);
    clock.advance(1);
    expect(swept).toHaveLength(2);
    expect(swept[1]).toBeLessThan(20 * 2 ** 20);
  });
});
