/** How one of the machine's vital signs is called, told and judged. */
export interface Sign {
  readonly name: string;
  /** where there is little room */
  readonly short: string;
  /** the value for people, with its unit */
  readonly tell: (value: number) => string;
  /** characters that this takes */
  readonly width: number;
  /** A deviation below this is noise: it raises no alarm and fills no sparkline. */
  readonly tolerance: number;
}

export const signs = {
  load: { name: 'load', short: 'load', tell: (tasks) => tasks.toFixed(2), width: 5, tolerance: 0.25 },
  processor: { name: 'processor', short: 'cpu', tell: (percent) => `${percent.toFixed(1)} %`, width: 7, tolerance: 10 },
  memory: { name: 'memory', short: 'mem', tell: tellMemory, width: 9, tolerance: 20e6 },
  'net-in': { name: 'network in', short: 'in', tell: tellRate, width: 10, tolerance: 100e3 },
  'net-out': { name: 'network out', short: 'out', tell: tellRate, width: 10, tolerance: 100e3 },
} as const satisfies Record<string, Sign>;

export type SignName = keyof typeof signs;

/** In the order in which they are shown. */
export const signNames = Object.keys(signs) as SignName[];

export function isSignName(name: string): name is SignName {
  return Object.hasOwn(signs, name);
}

function tellMemory(bytes: number): string {
  return `${(bytes / 1e9).toFixed(bytes < 100e9 ? 3 : 2)} GB`;
}

function tellRate(bytesPerSecond: number): string {
  return bytesPerSecond < 1e6
    ? `${(bytesPerSecond / 1e3).toFixed(1)} kB/s`
    : `${(bytesPerSecond / 1e6).toFixed(1)} MB/s`;
}
