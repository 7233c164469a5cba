import { Observable, ignoreElements } from 'rxjs';
import type { Connection } from '../connection/connection';
import { Multicast } from '../connection/multicast';
import type { Resident } from '../connection/resident';
import type { Push } from '../resp/frames';

const monitors = new WeakMap<Connection, Monitor>();

/** What monitors on a connection: one for all its callers, made when it is first asked for. */
export function monitorOn(connection: Connection): Monitor {
  let monitor = monitors.get(connection);
  if (monitor === undefined) monitors.set(connection, (monitor = new Monitor(connection)));
  return monitor;
}

/** The lines of MONITOR on one connection, asked for once, however many observe them: a server answers no second MONITOR. */
export class Monitor implements Resident {
  private lines$ = new Multicast<string>();
  private asked: Observable<unknown> | undefined;

  constructor({ line }: Connection) {
    line.residents.add(this);
    line.sessionCommands$.subscribe(({ spec }) => {
      if (spec.effect === 'reset') this.end();
    });
  }

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
  private end(): void {
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
}
