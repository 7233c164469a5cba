import { map, pipe, scan, type OperatorFunction } from 'rxjs';
import { mean } from './statistics';

/**
 * With each value the last `count` of them, the newest last; fewer in the beginning.
 *
 *     a  b   c   d|      recent(2)
 *     a  ab  bc  cd|
 */
export function recent<T>(count: number): OperatorFunction<T, readonly T[]> {
  return scan<T, readonly T[]>((window, value) => [...window, value].slice(-count), []);
}

/** With each value the mean of the last `count` of them. */
export function movingAverage(count: number): OperatorFunction<number, number> {
  return pipe(recent(count), map(mean));
}
