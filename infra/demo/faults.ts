import { setTimeout as delay } from 'node:timers/promises';
import { Subject, type Observable } from 'rxjs';
import type { RunningServer } from '../servers';
import type { Line } from './line';
import type { Note } from './model/journal';

/** What goes wrong on purpose, one thing at a time. */
export class Faults implements AsyncDisposable {
  readonly notes$: Observable<Note>;
  readonly #notes$ = new Subject<Note>();
  #running: Promise<void> | undefined;

  /** @param server none where it is not the demo's own */
  constructor(
    private readonly line: Line,
    private readonly server: RunningServer | undefined,
  ) {
    this.notes$ = this.#notes$.asObservable();
  }

  get mayKill(): boolean {
    return this.server !== undefined;
  }

  /**
   * Every connection ends, and none can be made before so many ms have passed.
   * @returns whether it begins: no second fault does before the first is over
   */
  cut(outage: number): boolean {
    return this.#begin(async () => {
      await this.line.cut();
      this.tell('cut', `the line to the server is cut for ${outage} ms`);
      await delay(outage);
      await this.line.mend();
      this.tell('mended', 'the line is whole again, which the clients must find out');
    });
  }

  /** The server is killed, and started again after so many ms; the return value is that of `cut`. */
  kill(outage: number): boolean {
    const { server } = this;
    if (server === undefined) return false;
    return this.#begin(async () => {
      await server.kill();
      this.tell('cut', `the server is killed (SIGKILL) and stays away for ${outage} ms`);
      await delay(outage);
      await server.restart();
      this.tell('mended', 'the server runs again, which the clients must find out');
    });
  }

  tell(kind: Note['kind'], text: string): void {
    this.#notes$.next({ kind, text });
  }

  /** Waits for the end of what goes wrong. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running;
  }

  #begin(run: () => Promise<void>): boolean {
    if (this.#running !== undefined) return false;
    this.#running = run()
      .catch((error: unknown) => this.tell('lost', (error as Error).message))
      .finally(() => {
        this.#running = undefined;
      });
    return true;
  }
}
