import type { ClientModule } from '../clients/client';
import type { Job, Metrics, Profile } from './job';

/** So many times messages are gathered for a profile. */
export const PROFILED_TIMES = 10;

/**
 * Reports whenever `count` messages have come. The parent stops this process, lets the server gather the messages for
 * it, and lets it go on: the rate is the receiver's own, whatever a publisher could do.
 * @returns what tells where the time of the next messages went, once they have come, and before that that they may
 */
export async function receiveMessages(
  client: ClientModule,
  url: string,
  { channel, count }: Extract<Job, { kind: 'messages' }>,
  report: (metrics: Metrics) => void,
): Promise<(ready: () => void) => Promise<Profile>> {
  let received = 0;
  let start = 0;
  let cpu = process.cpuUsage();
  let left = 0;
  let haveCome = (): void => undefined;
  await client.listen(url, channel, () => {
    if (received++ === 0) {
      start = performance.now();
      cpu = process.cpuUsage();
    }
    if (received < count) return;
    received = 0;
    const taken = performance.now() - start;
    const { user, system } = process.cpuUsage(cpu);
    report({ perSecond: (count / taken) * 1000, cpu: (user + system) / count });
    if (--left === 0) haveCome();
  });
  return async (ready) => {
    const { profileOf } = await import('./profile');
    return profileOf(async () => {
      const all = new Promise<void>((resolve) => (haveCome = resolve));
      left = PROFILED_TIMES;
      ready();
      await all;
      return {};
    }, true);
  };
}
