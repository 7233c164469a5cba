// The line between client and server, in a process of its own so that it takes no time from the client.

import { setTimeout as delay } from 'node:timers/promises';
import { startProxy, type Proxy } from '../proxy';
import { Random } from './random';

const [host = '', port = '', cutEvery = '', seed = ''] = process.argv.slice(2);
const random = new Random(Number(seed));

/** What happens to a line, each as likely as the others. */
const cuts: readonly ((proxy: Proxy) => void | Promise<void>)[] = [
  (proxy) => proxy.cut('close'),
  (proxy) => proxy.cut('reset'),
  // In the middle of a request, in the middle of a reply.
  (proxy) => proxy.cutAfter('toServer', 1 + random.below(10_000)),
  (proxy) => proxy.cutAfter('toClient', 1 + random.below(10_000)),
  (proxy) => proxy.halfOpen(),
  async (proxy) => {
    proxy.stall(random.pick(['toServer', 'toClient']), true);
    await delay(random.below(200));
    proxy.cut();
    proxy.stall('toServer', false);
    proxy.stall('toClient', false);
  },
  async (proxy) => {
    await proxy.refuse(random.pick([true, 'reset']));
    proxy.cut();
    await delay(random.below(200));
    await proxy.refuse(false);
  },
];

async function main(): Promise<void> {
  const proxy = await startProxy({ target: { host, port: Number(port) } });
  let count = 0;
  let ending = false;
  process.on('message', () => (ending = true));
  process.on('disconnect', () => process.exit());
  process.send!({ port: proxy.port });
  while (!ending) {
    await delay(random.until(Number(cutEvery)));
    if (ending) break;
    proxy.chunk(random.pick([null, null, 'random']), random.below(1_000));
    await random.pick(cuts)(proxy);
    count++;
  }
  // From now on the line is a good one.
  proxy.chunk(null);
  process.send!({ cuts: count, bytes: proxy.bytes.toServer + proxy.bytes.toClient });
}

void main();
