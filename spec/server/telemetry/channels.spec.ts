import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { firstValueFrom } from 'rxjs';
import { Redis } from 'rxjs-redis';
import { get, set } from 'rxjs-redis/commands';
import { eventually, useClients } from '../../support/clients';
import { failure } from '../../support/outcomes';
import { useServer } from '../../support/server';

const EVENTS = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'] as const;
type Told = readonly [event: string, message: Record<string, unknown>];

describe('Diagnostics channels', () => {
  const server = useServer();
  const make = useClients();
  const leaving: (() => void)[] = [];
  afterEach(() => leaving.splice(0).forEach((leave) => leave()));

  /** Subscribes to all events of a tracing channel; returns what is told, and how to leave. */
  const listen = (name: string): { told: Told[]; leave: () => void } => {
    const told: Told[] = [];
    const channel = tracingChannel(`rxjs-redis:${name}`);
    const entries = EVENTS.map((event) => [event, (message: unknown) => told.push([event, message as Told[1]])]);
    const handlers = Object.fromEntries(entries) as unknown as Parameters<typeof channel.subscribe>[0];
    channel.subscribe(handlers);
    const leave = () => void channel.unsubscribe(handlers);
    leaving.push(leave);
    return { told, leave };
  };
  const client = (): Redis => make({ url: server().url, retry: false });
  const eventsOf = (told: readonly Told[]) => told.map(([event]) => event);

  it('tell of each command, from a subscription that came late until it has left', async () => {
    const redis = client();
    await redis.set('k', 'v');
    const { told, leave } = listen('command');
    await redis.set('k', 'hunter2');
    expect(eventsOf(told)).toStrictEqual(['start', 'end', 'asyncStart', 'asyncEnd']);
    const [, message] = told[0]!;
    expect(message).toStrictEqual({
      serverAddress: '127.0.0.1',
      serverPort: server().port,
      database: 0,
      command: 'SET',
      args: ['k', '?'],
    });
    expect(told.every(([, one]) => one === message)).toBe(true);
    const error = await failure(redis.lpush('k', 'x'));
    expect(eventsOf(told.slice(4))).toStrictEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd']);
    expect(told.at(-1)![1]).toMatchObject({ command: 'LPUSH', error });
    leave();
    await redis.get('k');
    expect(told).toHaveLength(9);
    const again = listen('command');
    await redis.get('k');
    expect(eventsOf(again.told)).toStrictEqual(['start', 'end', 'asyncStart', 'asyncEnd']);
  });

  it('take nothing from debug lines', async () => {
    const { told } = listen('command');
    const lines: string[] = [];
    const redis = make({ url: server().url, debug: (direction) => lines.push(direction) });
    await redis.set('k', 'v');
    expect(eventsOf(told)).toStrictEqual(['start', 'end', 'asyncStart', 'asyncEnd']);
    expect(lines).toStrictEqual(['event', 'send', 'recv']);
  });

  it('tell of a command whose Observer leaves', async () => {
    const redis = client();
    await redis.connect();
    const { told } = listen('command');
    redis.get('k').subscribe().unsubscribe();
    expect(eventsOf(told)).toStrictEqual(['start', 'end', 'asyncStart', 'asyncEnd']);
    expect(told.at(-1)![1]).toMatchObject({ unsubscribed: true });
  });

  it('tell of pipelines and transactions, with their size and the names of their commands', async () => {
    const redis = client();
    const { told } = listen('batch');
    await redis.pipeline(set('k', 'v'), get('k'));
    await redis.multi(get('k'));
    expect(told.filter(([event]) => event === 'asyncEnd').map(([, message]) => message)).toMatchObject([
      { batchMode: 'PIPELINE', batchSize: 2, commands: ['SET', 'GET'] },
      { batchMode: 'MULTI', batchSize: 1, commands: ['GET'] },
    ]);
  });

  it('tell of a message that waits for a subscription that was made before it', async () => {
    const redis = client();
    await redis.connect();
    const { told } = listen('command');
    const heard = firstValueFrom(redis.subscribe('c'));
    await redis.publish('c', 'hunter2');
    expect(await heard).toMatchObject({ data: 'hunter2' });
    expect(told).toMatchObject(
      ['start', 'end', 'asyncStart', 'asyncEnd'].map((event) => [event, { command: 'PUBLISH' }]),
    );
    expect(JSON.stringify(told)).not.toContain('hunter2');
  });

  it('tell of connections that are made, and of those that cannot be', async () => {
    const { told } = listen('connect');
    await client().connect();
    expect(eventsOf(told)).toStrictEqual(['start', 'end', 'asyncStart', 'asyncEnd']);
    expect(told[0]![1]).toMatchObject({ connection: 'commands', serverPort: server().port });
    const lost = make({ host: '127.0.0.1', port: 1, reconnect: false });
    await failure(lost.connect());
    await eventually(
      () => Promise.resolve(told),
      () => told.length === 9,
    );
    expect(eventsOf(told.slice(4))).toStrictEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd']);
  });

  it('are told in the context of the caller, and may bind a store to it', async () => {
    const redis = client();
    await redis.connect();
    const storage = new AsyncLocalStorage<unknown>();
    const channel = tracingChannel('rxjs-redis:command');
    channel.start.bindStore(storage, (message) => message);
    leaving.push(() => void channel.start.unbindStore(storage));
    const caller = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const note = (message: unknown) => seen.push([caller.getStore(), storage.getStore() === message]);
    subscribe('tracing:rxjs-redis:command:start', note);
    leaving.push(() => unsubscribe('tracing:rxjs-redis:command:start', note));
    await caller.run('caller', () => firstValueFrom(redis.get('k')));
    expect(seen).toStrictEqual([['caller', true]]);
  });

  it('keep no client that was made and is not used', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const unused = (() => Array.from({ length: 10 }, () => new WeakRef(new Redis({ url: server().url }))))();
    await eventually(
      async () => {
        await setImmediate(); // what was looked at is kept until the turn is over
        collect();
        return unused.filter((client) => client.deref() !== undefined).length;
      },
      (left) => left === 0,
    );
  });
});
