import { NEVER, merge, timer, type ObservableInput } from 'rxjs';
import { ReplyError, RedisError, TimeoutError, type DedicatedConnection, type RedisPoolOptions } from 'rxjs-redis';
import { stage, type Stage } from '../../../src/connection/stage';
import { Random } from '../../simulation/random';
import { eventually, record, useClients, usePools } from '../../support/clients';
import { useProxy, useServer } from '../../support/server';
import { until } from '../../support/until';
import { watchedClock } from '../../support/watched-clock';

const USES = 10_000;
const MAX = 10;
const CALLERS = 40;
/** How long a caller may wait, ms; and how much later it is looked whether one still does. */
const LONGEST_WAIT = 50;
const LATER = 100;

const MINE = new Error('mine');
const turn = () => new Promise((resolve) => setImmediate(resolve));

type Work = (connection: DedicatedConnection, random: Random) => ObservableInput<unknown>;

const endless: Work = (connection) => merge(connection.ping(), NEVER);

/** What users do: some end well, some fail, some throw, some never end, some leave the connection dirty, some keep it for long. */
const works: readonly Work[] = [
  (connection) => connection.incr('n'),
  async (connection) => (await connection.get('n')) ?? (await connection.incr('n')),
  (connection) => connection.multi().incr('n').get('n').exec(),
  endless,
  () => Promise.reject(MINE),
  () => {
    throw MINE;
  },
  (connection) => connection.call('NO SUCH COMMAND'),
  async (connection) => {
    await connection.watch('n');
    await connection.call('MULTI');
  },
  (connection, random) => (random.chance(0.1) ? connection.select(3) : connection.get('n')),
  (_, random) => timer(random.int(0, random.chance(0.05) ? 3 * LONGEST_WAIT : 3)),
];

/** Once in a thousand uses all connections are kept at a time, so that callers are late on the fastest machine. */
const keepsAll = (use: number): boolean => use % 1_000 < MAX;
const long: Work = () => timer(3 * LONGEST_WAIT);

describe('A pool of 10', () => {
  const server = useServer({ own: true });
  const proxy = useProxy(server);
  const make = useClients();
  const pools = usePools();

  it('survives 10 000 uses with random errors, unsubscribes and cuts: no caller waits for too long, and nothing is left', async () => {
    const random = new Random(11);
    const { clock, running } = watchedClock();
    const own: Partial<Stage> = { partsFor: () => ({ clock }), made: () => undefined, subscribesBy: () => undefined };
    const options: RedisPoolOptions = {
      url: proxy().url(),
      min: 2,
      max: MAX,
      acquireTimeout: LONGEST_WAIT,
      reconnect: { initialDelay: 1, maxDelay: 5 },
    };
    const admin = make(server().url);
    const pool = pools(Object.assign(options, { [stage]: own }));
    const events = pool.events$.subscribe(); // no warning of losses
    const wrong: unknown[] = [];
    const ends = { value: 0, left: 0, mine: 0, refused: 0, late: 0, lost: 0 };
    let [begun, most] = [0, 0];
    const watching = pool.stats$.subscribe(({ active, idle, total }) => {
      most = Math.max(most, total);
      if (active + idle > total) wrong.push({ active, idle, total });
    });

    const one = async (use: number): Promise<void> => {
      if (random.chance(0.002)) proxy().cut();
      const work = keepsAll(use) ? long : random.pick(works);
      let begins = 0;
      let hasLeft = false;
      const waits = (): boolean => begins === 0 && user.ended === undefined && !hasLeft;
      // Timers of different lengths that are due after the event loop was held up go off in any order, so the pool's has one more turn.
      let look = clock.schedule(() => {
        look = clock.schedule(() => {
          if (waits()) wrong.push([use, 'waits for too long']);
        }, 1);
      }, LONGEST_WAIT + LATER);
      const user = record(
        pool.use((connection) => {
          begins++;
          return work(connection, random);
        }),
      );
      if (work === endless || random.chance(0.2)) {
        for (let turns = random.int(0, 20); turns > 0 && user.ended === undefined; turns--) await turn();
        hasLeft = user.ended === undefined;
        user.stop();
        if (hasLeft) ends.left++;
      } else await until(() => user.ended !== undefined);
      look.unsubscribe();
      if (begins > 1) wrong.push([use, 'has begun', begins]);
      if (hasLeft) return;
      const { ended } = user;
      if (ended === 'complete') ends.value++;
      else if (ended === MINE) ends.mine++;
      else if (ended instanceof TimeoutError && begins === 0) ends.late++;
      else if (ended instanceof ReplyError) ends.refused++;
      else if (ended instanceof RedisError) ends.lost++;
      else wrong.push([use, ended]);
    };
    const caller = async (): Promise<void> => {
      while (begun < USES) await one(++begun);
    };
    await Promise.all(Array.from({ length: CALLERS }, caller));

    await until(() => pool.stats.active === 0 && pool.stats.waiting === 0);
    expect(wrong).toStrictEqual([]);
    expect(most).toBeLessThanOrEqual(MAX);
    expect(Object.entries(ends).filter(([, count]) => count === 0)).toStrictEqual([]);
    expect(await pool.use((connection) => connection.ping())).toBe('PONG');

    watching.unsubscribe();
    events.unsubscribe();
    await pool.close();
    expect(pool.stats).toStrictEqual({ active: 0, idle: 0, waiting: 0, total: 0 });
    expect([running.size, pool['leases']['lists']['changed$'].observed]).toStrictEqual([0, false]);
    await eventually(
      async () => (await admin.call<string>('CLIENT LIST')).trim().split('\n').length,
      (clients) => clients === 1,
    );
  });
});
