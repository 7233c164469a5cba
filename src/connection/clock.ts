import { performance as systemPerformance } from 'node:perf_hooks';
import { Writable } from 'node:stream';
import * as timers from 'node:timers';
import { Subscription, type SchedulerAction, type SchedulerLike } from 'rxjs';
import { outside } from './async-context';

/** The time of a client, ms, and the turns of its event loop: all that it ever waits for by itself. */
export interface Clock extends SchedulerLike {
  /** Does the work at the end of this tick, before input is read. */
  nextTick(work: () => void): void;
  /** Does the work when input has been read. */
  afterInput(work: () => void): void;
}

/** What happens later than this was kept by user code that held up the event loop, ms. */
export const HELD_UP = 20;

// Held when the module is loaded: a test's fake timers that come later do not stop the client, and leave none of its timers behind.
// Those that were there before took the place of globals alone.
const { setTimeout, clearTimeout, setImmediate, clearImmediate } = timers;
const now = systemPerformance.now.bind(systemPerformance);
const nextTick: (work: () => void) => void = ticksAreFake(process) ? tickOfStreams() : process.nextTick.bind(process);

/** One timer of the system. What has arrived when its time is up is read first. */
class Timer<T> extends Subscription implements SchedulerAction<T> {
  private handle: NodeJS.Timeout | undefined;
  private turn: NodeJS.Immediate | undefined;

  constructor(private readonly work: (this: SchedulerAction<T>, state?: T) => void) {
    super();
    this.add(() => this.stop());
  }

  schedule(state?: T, delay = 0): Subscription {
    this.stop();
    const goOff = () => (this.turn = setImmediate(() => this.work(state)));
    this.handle = outside(() => setTimeout(goOff, delay));
    return this;
  }

  private stop(): void {
    clearTimeout(this.handle);
    clearImmediate(this.turn);
  }
}

/**
 * The system's own: monotonic, so that a system clock that is set neither ends a command early nor keeps one waiting.
 */
export const systemClock: Clock = {
  now,
  schedule: <T>(work: (this: SchedulerAction<T>, state?: T) => void, delay = 0, state?: T): Subscription =>
    new Timer(work).schedule(state, delay),
  nextTick: (work) => nextTick(work),
  afterInput: (work) => setImmediate(work),
};

/** A clock whose delays are longer by the time that the event loop is held up: for what takes several answers of a peer. */
export function patient(clock: Clock): SchedulerLike {
  return {
    now: () => clock.now(),
    schedule: <T>(work: (this: SchedulerAction<T>, state?: T) => void, delay = 0, state?: T): Subscription => {
      const waiting = new Subscription();
      const wait = (ms: number): void => {
        const due = clock.now() + ms;
        const goOff = function (this: SchedulerAction<T>): void {
          const late = clock.now() - due;
          if (late > HELD_UP) wait(Math.min(late, delay));
          else work.call(this, state);
        };
        waiting.add(clock.schedule(goOff, ms));
      };
      wait(delay);
      return waiting;
    },
  };
}

/** Whether it is that of a test library: the module was loaded when fake timers were there already. */
function ticksAreFake({ nextTick }: { readonly nextTick: (work: () => void) => void }): boolean {
  return 'clock' in nextTick || '_isMockFunction' in nextTick;
}

/** The system's own `process.nextTick`, which no module hands out: a stream tells by it that it has written. */
function tickOfStreams(): (work: () => void) => void {
  const sink = new Writable({ write: (_chunk, _encoding, done) => done() });
  return (work) => void sink.write(Buffer.alloc(0), () => work());
}
