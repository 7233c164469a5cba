import { setTimeout } from 'node:timers/promises';
import { get, getrange, strlen } from 'rxjs-redis/commands';
import { Group } from '../../../src/commands/group';
import { Reply } from '../../../src/commands/reply';
import { record, useClients } from '../../support/clients';
import { outcome } from '../../support/outcomes';
import { useServer } from '../../support/server';

const quick = { initialDelay: 5, maxDelay: 20 };
/** More than the server and the sockets on the way take together. */
const TOO_LARGE = 20_000_000;
/** Copied for the reply, and so counted: of GET's reply Redis 8.6 and Valkey 9.1 count the reference to the value alone. */
const WHOLE = [0, -1] as const;

/** What happened, and that it is not tried again. */
const poisonous = {
  code: 'CONNECTION',
  delivery: 'unknown',
  repeatable: false,
  message: expect.stringMatching(
    /^The connection was lost before .* closed the connection.* not sent a third time$/s,
  ) as string,
};

describe('A read whose answer is too large for the limits of the server', () => {
  const server = useServer({ own: true, args: ['--client-output-buffer-limit', 'normal', '1048576', '0', '0'] });
  const make = useClients();
  beforeEach(async () => {
    const admin = make(server().url);
    await admin.set('large', Buffer.alloc(TOO_LARGE, 'x'));
    await admin.mset({ small: 'v', n: '0' });
  });

  /** A client, and how often its connection was lost. */
  async function client() {
    const redis = make({ url: server().url, reconnect: quick });
    await redis.connect();
    const events = record(redis.events$);
    return { redis, losses: () => events.values.filter(({ type }) => type === 'disconnect').length };
  }

  it('fails when it has cost two connections, and others are served meanwhile', async () => {
    const { redis, losses } = await client();
    let isOver = false;
    const reads = (async () => {
      while (!isOver) expect(await redis.get('small')).toBe('v');
    })();
    const large = outcome(redis.getrange('large', ...WHOLE));
    const counts: Promise<object>[] = [];
    let left = Infinity;
    void large.then(() => (left = 50));
    // As many more once the read has failed.
    while (left-- > 0) {
      counts.push(outcome(redis.incr('n')));
      await setTimeout(1);
    }
    expect(await large).toMatchObject({ error: { ...poisonous, command: 'GETRANGE' } });
    const ends = await Promise.all(counts);
    isOver = true;
    await reads;
    expect(losses()).toBe(2);
    const counted = ends.filter((ended) => 'value' in ended);
    // Only what was in flight when a connection was lost has failed.
    const failed = ends.filter((ended) => !('value' in ended));
    expect(failed).toMatchObject(failed.map(() => ({ error: { code: 'CONNECTION', delivery: 'unknown' } })));
    expect(ends.slice(-50)).toStrictEqual(ends.slice(-50).map(() => ({ value: expect.any(Number) as unknown })));
    expect(Number(await redis.get('n'))).toBeGreaterThanOrEqual(counted.length);
  });

  it('does not draw suspicion upon what was called before it, nor takes others with it twice', async () => {
    const { redis, losses } = await client();
    const replies = [redis.get('small'), redis.getrange('large', ...WHOLE), redis.get('small')].map((reply) =>
      outcome<unknown>(reply),
    );
    expect(await Promise.all(replies)).toMatchObject([{ value: 'v' }, { error: poisonous }, { value: 'v' }]);
    expect(losses()).toBe(2);
  });

  it('costs two connections also behind others that were not answered, and each of several one more', async () => {
    const { redis, losses } = await client();
    const keys = Array.from({ length: 16 }, (_, n) => (n % 5 === 4 ? 'large' : 'small'));
    const ends = await Promise.all(keys.map((key) => outcome(redis.getrange(key, ...WHOLE))));
    expect(ends).toMatchObject(keys.map((key) => (key === 'large' ? { error: poisonous } : { value: 'v' })));
    expect(losses()).toBe(4);
  });

  it('costs three at the most, wherever it stood among many', async () => {
    const { redis, losses } = await client();
    const keys = Array.from({ length: 500 }, (_, n) => (n === 333 ? 'large' : 'small'));
    const ends = await Promise.all(keys.map((key) => outcome(redis.getrange(key, ...WHOLE))));
    expect(ends).toMatchObject(keys.map((key) => (key === 'large' ? { error: poisonous } : { value: 'v' })));
    expect(losses()).toBeLessThanOrEqual(3);
  });

  it('fails with the group that it belongs to, and the rest goes on', async () => {
    const { redis, losses } = await client();
    const { surface } = redis.get('small');
    const group = outcome(Reply.from(surface, new Group([strlen('small'), getrange('large', ...WHOLE), get('small')])));
    const other = outcome(redis.get('small'));
    expect(await group).toMatchObject({
      error: { ...poisonous, command: 'PIPELINE', group: { deliveries: expect.any(Array) as unknown } },
    });
    expect(await other).toStrictEqual({ value: 'v' });
    expect(losses()).toBe(2);
  });
});
