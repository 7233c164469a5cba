import { NEVER, concat, ignoreElements, merge, type Observable } from 'rxjs';
import { RedisError, type RedisPool, type RedisPoolOptions } from 'rxjs-redis';
import { incr } from 'rxjs-redis/commands';
import { stage, type Stage } from '../../../src/connection/stage';
import { Random } from '../../simulation/random';
import { eventually, record, useClients, usePools } from '../../support/clients';
import { useProxy, useServer } from '../../support/server';
import { until } from '../../support/until';
import { watchedClock } from '../../support/watched-clock';

const MAX = 3;
const CALLERS = 25;
const CALLS = 600;
/** Of so many calls one cuts all connections, or kills them at the server. */
const BETWEEN_LOSSES = 60;

/** What a caller does: it increments `key` once and gives 1, or gives `id`, or nothing. */
type Act = (pool: RedisPool, key: string, id: string) => Observable<unknown>;

const elsewhere: Act = (pool, key) =>
  pool.use((connection) => concat(connection.select(1).pipe(ignoreElements()), connection.incr(`other:${key}`)));

const endless: Act = (pool, _, id) => pool.use((connection) => merge(connection.echo(id), NEVER));

const acts: readonly Act[] = [
  (pool, key) => pool.incr(key),
  (pool, key) => pool.incr(key),
  (pool, _, id) => pool.echo(id),
  (pool, key) => pool.pipeline(incr(key)),
  (pool, key) => pool.multi(incr(key)),
  (pool, key) => pool.use((connection) => connection.incr(key)),
  (pool, key) =>
    pool.use((connection) =>
      concat(connection.watch('w'), connection.call('MULTI'), connection.incr(key)).pipe(ignoreElements()),
    ),
  elsewhere,
  endless,
  (pool, key) => pool.watch(key, () => [incr(key)]),
  (pool, key) => pool.blpop(`q:${key}`, 0.01),
  (pool, _, id) =>
    pool.use(async (connection) => {
      // The reply of another command is owed when the connection comes back.
      connection.echo('behind').subscribe({ error: () => undefined });
      return connection.echo(id);
    }),
];

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('Whatever callers and the network do to a pool', () => {
  const server = useServer({ own: true });
  const proxy = useProxy(server);
  const make = useClients();
  const pools = usePools();

  it.each([1, 2, 3, 4])('each call ends once with its own reply, and nothing is left (%d)', async (seed) => {
    const random = new Random(seed);
    const { clock, running } = watchedClock();
    const own: Partial<Stage> = { partsFor: () => ({ clock }), made: () => undefined, subscribesBy: () => undefined };
    const options: RedisPoolOptions = {
      url: proxy().url(),
      min: random.int(0, MAX),
      max: MAX,
      acquireTimeout: 60_000,
      reconnect: { initialDelay: 1, maxDelay: 5 },
    };
    const pool = pools(Object.assign(options, { [stage]: own }));
    pool.events$.subscribe(); // no warning of losses
    const admin = make(server().url);
    await admin.flushall();
    const wrong: unknown[] = [];
    const counts = new Map<string, readonly number[]>();
    let [begun, most] = [0, 0];
    const watching = pool.stats$.subscribe(({ total }) => (most = Math.max(most, total)));

    const one = async (call: number): Promise<void> => {
      const [key, id] = [`n:${call}`, `id:${call}`];
      if (call % BETWEEN_LOSSES === 0) {
        if (random.chance(0.5)) proxy().cut();
        else await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      }
      const act = random.pick(acts);
      if (random.chance(0.1)) return acquired(id);
      const done = record(act(pool, key, id));
      const leaves = act === endless || random.chance(0.2);
      for (let turns = random.int(0, 15); leaves && turns > 0; turns--) await turn();
      if (leaves) done.stop();
      else await until(() => done.ended !== undefined);
      for (const value of done.values.flat())
        if (value !== 1 && value !== id && value !== null) wrong.push([call, 'got', value]);
      if (done.values.length > 1) wrong.push([call, 'got', done.values]);
      const { ended } = done;
      if (ended !== undefined && ended !== 'complete' && !(ended instanceof RedisError)) wrong.push([call, ended]);
      const [value] = done.values.flat();
      if (value === 1 && act !== elsewhere) counts.set(key, [1]);
      else if (ended instanceof RedisError && ended.delivery === 'unsent') counts.set(key, [0]);
      else counts.set(key, [0, 1]);
    };
    const acquired = async (id: string): Promise<void> => {
      const connection = await pool.acquire();
      const echo = record(connection.echo(id));
      if (random.chance(0.7)) await until(() => echo.ended !== undefined);
      pool.release(connection);
      await until(() => echo.ended !== undefined);
      if (echo.values.length > 0 && echo.values[0] !== id) wrong.push([id, echo.values]);
    };
    const caller = async (): Promise<void> => {
      while (begun < CALLS) await one(++begun);
    };
    await Promise.all(Array.from({ length: CALLERS }, caller));
    await until(() => pool.stats.active === 0 && pool.stats.waiting === 0);
    // Callers of all kinds are in flight or in line when it is closed.
    const last = Array.from({ length: 30 }, (_, n) => record(acts[n % 8]!(pool, `last:${n}`, 'last')));
    await pool.close();
    watching.unsubscribe();
    await until(() => last.every(({ ended }) => ended !== undefined));

    for (const [key, possible] of counts) {
      const count = Number(await admin.get(key));
      if (!possible.includes(count)) wrong.push([key, 'is', count, 'not', possible]);
    }
    for (const key of await admin.keys('other:*')) wrong.push([key, 'is in the database of the pool']);
    expect(wrong).toStrictEqual([]);
    expect(most).toBeLessThanOrEqual(MAX);
    expect(pool.stats).toStrictEqual({ active: 0, idle: 0, waiting: 0, total: 0 });
    expect(pool['spread']['waiting'].size).toBe(0);
    expect(running.size).toBe(0);
    await eventually(
      async () => (await admin.call<string>('CLIENT LIST')).trim().split('\n').length,
      (clients) => clients === 1,
    );
  });
});
