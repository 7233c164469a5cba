import { filter } from 'rxjs';
import { Random } from '../../simulation/random';
import { record, useClients } from '../../support/clients';
import { useServer } from '../../support/server';
import { until } from '../../support/until';
import { kinds, race, ways } from './races';

/** How many races of each kind; `RACES=10000` for the whole. */
const RACES = Number(process.env.RACES ?? 64);
const LANES = 8;

const cases = kinds.flatMap((kind) =>
  ([2, 3] as const).flatMap((protocol) => Object.keys(ways).map((way) => [kind.command, way, protocol, kind] as const)),
);

// pushed = delivered + still there
describe('A wait that is cancelled while something is pushed', () => {
  const server = useServer({ own: true });
  const make = useClients();

  it.each(cases)(
    'loses nothing, and delivers nothing twice: %s, %s, RESP%d',
    async (command, way, protocol, kind) => {
      const admin = make(server().url);
      await admin.flushall();
      const [known] = await admin.call<unknown[]>('COMMAND', 'INFO', command);
      if (known === null) return; // the server has no such command
      const redis = make({
        url: server().url,
        protocol,
        prefix: 'p:',
        leases: { max: 4 * LANES, acquireTimeout: Infinity },
      });
      const errors = record(redis.events$.pipe(filter(({ type }) => type === 'error')));
      const lanes = Array.from({ length: LANES }, (_, n) => `lane-${n}`);
      const rounds = Math.ceil(RACES / LANES);
      const tallies = await Promise.all(
        lanes.map((lane, n) => race(kind, way, { redis, admin, lane, random: new Random(n + 1), rounds })),
      );
      await until(() => redis['blocking'].isDone);
      expect(errors.values).toStrictEqual([]);
      expect(await admin.call('INFO', 'clients')).toContain('blocked_clients:0');
      for (const [n, { pushed, delivered, drained }] of tallies.entries()) {
        const left = await kind.drain(admin, lanes[n]!);
        const kept = await kind.keeps?.(admin, lanes[n]!);
        // What was delivered lies in the destination, or is pending, all the same.
        expect([...(kept ?? delivered), ...drained, ...left].sort()).toStrictEqual([...pushed].sort());
        expect(new Set(delivered).size).toBe(delivered.length);
        if (kept !== undefined) expect(kept).toEqual(expect.arrayContaining(delivered));
      }
    },
    Math.max(300_000, RACES * 200),
  );
});
