import type { Redis } from 'rxjs-redis';
import { useClients } from '../../support/clients';
import { useServer } from '../../support/server';

// It takes a thousandth of a second for 0, which is for ever.
describe('A wait that is shorter than what Redis 6.0 can count', () => {
  const server = useServer({ server: 'redis-6.0' });
  const make = useClients();
  const bytes = (text: string) => new TextEncoder().encode(text);

  it.each<[string, (redis: Redis) => PromiseLike<unknown>]>([
    ['blpop', (redis) => redis.blpop('none', 0.001)],
    ['brpop', (redis) => redis.brpop(['none', 'other'], 0.000_5)],
    ['brpoplpush', (redis) => redis.brpoplpush('none', 'other', 0.001)],
    ['bzpopmin', (redis) => redis.bzpopmin('none', 1e-9)],
    ['bzpopmax', (redis) => redis.bzpopmax('none', 0.001)],
    ['call, with a number', (redis) => redis.call('BLPOP', 'none', 0.001)],
    ['call, with text', (redis) => redis.call('blpop', 'none', '1e-3')],
    ['call, with bytes', (redis) => redis.call('BRPOPLPUSH', 'none', 'other', bytes('0.0005'))],
    ['a lease', (redis) => redis.dedicated((connection) => connection.blpop('none', 0.001))],
    ['call on a lease', (redis) => redis.dedicated((connection) => connection.call('BLPOP', 'none', '0.001'))],
    ['xread, in milliseconds', (redis) => redis.xread({ none: '$' }, { BLOCK: 1 })],
  ])('ends, and the next command is answered: %s', async (_, wait) => {
    const redis = make({ url: server().url, blockingGrace: 500 });
    expect(await wait(redis)).toBeNull();
    expect(await redis.echo('next')).toBe('next');
  });
});
