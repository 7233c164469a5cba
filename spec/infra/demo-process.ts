import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { filter, firstValueFrom, fromEvent } from 'rxjs';

/** The demo in a process of its own, not on a terminal. */
export class Demo {
  readonly lines: string[] = [];
  readonly errors: string[] = [];
  readonly process;
  /** Settles with the exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
  readonly #stdout;

  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    // Not by npm and tsx's program: they would be who is signalled.
    this.process = spawn(process.execPath, ['--import', 'tsx', 'infra/demo/index.ts', ...args], {
      cwd: resolve(__dirname, '../..'),
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#stdout = createInterface({ input: this.process.stdout }).on('line', (line) => this.lines.push(line));
    createInterface({ input: this.process.stderr }).on('line', (line) => this.errors.push(line));
    this.ended = once(this.process, 'close').then(([code, signal]: (number | string)[]) => code ?? signal ?? 'nothing');
  }

  /** The next line that matches. */
  line(pattern: RegExp): Promise<string> {
    const lines$ = fromEvent(this.#stdout, 'line').pipe(filter((line) => pattern.test(String(line))));
    const tooLate = this.ended.then((code) => {
      throw new Error(`the demo ended (${code}) without ${pattern}: ${this.errors.join('\n')}`);
    });
    return Promise.race([firstValueFrom(lines$).then(String), tooLate]);
  }

  match(pattern: RegExp): RegExpExecArray {
    const found = this.lines.map((line) => pattern.exec(line)).find((match) => match !== null);
    if (found === undefined) throw new Error(`no line matches ${pattern}:\n${this.lines.join('\n')}`);
    return found;
  }

  /** The port of its server, which its title tells. */
  get port(): number {
    return Number(this.match(/^The vital signs .* at 127\.0\.0\.1:(\d+)$/)[1]);
  }
}
