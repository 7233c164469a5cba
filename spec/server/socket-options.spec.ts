import dns, { type LookupAddress } from 'node:dns';
import { Socket } from 'node:net';
import { firstValueFrom, mergeMap, of, take, tap } from 'rxjs';
import type { RedisOptions } from 'rxjs-redis';
import { systemClock } from '../../src/connection/clock';
import { openSocket } from '../../src/connection/socket';
import { resolveOptions } from '../../src/options';
import { reaches, useClients } from '../support/clients';
import { failure } from '../support/outcomes';
import { useServer } from '../support/server';

describe('The options of the socket', () => {
  const server = useServer();
  const make = useClients();
  afterEach(() => jest.restoreAllMocks());
  const client = (options: RedisOptions) => make({ url: server().url, reconnect: { initialDelay: 5 }, ...options });

  /** What the real sockets of two connections, the second made after the first was lost, were told. */
  const toldTwice = async (method: 'setKeepAlive' | 'setNoDelay', options: RedisOptions) => {
    const [redis, admin] = [client(options), client({})];
    await admin.connect();
    const told = jest.spyOn(Socket.prototype, method);
    const id = await redis.clientId();
    await Promise.all([reaches(redis, 'reconnecting'), admin.clientKill({ ID: id })]);
    expect(await redis.clientId()).not.toBe(id);
    const calls = [...told.mock.calls];
    told.mockRestore();
    return calls;
  };

  it('keepAlive has TCP probe an idle connection, each that is made', async () => {
    expect(await toldTwice('setKeepAlive', {})).toStrictEqual([
      [true, 5_000],
      [true, 5_000],
    ]);
    expect(await toldTwice('setKeepAlive', { keepAlive: 1_234 })).toStrictEqual([
      [true, 1_234],
      [true, 1_234],
    ]);
  });

  it('keepAlive 0 turns that off', async () => {
    expect(await toldTwice('setKeepAlive', { keepAlive: 0 })).toStrictEqual([]);
  });

  it('noDelay sends small writes at once unless it is turned off, on each connection', async () => {
    expect(await toldTwice('setNoDelay', {})).toStrictEqual([[true], [true]]);
    expect(await toldTwice('setNoDelay', { noDelay: false })).toStrictEqual([[false], [false]]);
  });

  describe('family', () => {
    const addresses: LookupAddress[] = [
      { address: '::1', family: 6 },
      { address: '127.0.0.1', family: 4 },
    ];
    let asked: (number | undefined)[];
    beforeEach(() => {
      asked = [];
      const { lookup } = dns;
      const answer = (name: string, options: dns.LookupOptions, callback: (...answer: unknown[]) => void) => {
        if (name !== 'redis.example') return lookup(name, options, callback as never);
        const family = options.family as number | undefined;
        asked.push(family);
        const matching = addresses.filter((each) => !family || each.family === family);
        if (options.all) callback(null, matching);
        else callback(null, matching[0]!.address, matching[0]!.family);
      };
      jest.spyOn(dns, 'lookup').mockImplementation(answer as never);
    });
    const named = (options: RedisOptions) =>
      make({ host: 'redis.example', port: server().port, reconnect: false, ...options });

    it.each<RedisOptions>([{ family: 4 }, { family: 0 }, {}])(
      '%o reaches a server that listens on IPv4',
      async (options) => {
        expect(await named(options).ping()).toBe('PONG');
        expect(asked).toStrictEqual([options.family ?? 0]);
      },
    );

    it('6 tries no address of IPv4', async () => {
      expect(String(await failure(named({ family: 6 }).connect()))).toMatch(/::1/);
      expect(asked).toStrictEqual([6]);
    });

    it('is 0, 4 or 6', () => {
      for (const family of [5, '4', null])
        expect(() => named({ family: family as 4 })).toThrow(`The option 'family' is 0, 4 or 6, got ${family}`);
    });
  });

  it.each([1024, 16_384])('readBufferSize %d bytes is what is read at once', async (readBufferSize) => {
    const redis = client({});
    await redis.set('large', Buffer.alloc(1_000_000));
    const endpoint = resolveOptions({ url: server().url, readBufferSize });
    const request = Buffer.from('GET large\r\n');
    let read = 0;
    const sizes = new Set<number>();
    const done = openSocket(endpoint, systemClock).pipe(
      mergeMap((socket) => {
        socket.write([request]);
        return socket.bytes$.pipe(
          tap(({ length }) => sizes.add(length)),
          mergeMap(({ length }) => ((read += length) > 1_000_000 ? of(read) : [])),
        );
      }),
      take(1),
    );
    await firstValueFrom(done);
    expect(Math.max(...sizes)).toBe(readBufferSize);
  });

  it.each<[string, RedisOptions, number]>([
    ['autoPipeline false: each command in a write of its own', { autoPipeline: false }, 10],
    ['pipelineDepth 3: no more in one write', { pipelineDepth: 3 }, 4],
    ['as they are: one tick, one write', {}, 1],
  ])('%s', async (_, options, count) => {
    const redis = client(options);
    await redis.connect();
    const written = jest.spyOn(Socket.prototype, 'write');
    await Promise.all(Array.from({ length: 10 }, (_, n) => redis.echo(n)));
    expect(written).toHaveBeenCalledTimes(count);
  });

  it('writeBufferSize bytes are gathered for one write', async () => {
    const writes = async (writeBufferSize: number) => {
      const redis = client({ writeBufferSize });
      await redis.connect();
      const written = jest.spyOn(Socket.prototype, 'write');
      await Promise.all(Array.from({ length: 100 }, (_, n) => redis.echo(`${n}`.padEnd(100, '.'))));
      const sizes = written.mock.calls.map(([chunk]) => (chunk as Uint8Array).length);
      written.mockRestore();
      return sizes;
    };
    const small = await writes(1024);
    expect(small.length).toBeGreaterThan(10);
    expect(Math.max(...small)).toBeLessThan(2 * 1024);
    expect(await writes(64 * 1024)).toHaveLength(1);
  });
});
