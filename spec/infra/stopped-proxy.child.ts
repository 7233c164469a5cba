// Stops proxies in the middle of things and then has nothing more to do: the process must end by itself.
import { startProxy } from '../../infra/proxy';
import { RawClient } from './raw-client';

async function main(): Promise<void> {
  const target = { host: '127.0.0.1', port: Number(process.argv[2]) };
  for (const disturb of ['stall', 'delay', 'blackhole', 'halfOpen', 'refuse'] as const) {
    const proxy = await startProxy({ target });
    const opened = proxy.nextConnection();
    const client = await RawClient.connect({ host: proxy.host, port: proxy.port });
    await opened;
    if (disturb === 'stall') proxy.stall('toServer', true);
    if (disturb === 'delay') proxy.delay(3_600_000);
    if (disturb === 'blackhole') proxy.blackhole(true);
    if (disturb === 'halfOpen') proxy.halfOpen();
    if (disturb === 'refuse') await proxy.refuse(true);
    client.send(['PING']);
    await new Promise(setImmediate);
    await proxy.stop();
    client.close();
  }
  console.log('stopped');
}

void main();
