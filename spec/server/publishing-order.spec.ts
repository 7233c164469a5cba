import { eventually, record, reaches, useClients } from '../support/clients';
import { useServer } from '../support/server';
import { until } from '../support/until';

/** Behind what the client does at the end of this tick, and before anything comes from the server. */
const endOfTick = () => new Promise<void>((resolve) => process.nextTick(() => process.nextTick(resolve)));

describe('What a client publishes', () => {
  const server = useServer();
  const make = useClients();

  it('comes in the order of the calls, also where the first has waited for subscriptions to change', async () => {
    const [redis, listener] = [make(server().url), make(server().url)];
    const heard = record(listener.subscribe('order'));
    const leaving = record(redis.subscribe('left'));
    await reaches(redis, 'ready');
    await eventually(
      () => redis.call<(string | number)[]>('PUBSUB NUMSUB', 'order', 'left'),
      (counts) => counts.join() === 'order,1,left,1',
    );
    leaving.stop();
    const first = redis.publish('order', '1').then();
    await endOfTick();
    const second = redis.publish('order', '2').then();
    expect(await Promise.all([first, second])).toStrictEqual([1, 1]);
    await until(() => heard.values.length === 2);
    expect(heard.values.map(({ data }) => data)).toStrictEqual(['1', '2']);
  });
});
