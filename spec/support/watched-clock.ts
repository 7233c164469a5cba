import type { SchedulerAction, Subscription } from 'rxjs';
import { systemClock, type Clock } from '../../src/connection/clock';

/** The system's clock, and the timers of it that run. */
export function watchedClock(): { readonly clock: Clock; readonly running: ReadonlySet<Subscription> } {
  const running = new Set<Subscription>();
  const schedule = <T>(
    work: (this: SchedulerAction<T>, state?: T) => void,
    delay?: number,
    state?: T,
  ): Subscription => {
    const goOff = function (this: SchedulerAction<T>, now?: T): void {
      running.delete(timer);
      work.call(this, now);
    };
    const timer = systemClock.schedule(goOff, delay, state);
    running.add(timer);
    timer.add(() => running.delete(timer));
    return timer;
  };
  return { clock: { ...systemClock, schedule }, running };
}
