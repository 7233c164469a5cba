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
// Those that were there before may have taken the place also of what modules hand out.
const setTimeout = unfaked(timers, 'setTimeout');
const clearTimeout = unfaked(timers, 'clearTimeout');
const setImmediate = unfaked(timers, 'setImmediate');
const clearImmediate = unfaked(timers, 'clearImmediate');
const now = systemNow();
const nextTick = systemNextTick();

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

/** In so many parts a patient clock measures a delay: how much of it the event loop was held up is known to one part. */
const PARTS = 8;

/** A clock whose delays are longer by the time that the event loop is held up: for what takes several answers of a peer. */
export function patient(clock: Clock): SchedulerLike {
  return {
    now: () => clock.now(),
    schedule: <T>(work: (this: SchedulerAction<T>, state?: T) => void, delay = 0, state?: T): Subscription => {
      const waiting = new Subscription();
      let left = delay;
      const wait = (): void => {
        const part = Math.min(left, delay / PARTS);
        const due = clock.now() + part;
        const goOff = function (this: SchedulerAction<T>): void {
          const late = clock.now() - due;
          left -= late > HELD_UP ? part : part + late;
          waiting.remove(this);
          if (left > 0) wait();
          else work.call(this, state);
        };
        waiting.add(clock.schedule(goOff, part));
      };
      wait();
      return waiting;
    },
  };
}

/** The system's own function, which a fake of sinon's or of Jest's keeps on its clock; what is no such fake is taken as it is. */
function unfaked<T extends object, K extends string & keyof T>(home: T, name: K): T[K] {
  const { clock } = home[name] as { clock?: Record<string, unknown> };
  return (clock?.[`_${name}`] ?? home[name]) as T[K];
}

/** A fake is a property of the object itself, and stands before the system's. */
function systemNow(): () => number {
  const { now } = Object.getPrototypeOf(systemPerformance) as Partial<typeof systemPerformance>;
  return (now ?? systemPerformance.now).bind(systemPerformance);
}

function systemNextTick(): (work: () => void) => void {
  const nextTick = unfaked(process, 'nextTick');
  // The mock of Jest's legacy timers keeps nothing.
  return '_isMockFunction' in nextTick ? tickOfStreams() : nextTick.bind(process);
}

/** The system's own `process.nextTick`, which no module hands out: a stream tells by it that it has written. */
function tickOfStreams(): (work: () => void) => void {
  const sink = new Writable({ write: (_chunk, _encoding, done) => done() });
  return (work) => void sink.write(Buffer.alloc(0), () => work());
}
