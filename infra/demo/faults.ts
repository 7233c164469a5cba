import { setTimeout as delay } from 'node:timers/promises';
import { Subject, type Observable } from 'rxjs';
import type { Line } from './line';
import type { Note } from './model/journal';
import type { Fault, OwnServers } from './own-servers';

/** What goes wrong on purpose, one thing at a time. */
export class Faults implements AsyncDisposable {
  readonly notes$: Observable<Note>;
  readonly #notes$ = new Subject<Note>();
  readonly #ended = new AbortController();
  #running: Promise<void> | undefined;

  /** @param servers none where they are not the demo's own */
  constructor(
    private readonly line: Line,
    private readonly servers: OwnServers | undefined,
  ) {
    this.notes$ = this.#notes$.asObservable();
  }

  get mayKill(): boolean {
    return this.servers !== undefined;
  }

  get mayFailOver(): boolean {
    return this.servers?.failOver !== undefined;
  }

  /**
   * Every connection ends, and none can be made before so many ms have passed.
   * @returns whether it begins: no second fault does before the first is over
   */
  cut(outage: number): boolean {
    return this.#begin(async () => {
      await this.line.cut();
      return {
        text: `the line to ${this.line.end} is cut for ${outage} ms`,
        outlast: (signal) => delay(outage, undefined, { signal }).catch(() => undefined),
        mend: async () => {
          await this.line.mend();
          return 'the line is whole again, which the clients must find out';
        },
      };
    });
  }

  /** A server is killed, and started again later; the return value is that of `cut`. */
  kill(): boolean {
    const { servers } = this;
    return servers !== undefined && this.#begin(() => servers.kill());
  }

  /** Sentinels are told to make a replica the master; the return value is that of `cut`. */
  failOver(): boolean {
    const { servers } = this;
    return servers?.failOver !== undefined && this.#begin(() => servers.failOver!());
  }

  tell(kind: Note['kind'], text: string): void {
    this.#notes$.next({ kind, text });
  }

  /** What goes wrong is set right at once, and nothing goes wrong any more. */
  end(): void {
    this.#ended.abort();
  }

  /** Waits until all is right again. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.end();
    await this.#running;
  }

  #begin(start: () => Promise<Fault>): boolean {
    if (this.#running !== undefined || this.#ended.signal.aborted) return false;
    this.#running = this.#run(start)
      .catch((error: unknown) => this.tell('lost', (error as Error).message))
      .finally(() => {
        this.#running = undefined;
      });
    return true;
  }

  async #run(start: () => Promise<Fault>): Promise<void> {
    const fault = await start();
    this.tell('cut', fault.text);
    await fault.outlast(this.#ended.signal);
    this.tell('mended', await fault.mend());
  }
}
