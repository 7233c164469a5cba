import type { Message } from 'rxjs-redis';
import { eventually, useClients } from '../support/clients';
import { failure } from '../support/outcomes';
import { useServer } from '../support/server';

describe('A loop over messages', () => {
  const server = useServer();
  const make = useClients();
  const pair = () => [make(server().url), make(server().url)] as const;

  it.each(['', 'p:'])('gets each message, and unsubscribes when it is left; prefix: %p', async (prefix) => {
    const [redis, other] = [make({ url: server().url, prefix }), make({ url: server().url, prefix })];
    const seen: string[] = [];
    const loop = (async () => {
      for await (const { data } of redis.subscribe(['loop', 'loop:*'])) if (seen.push(data) === 3) break;
    })();
    await redis.publish('loop', 'one'); // behind the subscription
    await other.publish('loop:x', 'two');
    await other.publish('loop', 'three');
    await loop;
    expect(seen).toStrictEqual(['one', 'two', 'three']);
    await eventually(
      async () => [(await other.pubsubNumsub(['loop'])).loop, await other.pubsubNumpat()],
      (counts) => counts.every((count) => count === 0),
    );
  });

  it('ends when the client is closed, and fails at once when it was', async () => {
    const [redis] = pair();
    const seen: string[] = [];
    const loop = (async () => {
      for await (const { data } of redis.psubscribe('end*')) seen.push(data);
    })();
    await redis.publish('ended', 'x');
    await redis.ping();
    await eventually(
      () => redis.ping(),
      () => seen.length === 1,
    );
    await redis.close();
    await loop;
    expect(seen).toStrictEqual(['x']);
    expect(await failure(redis.subscribe('late')[Symbol.asyncIterator]().next())).toMatchObject({
      code: 'DISCONNECTED',
    });
  });

  it('that is slower than the messages and their buffer fails, behind those that it was given', async () => {
    const [redis, other] = pair();
    const iterator = redis.subscribe('slow', { buffer: 100 })[Symbol.asyncIterator]();
    const first = iterator.next();
    await redis.publish('slow', '0');
    for (let n = 1; n < 200; n++) void other.publish('slow', String(n)).catch(() => undefined);
    await eventually(
      async () => (await other.pubsubNumsub(['slow'])).slow,
      (count) => count === 0,
    );
    const seen = [(await first).value as Message];
    const loop = (async () => {
      for await (const message of { [Symbol.asyncIterator]: () => iterator }) seen.push(message);
    })();
    expect(await failure(loop)).toMatchObject({ code: 'OVERFLOW', message: expect.stringContaining('100 messages') });
    expect(seen.map(({ data }) => data)).toStrictEqual(Array.from({ length: 101 }, (_, n) => String(n)));
  });
});

describe('A loop over the messages of a channel that the server refuses', () => {
  const server = useServer({}, '6.2');
  const make = useClients();

  it('fails with the refusal', async () => {
    const redis = make(server().url);
    await redis.aclSetuser('limited', ['reset', 'on', '>pw', '+@all', 'resetchannels']);
    const limited = make({ url: server().url, username: 'limited', password: 'pw' });
    const loop = limited.bytes.subscribe('forbidden')[Symbol.asyncIterator]().next();
    expect(await failure(loop)).toMatchObject({ kind: 'NOPERM', command: 'SUBSCRIBE' });
  });
});
