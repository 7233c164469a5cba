import { call } from 'rxjs-redis/commands';
import { useServer } from '../../support/server';
import { useSession } from './use-session';

const server = useServer();

describe.each([2, 3] as const)('in RESP%d', (protocol) => {
  const session = useSession(server, protocol);

  it('ACL GETUSER tells of channels and selectors where the server has them', async () => {
    const { redis, code } = session();
    const user = await redis.aclGetuser('default');
    expect(user).toMatchObject({ flags: expect.arrayContaining(['on']), commands: '+@all' });
    expect(typeof user?.keys).toBe('string');
    expect([user?.channels, user?.selectors]).toEqual(code === 'r6.0' ? [undefined, undefined] : ['&*', []]);
  });

  it('distances are numbers, as coordinates are', async () => {
    const { redis, code } = session();
    await redis.geoadd('g', [
      [13.361389, 38.115556, 'Palermo'],
      [15.087269, 37.502669, 'Catania'],
    ]);
    expect(await redis.geodist('g', 'Palermo', 'Catania', 'KM')).toBe(166.2742);
    expect(await redis.geodist('g', 'Palermo', 'Rome')).toBeNull();
    if (code === 'r6.0') return;
    const found = await redis.geosearch('g', { FROMMEMBER: 'Palermo', BYRADIUS: [200, 'KM'], WITHDIST: true });
    expect(found.map(({ distance }) => distance).sort()).toEqual([0, 166.2742]);
  });

  it('XADD with an idempotency id takes no other id than the one that the server chooses', async () => {
    const { redis, code } = session();
    if (code !== 'r8.6') return;
    const id = await redis.xadd('s', '*', { a: 1 }, { IDMP: ['producer', '1'] });
    expect(await redis.xadd('s', '*', { a: 1 }, { IDMP: ['producer', '1'] })).toBe(id);
    const words = ['s', 'IDMP', 'producer', '2', '9999999999999-1', 'a', '1'];
    await expect(redis.run(call('XADD', ...words))).rejects.toThrow('only with auto-generated IDs');
  });
});
