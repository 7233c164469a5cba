import type { Command } from '../../src/commands/command';
import { QueueKeys, written } from '../../src/streams/queue-keys';
import { fail, leave, pushLater, redrive, takeBack, tend } from '../../src/streams/queue-scripts';
import { useClients } from '../support/clients';
import { useServer } from '../support/server';
import { JobStore, readings, type Returned } from './job-scripts';
import { Random } from './random';

const keys = new QueueKeys('J');
const WORKERS = ['a', 'b'];
const IDS = ['j1', 'j2', 'j3', 'j4'];
/** Leases and delays that are over at once, and others that are not over for long. */
const OVER = -1e9;
const LONG = 1e9;

/**
 * A command of a queue, as a worker or somebody who pushes may send it.
 * @param step sets its times apart from those of all others, however long a server takes
 */
function drawCommand(random: Random, step: number): Command {
  const apart = step * 60_000;
  const [over, long] = [OVER + apart, LONG + apart];
  const worker = random.pick(WORKERS);
  const ids = () => IDS.filter(() => random.chance(0.4));
  const job = () => written(random.pick(IDS), random.int(0, 2), `payload: ${random.int(0, 1)}`);
  switch (random.pick(['tend', 'tend', 'tend', 'takeBack', 'leave', 'fail', 'pushLater', 'pushLater', 'redrive'])) {
    case 'tend':
      return tend(keys, {
        ...{ worker, lease: random.pick([over, long]), limit: random.int(0, 3) },
        ...{ held: ids(), settling: ids() },
      });
    case 'takeBack':
      return takeBack(keys, worker, {
        lease: random.pick([over, long]),
        attempts: random.pick([1, 2, 3, Infinity]),
        deadLetter: random.chance(0.5),
      });
    case 'leave':
      return leave(keys, worker, random.pick([0, long]), ids());
    case 'fail':
      return fail(keys, worker, job(), job(), random.pick([undefined, long]));
    case 'pushLater':
      return pushLater(keys, random.pick([over, long]), [job(), job()]);
    default:
      return redrive(keys);
  }
}

/** Times that are far from now, which differ from one server to another. */
const isFar = (value: number): boolean => Math.abs(value) > LONG / 2;

/** What a script returned, without how far away a time is. */
function shown(returned: unknown): unknown {
  if (Array.isArray(returned)) return returned.map(shown);
  if (typeof returned === 'number') return isFar(returned) ? 'far' : returned;
  return String(returned);
}

describe('The simulated server', () => {
  const server = useServer({ own: true });
  const make = useClients();

  it.each(Array.from({ length: 8 }, (_, seed) => seed))(
    'reads the scripts of a queue as a real one runs them (%i)',
    async (seed) => {
      const random = new Random(seed + 1);
      const redis = make(server().url).bytes;
      await redis.flushall();
      const store = new JobStore();
      const isFuture = (score: number): string => (score > Date.now() ? 'later' : 'over');
      const ran = new Set<string>();
      for (let count = 150; count > 0; count--) {
        const { spec, args } = drawCommand(random, count);
        const { id, text } = spec.script!;
        const [keyCount, ...rest] = args.slice(1);
        const [names, others] = [rest.slice(0, Number(keyCount)), rest.slice(Number(keyCount))];
        const { name, run } = readings.get(id)!;
        ran.add(name);
        const real: unknown = await redis.eval(text, names as string[], others);
        const read: Returned = run(store, Date.now(), names.map(String), others.map(String));
        expect([name, shown(read)]).toStrictEqual([name, shown(real)]);
        for (const key of [keys.waiting, keys.dead, ...WORKERS.map((one) => keys.ownedBy(one))])
          expect([key, store.list(String(key))]).toStrictEqual([key, (await redis.lrange(key, 0, -1)).map(String)]);
        for (const key of [keys.delayed, keys.workers]) {
          const scores = await redis.zrange(key, 0, -1, { WITHSCORES: true });
          const there = scores.map(({ member, score }) => [String(member), isFuture(score)]);
          expect(
            store
              .sorted(String(key))
              .map(([member, score]) => [member, isFuture(score)])
              .toSorted(),
          ).toStrictEqual(there.toSorted());
        }
      }
      expect(ran.size).toBe(readings.size);
    },
  );
});
