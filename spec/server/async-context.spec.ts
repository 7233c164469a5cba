import { AsyncLocalStorage, createHook } from 'node:async_hooks';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { firstValueFrom, type Observable } from 'rxjs';
import type { Redis, RedisOptions } from 'rxjs-redis';
import { eventually, reaches, useClients } from '../support/clients';
import { failure } from '../support/outcomes';
import { useServer } from '../support/server';
import { useTlsServer } from '../support/tls-server';
import { until } from '../support/until';

interface Context {
  readonly name: string;
}

it('is held by nothing that a test runner would take for an open handle, once the package is loaded', async () => {
  const open = new Set<number>();
  const hook = createHook({
    init: (id, type) => type === 'rxjs-redis' && open.add(id),
    destroy: (id) => open.delete(id),
  }).enable();
  try {
    jest.isolateModules(() => jest.requireActual('rxjs-redis'));
    const made = open.size;
    await setImmediate();
    expect([made, open.size]).toStrictEqual([1, 0]);
  } finally {
    hook.disable();
  }
});

describe('What AsyncLocalStorage holds', () => {
  const server = useServer();
  const tls = useTlsServer('--tls-auth-clients', 'no');
  const make = useClients();
  const storage = new AsyncLocalStorage<Context>();
  const here = () => storage.getStore()?.name;
  const within = <T>(name: string, work: () => T): T => storage.run({ name }, work);
  const client = (options: RedisOptions = {}) =>
    make({ url: server().url, reconnect: { initialDelay: 1 }, ...options });

  /** In which contexts an Observer that subscribes in the context of this name is called. */
  function contextsOf(name: string, source: Observable<unknown>): (string | undefined)[] {
    const contexts: (string | undefined)[] = [];
    const note = () => void contexts.push(here());
    within(name, () => source.subscribe({ next: note, error: note, complete: note }));
    return contexts;
  }

  const allOf = (contexts: readonly unknown[], name: string | undefined) => {
    expect(contexts.length).toBeGreaterThan(0);
    expect(new Set(contexts)).toStrictEqual(new Set([name]));
  };

  it('is, for messages, what each Observer had when it subscribed', async () => {
    const redis = within('opener', () => client());
    await within('opener', () => redis.connect());
    const [a, b] = ['a', 'b'].map((name) => contextsOf(name, redis.subscribe('context')));
    const bytes = contextsOf('bytes', redis.bytes.psubscribe('context*'));
    await within('publisher', () => redis.publish('context', 'one'));
    await within('publisher', () => redis.publish('context', 'two'));
    await until(() => [a!, b!, bytes].every(({ length }) => length >= 2));
    await redis.close();
    allOf(a!, 'a');
    allOf(b!, 'b');
    allOf(bytes, 'bytes');
    expect(a!.length).toBe(3); // the end as well
  });

  it('is the same for state$ and events$', async () => {
    const redis = client();
    const states = contextsOf('states', redis.state$);
    const events = contextsOf('events', redis.events$);
    await within('opener', () => redis.connect());
    const lost = reaches(redis, 'reconnecting');
    await within('killer', () => make(server().url).call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'));
    await lost;
    await reaches(redis, 'ready');
    await within('closer', () => redis.close());
    allOf(states, 'states');
    allOf(events, 'events');
  });

  it('is the same for what a server tells who monitors it, and for connect() and close()', async () => {
    const redis = client();
    const connected = contextsOf('connect', redis.connect());
    const lines = contextsOf(
      'monitor',
      redis.dedicated((connection) => connection.monitor()),
    );
    await eventually(
      () => redis.echo('seen'),
      () => lines.length > 0,
    );
    const closed = contextsOf('close', redis.close());
    await until(() => closed.length > 1);
    allOf(connected, 'connect');
    allOf(lines, 'monitor');
    allOf(closed, 'close');
  });

  it('is, behind await and firstValueFrom, what it was before', async () => {
    const redis = client();
    await within('awaiting', async () => {
      await redis.echo('e');
      expect(here()).toBe('awaiting');
      await firstValueFrom(redis.echo('e'));
      expect(here()).toBe('awaiting');
      await failure(redis.call('NOSUCHCOMMAND'));
      expect(here()).toBe('awaiting');
    });
  });

  it.each([['stored'], [null]])(
    'is, for the loader of %j, what the first caller had, and for each caller of cached its own',
    async (value) => {
      const redis = client();
      await within('opener', () => redis.connect());
      const seen: (string | undefined)[] = [];
      const load = async () => {
        seen.push(here());
        await redis.ping(); // behind the reads of both callers
        seen.push(here());
        return value;
      };
      const callers = ['first', 'second'].map((name) =>
        contextsOf(name, redis.cached(`context:${value}`, load, { ttl: 60_000 })),
      );
      for (const [index, contexts] of callers.entries()) allOf(await ended(contexts), ['first', 'second'][index]);
      expect(seen).toStrictEqual(['first', 'first']);
    },
  );

  it("is, for an Observer of a reply, none: never another user's", async () => {
    const redis = client();
    await within('opener', () => redis.connect());
    allOf(await contextOfReply(redis, 'caller'), undefined);
  });

  it.each<[string, (redis: Redis) => Observable<unknown>]>([
    ['a reply', (redis) => redis.echo('e')],
    ['an error', (redis) => redis.call('NOSUCHCOMMAND')],
    ['a reply on a view', (redis) => redis.bytes.withOptions({ commandTimeout: 10_000 }).echo('e')],
    ['what publishes', (redis) => redis.publish('c', 'm')],
    ['what is lent', (redis) => redis.dedicated((connection) => connection.echo('e'))],
  ])('is with asyncContext what the Observer of %s had when it subscribed', async (_, source) => {
    const redis = client({ asyncContext: true });
    await within('opener', () => redis.connect());
    for (const name of ['a', 'b']) allOf(await ended(contextsOf(name, source(redis))), name);
    const both = await Promise.all(['c', 'd'].map((name) => ended(contextsOf(name, source(redis)))));
    both.forEach((contexts, index) => allOf(contexts, ['c', 'd'][index]));
  });

  it('is with asyncContext nothing to a reply that is awaited, or whose Observer has left', async () => {
    const redis = client({ asyncContext: true });
    expect(await redis.echo('e')).toBe('e');
    const left = redis.incr('left').subscribe();
    left.unsubscribe();
    expect(await redis.get('left')).toBeNull();
  });

  it('asyncContext is a boolean', () => {
    expect(() => client({ asyncContext: 1 as unknown as boolean })).toThrow("The option 'asyncContext' is a boolean");
  });

  async function ended(contexts: (string | undefined)[]): Promise<(string | undefined)[]> {
    await until(() => contexts.length > 0);
    await setImmediate();
    return contexts;
  }

  const contextOfReply = (redis: Redis, name: string) => ended(contextsOf(name, redis.echo('e')));

  describe('is not kept alive', () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;

    /** Opens a client in a context that nothing else refers to, and returns what shows whether the context is still there. */
    async function openedInContext(options: RedisOptions): Promise<{ redis: Redis; context: WeakRef<Context> }> {
      const context: Context = { name: 'passing' };
      const redis = client(options);
      await storage.run(context, async () => {
        await redis.connect();
        const first = firstValueFrom(redis.subscribe('kept'));
        await redis.publish('kept', 'm');
        await first;
        await Promise.all(Array.from({ length: 100 }, (_, n) => redis.echo(n)));
        await failure(redis.withOptions({ commandTimeout: 20 }).blpop('nothing', 1));
        await redis.ping();
      });
      return { redis, context: new WeakRef(context) };
    }

    it.each(['TCP', 'TLS'])('by a connection that was opened in it, nor by its timers: %s', async (kind) => {
      const { tlsPort, certificates } = tls();
      const secure = { url: `rediss://localhost:${tlsPort}`, tls: { ca: certificates.ca } };
      const { redis, context } = await openedInContext(kind === 'TLS' ? secure : {});
      await eventually(
        async () => {
          await redis.echo('still there');
          collect();
          // Whether, not what: a suspended function keeps what it was given, and so would keep the context.
          return context.deref() === undefined;
        },
        (isCollected) => isCollected,
      );
    });
  });
});
