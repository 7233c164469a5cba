import { createRequire } from 'node:module';
import { join } from 'node:path';

/** Where a worker finds the clients: in its environment. */
export const OURS_VARIABLE = 'BENCH_OURS';
export const PEERS_VARIABLE = 'BENCH_PEERS';

/** A peer as its own folder has it installed. */
export function loadPeer<T>(packageName: string): T {
  return createRequire(join(folder(PEERS_VARIABLE), 'package.json'))(packageName) as T;
}

/** A module as our build sees it: the build itself, or what it depends on. */
export function loadOurs<T>(specifier = './index.cjs'): T {
  return createRequire(join(folder(OURS_VARIABLE), 'index.cjs'))(specifier) as T;
}

function folder(variable: string): string {
  const value = process.env[variable];
  if (!value) throw new Error(`${variable} is not set`);
  return value;
}
