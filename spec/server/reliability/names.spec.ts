import dns, { type LookupAddress } from 'node:dns';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { firstValueFrom, map } from 'rxjs';
import type { RedisOptions } from 'rxjs-redis';
import { systemClock } from '../../../src/connection/clock';
import { openSocket } from '../../../src/connection/socket';
import { resolveOptions } from '../../../src/options';
import { reaches, record, useClients } from '../../support/clients';
import { failure, outcome } from '../../support/outcomes';
import { Relay } from '../../support/relay';
import { useServer } from '../../support/server';
import { until } from '../../support/until';

const quick = { initialDelay: 2, maxDelay: 10 };
const NAME = 'redis.moves.example';

/** Has no room for a third connection until it is let go on: then the system of who dials tries again, after a second. */
const slowServer = `
  const { parentPort, workerData } = require('node:worker_threads');
  const server = require('node:net').createServer((socket) => socket.destroy());
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    setImmediate(() => Atomics.wait(workerData, 0, 0));
  });
`;

type Callback = (error: NodeJS.ErrnoException | null, address?: string | LookupAddress[], family?: number) => void;

describe('A host name', () => {
  const first = useServer();
  const second = useServer({ own: true });
  const make = useClients();
  const relays: Relay[] = [];
  let asked: string[];
  let address: string | undefined;
  let others: string[];
  beforeEach(() => {
    asked = [];
    address = '127.0.0.1';
    others = [];
    const { lookup } = dns;
    const answer = (name: string, options: { all?: boolean }, callback: Callback) => {
      if (name !== NAME) {
        lookup(name, options, callback as never);
        return;
      }
      asked.push(name);
      const code = 'ENOTFOUND';
      if (address === undefined) callback(Object.assign(new Error(`getaddrinfo ${code} ${name}`), { code }));
      else if (options.all === true)
        callback(
          null,
          [address, ...others].map((each) => ({ address: each, family: 4 })),
        );
      else callback(null, address, 4);
    };
    jest.spyOn(dns, 'lookup').mockImplementation(answer as never);
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await Promise.all(relays.splice(0).map((relay) => relay.stop()));
  });

  /** The two servers at the same port of two addresses. */
  async function twoAddresses(): Promise<[Relay, Relay]> {
    const one = await Relay.start(first());
    const other = await Relay.start(second(), { host: '127.0.0.2', port: one.port });
    relays.push(one, other);
    await make(first().url).set('who', 'first');
    await make(second().url).set('who', 'second');
    return [one, other];
  }

  it('is looked up on every connection, so that a name which moves is followed', async () => {
    const [one, other] = await twoAddresses();
    const redis = make({ host: NAME, port: one.port, reconnect: quick });
    expect(await redis.get('who')).toBe('first');
    address = '127.0.0.2';
    expect(await redis.get('who')).toBe('first');
    one.cut();
    await reaches(redis, 'reconnecting');
    expect(await redis.get('who')).toBe('second');
    address = '127.0.0.1';
    other.cut();
    await reaches(redis, 'reconnecting');
    expect(await redis.get('who')).toBe('first');
    expect(asked).toStrictEqual([NAME, NAME, NAME]);
  });

  it('that is not known is asked for until it is', async () => {
    const [one] = await twoAddresses();
    address = undefined;
    const redis = make({ host: NAME, port: one.port, reconnect: quick });
    const states = record(redis.state$);
    const waiting = outcome(redis.get('who'));
    expect(await reaches(redis, 'reconnecting')).toMatchObject({
      error: { code: 'CONNECTION', message: expect.stringContaining(NAME) as string, cause: { code: 'ENOTFOUND' } },
    });
    address = '127.0.0.2';
    expect(await waiting).toStrictEqual({ value: 'second' });
    expect(states.values.at(-1)).toMatchObject({ kind: 'ready' });
  });

  it('whose addresses all refuse says of each why', async () => {
    const [one, other] = await twoAddresses();
    const { port } = one;
    await Promise.all([one, other].map((relay) => relay.stop()));
    relays.length = 0;
    others = ['127.0.0.2'];
    const redis = make({ host: NAME, port, reconnect: false });
    const reasons = ['127.0.0.1', '127.0.0.2'].map((refusing) => `connect ECONNREFUSED ${refusing}:${port}`);
    expect(await failure(redis.ping())).toMatchObject({
      cause: { code: 'CONNECTION', message: `${NAME}:${port}: ${reasons.join(', ')}`, cause: { code: 'ECONNREFUSED' } },
    });
  });

  /** How a dial ends when the first address takes a second to accept, and the next one refuses. */
  async function dialSlowly(options: RedisOptions) {
    const held = new Int32Array(new SharedArrayBuffer(4));
    const server = new Worker(slowServer, { eval: true, workerData: held });
    const [port] = (await once(server, 'message')) as [number];
    for (let n = 0; n < 2; n++)
      await once(
        connect(port, address).on('error', () => undefined),
        'connect',
      );
    others = ['127.0.0.2'];
    asked = [];
    const begun = performance.now();
    const dialled = outcome(
      firstValueFrom(openSocket(resolveOptions({ host: NAME, port, ...options }), systemClock).pipe(map(() => 'open'))),
    );
    await until(() => asked.length > 0);
    await setImmediate();
    Atomics.store(held, 0, 1);
    Atomics.notify(held, 0);
    const ended = await dialled;
    await server.terminate();
    return { ended, took: performance.now() - begun };
  }

  it('with several addresses leaves each its part of connectTimeout', async () => {
    const { ended, took } = await dialSlowly({});
    expect(ended).toStrictEqual({ value: 'open' });
    expect(took).toBeGreaterThan(250);
    // It accepts and hangs up, so that TLS comes to nothing; but it was not left for the address that refuses.
    expect((await dialSlowly({ tls: true })).ended).toMatchObject({
      error: { message: expect.stringMatching(/closed the connection|ECONNRESET/) as unknown },
    });
  });

  it('with several addresses goes on to the next one when an eighth of connectTimeout is over', async () => {
    const { ended, took } = await dialSlowly({ connectTimeout: 3_201 });
    expect(ended).toMatchObject({ error: { message: expect.stringContaining('ECONNREFUSED') as string } });
    expect(took).toBeGreaterThan(300);
  });

  it('that is looked up in vain says why, even where nobody gives a text', async () => {
    const nameless = Object.assign(new Error(''), { code: 'EAI_AGAIN' });
    jest.spyOn(dns, 'lookup').mockImplementation(((...args: [string, object, Callback]) => args[2](nameless)) as never);
    const redis = make({ host: NAME, reconnect: false });
    expect(await failure(redis.ping())).toMatchObject({ cause: { message: `${NAME}:6379: EAI_AGAIN` } });
  });

  it('that is answered by nobody ends with connectTimeout', async () => {
    jest.spyOn(dns, 'lookup').mockImplementation(() => undefined);
    const redis = make({ host: NAME, connectTimeout: 30, reconnect: false });
    expect(await failure(redis.ping())).toMatchObject({ code: 'DISCONNECTED', cause: { code: 'TIMEOUT' } });
  });
});
