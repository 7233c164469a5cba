import { performance as systemPerformance } from 'node:perf_hooks';
import { Writable } from 'node:stream';
import * as timers from 'node:timers';
import { Subscription, type SchedulerAction, type SchedulerLike } from 'rxjs';
import { captured, outside } from './async-context';
import { ProcessReferences } from './process-references';

/** The client's time, ms, and the turns of its event loop. */
export interface Clock extends SchedulerLike {
  /** Does the work at the end of this tick, before input is read. */
  nextTick(work: () => void): void;
  /** Does the work when input has been read. */
  afterInput(work: () => void): void;
  /** what keeps the process alive by it, where the process knows of its time */
  readonly references?: ProcessReferences;
}

/** When a timer is later than this, user code has blocked the event loop; ms. */
export const HELD_UP = 20;

// Taken when the module is loaded: fake timers that a test installs later neither stop the client nor leave its timers behind.
// Fake timers that were installed before may also have replaced what modules export.
const setTimeout = unfaked(timers, 'setTimeout');
const clearTimeout = unfaked(timers, 'clearTimeout');
const setImmediate = unfaked(timers, 'setImmediate');
const clearImmediate = unfaked(timers, 'clearImmediate');
const now = systemNow();
const nextTick = systemNextTick();

/** One timer of the system. Input that has arrived when its time is up is read first. */
class Timer<T> extends Subscription implements SchedulerAction<T> {
  private handle: NodeJS.Timeout | undefined;
  private turn: NodeJS.Immediate | undefined;

  constructor(
    private readonly references: ProcessReferences,
    private readonly work: (this: SchedulerAction<T>, state?: T) => void,
  ) {
    super();
    this.add(() => this.stop());
  }

  schedule(state?: T, delay = 0): Subscription {
    this.stop();
    const goOff = () => {
      this.forget();
      this.turn = setImmediate(() => this.work(state));
    };
    this.handle = outside(() => setTimeout(goOff, delay));
    this.keepsAlive(true);
    return this;
  }

  keepsAlive(keeps: boolean): void {
    if (this.handle !== undefined) this.references.set(this.handle, keeps);
  }

  private forget(): void {
    this.references.delete(this.handle);
    this.handle = undefined;
  }

  private stop(): void {
    clearTimeout(this.handle);
    this.forget();
    clearImmediate(this.turn);
  }
}

/** A time of the client's clock as a date. Where the system's clock has been set since the process began, it is that of before. */
export function dateOf(time: number): Date {
  return new Date(systemPerformance.timeOrigin + time);
}

/** The same timer; where it is the system's, it does not keep the process alive, or does again. */
export function inBackground(timer: Subscription, is = true): Subscription {
  if (timer instanceof Timer) timer.keepsAlive(!is);
  return timer;
}

/**
 * The system's own: monotonic, so that a system clock that is set neither ends a command early nor keeps one waiting.
 */
export class SystemClock implements Clock {
  readonly references = new ProcessReferences(setTimeout);

  readonly now = now;

  readonly schedule = <T>(work: (this: SchedulerAction<T>, state?: T) => void, delay = 0, state?: T): Subscription =>
    new Timer(this.references, work).schedule(state, delay);

  readonly nextTick = (work: () => void): void => nextTick(work);

  readonly afterInput = (work: () => void): void => void setImmediate(work);
}

/** Where there is no client. */
export const systemClock: Clock = new SystemClock();

/** A clock whose work finds the context of AsyncLocalStorage in which it was scheduled. */
export function inScheduledContext(clock: Clock): Clock {
  const inContext = (work: () => void): (() => void) => {
    const inCallersContext = captured();
    return () => inCallersContext(work);
  };
  return {
    now: () => clock.now(),
    schedule: <T>(work: (this: SchedulerAction<T>, state?: T) => void, delay = 0, state?: T): Subscription => {
      const inCallersContext = captured();
      const goOff = function (this: SchedulerAction<T>, given?: T): void {
        inCallersContext(() => work.call(this, given));
      };
      return clock.schedule(goOff, delay, state);
    },
    nextTick: (work) => clock.nextTick(inContext(work)),
    afterInput: (work) => clock.afterInput(inContext(work)),
  };
}

/** A patient clock measures a delay in so many parts. It knows to within one part how long the event loop was blocked. */
const PARTS = 8;

/** A clock that adds to a delay the time for which the event loop was blocked. It is for work that takes several answers of a peer. */
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

/** The system's own function. A fake of sinon's or Jest's keeps it on its clock; any other function is taken as it is. */
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

/** The system's own `process.nextTick`. No module exports it, so a stream is asked to write: it calls back by it. */
function tickOfStreams(): (work: () => void) => void {
  const sink = new Writable({ write: (_chunk, _encoding, done) => done() });
  return (work) => void sink.write(Buffer.alloc(0), () => work());
}
