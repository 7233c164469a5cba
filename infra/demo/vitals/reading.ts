import { readFile } from 'node:fs/promises';
import { cpus, freemem, loadavg, platform, totalmem } from 'node:os';
import { parseMemoryInUse, parseTraffic, type Traffic } from './proc';

/** The machine's gauges and counters at one moment. */
export interface Reading {
  /** ms since the epoch, with fractions */
  readonly at: number;
  /** tasks that run or want to, averaged over a minute; Windows does not tell */
  readonly load: number | undefined;
  /** ms since the machine started, of all processors together */
  readonly processors: { readonly busy: number; readonly total: number };
  /** bytes in use */
  readonly memory: number;
  /** Linux alone tells */
  readonly traffic: Traffic | undefined;
}

/** Reads the machine: `/proc` where there is one, what Node knows elsewhere. */
export async function takeReading(): Promise<Reading> {
  const [meminfo, dev] = await Promise.all([readIfThere('/proc/meminfo'), readIfThere('/proc/net/dev')]);
  return {
    at: performance.timeOrigin + performance.now(),
    load: platform() === 'win32' ? undefined : loadavg()[0],
    processors: processorTimes(),
    // What Linux calls free leaves out the caches that it would give back.
    memory: (meminfo === undefined ? undefined : parseMemoryInUse(meminfo)) ?? totalmem() - freemem(),
    traffic: dev === undefined ? undefined : parseTraffic(dev),
  };
}

function processorTimes(): Reading['processors'] {
  const times = cpus().map((processor) => processor.times);
  const total = sum(times.flatMap((spent) => Object.values(spent)));
  return { busy: total - sum(times.map(({ idle }) => idle)), total };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function readIfThere(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined);
}
