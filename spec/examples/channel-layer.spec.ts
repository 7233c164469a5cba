import { join } from 'node:path';
import { filter, firstValueFrom } from 'rxjs';
import { runChild } from '../infra/run-child';
import { eventually, useClients } from '../support/clients';
import { useServer } from '../support/server';
import { until } from '../support/until';
import { ChannelLayer } from './programs/channel-layer';

const program = join(__dirname, 'channel-layer.child.ts');

describe('The example of a channel layer', () => {
  const server = useServer({ own: true });
  const make = useClients();

  it('carries messages to the sockets of a group in each process, and to no other', async () => {
    const redis = make(server().url);
    const layer = new ChannelLayer(redis);
    const child = runChild(program, [server().url]);
    const received: string[] = [];
    const socket = { send: (text: string) => void received.push(text) };
    layer.join('lobby', socket);
    layer.join('alone', socket);
    /** Has the other process do something; it says when it has. */
    const tell = async (what: string) => {
      const done = firstValueFrom(layer.messages('done').pipe(filter((text) => text === what)));
      await layer.send('control', what);
      await done;
    };
    // Both processes are in the lobby, and the other one is ready to be told what to do.
    await eventually(
      () => redis.pubsubNumsub(['layer:lobby', 'layer:control', 'layer:bob']),
      (members) => members['layer:lobby'] === 2 && members['layer:control'] === 1 && members['layer:bob'] === 1,
    );

    expect(await layer.send('lobby', 'hello')).toBe(2);
    expect([await child.nextLine(), await child.nextLine()]).toStrictEqual(['ann hello', 'bob hello']);
    await layer.send('bob', 'only you');
    expect(await child.nextLine()).toBe('bob only you');
    await layer.send('alone', 'only here');

    await tell('bob leaves the lobby');
    await layer.send('lobby', 'again');
    expect(await child.nextLine()).toBe('ann again');
    await layer.send('bob', 'still there');
    expect(await child.nextLine()).toBe('bob still there');

    await tell('ann is gone');
    await eventually(
      () => redis.pubsubNumsub(['layer:lobby']),
      (members) => members['layer:lobby'] === 1,
    );
    expect(await layer.send('lobby', 'for the rest')).toBe(1);
    await until(() => received.length === 4);
    expect(received).toStrictEqual(['hello', 'only here', 'again', 'for the rest']);

    layer.leaveAll(socket);
    await eventually(
      () => redis.pubsubChannels('layer:*'),
      (channels) => !channels.includes('layer:lobby') && !channels.includes('layer:alone'),
    );
    await layer.send('control', 'end');
    expect(await child.exited).toStrictEqual([0, null]);
  });
});
