import type { ClientModule } from '../clients/client';
import type { Job, Metrics } from './job';

/**
 * Reports whenever `count` messages have come. The parent stops this process, lets the server gather the messages for
 * it, and lets it go on: the rate is the receiver's own, whatever a publisher could do.
 */
export async function receiveMessages(
  client: ClientModule,
  url: string,
  { channel, count }: Extract<Job, { kind: 'messages' }>,
  report: (metrics: Metrics) => void,
): Promise<void> {
  let received = 0;
  let start = 0;
  await client.listen(url, channel, () => {
    if (received++ === 0) start = performance.now();
    if (received < count) return;
    received = 0;
    report({ perSecond: (count / (performance.now() - start)) * 1000 });
  });
}
