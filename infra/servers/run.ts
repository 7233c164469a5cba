import { execFile } from 'node:child_process';

export interface RunOptions {
  /** Milliseconds until the program is killed and the run fails. */
  readonly timeout: number;
  /** what is added to the environment */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs a program to its end and returns what it wrote to stdout.
 * @throws Error with the program's own words when it cannot start, fails or outlives `timeout` ms
 */
export function run(command: string, args: readonly string[], options: RunOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    // Jest gives specs an environment of their own: unless it is passed on, programs get the one outside.
    const env = { ...process.env, ...options.env };
    const limits = { timeout: options.timeout, env, maxBuffer: 16 << 20, killSignal: 'SIGKILL' as const };
    execFile(command, [...args], limits, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else if (error.killed) reject(new Error(`${command} was killed after ${options.timeout} ms`, { cause: error }));
      else if (error.code === 'ENOENT') reject(new Error(`${command}: not found`, { cause: error }));
      else reject(new Error(`${command} failed: ${firstLines(stderr || stdout || error.message)}`, { cause: error }));
    });
  });
}

function firstLines(text: string): string {
  return text.trim().split('\n').slice(0, 3).join(' / ');
}
