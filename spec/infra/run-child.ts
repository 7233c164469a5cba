import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';

/** A TypeScript program of this folder running in a process of its own: no wrapper that a SIGKILL would hit instead. */
export interface Child {
  readonly process: ChildProcess;
  readonly stdout: Readable;
  /** Settles with exit code and signal. */
  readonly exited: Promise<[code: number | null, signal: NodeJS.Signals | null]>;
  /** The next line it prints. */
  nextLine(): Promise<string>;
}

export function runChild(file: string, args: string[] = [], env: NodeJS.ProcessEnv = {}): Child {
  const child = spawn(process.execPath, ['--import', 'tsx', resolve(__dirname, file), ...args], {
    cwd: resolve(__dirname, '../..'),
    env: { ...process.env, ...env },
    // A process group of its own, which a spec can signal as a terminal does.
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  let rest = '';
  child.stdout.on('data', (chunk: Buffer) => {
    const parts = (rest + chunk.toString()).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
    child.emit('line');
  });
  const exited = once(child, 'close') as Child['exited'];
  return {
    process: child,
    stdout: child.stdout,
    exited,
    async nextLine() {
      while (lines.length === 0) {
        const ended = exited.then(([code, signal]) => {
          if (lines.length === 0) throw new Error(`${file} ended (${code ?? signal}) without another line`);
        });
        await Promise.race([once(child, 'line'), ended]);
      }
      return lines.shift() ?? '';
    },
  };
}
