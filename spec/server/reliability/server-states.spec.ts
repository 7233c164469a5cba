import { firstValueFrom } from 'rxjs';
import { retrySafely, type Redis, type RedisOptions } from 'rxjs-redis';
import { eventually, reaches, record, useClients } from '../../support/clients';
import { useDebuggableServer } from '../../support/debuggable';
import { failure, outcome } from '../../support/outcomes';
import { useProxy, useServer } from '../../support/server';

const quick = { initialDelay: 5, maxDelay: 20 };
const often = { initialDelay: 5, maxDelay: 20, maxAttempts: 1_000 };

describe('A server that is loading its data', () => {
  // So many µs for each key: slow enough to be met while it loads.
  const server = useDebuggableServer('--key-load-delay', '200', '--rdbcompression', 'no');
  const make = useClients();
  const client = (options: RedisOptions = {}) =>
    make({ url: server().url, reconnect: quick, retry: often, ...options });
  beforeEach(async () => {
    const admin = client();
    await admin.flushall();
    // How often it looks at its clients; 2 MB where it does not know the setting.
    await outcome(admin.configSet({ 'loading-process-events-interval-bytes': 1024 }));
    await admin.call('DEBUG', 'POPULATE', 2_000, 'key', 8_000);
  });

  /** Resolves once the server is loading; what it returns settles when it is not any more. */
  async function load(): Promise<{ loaded: Promise<unknown> }> {
    const loaded = outcome(client().call('DEBUG', 'RELOAD'));
    const probe = client({ retry: false });
    await eventually(
      () => outcome(probe.get('k')),
      (answer) => 'error' in answer && 'kind' in answer.error && answer.error.kind === 'LOADING',
    );
    return { loaded };
  }

  it('is asked until it answers, also to do what would harm when it was done twice: it was not done', async () => {
    const redis = client();
    await redis.set('n', '0');
    const { loaded } = await load();
    const replies = [redis.incr('n'), redis.get('n'), redis.echo('e')].map((reply) => outcome<unknown>(reply));
    await loaded;
    const [counted, , echoed] = await Promise.all(replies);
    expect([counted, echoed]).toStrictEqual([{ value: 1 }, { value: 'e' }]);
    expect(await redis.get('n')).toBe('1');
  });

  it('is an error where it is asked once', async () => {
    const redis = client({ retry: false });
    await redis.connect();
    const { loaded } = await load();
    expect(await failure(redis.incr('n'))).toMatchObject({
      code: 'REPLY',
      kind: 'LOADING',
      delivery: 'answered',
      repeatable: true,
      command: 'INCR',
    });
    await loaded;
  });

  it('is asked as a function says, which learns of every refusal', async () => {
    const asked: unknown[][] = [];
    const redis = client({
      retry: (attempt, error, { spec }) => {
        asked.push([attempt, 'kind' in error && error.kind, spec.name]);
        return attempt < 2 && 1;
      },
    });
    await redis.connect();
    const { loaded } = await load();
    expect(await failure(redis.incr('n'))).toMatchObject({ kind: 'LOADING' });
    expect(asked).toStrictEqual([1, 2].map((attempt) => [attempt, 'LOADING', 'INCR']));
    await loaded;
  });

  it('is asked by retrySafely() where the client itself does not', async () => {
    const redis = client({ retry: false });
    await redis.set('n', '0');
    const { loaded } = await load();
    const reply = outcome(firstValueFrom(redis.incr('n').pipe(retrySafely(often))));
    await loaded;
    expect(await reply).toStrictEqual({ value: 1 });
  });

  it('answers what waited for its restart', async () => {
    const redis = client();
    await redis.mset({ n: '41', k: 'v' });
    await redis.save();
    await server().kill('SIGKILL');
    await reaches(redis, 'reconnecting');
    const replies = [redis.get('k'), redis.incr('n')].map((reply) => outcome<unknown>(reply));
    await server().restart();
    expect(await Promise.all(replies)).toStrictEqual([{ value: 'v' }, { value: 42 }]);
  });
});

describe('A server that is busy with a script', () => {
  const server = useServer({ args: ['--lua-time-limit', '20'] });
  const make = useClients();
  const client = (options: RedisOptions = {}) =>
    make({ url: server().url, reconnect: quick, retry: often, ...options });

  /** Keeps the server busy until the script is killed. */
  async function occupy(): Promise<{ script: Promise<unknown>; kill: () => Promise<unknown> }> {
    const owner = client({ retry: false });
    const killer = client();
    await killer.connect();
    const script = outcome(owner.eval('while true do end', []));
    await eventually(
      () => outcome(client({ retry: false }).get('k')),
      (answer) => 'error' in answer,
    );
    return { script, kill: () => outcome(killer.scriptKill()) };
  }

  it('is asked until it answers', async () => {
    const redis = client();
    await redis.set('n', '0');
    const { kill, script } = await occupy();
    const replies = [redis.incr('n'), redis.get('n')].map((reply) => outcome<unknown>(reply));
    expect(await kill()).toStrictEqual({ value: 'OK' });
    expect(await script).toMatchObject({ error: { code: 'REPLY', delivery: 'answered', command: 'EVAL' } });
    expect((await Promise.all(replies))[0]).toStrictEqual({ value: 1 });
    expect(await redis.get('n')).toBe('1');
  });

  it('is an error where it is asked once', async () => {
    const redis = client({ retry: false });
    await redis.connect();
    const { kill } = await occupy();
    expect(await failure(redis.incr('n'))).toMatchObject({ kind: 'BUSY', delivery: 'answered', repeatable: true });
    await kill();
  });

  it('is connected to when it is busy no more', async () => {
    const { kill } = await occupy();
    const redis = client({ database: 3 });
    const waiting = outcome(redis.ping());
    await Promise.race([reaches(redis, 'reconnecting'), reaches(redis, 'ready')]);
    await kill();
    expect(await waiting).toStrictEqual({ value: 'PONG' });
  });
});

describe('A server that is out of memory', () => {
  const server = useServer({ own: true });
  const proxy = useProxy(server);
  const make = useClients();
  let admin: Redis;
  beforeEach(async () => {
    admin = make(server().url);
    await admin.configSet({ maxmemory: 0 });
  });

  it('is told a write once: the same would be refused again', async () => {
    const redis = make({ url: proxy().url(), retry: often });
    const before = proxy().bytes.toServer;
    await redis.connect();
    const connected = proxy().bytes.toServer;
    expect(connected).toBeGreaterThan(before);
    await redis.set('k', 'v');
    const bytes = proxy().bytes.toServer - connected;
    await admin.configSet({ maxmemory: 1 });
    expect(await failure(redis.set('k', 'w'))).toMatchObject({
      code: 'REPLY',
      kind: 'OOM',
      delivery: 'answered',
      repeatable: false,
      command: 'SET',
    });
    expect(proxy().bytes.toServer - connected).toBe(2 * bytes);
  });

  it('still answers reads on the same connection', async () => {
    const redis = make(proxy().url());
    await redis.set('k', 'v');
    await admin.configSet({ maxmemory: 1 });
    const replies = [redis.set('k', 'w'), redis.get('k')].map((reply) => outcome<unknown>(reply));
    expect(await Promise.all(replies)).toMatchObject([{ error: { kind: 'OOM' } }, { value: 'v' }]);
    expect(proxy().connections.total).toBe(1);
  });
});

describe('A server that takes no more clients', () => {
  const server = useServer({ own: true });
  const make = useClients();

  it.each<[string, RedisOptions]>([
    ['as a rule', {}],
    [
      'where credentials come late',
      { credentials: () => new Promise((r) => setTimeout(r, 20, { username: 'default', password: '' })) },
    ],
  ])('is dialed until it has room, and says why it has none: %s', async (_, options) => {
    const admin = make(server().url);
    await admin.configSet({ maxclients: 1 });
    const redis = make({ url: server().url, reconnect: quick, ...options });
    const states = record(redis.state$);
    const waiting = outcome(redis.ping());
    expect(await reaches(redis, 'reconnecting')).toMatchObject({
      attempt: 1,
      error: { code: 'CONNECTION', message: expect.stringContaining('max number of clients reached') as string },
    });
    await admin.configSet({ maxclients: 100 });
    expect(await waiting).toStrictEqual({ value: 'PONG' });
    expect(states.values.at(-1)).toMatchObject({ kind: 'ready', protocol: 3 });
  });
});
