import { spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * Runs `work` while no other process on the machine holds the lock on `file`.
 *
 * The lock is the kernel's (`flock`), held by a helper that lives as long as its stdin: when this process is
 * killed the pipe closes, the helper ends and the lock is free. No stale lock can be left behind.
 * @throws Error when `flock` cannot be run
 */
export async function withFileLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  const holder = spawn('flock', [file, '/bin/sh', '-c', 'echo locked; read _'], {
    env: process.env,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  // The helper may be gone before its stdin is closed; the exit below is what is awaited.
  holder.stdin.on('error', () => undefined);
  const ended = once(holder, 'close');
  const locked = once(holder.stdout, 'data');
  await Promise.race([
    locked,
    ended.then(() => {
      throw new Error(`flock could not lock ${file}`);
    }),
  ]);
  try {
    return await work();
  } finally {
    holder.stdin.end();
    await ended;
  }
}
