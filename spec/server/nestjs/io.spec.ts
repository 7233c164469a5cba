import type { Server } from 'node:http';
import { join } from 'node:path';
import { io, type Socket } from 'socket.io-client';
import { RedisPool } from 'rxjs-redis';
import { RedisIoAdapter, RedisModule } from 'rxjs-redis/nestjs';
import { runChild, type Child } from '../../infra/run-child';
import { eventually, useClients } from '../../support/clients';
import { useNest } from '../../support/nest';
import { useProxy, useServer } from '../../support/server';
import { until } from '../../support/until';
import { RoomModule, listen } from './io.gateway';

const server = useServer({ own: true });
const proxy = useProxy(server);
const makeClient = useClients();
const { compile, closes, logged } = useNest();

describe('RedisIoAdapter', () => {
  const sockets: Socket[] = [];
  const children: Child[] = [];
  afterEach(async () => {
    sockets.splice(0).forEach((socket) => socket.disconnect());
    for (const { process, exited } of children.splice(0)) {
      process.kill();
      await exited;
    }
  });

  const here = async (url = server().url) =>
    listen(closes((await compile({ imports: [RoomModule.at(url)] })).createNestApplication()));
  const there = () => {
    const child = runChild(join(__dirname, 'io.child.ts'), [server().url]);
    children.push(child);
    return child.nextLine();
  };

  /** A socket that is connected, and what it is told. */
  const connect = async (url: string): Promise<{ socket: Socket; said: unknown[]; id: string }> => {
    const socket = io(url, { transports: ['websocket'], forceNew: true });
    sockets.push(socket);
    const said: unknown[] = [];
    socket.on('said', (data) => said.push(data));
    await new Promise<void>((resolve, reject) => {
      socket.on('connect', resolve);
      socket.on('connect_error', reject);
    });
    return { socket, said, id: socket.id! };
  };

  /** Sockets of two processes that know each other, in one room. */
  const pair = async () => {
    const urls = [await here(), await there()];
    const both = await Promise.all(urls.map(connect));
    for (const { socket } of both) {
      await eventually<unknown>(
        () => socket.emitWithAck('members'),
        (count) => count === 2,
      );
      await socket.emitWithAck('join', 'room');
    }
    return both as [Awaited<ReturnType<typeof connect>>, Awaited<ReturnType<typeof connect>>];
  };

  it('carries what is emitted to a room to its sockets in both processes, once', async () => {
    const [own, other] = await pair();
    const stranger = await connect(await here());
    for (const [index, { socket }] of [own, other].entries())
      await socket.emitWithAck('say', { room: 'room', data: index });
    await until(() => own.said.length === 2 && other.said.length === 2);
    // Everything that could come twice has come by the time that a third has.
    await own.socket.emitWithAck('say', { room: 'room', data: 'last' });
    await until(() => own.said.length === 3 && other.said.length === 3);
    // What one process says comes in its order; which of two is heard first, each process may see otherwise.
    for (const { said } of [own, other]) {
      expect(said.filter((data) => data !== 1)).toEqual([0, 'last']);
      expect(said).toContain(1);
    }
    expect(stranger.said).toEqual([]);
  });

  it('carries bytes, and texts that look like what it makes of bytes', async () => {
    const [own, other] = await pair();
    const data = { bytes: Buffer.from([0, 255, 13]), texts: ['\0b', '\0s', '', '\0'], deep: [{ n: null }] };
    await own.socket.emitWithAck('say', { room: 'room', data });
    await until(() => other.said.length === 1);
    expect(other.said).toEqual([data]);
  });

  it('finds the sockets of the others, and their answers', async () => {
    const [own, other] = await pair();
    for (const { socket, id } of [own, other]) socket.on('asked', (answer: (id: string) => void) => answer(id));
    const ids = [own.id, other.id].sort();
    expect(await own.socket.emitWithAck('sockets', 'room')).toEqual(ids);
    expect(await other.socket.emitWithAck('sockets', 'room')).toEqual(ids);
    expect(((await own.socket.emitWithAck('ask', 'room')) as string[]).sort()).toEqual(ids);
  });

  it('lets a socket in when the subscriptions are confirmed, so that it misses nothing', async () => {
    proxy().stall('toClient', true);
    const url = await here(proxy().url());
    let isIn = false;
    const coming = connect(url).then((one) => ((isIn = true), one));
    await until(() => proxy().held('toClient') > 0);
    expect(isIn).toBe(false);
    proxy().stall('toClient', false);
    const { socket, said } = await coming;
    await socket.emitWithAck('join', 'room');
    const other = await connect(await here());
    await other.socket.emitWithAck('say', { room: 'room', data: 'heard' });
    await until(() => said.length === 1);
    expect(said).toEqual(['heard']);
  });

  it('goes on after a lost connection, and says since when messages may be missed', async () => {
    const one = await connect(await here(proxy().url()));
    await one.socket.emitWithAck('join', 'room');
    proxy().cut();
    const missed = /^warn What others have sent since 2.* may be missed: /;
    await until(() =>
      logged()
        .of('RedisIoAdapter')
        .some((line) => missed.test(line)),
    );
    const other = await connect(await here());
    await other.socket.emitWithAck('say', { room: 'room', data: 'after' });
    await until(() => one.said.length === 1);
  });

  it('says so and goes on when a message on its channel cannot be read', async () => {
    const one = await connect(await here());
    const channel = (await makeClient(server().url).pubsubChannels('socket.io#/#*')).sort()[0]!;
    await makeClient(server().url).publish(channel, 'no JSON');
    await until(() => logged().of('RedisIoAdapter').length > 0);
    expect(logged().of('RedisIoAdapter')[0]).toMatch(/^warn A message on socket\.io#\/# cannot be read: /);
    expect(await one.socket.emitWithAck('join', 'room')).toBe('room');
  });

  it('leaves its channels when the application is closed', async () => {
    const redis = makeClient(server().url);
    const before = await eventually(
      () => redis.pubsubChannels('socket.io*'),
      (channels) => channels.length === 0,
    );
    const app = (await compile({ imports: [RoomModule.at(server().url)] })).createNestApplication();
    await connect(await listen(app));
    expect((await redis.pubsubChannels('socket.io*')).length).toBe(2);
    await app.close();
    await eventually(
      () => redis.pubsubChannels('socket.io*'),
      (channels) => channels.length === before.length,
    );
  });

  it.each(['websocket', 'polling'])(
    'lets go of a socket that waits to be let in over %s when the application is closed in an outage',
    async (transport) => {
      await proxy().refuse(true);
      const app = (await compile({ imports: [RoomModule.at(proxy().url())] })).createNestApplication();
      const url = await listen(app);
      const http = app.getHttpServer() as Server;
      const asked = new Promise((resolve) => http.once(transport === 'websocket' ? 'upgrade' : 'request', resolve));
      for (const leaves of [false, true]) {
        const socket = io(url, { transports: [transport], forceNew: true, reconnection: false });
        sockets.push(socket);
        await asked;
        if (leaves) socket.disconnect();
      }
      await app.close();
      expect(http.listening).toBe(false);
      await proxy().refuse(false);
    },
  );

  it('refuses options and clients that cannot do', async () => {
    const module = await compile({ imports: [RedisModule.forRoot({ pool: { url: server().url, min: 0 } })] });
    const app = closes(module.createNestApplication());
    expect(() => new RedisIoAdapter(app, { prefx: 'x' } as object)).toThrow("there is no option 'prefx'");
    expect(() => new RedisIoAdapter(app, { prefix: '' })).toThrow("the option 'prefix' is a string that is not empty");
    expect(() => new RedisIoAdapter(app, { heartbeatInterval: 0 })).toThrow("'heartbeatInterval' is a number");
    expect(app.get<object>('rxjs-redis(default)')).toBeInstanceOf(RedisPool);
    expect(() => void new RedisIoAdapter(app).createIOServer(0)).toThrow('a pool has no subscriptions');
  });
});
