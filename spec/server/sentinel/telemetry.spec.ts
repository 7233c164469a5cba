import { tracingChannel } from 'node:diagnostics_channel';
import { get, incr } from 'rxjs-redis/commands';
import { useClients, usePools } from '../../support/clients';
import { outcome } from '../../support/outcomes';
import { leadsTo } from '../../support/sentinel-clients';
import { untilBlocked, untilHeard, useSwappingMasters } from '../../support/swapping-masters';
import { useTracing } from '../../support/telemetry';

const masters = useSwappingMasters();
const client = useClients();
const makePool = usePools();
const { spans } = useTracing();

const OPT_IN = 'OTEL_SEMCONV_STABILITY_OPT_IN';
beforeEach(() => (process.env[OPT_IN] = 'database'));
afterEach(() => delete process.env[OPT_IN]);

describe('The spans of a client behind sentinels', () => {
  it('name the server that has answered, never a sentinel, before a failover and behind it', async () => {
    const { options, sentinel, servers, admins, promote, tell } = await masters();
    const redis = client({ ...options, telemetry: true });
    const ports = () => new Map(spans().map(({ name, attributes }) => [name, attributes['server.port']]));
    await redis.set('k', 1);
    await redis.multi(get('k'), incr('n'));
    await redis.dedicated((lease) => lease.ping());
    await redis.watch('w', () => [incr('n')]);
    await untilHeard(sentinel);
    const [old, next] = servers;
    expect([...ports().keys()].sort()).toEqual(['redis.MULTI', 'redis.PING', 'redis.SET', 'redis.WATCH']);
    expect(new Set(ports().values())).toEqual(new Set([old.port]));
    // Sentinels are asked without spans.
    expect(spans().map(({ name }) => name)).not.toContain('redis.SENTINEL');
    const waiting = outcome(redis.blpop('jobs', 0));
    await untilBlocked(admins[0]);
    await promote();
    const there = leadsTo(redis, next);
    tell();
    await there;
    await untilBlocked(admins[1]);
    await admins[1].rpush('jobs', 'one');
    await waiting;
    await redis.get('k');
    await redis.dedicated((lease) => lease.echo('after'));
    await redis.watch('w', () => [incr('n')]);
    for (const name of ['redis.GET', 'redis.ECHO', 'redis.BLPOP', 'redis.WATCH'])
      expect([name, ports().get(name)]).toEqual([name, next.port]);
    const [read] = spans().filter(({ name }) => name === 'redis.GET');
    expect(read?.attributes).toMatchObject({ 'server.address': '127.0.0.1', 'server.port': next.port });
  });

  it('name it on diagnostics channels as well', async () => {
    const { options, servers } = await masters();
    const redis = client(options);
    await redis.ping();
    const told: unknown[] = [];
    const start = (message: unknown): void => void told.push(message);
    const channel = tracingChannel('rxjs-redis:command').start;
    channel.subscribe(start);
    await redis.get('k');
    channel.unsubscribe(start);
    expect(told).toMatchObject([{ command: 'GET', serverAddress: '127.0.0.1', serverPort: servers[0].port }]);
  });

  it('name on those channels no server and no port before a sentinel has told it', async () => {
    const { options, servers } = await masters();
    const started: unknown[] = [];
    const ended: unknown[] = [];
    const { start, asyncEnd } = tracingChannel('rxjs-redis:connect');
    const copied = (to: unknown[]) => (message: unknown) => void to.push({ ...(message as object) });
    const [onStart, onEnd] = [copied(started), copied(ended)];
    start.subscribe(onStart);
    asyncEnd.subscribe(onEnd);
    await client(options).ping();
    start.unsubscribe(onStart);
    asyncEnd.unsubscribe(onEnd);
    const known = { connection: 'commands', database: 0 };
    expect(started).toEqual([{ ...known, serverAddress: undefined, serverPort: undefined }]);
    expect(ended).toEqual([{ ...known, serverAddress: '127.0.0.1', serverPort: servers[0].port }]);
  });

  it('is named in the lines of the debug log, those of a pool too', async () => {
    const { options, servers } = await masters();
    const lines: string[] = [];
    const debug = (_: string, text: string): void => void lines.push(text);
    await client({ ...options, debug }).get('k');
    const pool = makePool({ ...options, debug, max: 1 });
    await pool.get('k');
    await pool.close();
    const at = `127.0.0.1:${servers[0].port}`;
    expect(lines.map((line) => line.replace(/,? (in|after) .*/, ''))).toEqual([
      `${at} commands: connect, RESP3`,
      `${at} GET, 1 B`,
      `${at} GET: nothing`,
      `${at} lease: connect, RESP3`,
      `${at} GET, 1 B`,
      `${at} GET: nothing`,
      `${at} lease: disconnect, closed_by_user`,
    ]);
  });

  it('is told with the errors of sentinels in the debug log', async () => {
    const { options } = await masters();
    const lines: string[] = [];
    const debug = (direction: string, text: string): void => void (direction === 'error' && lines.push(text));
    const dead = { host: '127.0.0.1', port: 1 };
    await client({ ...options, sentinels: [dead, ...options.sentinels!], debug }).ping();
    expect(lines).toEqual([expect.stringMatching(/ sentinel: \w+ CONNECTION: .*127\.0\.0\.1:1/)]);
  });
});
