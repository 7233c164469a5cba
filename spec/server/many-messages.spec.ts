import { setTimeout } from 'node:timers/promises';
import { map, timer } from 'rxjs';
import type { Dropped, Message, Notice, Redis } from 'rxjs-redis';
import { record, useClients } from '../support/clients';
import { useServer } from '../support/server';
import { until } from '../support/until';

/** So many messages fit into the server's output limit, however slowly they are read. */
const BATCH = 10_000;

/** Publishes whole numbers, a number of channels in turns, batch by batch. */
async function publish(admin: Redis, count: number, channels: number, received: () => number): Promise<void> {
  const script = `for n = ARGV[1], ARGV[2] - 1 do redis.call('PUBLISH', 'c' .. (n % ${channels}), n) end`;
  for (let from = 0; from < count; from += BATCH) {
    await admin.eval(script, [], [from, Math.min(count, from + BATCH)]);
    await until(() => received() >= from);
  }
}

describe.each([3, 2] as const)('Many messages in RESP%d', (protocol) => {
  const server = useServer();
  const make = useClients();
  const pair = () => [make({ url: server().url, protocol }), make(server().url)] as const;

  it.each([
    [1_000_000, 1],
    [100_000, 1_000],
  ])('come all and in order, with gaps on: %d over %d channels', async (count, channels) => {
    const [redis, admin] = pair();
    const names = Array.from({ length: channels }, (_, n) => `c${n}`);
    const next = Array.from({ length: channels }, (_, n) => n);
    let [received, plain, subscribed, wrong] = [0, 0, 0, 0];
    const checking = redis.subscribe(names, { gaps: true }).subscribe((item: Message | Notice) => {
      if (item.type === 'subscribed') subscribed++;
      else if (item.type === 'gap') wrong++;
      else {
        const channel = Number(item.channel.slice(1));
        if (Number(item.data) !== next[channel]) wrong++;
        next[channel] = Number(item.data) + channels;
        received++;
      }
    });
    const counting = redis.subscribe(names).subscribe(() => plain++);
    await until(() => subscribed === channels);
    await publish(admin, count, channels, () => received);
    await until(() => received === count);
    expect({ received, plain, subscribed, wrong }).toStrictEqual({
      received: count,
      plain: count,
      subscribed: channels,
      wrong: 0,
    });
    checking.unsubscribe();
    counting.unsubscribe();
  });

  it('cost a quick Observer and replies nothing where other readers take a millisecond each', async () => {
    const count = 20_000;
    const [redis, admin] = pair();
    const quick = record(redis.subscribe('c0', { gaps: true }));
    const worked = record(
      redis.subscribe('c0', {
        project: ({ data }) => timer(1).pipe(map(() => data)),
        buffer: 100,
        overflow: 'drop-oldest',
      }),
    );
    const slow: (Message | Dropped)[] = [];
    const told = () => slow.reduce((sum, item) => sum + (item.type === 'dropped' ? item.count : 1), 0);
    const loop = (async () => {
      for await (const item of redis.subscribe('c0', { buffer: 100, overflow: 'drop-newest' })) {
        slow.push(item);
        if (item.type !== 'dropped') await setTimeout(1);
        if (told() === count) break;
      }
    })();
    await until(() => quick.values.length === 1);
    await publish(admin, count, 1, () => quick.values.length - 1);
    // The quick one has all of them, whatever the others have done meanwhile.
    await until(() => quick.values.length === count + 1);
    expect(await redis.echo('quick')).toBe('quick');
    await loop;
    const results = () =>
      worked.values.reduce<number>((sum, item) => sum + (typeof item === 'string' ? 1 : item.count), 0);
    await until(() => results() === count);
    const inOrder = (data: readonly number[]) => data.every((n, at) => at === 0 || n > data[at - 1]!);
    const messages = slow.filter((item): item is Message => item.type !== 'dropped');
    expect(inOrder(messages.map(({ data }) => Number(data)))).toBe(true);
    expect(inOrder(worked.values.flatMap((item) => (typeof item === 'string' ? [Number(item)] : [])))).toBe(true);
    expect([messages[0]!.data, worked.values.at(-1)]).toStrictEqual(['0', String(count - 1)]);
  });
});
