import { Injectable } from '@nestjs/common';
import { BehaviorSubject, defer, finalize, type MonoTypeOperatorFunction } from 'rxjs';

/** How many windows are open. */
@Injectable()
export class Windows {
  readonly count$ = new BehaviorSubject(0);

  /** Counts a window while what it is told is subscribed to. */
  counted<T>(): MonoTypeOperatorFunction<T> {
    return (events$) =>
      defer(() => {
        this.count$.next(this.count$.value + 1);
        return events$.pipe(finalize(() => this.count$.next(this.count$.value - 1)));
      });
  }
}
