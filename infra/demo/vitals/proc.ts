/** Bytes through all network interfaces since they came up. */
export interface Traffic {
  readonly received: number;
  readonly sent: number;
}

/** @returns the bytes in use according to /proc/meminfo; undefined when it does not say */
export function parseMemoryInUse(meminfo: string): number | undefined {
  const kibibytes = (name: string): number => Number(new RegExp(`^${name}: +(\\d+) kB`, 'm').exec(meminfo)?.[1]);
  const inUse = kibibytes('MemTotal') - kibibytes('MemAvailable');
  return Number.isNaN(inUse) ? undefined : inUse * 1024;
}

/**
 * @returns the sums over the lines of /proc/net/dev, loopback included: a demo on one machine is seen there
 */
export function parseTraffic(dev: string): Traffic {
  return [...dev.matchAll(/^ *\S+:(.*)$/gm)]
    .map(([, counters = '']) => counters.trim().split(/\s+/).map(Number))
    .reduce<Traffic>(
      (sum, [received = 0, , , , , , , , sent = 0]) => ({
        received: sum.received + received,
        sent: sum.sent + sent,
      }),
      { received: 0, sent: 0 },
    );
}
