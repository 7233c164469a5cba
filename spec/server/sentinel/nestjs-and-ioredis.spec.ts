import { firstValueFrom } from 'rxjs';
import type { Redis, RedisPool } from 'rxjs-redis';
import { IORedis } from 'rxjs-redis/ioredis';
import { RedisModule, RedisStreamsClient, RedisStreamsServer, getRedisToken } from 'rxjs-redis/nestjs';
import { useNest } from '../../support/nest';
import { optionsOf, useSentinels } from '../../support/sentinels';
import { SumsController } from '../nestjs/sums.controller';

const trio = useSentinels();
const { compile, closes } = useNest();

describe('With sentinels', () => {
  it('a module of NestJS has clients and pools of the master, and of a replica', async () => {
    const options = optionsOf(trio());
    const imports = [
      RedisModule.forRoot({ ...options, connect: true }),
      RedisModule.forRoot({ name: 'replica', ...options, role: 'replica' }),
      RedisModule.forRoot({ name: 'pool', pool: { ...options, min: 0, max: 2 } }),
    ];
    const app = closes(await (await compile({ imports })).init());
    const [redis, replica] = [undefined, 'replica'].map((name) => app.get<Redis>(getRedisToken(name)));
    expect(await redis!.set('k', 'v')).toBe('OK');
    expect(await replica!.role()).toMatchObject({ role: 'slave' });
    expect(await app.get<RedisPool>(getRedisToken('pool')).get('k')).toBe('v');
  });

  it('a transport of NestJS asks and answers at the master', async () => {
    const options = optionsOf(trio());
    const module = await compile({ controllers: [SumsController] });
    const strategy = new RedisStreamsServer({ ...options, group: 'sums' });
    await closes(module.createNestMicroservice({ strategy })).listen();
    const client = closes(new RedisStreamsClient(options));
    expect(await firstValueFrom(client.send({ cmd: 'sum' }, [1, 2]))).toBe(3);
  });

  it('a client in the shape of ioredis is one of the master, or of a replica', async () => {
    const { sentinels, service } = trio();
    const options = { sentinels: sentinels.map(({ host, port }) => ({ host, port })), name: service };
    const [master, replica] = [new IORedis(options), new IORedis({ ...options, role: 'slave' })];
    expect(await master.set('of the shape', 1)).toBe('OK');
    expect(await master.call<unknown[]>('ROLE')).toEqual(expect.arrayContaining(['master']));
    expect((await replica.call<unknown[]>('ROLE'))[0]).toBe('slave');
    await Promise.all([master.quit(), replica.quit()]);
  });
});
