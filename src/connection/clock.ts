import { asyncScheduler, type SchedulerAction, type SchedulerLike, type Subscription } from 'rxjs';

/**
 * The time of connections, ms. Where no spec puts a virtual one in its place it is monotonic: a system clock that is set neither
 * ends a command early nor keeps one waiting.
 */
export const monotonicClock: SchedulerLike = {
  now: () => performance.now(),
  schedule: <T>(work: (this: SchedulerAction<T>, state?: T) => void, delay?: number, state?: T): Subscription =>
    asyncScheduler.schedule(work, delay, state),
};
