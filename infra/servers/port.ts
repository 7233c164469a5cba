import { mkdir, mkdtemp } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// Below the range kernels take for outgoing connections, so that a stopped server finds its port free at restart; and
// with room for the cluster bus, 10 000 above, which stays below it too.
const FIRST_PORT = 10_000;
const LAST_PORT = 19_999;

/** A port nobody else on this machine is given, and the folder whose existence says so. */
export interface Place {
  readonly port: number;
  readonly folder: string;
}

/**
 * Chooses a free port on 127.0.0.1. The server's folder is named after it and created exclusively, which keeps other
 * processes that choose at the same moment from choosing the same.
 */
export async function choosePlace(): Promise<Place> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT + 1));
    const folder = join(tmpdir(), `rxjs-redis-${port}`);
    if ((await isFree(port)) && (await createFolder(folder))) return { port, folder };
  }
  throw new Error(`no free port between ${FIRST_PORT} and ${LAST_PORT}`);
}

/** @returns false when the folder exists already */
async function createFolder(path: string): Promise<boolean> {
  try {
    await mkdir(path, { mode: 0o700 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** The place for a port the caller insists on; its folder may exist twice, the port may not. */
export async function placeAt(port: number): Promise<Place> {
  return { port, folder: await mkdtemp(join(tmpdir(), `rxjs-redis-${port}-`)) };
}

/** Whether a server could listen on the port now. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(true)));
  });
}
