import { firstValueFrom } from 'rxjs';
import { useClients } from '../support/clients';
import { useServer } from '../support/server';
import { rateLimiter } from './programs/rate-limiter';

/** No run of this spec is that long; ms. */
const WINDOW = 3_600_000;

describe('The example of a rate limiter', () => {
  const server = useServer();
  const make = useClients();

  it('allows so many acts a window, whatever client counts them, and each user has a count of his own', async () => {
    const [one, other] = [make(server().url), make(server().url)];
    await one.del(['limit:ann', 'limit:bob']);
    const limiters = [one, other].map((redis) => rateLimiter(redis, 5, WINDOW));
    const act = (user: string, n = 0) => firstValueFrom(limiters[n % 2]!(user));
    const verdicts = await Promise.all(Array.from({ length: 12 }, (_, n) => act('ann', n)));
    expect(verdicts.filter(({ allowed }) => allowed)).toHaveLength(5);
    expect(verdicts.map(({ remaining }) => remaining).sort()).toStrictEqual([0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]);
    expect(await act('bob')).toMatchObject({ allowed: true, remaining: 4 });
  });

  it('begins a window with the first act, not with later ones, and anew once it has ended', async () => {
    const redis = make(server().url);
    await redis.del('limit:cid');
    const act = () => firstValueFrom(rateLimiter(redis, 1, WINDOW)('cid'));
    expect((await act()).resetsIn).toBeGreaterThan(0);
    await redis.pexpire('limit:cid', WINDOW / 2);
    const refused = await act();
    expect(refused).toMatchObject({ allowed: false, remaining: 0 });
    expect(refused.resetsIn).toBeLessThanOrEqual(WINDOW / 2);
    await redis.pexpire('limit:cid', 0);
    expect(await act()).toMatchObject({ allowed: true, remaining: 0 });
  });
});
