import { eventually } from '../support/clients';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { filter, firstValueFrom } from 'rxjs';
import { type Proxy, startProxy } from '../../infra/proxy';
import { startServer } from '../../infra/servers';
import { useProxy, useServer } from '../support/server';
import { encode, RawClient } from './raw-client';
import { runChild } from './run-child';

const server = useServer();
const proxy = useProxy(server);

/** Long enough, in ms, for a byte that nothing holds back to have arrived a hundred times over. */
const SILENCE = 100;

const clients: RawClient[] = [];
afterEach(() => clients.splice(0).forEach((client) => client.close()));

async function dial(to: { host: string; port: number } = proxy()): Promise<RawClient> {
  const client = await RawClient.connect({ host: to.host, port: to.port });
  clients.push(client);
  return client;
}

/** A client whose connection has reached the server, so that faults can meet it. */
async function dialThrough(line: Proxy = proxy()): Promise<RawClient> {
  const opened = line.nextConnection();
  const client = await dial(line);
  await opened;
  return client;
}

describe('a line without faults', () => {
  it('carries commands and replies unchanged', async () => {
    const client = await dial();
    expect(await client.ask('SET', 'greeting', 'hello')).toBe('OK');
    expect(await client.ask('GET', 'greeting')).toBe('hello');
  });

  it('counts bytes by direction and connections', async () => {
    const first = await dialThrough();
    await first.ask('PING');
    const second = await dialThrough();
    await second.ask('PING');
    expect(proxy().bytes).toEqual({ toServer: 2 * encode(['PING']).length, toClient: 2 * '+PONG\r\n'.length });
    const closed = firstValueFrom(proxy().events$.pipe(filter((event) => event.type === 'closed')));
    first.close();
    expect((await closed).connection.id).toBe(1);
    expect(proxy().connections).toEqual({ open: 1, total: 2 });
  });

  it('passes a half-close on and still brings the last reply', async () => {
    const client = await dial();
    client.send(['PING']);
    client.socket.end();
    expect(await client.closed).toBe('end');
    expect(client.received).toBe('+PONG\r\n');
  });

  it('carries 64 MiB unchanged in random pieces', async () => {
    proxy().chunk('random', 7);
    const client = await dial();
    const value = Buffer.alloc(64 << 20, 'a line of sixty-one bytes, which never meets a power of two\r\n');
    client.socket.write(`*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$${value.length}\r\n`);
    client.socket.write(value);
    client.socket.write('\r\n');
    await client.until((received) => received === '+OK\r\n');
    client.chunks.length = 0;
    client.send(['GET', 'big']);
    const header = `$${value.length}\r\n`;
    let bytes = 0;
    const digest = createHash('sha1');
    client.socket.removeAllListeners('data');
    for await (const chunk of client.socket) {
      digest.update(chunk as Buffer);
      bytes += (chunk as Buffer).length;
      if (bytes === header.length + value.length + 2) break;
    }
    expect(digest.digest('hex')).toBe(createHash('sha1').update(header).update(value).update('\r\n').digest('hex'));
  });
});

describe('cut', () => {
  it('ends every connection and welcomes the next', async () => {
    const [first, second] = [await dialThrough(), await dialThrough()];
    proxy().cut();
    expect(await Promise.all([first.closed, second.closed])).toEqual(['end', 'end']);
    expect(await (await dial()).ask('PING')).toBe('PONG');
  });

  it('resets when asked to', async () => {
    const client = await dialThrough();
    proxy().cut('reset');
    expect(await client.closed).toBe('ECONNRESET');
  });

  it('takes one connection and leaves the others', async () => {
    const opened = proxy().nextConnection();
    const doomed = await dial();
    const spared = await dialThrough();
    (await opened).cut();
    await doomed.closed;
    expect(await spared.ask('PING')).toBe('PONG');
  });
});

describe('cutAfter', () => {
  it('lets the nth byte to the client arrive, and no other', async () => {
    const client = await dialThrough();
    const happened = firstValueFrom(proxy().events$.pipe(filter((event) => event.type === 'cut-after')));
    proxy().cutAfter('toClient', 4);
    client.send(['PING']);
    await client.closed;
    expect(client.received).toBe('+PON');
    expect((await happened).direction).toBe('toClient');
  });

  it('lets the server have the first command and half of the second', async () => {
    const direct = await dial(server());
    await direct.ask('DEL', 'counted');
    const client = await dialThrough();
    const incr = encode(['INCR', 'counted']);
    proxy().cutAfter('toServer', Math.floor(incr.length * 1.5));
    client.send(['INCR', 'counted'], ['INCR', 'counted']);
    await client.closed;
    expect(proxy().bytes.toServer).toBe(Math.floor(incr.length * 1.5));
    // The server may read it a moment after the client has seen the end.
    const counted = await eventually(
      () => direct.ask('GET', 'counted'),
      (value) => value !== null,
    );
    expect(counted).toBe('1');
  });

  it('cuts once and then carries as before', async () => {
    const client = await dialThrough();
    proxy().cutAfter('toClient', 1);
    client.send(['PING']);
    await client.closed;
    expect(await (await dial()).ask('PING')).toBe('PONG');
  });
});

describe('refuse', () => {
  it('closes the port to newcomers while the connections there are go on', async () => {
    const client = await dialThrough();
    await proxy().refuse(true);
    await expect(dial()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(await client.ask('PING')).toBe('PONG');
  });

  it('opens the same port again', async () => {
    const { port } = proxy();
    await proxy().refuse(true);
    await proxy().refuse(false);
    expect(await (await dial({ host: '127.0.0.1', port })).ask('PING')).toBe('PONG');
  });

  it('resets newcomers when told to', async () => {
    await proxy().refuse('reset');
    // The reset may meet the connecting client before or after it learns that it is connected.
    const how = await dial().then(
      (client) => client.closed,
      (error: NodeJS.ErrnoException) => error.code,
    );
    expect(how).toBe('ECONNRESET');
  });

  it('reports and resets a client whose server is not there', async () => {
    const nowhere = await startServer({ own: true });
    const line = await startProxy({ target: nowhere });
    try {
      await nowhere.stop();
      const unreachable = firstValueFrom(line.events$.pipe(filter((event) => event.type === 'unreachable')));
      const client = await dial(line);
      expect((await unreachable).error).toMatchObject({ code: 'ECONNREFUSED' });
      expect(await client.closed).toBe('ECONNRESET');
    } finally {
      await line.stop();
    }
  });
});

describe('stall', () => {
  it('keeps commands from the server and delivers them in order when released', async () => {
    const direct = await dial(server());
    await direct.ask('DEL', 'list');
    const client = await dialThrough();
    proxy().stall('toServer', true);
    client.send(['RPUSH', 'list', 'a'], ['RPUSH', 'list', 'b']);
    client.send(['RPUSH', 'list', 'c']);
    await delay(SILENCE);
    expect(await direct.ask('EXISTS', 'list')).toBe('0');
    proxy().stall('toServer', false);
    expect(await client.until((received) => received.length >= 12)).toBe(':1\r\n:2\r\n:3\r\n');
    expect(await direct.ask('LINDEX', 'list', '2')).toBe('c');
  });

  it('keeps replies from the client while commands still reach the server', async () => {
    const direct = await dial(server());
    await direct.ask('DEL', 'stalled');
    const waiting = direct.ask('BLPOP', 'stalled', '5');
    const client = await dialThrough();
    proxy().stall('toClient', true);
    client.send(['LPUSH', 'stalled', 'x']);
    await waiting;
    await delay(SILENCE);
    expect(client.received).toBe('');
    proxy().stall('toClient', false);
    expect(await client.until((received) => received.length >= 4)).toBe(':1\r\n');
  });
});

describe('delay', () => {
  it('adds up over both directions', async () => {
    const client = await dialThrough();
    proxy().delay({ toServer: 40, toClient: 60 });
    const sent = performance.now();
    await client.ask('PING');
    expect(performance.now() - sent).toBeGreaterThanOrEqual(100);
  });

  it('is a distance and not a queue: a thousand commands in a row take little longer than one', async () => {
    const client = await dialThrough();
    proxy().delay(50);
    const numbers = Array.from({ length: 1_000 }, (_, i) => String(i));
    const sent = performance.now();
    for (const number of numbers) {
      client.send(['ECHO', number]);
      await new Promise(setImmediate);
    }
    const replies = await client.until((received) => received.endsWith('\r\n999\r\n'));
    // A queue takes 50 s; a distance 0.1 s, and a busy machine its own time beside.
    expect(performance.now() - sent).toBeLessThan(25_000);
    expect(replies.match(/(?<=\n)\d+(?=\r)/g)).toEqual(numbers);
  });

  it('of nothing lets what was under way arrive first', async () => {
    const client = await dialThrough();
    proxy().delay({ toServer: 100 });
    client.send(['ECHO', 'first']);
    await delay(20);
    proxy().delay(0);
    client.send(['ECHO', 'second']);
    const replies = await client.until((received) => received.includes('second'));
    expect(replies.indexOf('first')).toBeGreaterThanOrEqual(0);
    expect(replies.indexOf('first')).toBeLessThan(replies.indexOf('second'));
  });
});

describe('chunk', () => {
  const sizes = (client: RawClient): number[] => client.chunks.map((chunk) => chunk.length);

  it('lets the client see pieces of n bytes', async () => {
    const client = await dialThrough();
    proxy().chunk(3);
    await client.ask('PING');
    expect(sizes(client)).toEqual([3, 3, 1]);
  });

  it('splits in the same places for the same seed, and in others for another', async () => {
    const client = await dialThrough();
    const seen: number[][] = [];
    for (const seed of [1, 1, 2]) {
      proxy().chunk('random', seed);
      await client.ask('ECHO', 'x'.repeat(5_000));
      seen.push(sizes(client));
    }
    expect(seen[0]?.length).toBeGreaterThan(1);
    expect(seen[1]).toEqual(seen[0]);
    expect(seen[2]).not.toEqual(seen[0]);
  });

  it('refuses pieces without bytes', () => {
    expect(() => proxy().chunk(0)).toThrow(RangeError);
  });
});

describe('a dead line', () => {
  it('tells a client nothing of its server, not even the end, until it is alive again', async () => {
    const mortal = await startServer({ own: true });
    const line = await startProxy({ target: mortal });
    try {
      const client = await dialThrough(line);
      line.blackhole(true);
      client.send(['PING']);
      await mortal.kill();
      await delay(SILENCE);
      expect([client.received, client.isClosed]).toEqual(['', false]);
      line.blackhole(false);
      await client.closed;
    } finally {
      await line.stop();
      await mortal.stop();
    }
  });

  it('holds connections made while it is dead and serves them later', async () => {
    proxy().blackhole(true);
    const client = await dialThrough();
    client.send(['PING']);
    await delay(SILENCE);
    expect(client.received).toBe('');
    proxy().blackhole(false);
    expect(await client.until((received) => received.length >= 7)).toBe('+PONG\r\n');
  });

  it('half open, is gone for the server and there for the client', async () => {
    const direct = await dial(server());
    const client = await dialThrough();
    await client.ask('CLIENT', 'SETNAME', 'forsaken');
    expect(await direct.ask('CLIENT', 'LIST')).toContain('name=forsaken');
    proxy().halfOpen();
    while ((await direct.ask('CLIENT', 'LIST'))?.includes('name=forsaken')) await new Promise(setImmediate);
    client.chunks.length = 0;
    client.send(['PING']);
    await delay(SILENCE);
    expect([client.received, client.isClosed]).toEqual(['', false]);
  });
});

describe('back-pressure', () => {
  /** Waits until a number has stood still for so long that it will not move by itself. */
  async function standstill(read: () => number): Promise<number> {
    for (let last = -1; ;) {
      const now = read();
      if (now === last) return now;
      last = now;
      await delay(SILENCE);
    }
  }

  it('reaches the server: what a client does not read is not read from the server either', async () => {
    const direct = await dial(server());
    const bytes = 64 << 20;
    await direct.ask('SETRANGE', 'wide', String(bytes - 1), 'x');
    const client = await dialThrough();
    await client.ask('CLIENT', 'SETNAME', 'idle');
    client.socket.pause();
    client.send(['GET', 'wide']);
    await standstill(() => proxy().bytes.toClient);
    const held = /name=idle.* omem=(\d+)/.exec((await direct.ask('CLIENT', 'LIST')) ?? '')?.[1];
    expect(Number(held)).toBeGreaterThan(bytes / 2);
    const length = `$${bytes}\r\n`.length + bytes + 2;
    let read = 0;
    client.socket.removeAllListeners('data').on('data', (chunk: Buffer) => (read += chunk.length));
    client.socket.resume();
    while (read < length) await once(client.socket, 'data');
    expect(read).toBe(length);
  });

  it('reaches a client that writes more than a stalled line holds', async () => {
    const sink = createServer((socket) => socket.resume());
    await once(sink.listen(0, '127.0.0.1'), 'listening');
    const line = await startProxy({ target: { host: '127.0.0.1', port: (sink.address() as AddressInfo).port } });
    try {
      const client = await dialThrough(line);
      line.stall('toServer', true);
      const bytes = 64 << 20;
      client.socket.write(Buffer.alloc(bytes));
      expect(await standstill(() => client.socket.bytesWritten - client.socket.writableLength)).toBeLessThan(bytes);
      line.stall('toServer', false);
      if (client.socket.writableLength > 0) await once(client.socket, 'drain');
      while (line.bytes.toServer < bytes) await new Promise(setImmediate);
    } finally {
      await line.stop();
      sink.close();
    }
  });
});

describe('stop', () => {
  it('ends connections, frees the port and completes the events', async () => {
    const line = await startProxy({ target: server() });
    const client = await dialThrough(line);
    const finished = new Promise<void>((complete) => line.events$.subscribe({ complete }));
    await line.stop();
    await finished;
    await client.closed;
    expect(line.connections.open).toBe(0);
    await expect(dial(line)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('leaves nothing that keeps the process alive, with bytes held, delayed and refused', async () => {
    const child = runChild('stopped-proxy.child.ts', [String(server().port)]);
    expect(await child.nextLine()).toBe('stopped');
    expect(await child.exited).toEqual([0, null]);
  });
});
