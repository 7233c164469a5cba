import { Injectable } from '@nestjs/common';
import { BehaviorSubject, defer, finalize, type MonoTypeOperatorFunction } from 'rxjs';

/** The windows of one browser, which share a stream. */
export interface BrowserWindows {
  /** what the browser calls itself */
  readonly browser: string;
  readonly windows: number;
}

/** How many windows are open. */
@Injectable()
export class Windows {
  readonly count$ = new BehaviorSubject(0);
  readonly #streams = new Map<string, BrowserWindows>();

  /** Counts windows while what they are told is subscribed to. A later stream of their browser counts in its place. */
  counted<T>(own: BrowserWindows): MonoTypeOperatorFunction<T> {
    const { browser } = own;
    return (events$) =>
      defer(() => {
        this.#streams.set(browser, own);
        this.#count();
        return events$.pipe(
          finalize(() => {
            if (this.#streams.get(browser) !== own) return;
            this.#streams.delete(browser);
            this.#count();
          }),
        );
      });
  }

  #count(): void {
    this.count$.next([...this.#streams.values()].reduce((sum, { windows }) => sum + windows, 0));
  }
}
