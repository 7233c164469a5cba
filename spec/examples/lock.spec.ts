import { concatMap, firstValueFrom, from, lastValueFrom, mergeMap, take, tap } from 'rxjs';
import { eventually, record, useClients } from '../support/clients';
import { useServer } from '../support/server';
import { until } from '../support/until';
import { VirtualClock } from '../support/virtual-clock';
import { LockLost, locked, writeFenced } from './programs/lock';

/** No run of this spec is that long; ms. */
const TTL = 3_600_000;

describe('The example of a lock', () => {
  const server = useServer({ own: true });
  const make = useClients();
  beforeEach(() => make(server().url).flushall());

  it('has one holder at a time, whose token is greater than all before', async () => {
    const clients = [make(server().url), make(server().url)];
    let holders = 0;
    const use = (n: number) =>
      locked(clients[n % 2]!, 'job', TTL).pipe(
        concatMap(async (token) => {
          expect(++holders).toBe(1);
          await clients[n % 2]!.ping();
          holders--;
          return token;
        }),
        take(1),
      );
    const tokens: number[] = [];
    const all$ = from(Array.from({ length: 20 }, (_, n) => n)).pipe(mergeMap(use));
    await lastValueFrom(all$.pipe(tap((token) => tokens.push(token))));
    expect(tokens).toStrictEqual(Array.from({ length: 20 }, (_, n) => n + 1));
    expect(
      await eventually(
        () => clients[0]!.exists('lock:{job}'),
        (there) => there === 0,
      ),
    ).toBe(0);
  });

  it('is renewed while it is held', async () => {
    const redis = make(server().url);
    const clock = new VirtualClock();
    const held = record(locked(redis, 'long', TTL, clock));
    await until(() => held.values.length === 1);
    await redis.pexpire('lock:{long}', TTL / 2);
    clock.advance(TTL / 3);
    await eventually(
      () => redis.pttl('lock:{long}'),
      (left) => left > TTL / 2,
    );
    held.stop();
    await eventually(
      () => redis.exists('lock:{long}'),
      (there) => there === 0,
    );
  });

  it('that is lost tells its holder, and leaves the next holder alone', async () => {
    const redis = make(server().url);
    const clock = new VirtualClock();
    const held = record(locked(redis, 'lost', TTL, clock));
    await until(() => held.values.length === 1);
    await redis.set('lock:{lost}', 'another');
    clock.advance(TTL / 3);
    await until(() => held.ended !== undefined);
    expect(held.ended).toBeInstanceOf(LockLost);
    await redis.ping(); // its release is behind it
    expect(await redis.get('lock:{lost}')).toBe('another');
  });

  it('fences off a holder that was paused for too long', async () => {
    const redis = make(server().url);
    const early = await firstValueFrom(locked(redis, 'fence', TTL));
    const late = await firstValueFrom(locked(redis, 'fence', TTL));
    expect(await firstValueFrom(writeFenced(redis, 'data', late, 'new'))).toBe(true);
    expect(await firstValueFrom(writeFenced(redis, 'data', early, 'old'))).toBe(false);
    expect(await redis.hget('data', 'value')).toBe('new');
  });
});
