import { NEVER, concat, defer, firstValueFrom, ignoreElements, merge, type Observable } from 'rxjs';
import { RedisError, type DedicatedConnection, type Redis } from 'rxjs-redis';
import { stage, type Stage } from '../../../src/connection/stage';
import { Random } from '../../simulation/random';
import { eventually, record, useClients } from '../../support/clients';
import { outcome } from '../../support/outcomes';
import { useProxy, useServer } from '../../support/server';
import { until } from '../../support/until';
import { watchedClock } from '../../support/watched-clock';

const MAX = 8;
const CALLERS = 40;
const USES = 10_000;
/** Uses between one cut of all connections and the next. */
const BETWEEN_CUTS = 400;

const FAILURE = new Error('mine');

type Habit = (connection: DedicatedConnection, id: string) => Observable<unknown>;

const endless: Habit = (connection, id) => merge(connection.echo(id), NEVER);

/** What users leave behind, or do to a connection. */
const habits: readonly Habit[] = [
  (connection) => connection.incr('leases:n'),
  (connection) => connection.call('MULTI'),
  (connection) => connection.watch('leases:n'),
  (connection) => concat(connection.watch('leases:n'), connection.call('MULTI'), connection.incr('leases:n')),
  (connection) => connection.select(1),
  (connection) => connection.clientSetname('another'),
  (connection) => concat(connection.call('MULTI'), connection.incr('leases:n'), connection.exec()),
  () =>
    defer(() => {
      throw FAILURE;
    }),
  endless,
];

/** How many listen to each connection that is idle. */
function listeners(redis: Redis): number[] {
  const counts: number[] = [];
  for (let place = redis['leases']!['lists'].idle.oldest; place !== undefined; place = place.newer) {
    const { state$, line } = place.item.connection;
    counts.push(state$.observers.length + line.drain.idle$.observers.length + line.residents.count);
  }
  return counts;
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('Dedicated connections under load', () => {
  const server = useServer({ own: true });
  const proxy = useProxy(server);
  const make = useClients();

  it('serve 10 000 uses that fail, leave and are cut: each ends, sees its own replies alone, and leaves nothing', async () => {
    const { clock, running } = watchedClock();
    const own: Partial<Stage> = { partsFor: () => ({ clock }), made: () => undefined, subscribesBy: () => undefined };
    const options = {
      url: proxy().url(),
      leases: { max: MAX, acquireTimeout: 60_000 },
      reconnect: { initialDelay: 1, maxDelay: 5 },
    };
    const redis = make(Object.assign(options, { [stage]: own }));
    await redis.dedicated((connection) => connection.ping());
    const [fresh] = listeners(redis);
    const pool = redis['leases']!;
    const random = new Random(1);
    const wrong: unknown[] = [];
    let [begun, completed, most] = [0, 0, 0];

    const use = (id: string, habit: Habit) =>
      redis.dedicated((connection) => {
        most = Math.max(most, pool.stats.total);
        const own$ = defer(async () => {
          const echo = await connection.echo(id);
          const name = await connection.clientGetname();
          if (echo !== id || name !== null) wrong.push([echo, name]);
        });
        return concat(own$, habit(connection, id)).pipe(ignoreElements());
      });
    const one = async (id: number): Promise<void> => {
      if (id % BETWEEN_CUTS === 0) proxy().cut();
      const habit = random.pick(habits);
      const user = record(use(String(id), habit));
      // Some leave, in line or in mid-flight, and all whose work would never end.
      const leaves = habit === endless || random.chance(0.3);
      for (let turns = random.int(0, 40); leaves && turns > 0; turns--) await turn();
      if (leaves) user.stop();
      else await until(() => user.ended !== undefined);
      if (user.ended === 'complete') completed++;
      else if (user.ended !== undefined && user.ended !== FAILURE && !(user.ended instanceof RedisError))
        wrong.push(user.ended);
    };
    const caller = async (): Promise<void> => {
      while (begun < USES) await one(++begun);
    };
    await Promise.all(Array.from({ length: CALLERS }, caller));

    expect(wrong).toStrictEqual([]);
    expect(completed).toBeGreaterThan(USES / 4);
    expect(most).toBeLessThanOrEqual(MAX);
    await eventually(
      () => Promise.resolve(pool.stats),
      ({ active, waiting }) => active === 0 && waiting === 0,
    );
    expect(pool.stats.total).toBeLessThanOrEqual(MAX);
    expect(await redis.dedicated((connection) => connection.echo('last'))).toBe('last');
    expect(new Set(listeners(redis))).toStrictEqual(new Set([fresh]));
    await redis.destroy();
    expect(running.size).toBe(0);
    const other = make(server().url);
    await eventually(
      async () => (await other.call<string>('CLIENT LIST')).trim().split('\n').length,
      (clients) => clients === 1,
    );
  });

  it('fail callers that wait for too long, and serve the next when one is free', async () => {
    const redis = make({ url: server().url, leases: { max: 1, acquireTimeout: 500 } });
    const holder = record(redis.dedicated((connection) => merge(connection.ping(), NEVER)));
    const late = Array.from({ length: 20 }, () => outcome(redis.dedicated((connection) => connection.ping())));
    for (const one of await Promise.all(late)) expect(one).toMatchObject({ error: { code: 'TIMEOUT' } });
    holder.stop();
    expect(await firstValueFrom(redis.dedicated((connection) => connection.ping()))).toBe('PONG');
  });
});
