import { EMPTY, Observable, ignoreElements } from 'rxjs';
import { Multicast } from './connection/multicast';
import type { Resident } from './connection/resident';
import type { Push } from './resp/frames';

/** The lines of MONITOR on one connection, asked for once, however many observe them: a server answers no second MONITOR. */
export class Monitor implements Resident {
  private lines$ = new Multicast<string>();
  private asked: Observable<unknown> | undefined;

  /**
   * @param ask sends MONITOR
   * @returns the lines from now on; errors when the server refuses MONITOR
   */
  lines(ask: () => Observable<unknown>): Observable<string> {
    return new Observable((subscriber) => {
      subscriber.add(this.lines$.subscribe(subscriber));
      if (this.asked !== undefined) return;
      this.asked = ask();
      // All present Observers are told of a refusal; a later one asks again.
      this.asked.pipe(ignoreElements()).subscribe({
        error: (error: unknown) => {
          this.asked = undefined;
          this.lines$.error(error);
        },
      });
    });
  }

  /** RESET has ended MONITOR: the lines complete, and later Observers ask anew. */
  end(): void {
    const { lines$ } = this;
    this.asked = undefined;
    this.lines$ = new Multicast();
    lines$.complete();
  }

  receive(push: Push): void {
    if (push.kind === 'monitor') this.lines$.next(push.items[1] as string);
  }

  get listening(): boolean {
    return this.lines$.observed;
  }

  restore(): Observable<never> {
    return EMPTY;
  }

  suspend(): Observable<never> {
    return EMPTY;
  }

  resume(): Observable<never> {
    return EMPTY;
  }

  beforeWrite(): void {
    // it has nothing to send of its own
  }
}
