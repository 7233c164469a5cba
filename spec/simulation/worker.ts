import { fork, type ChildProcess } from 'node:child_process';
import { runSeeds, type Failure, type Range } from './seeds';

/** What a worker tells: the seed that it begins, then what came of its portion. A Map does not travel. */
type Told = { readonly kind: 'begins'; readonly seed: number } | ({ readonly kind: 'done' } & Outcome);

export interface Outcome {
  readonly seeds: number;
  readonly counts: readonly (readonly [string, number])[];
  readonly failure: Failure | undefined;
}

/** A seed that a worker says nothing behind for so long does not come to its end, ms. */
const LONGEST_SILENCE = 60_000;

/** A process that runs seeds, and does not take with it which one it was in when it ends; another one goes on then. */
export class Worker {
  private process: ChildProcess;
  private hasEnded = false;

  /** @param file calls `work()` when it is started with `--worker` */
  constructor(private readonly file: string) {
    this.process = this.fork();
  }

  /** Runs seeds; one that ends the process, or does not come to its end, is a failure as any other. */
  run(range: Range): Promise<Outcome> {
    if (this.hasEnded) this.process = this.fork();
    const { process } = this;
    let seed = range.from;
    return new Promise((resolve) => {
      const settle = (outcome: Outcome) => {
        clearTimeout(watchdog);
        process.off('exit', onExit);
        process.off('message', onMessage);
        resolve(outcome);
      };
      const fail = (violation: string) => {
        this.hasEnded = true;
        const failure = { seed, violations: [violation], fatal: true };
        settle({ seeds: seed - range.from + 1, counts: [], failure });
      };
      const onExit = (code: number | null, signal: string | null) => fail(`the process ended with ${code ?? signal}`);
      const onMessage = (told: Told) => {
        watchdog.refresh();
        if (told.kind === 'begins') seed = told.seed;
        else settle(told);
      };
      const watchdog = setTimeout(() => {
        fail(`nothing was heard of it for ${LONGEST_SILENCE / 1000} s`);
        process.kill('SIGKILL');
      }, LONGEST_SILENCE);
      process.on('exit', onExit);
      process.on('message', onMessage);
      process.send(range);
    });
  }

  private fork(): ChildProcess {
    this.hasEnded = false;
    return fork(this.file, ['--worker']);
  }

  end(): void {
    if (this.process.connected) this.process.disconnect();
  }
}

/** What a worker does: runs what it is told to, until it is let go. */
export function work(): void {
  const tell = (told: Told) => process.send!(told);
  process.on('message', (range: Range) => {
    void runSeeds(range, Infinity, (seed) => tell({ kind: 'begins', seed })).then(({ seeds, counts, failure }) =>
      tell({ kind: 'done', seeds, counts: [...counts], failure }),
    );
  });
}
