import { Subscription, type SchedulerAction, type SchedulerLike } from 'rxjs';

/** The time of a client, ms, and the turns of its event loop: all that it ever waits for by itself. */
export interface Clock extends SchedulerLike {
  /** Does the work at the end of this tick, before input is read. */
  nextTick(work: () => void): void;
  /** Does the work when input has been read. */
  afterInput(work: () => void): void;
}

// Held when the module is loaded: a test's fake timers that come later do not stop the client, and leave none of its timers behind.
const { setTimeout, clearTimeout, setImmediate, performance } = globalThis;
const nextTick = process.nextTick.bind(process);

/** One timer of the system. */
class Timer<T> extends Subscription implements SchedulerAction<T> {
  private handle: NodeJS.Timeout | undefined;

  constructor(private readonly work: (this: SchedulerAction<T>, state?: T) => void) {
    super();
    this.add(() => clearTimeout(this.handle));
  }

  schedule(state?: T, delay = 0): Subscription {
    clearTimeout(this.handle);
    this.handle = setTimeout(() => this.work(state), delay);
    return this;
  }
}

/**
 * The system's own: monotonic, so that a system clock that is set neither ends a command early nor keeps one waiting.
 */
export const systemClock: Clock = {
  now: () => performance.now(),
  schedule: <T>(work: (this: SchedulerAction<T>, state?: T) => void, delay = 0, state?: T): Subscription =>
    new Timer(work).schedule(state, delay),
  nextTick: (work) => nextTick(work),
  afterInput: (work) => setImmediate(work),
};
