import type { Metrics } from './job';

/** Does work on so many things, once to warm up. */
export async function prepareCounted(
  count: number,
  work: () => Promise<void> | undefined,
): Promise<() => Promise<Metrics>> {
  const measure = async (): Promise<Metrics> => {
    const cpu = process.cpuUsage();
    const start = performance.now();
    await work();
    const perSecond = (count * 1000) / (performance.now() - start);
    const { user, system } = process.cpuUsage(cpu);
    return { perSecond, cpu: (user + system) / count };
  };
  await measure();
  return measure;
}
