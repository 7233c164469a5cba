import type { Redis, RedisOptions, ReplyError } from 'rxjs-redis';
import type { RunningServer } from '../../../infra/servers';
import { eventually, reaches, record, useClients } from '../../support/clients';
import { failure, outcome } from '../../support/outcomes';
import { Relay } from '../../support/relay';
import { useServer } from '../../support/server';

const quick = { initialDelay: 2, maxDelay: 20 };

describe('A failover that makes a replica of the master', () => {
  const old = useServer({ args: ['--repl-diskless-sync-delay', '0'] });
  const next = useServer({ args: ['--repl-diskless-sync-delay', '0'] });
  const make = useClients();
  let relay: Relay;
  let atOld: Redis;
  let atNext: Redis;
  beforeEach(async () => {
    atOld = make(old().url);
    atNext = make(next().url);
    await promote(atOld);
    await follow(atNext, old());
    await atOld.del('n', 'list', 'k');
    relay = await Relay.start(old());
  });
  afterEach(() => relay.stop());
  const client = (options: RedisOptions = {}) => make({ url: relay.url, reconnect: quick, ...options });

  const promote = (redis: Redis) => redis.replicaof('NO ONE');

  async function follow(replica: Redis, master: RunningServer): Promise<void> {
    await replica.replicaof(master.host, master.port);
    await eventually(
      () => replica.call<string>('INFO', 'replication'),
      (info) => info.includes('master_link_status:up'),
    );
  }

  /** The replica becomes the master and the master its replica; the address leads to the new master from now on. */
  async function failOver(): Promise<void> {
    await promote(atNext);
    await atOld.replicaof(next().host, next().port);
    relay.pointTo(next());
  }

  it('is answered by a new connection and by sending the refused command again, once', async () => {
    const redis = client();
    const events = record(redis.events$);
    const states = record(redis.state$);
    await redis.incr('n');
    await eventually(
      () => atNext.get('n'),
      (n) => n === '1',
    );
    await failOver();
    expect(await redis.incr('n')).toBe(2);
    expect(await atNext.get('n')).toBe('2');
    expect(states.values).toContainEqual(
      expect.objectContaining({
        kind: 'reconnecting',
        error: expect.objectContaining({ cause: expect.objectContaining({ kind: 'READONLY' }) as unknown }) as unknown,
      }),
    );
    expect(events.values).toContainEqual({ type: 'disconnect', reason: 'connection_lost' });
  });

  it('keeps the order of what was sent together, and loses nothing', async () => {
    const redis = client();
    await redis.connect();
    await failOver();
    const replies = Array.from({ length: 200 }, (_, n) => outcome(redis.rpush('list', n)));
    expect(await Promise.all(replies)).toStrictEqual(Array.from({ length: 200 }, (_, n) => ({ value: n + 1 })));
    expect(await atNext.lrange('list', 0, -1)).toStrictEqual(Array.from({ length: 200 }, (_, n) => String(n)));
  });

  it('lets reads be answered that were sent together with the refused write', async () => {
    const redis = client();
    await redis.set('k', 'v');
    await eventually(
      () => atNext.get('k'),
      (value) => value === 'v',
    );
    await failOver();
    const replies = [redis.get('k'), redis.incr('n'), redis.get('k')].map((reply) => outcome<unknown>(reply));
    expect(await Promise.all(replies)).toStrictEqual([{ value: 'v' }, { value: 1 }, { value: 'v' }]);
  });

  it('restores subscriptions on the new master', async () => {
    const redis = client();
    const messages = record(redis.subscribe('failover'));
    await redis.ping();
    await failOver();
    await redis.incr('n');
    await eventually(
      () => atNext.publish('failover', 'hello'),
      (heard) => heard === 1,
    );
    await redis.ping();
    expect(messages.values).toMatchObject([{ data: 'hello' }]);
  });

  it('fails the command that is refused a second time, as where only a replica is to be had', async () => {
    const redis = client();
    await redis.connect();
    await promote(atNext);
    await atOld.replicaof(next().host, next().port);
    expect(await failure(redis.incr('n'))).toMatchObject({
      code: 'REPLY',
      kind: 'READONLY',
      delivery: 'answered',
      command: 'INCR',
    });
    expect(await redis.get('n')).toBeNull();
  });

  it('is the business of the user where he says so', async () => {
    const asked: ReplyError[] = [];
    const redis = client({
      reconnectOnError: (error) => {
        asked.push(error);
        return false;
      },
    });
    const id = await redis.clientId();
    await failOver();
    expect(await failure(redis.incr('n'))).toMatchObject({ kind: 'READONLY' });
    expect(await redis.clientId()).toBe(id);
    expect(asked).toMatchObject([{ kind: 'READONLY', command: 'INCR' }]);
  });

  it('may cost a connection for any error that the user names, and the command then fails or is sent again', async () => {
    for (const answer of [true, 'resend'] as const) {
      const redis = client({ reconnectOnError: ({ kind }) => kind === 'WRONGTYPE' && answer });
      await redis.rpush('list', 'a');
      const id = await redis.clientId();
      const refused = outcome(redis.incr('list'));
      await reaches(redis, 'reconnecting');
      expect(await refused).toMatchObject({ error: { kind: 'WRONGTYPE', delivery: 'answered' } });
      expect(await redis.clientId()).toBeGreaterThan(id);
    }
  });
});
