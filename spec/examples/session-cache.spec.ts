import { firstValueFrom } from 'rxjs';
import { useClients } from '../support/clients';
import { useServer } from '../support/server';
import { SessionCache, type Session } from './programs/session-cache';

describe('The example of a session cache', () => {
  const server = useServer({ own: true });
  const make = useClients();
  beforeEach(() => make(server().url).flushall());

  it('asks the database once for all requests of all processes, also where there is no such session', async () => {
    const asked: string[] = [];
    const find = (token: string): Promise<Session | null> => {
      asked.push(token);
      return Promise.resolve(token === 'good' ? { user: 'ann', roles: ['admin'] } : null);
    };
    const caches = Array.from({ length: 3 }, () => new SessionCache(make(server().url), { find }));
    const request = (n: number, token: string) => firstValueFrom(caches[n % 3]!.find(token));
    const all = await Promise.all(
      Array.from({ length: 60 }, (_, n) => request(Math.floor(n / 2), n % 2 === 0 ? 'good' : 'bad')),
    );
    expect(all.filter((session) => session?.user === 'ann')).toHaveLength(30);
    expect(all.filter((session) => session === null)).toHaveLength(30);
    expect(asked.sort()).toStrictEqual(['bad', 'good']);
    expect(await request(0, 'good')).toEqual({ user: 'ann', roles: ['admin'] });
    expect(asked).toHaveLength(2);
  });

  it('asks it again for a session that was forgotten', async () => {
    let roles = ['admin'];
    const cache = new SessionCache(make(server().url), { find: () => Promise.resolve({ user: 'ann', roles }) });
    await firstValueFrom(cache.find('t'));
    roles = [];
    expect((await firstValueFrom(cache.find('t')))?.roles).toEqual(['admin']);
    expect(await firstValueFrom(cache.forget('t'))).toBe(1);
    expect((await firstValueFrom(cache.find('t')))?.roles).toEqual([]);
  });
});
