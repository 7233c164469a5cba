import { of, type Observable, type Subscription } from 'rxjs';
import { resync, type Job, type Redis, type SignalOption } from 'rxjs-redis';
import { set } from 'rxjs-redis/commands';
import { eventually, reaches, useClients } from '../support/clients';
import { useProxy, useServer } from '../support/server';
import { turns } from '../support/turns';
import { until } from '../support/until';

interface Stream {
  /** @param told is called when it works */
  readonly of: (redis: Redis, options: SignalOption, told: () => void) => Observable<unknown>;
  /** what reads it beside an Observer */
  readonly by: readonly ('a loop' | 'await')[];
}

function* endless(): Generator<number> {
  for (let n = 0; ; n++) yield n;
}

const PAGE = { COUNT: 2 };
const loops = ['a loop'] as const;
const both = ['a loop', 'await'] as const;

/** Streams that do not end by themselves, or not soon. */
const streams: Readonly<Record<string, Stream>> = {
  subscribe: { of: (redis, options) => redis.subscribe(['a', 'a*'], options), by: loops },
  'subscribe, with gaps': { of: (redis, options) => redis.subscribe('a', { ...options, gaps: true }), by: loops },
  'subscribe, with work': {
    of: (redis, options) => redis.subscribe('a', { ...options, project: ({ data }) => of(data) }),
    by: loops,
  },
  psubscribe: { of: (redis, options) => redis.bytes.psubscribe('a*', options), by: loops },
  ssubscribe: { of: (redis, options) => redis.ssubscribe('a', options), by: loops },
  resync: {
    of: (redis, options) => resync(() => redis.echo('a'))(redis.subscribe('a', { ...options, gaps: true })),
    by: loops,
  },
  keyspace: { of: (redis, options) => redis.keyspace('a*', { ...options, configure: true }), by: loops },
  scanStream: { of: (redis, options) => redis.scanStream({ ...options, ...PAGE }), by: loops },
  hscanStream: { of: (redis, options) => redis.hscanStream('hash', { ...options, ...PAGE }), by: loops },
  sscanStream: { of: (redis, options) => redis.sscanStream('set', { ...options, ...PAGE }), by: loops },
  zscanStream: { of: (redis, options) => redis.zscanStream('sorted', { ...options, ...PAGE }), by: loops },
  'scanStream, with work': {
    of: (redis, options) => redis.scanStream({ ...options, ...PAGE, project: (keys) => of(keys) }),
    by: loops,
  },
  tail: { of: (redis, options) => redis.tail('stream', options), by: loops },
  'tail, with work': {
    of: (redis, options) => redis.tail('stream', { ...options, project: (item) => of(item) }),
    by: loops,
  },
  consume: {
    of: (redis, options, told) => redis.consume('stream', { ...options, group: 'g', from: '$' }, told),
    by: both,
  },
  'work of a queue': { of: (redis, options, told) => redis.queue('q').work(told, options), by: loops },
  'jobs of a queue': { of: (redis, options) => redis.queue('q').jobs(options), by: loops },
  load: {
    of: (redis, options, told) => {
      const toCommands = (n: number) => {
        if (n === 20) told();
        return set('loaded', n);
      };
      return redis.load(endless(), toCommands, { ...options, batch: 10, concurrency: 1 });
    },
    by: both,
  },
};

/** A stream that is read: how it has ended, once it has. */
interface Reading {
  ended: unknown;
  told: boolean;
  readonly subscription?: Subscription;
}

function read({ of: make }: Stream, by: string, redis: Redis, options: SignalOption = {}): Reading {
  const reading: { ended: unknown; told: boolean; subscription?: Subscription } = { ended: undefined, told: false };
  const told = () => void (reading.told = true);
  const taken = (value: unknown) => {
    told();
    (value as Partial<Job>).ack?.().subscribe({ error: () => undefined });
  };
  const stream = make(redis, options, told);
  const ends = {
    complete: () => void (reading.ended = 'complete'),
    error: (error: unknown) => void (reading.ended = error),
  };
  if (by === 'await') {
    (stream as unknown as PromiseLike<unknown>).then(ends.complete, ends.error);
  } else if (by === 'a loop') {
    const loop = async () => {
      for await (const value of stream as unknown as AsyncIterable<unknown>) taken(value);
    };
    loop().then(ends.complete, ends.error);
  } else {
    reading.subscription = stream.subscribe({ next: taken, ...ends });
  }
  return reading;
}

describe.each([2, 3] as const)('Every stream, in RESP%d,', (protocol) => {
  const server = useServer({ own: true }, '7.0');
  const proxy = useProxy(server);
  const make = useClients();
  let admin: Redis;

  beforeAll(async () => {
    const names = Array.from({ length: 2_000 }, (_, n) => `name-${n}`);
    const filling = make(server().url);
    await filling.hset('hash', Object.fromEntries(names.map((name) => [name, name])));
    await filling.sadd('set', names);
    await filling.zadd('sorted', Object.fromEntries(names.map((name, n) => [name, n])));
    await filling.mset(Object.fromEntries(names.map((name) => [name, name])));
    await filling.close();
  });

  beforeEach(async () => {
    admin = make(server().url);
    await admin.del(['stream', ...(await admin.keys('*queue:{*'))]);
  });

  /** What is at the server beside `admin`. */
  const left = async () => {
    const clients = (await admin.clientList()).filter(({ cmd }) => cmd !== 'client|list');
    return {
      waiting: clients.filter(({ flags }) => String(flags).includes('b')).length,
      channels: [...(await admin.pubsubChannels()), ...(await admin.pubsubShardchannels()), await admin.pubsubNumpat()],
      consumers: (await admin.exists('stream')) === 0 ? 0 : await consumers(),
      queue: await admin.keys('*queue:{*'),
      clients: clients.length,
    };
  };
  /** One that has entries pending stays: they came while it was left, and would go with it. */
  const consumers = async () => {
    const groups = await admin.xinfoGroups('stream');
    const members = await Promise.all(groups.map(({ name }) => admin.xinfoConsumers('stream', String(name))));
    return members.flat().filter(({ pending }) => Number(pending) === 0).length;
  };
  const comesTo = (wanted: Partial<Awaited<ReturnType<typeof left>>>, tidy = () => Promise.resolve()) =>
    eventually(
      async () => {
        await tidy();
        return left();
      },
      (now) =>
        Object.entries(wanted).every(([name, value]) => JSON.stringify(now[name as 'queue']) === JSON.stringify(value)),
    );
  const UNHEARD = { waiting: 0, channels: [0], clients: 0 };
  const NOTHING = { waiting: 0, channels: [0], consumers: 0, queue: [] };

  const client = () => make({ url: proxy().url(), protocol, reconnect: { initialDelay: 5, maxDelay: 20 } });

  /** Has something happen to each kind of stream until it has told of it. */
  const works = (reading: Reading) =>
    eventually(
      async () => {
        const added = reading.told
          ? []
          : [admin.xadd('stream', '*', { a: 1 }).then(), admin.queue('q').push('job').then()];
        await Promise.all([...added, admin.publish('a', 'b'), admin.spublish('a', 'b'), admin.set('a', 'b')]);
        return reading.told;
      },
      (told) => told,
    );

  const outage = async (redis: Redis) => {
    await proxy().refuse(true);
    const lost = reaches(redis, 'reconnecting');
    proxy().cut();
    await lost;
  };

  const states: Readonly<Record<string, (reading: Reading, redis: Redis) => Promise<void>>> = {
    'before it has begun': () => Promise.resolve(),
    'while it begins': async (_reading, redis) => {
      await redis.connect();
      await turns(2);
    },
    'while the server says nothing': async (reading) => {
      await works(reading);
      proxy().stall('toClient', true);
      await turns(5);
    },
    'while it works': async (reading) => {
      await works(reading);
    },
    'in an outage': async (reading, redis) => {
      await works(reading);
      await outage(redis);
    },
  };

  const all = Object.entries(streams).flatMap(([name, stream]) =>
    Object.entries(states).map(([state, comes]) => [name, state, stream, comes] as const),
  );

  it.each(all)('completes when its client is closed: %s, %s', async (_name, state, stream, comes) => {
    for (const by of ['an Observer', ...stream.by]) {
      const redis = client();
      const reading = read(stream, by, redis);
      await comes(reading, redis);
      const closed = redis.close().then();
      if (state === 'while the server says nothing') {
        await turns(5);
        await proxy().refuse(true);
        proxy().cut();
      }
      await closed;
      await until(() => reading.ended !== undefined);
      expect(reading.ended).toBe('complete');
      await comesTo(UNHEARD);
      proxy().stall('toClient', false);
      await proxy().refuse(false);
    }
  });

  it.each(all)('errors when its client is destroyed: %s, %s', async (_name, _state, stream, comes) => {
    for (const by of ['an Observer', ...stream.by]) {
      const redis = client();
      const reading = read(stream, by, redis);
      await comes(reading, redis);
      await redis.destroy();
      await until(() => reading.ended !== undefined);
      expect(reading.ended).toMatchObject({ code: 'DISCONNECTED' });
      await comesTo(UNHEARD);
      proxy().stall('toClient', false);
      await proxy().refuse(false);
    }
  });

  it.each(all)('leaves nothing at the server when it is left: %s, %s', async (_name, _state, stream, comes) => {
    for (const by of ['unsubscribe()', 'a signal']) {
      const redis = client();
      const controller = new AbortController();
      const reason = new Error('enough');
      const reading = read(stream, 'an Observer', redis, { signal: controller.signal });
      await comes(reading, redis);
      if (by === 'a signal') {
        controller.abort(reason);
        expect(reading.ended).toBe(reason);
      } else reading.subscription!.unsubscribe();
      await turns(5);
      proxy().stall('toClient', false);
      await proxy().refuse(false);
      await redis.ping();
      await comesTo(NOTHING, async () => {
        // A job that came while it was left is given back, and waits for the next worker.
        await admin.del('queue:{q}', ...(await admin.keys('*queue:{*}:waiting')));
      });
      await redis.close();
      await comesTo(UNHEARD);
    }
  });
});
