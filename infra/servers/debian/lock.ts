import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';

/**
 * Runs `work` while no other process on the machine does so under the same name. Linux only.
 *
 * The lock is a socket in Linux's abstract namespace: it has a name and no file, and only one can listen there. Those that
 * wait are connected to it, so that the kernel tells them when its process is done or was killed. No stale lock can be
 * left behind, and no program such as `flock` is needed.
 *
 * It spares work and is not to be relied on for more: containers with networks of their own do not see each other's, and
 * where Node cannot listen there, everybody works.
 */
export async function withLock<T>(name: string, work: () => Promise<T>): Promise<T> {
  const address = abstractAddress(name);
  for (;;) {
    const lock = await listen(address);
    if (lock === 'impossible') return work();
    if (lock !== 'taken') return work().finally(() => release(lock));
    await untilReleased(address);
  }
}

/** A name of any length, made to fit. Node before 20.8 cuts it off at its first byte, or refuses it. */
function abstractAddress(name: string): string {
  return `\0rxjs-redis-${createHash('sha256').update(name).digest('hex')}`;
}

interface Lock {
  readonly server: Server;
  /** Ends all that wait. */
  readonly released: AbortController;
}

async function listen(path: string): Promise<Lock | 'taken' | 'impossible'> {
  const released = new AbortController();
  const server = createServer((waiting) => {
    waiting.on('error', () => undefined);
    released.signal.addEventListener('abort', () => waiting.destroy());
  });
  try {
    server.listen(path);
    await once(server, 'listening');
    return { server, released };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') return 'taken';
    if (code === 'EINVAL') return 'impossible';
    throw error;
  }
}

function release({ server, released }: Lock): void {
  server.close();
  released.abort();
}

async function untilReleased(path: string): Promise<void> {
  const waiting = connect(path);
  // Refused or reset: its holder has gone in this moment.
  waiting.on('error', () => undefined);
  await new Promise((resolve) => waiting.resume().once('close', resolve));
}
