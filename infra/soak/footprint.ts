import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** What the process holds. */
export interface Footprint {
  /** bytes of the heap in use, buffers outside of it included */
  readonly memory: number;
  /** sockets, timers and the like that keep the process alive, by kind */
  readonly handles: Readonly<Record<string, number>>;
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** What is left once the garbage is gone. */
export async function footprint(): Promise<Footprint> {
  // Buffers go in the second round, when the objects that held them are gone.
  for (let n = 0; n < 4; n++) {
    collect();
    await new Promise(setImmediate);
  }
  const { heapUsed, external } = process.memoryUsage();
  const handles: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) handles[kind] = (handles[kind] ?? 0) + 1;
  return { memory: heapUsed + external, handles };
}

export function describeHandles({ handles }: Footprint): string {
  const kinds = Object.entries(handles).sort();
  return kinds.map(([kind, count]) => `${count} ${kind}`).join(', ') || 'none';
}
