import { setTimeout } from 'node:timers/promises';
import type { Redis, RedisError, RedisOptions } from 'rxjs-redis';
import { eventually, useClients } from '../../support/clients';
import { useDebuggableServer } from '../../support/debuggable';
import { outcome, type Outcome } from '../../support/outcomes';
import { useProxy, useServer } from '../../support/server';
import { until } from '../../support/until';

const often = { initialDelay: 5, maxDelay: 20, maxAttempts: 1_000 };
/** A server refuses and takes commands again so many times. */
const ROUNDS = 5;

/** What was pushed to a list, one element a call, and how each ended. */
interface Pushed {
  readonly outcomes: readonly Outcome<number>[];
  readonly list: readonly string[];
}

/**
 * Pushes numbers to a list as time passes, so that many are always on their way, while the server refuses for some time.
 * @param refuse makes the server refuse; returns what ends that
 */
async function pushThrough(redis: Redis, refuse: () => Promise<() => Promise<unknown>>): Promise<Pushed> {
  await redis.del('list');
  const replies: Promise<Outcome<number>>[] = [];
  let isOver = false;
  const traffic = (async () => {
    while (!isOver) {
      replies.push(outcome(redis.rpush('list', replies.length)));
      await setTimeout(1);
    }
  })();
  await until(() => replies.length > 20);
  const allow = await refuse();
  const { length } = replies;
  await until(() => replies.length > length + 30);
  await allow();
  const after = replies.length;
  await until(() => replies.length > after + 50);
  isOver = true;
  await traffic;
  return { outcomes: await Promise.all(replies), list: await redis.lrange('list', 0, -1) };
}

/** The calls that were answered OK ran in their order and nothing else ran; the others failed with the refusal. */
function expectOrder({ outcomes, list }: Pushed, kind: string): void {
  const taken = outcomes.flatMap((ended, index) => ('value' in ended ? [String(index)] : []));
  expect(list).toStrictEqual(taken);
  for (const ended of outcomes) {
    if ('error' in ended) expect(ended.error).toMatchObject({ kind, delivery: 'answered', repeatable: false });
  }
}

/** What a policy was asked about so far. */
function refusalsOf(): { readonly kinds: string[]; readonly retry: NonNullable<RedisOptions['retry']> } {
  const kinds: string[] = [];
  const retry = (_: number, error: RedisError) => {
    if ('kind' in error) kinds.push(String(error.kind));
    return error.repeatable && 5;
  };
  return { kinds, retry };
}

describe('Writes to one key that a server refuses for the moment', () => {
  const server = useServer({ args: ['--lua-time-limit', '5'] });
  const proxy = useProxy(server);
  const make = useClients();
  const client = (options: RedisOptions = {}) => make({ url: server().url, retry: often, ...options });
  beforeEach(() => proxy().delay(10));

  /** Keeps the server busy, so that it answers BUSY, until the script is killed. */
  async function occupy(): Promise<() => Promise<unknown>> {
    const owner = client({ retry: false });
    const killer = client();
    await killer.connect();
    const script = outcome(owner.eval('while true do end', []));
    const probe = client({ retry: false });
    await eventually(
      () => outcome(probe.get('k')),
      (answer) => 'error' in answer,
    );
    return async () => {
      await killer.scriptKill();
      await script;
    };
  }

  it('run in the order of the calls once it takes them', async () => {
    const redis = client();
    await redis.del('list');
    const free = await occupy();
    const pushes = Array.from({ length: 100 }, (_, n) => outcome(redis.rpush('list', n)));
    await free();
    await Promise.all(pushes);
    expect(await redis.lrange('list', 0, -1)).toStrictEqual(Array.from({ length: 100 }, (_, n) => String(n)));
  });

  it('keep the order of the calls, or fail: BUSY', async () => {
    const { kinds, retry } = refusalsOf();
    const redis = client({ url: proxy().url(), retry });
    for (let round = 0; round < ROUNDS; round++) expectOrder(await pushThrough(redis, occupy), 'BUSY');
    expect(kinds).toContain('BUSY');
  });

  it('keep the order of the calls, or fail: READONLY', async () => {
    const redis = client({ url: proxy().url(), reconnect: { initialDelay: 1, maxDelay: 5 } });
    const admin = client();
    const refuse = async () => {
      await admin.replicaof('127.0.0.1', 1);
      return () => admin.replicaof('NO ONE');
    };
    for (let round = 0; round < ROUNDS; round++) expectOrder(await pushThrough(redis, refuse), 'READONLY');
  });

  it('keep the order of the calls, or fail: MASTERDOWN', async () => {
    const { kinds, retry } = refusalsOf();
    const redis = client({ url: proxy().url(), retry });
    const admin = client();
    await admin.configSet({ 'replica-serve-stale-data': 'no' }); // one at a time: 6.0 takes no more
    await admin.configSet({ 'replica-read-only': 'no' });
    const refuse = async () => {
      await admin.replicaof('127.0.0.1', 1);
      return () => admin.replicaof('NO ONE');
    };
    for (let round = 0; round < ROUNDS; round++) expectOrder(await pushThrough(redis, refuse), 'MASTERDOWN');
    expect(kinds).toContain('MASTERDOWN');
  });
});

describe('Writes to one key while a server loads its data', () => {
  const server = useDebuggableServer('--key-load-delay', '200', '--rdbcompression', 'no');
  const proxy = useProxy(server);
  const make = useClients();

  it('keep the order of the calls, or fail: LOADING', async () => {
    const { kinds, retry } = refusalsOf();
    proxy().delay(10);
    const redis = make({ url: proxy().url(), retry });
    const admin = make(server().url);
    await outcome(admin.configSet({ 'loading-process-events-interval-bytes': 1024 }));
    await admin.call('DEBUG', 'POPULATE', 2_000, 'key', 4_000);
    for (let round = 0; round < 2; round++) {
      const pushed = await pushThrough(redis, () => {
        const loaded = outcome(admin.call('DEBUG', 'RELOAD'));
        return Promise.resolve(() => loaded);
      });
      expectOrder(pushed, 'LOADING');
    }
    expect(kinds).toContain('LOADING');
  });
});

const cluster = ['--cluster-enabled', 'yes', '--cluster-require-full-coverage', 'no'];
const slotOf = (admin: Redis, key: string) => admin.call<number>('CLUSTER', 'KEYSLOT', key);

describe('Writes to one key at a node of a cluster', () => {
  const server = useServer({ own: true, args: cluster });
  const proxy = useProxy(server);
  const make = useClients();
  const client = (options: RedisOptions = {}) => make({ url: server().url, retry: often, ...options });

  it('keep the order of the calls, or fail: CLUSTERDOWN', async () => {
    const { kinds, retry } = refusalsOf();
    proxy().delay(10);
    const admin = client();
    const slot = await slotOf(admin, 'list');
    // A node without any slot is no member of the cluster, and becomes one again after seconds only.
    await admin.call('CLUSTER', 'ADDSLOTS', slot, await slotOf(admin, 'other'));
    const redis = client({ url: proxy().url(), retry });
    await eventually(
      () => outcome(redis.del('list')),
      (answer) => 'value' in answer,
    );
    const refuse = async () => {
      await admin.call('CLUSTER', 'DELSLOTS', slot);
      return () => admin.call('CLUSTER', 'ADDSLOTS', slot);
    };
    for (let round = 0; round < ROUNDS; round++) expectOrder(await pushThrough(redis, refuse), 'CLUSTERDOWN');
    expect(kinds).toContain('CLUSTERDOWN');
  });
});

describe('Writes to keys of a slot that moves away', () => {
  // Before 7.0 a server answers ASK, and not TRYAGAIN, when only some of the keys are there.
  const server = useServer({ own: true, args: cluster }, '7.0');
  const other = useServer({ own: true, args: cluster }, '7.0');
  const make = useClients();
  const client = (options: RedisOptions = {}) => make({ url: server().url, retry: often, ...options });

  it.each(['in flight with it', 'called while it waits'])(
    'fail with TRYAGAIN when a later one has run that was %s',
    async (when) => {
      const { kinds, retry } = refusalsOf();
      const [admin, away] = [client(), make(other().url)];
      const slot = await slotOf(admin, '{t}');
      await outcome(admin.call('CLUSTER', 'ADDSLOTS', slot));
      await admin.call('CLUSTER', 'MEET', other().host, other().port);
      const id = await away.call<string>('CLUSTER', 'MYID');
      await eventually(
        () => outcome(admin.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', id)),
        (answer) => 'value' in answer,
      );
      const redis = client({ retry });
      await eventually(
        () => outcome(admin.set('{t}a', '0')),
        (answer) => 'value' in answer || !/^CLUSTERDOWN/.test(answer.error.message),
      );
      await admin.call('CLUSTER', 'SETSLOT', slot, 'STABLE');
      await admin.set('{t}a', '0');
      await admin.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', id);
      const refused = outcome(redis.mset({ '{t}a': '1', '{t}b': '1' }));
      if (when !== 'in flight with it') await until(() => kinds.includes('TRYAGAIN'));
      expect(await redis.set('{t}a', '2')).toBe('OK');
      await admin.call('CLUSTER', 'SETSLOT', slot, 'STABLE');
      expect(await refused).toMatchObject({ error: { kind: 'TRYAGAIN', delivery: 'answered', repeatable: false } });
      expect(await admin.get('{t}a')).toBe('2');
    },
  );
});
