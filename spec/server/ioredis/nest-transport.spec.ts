import type { INestMicroservice } from '@nestjs/common';
import { ClientRedis, ServerRedis } from '@nestjs/microservices';
import { lastValueFrom, toArray } from 'rxjs';
import { IORedis } from 'rxjs-redis/ioredis';
import { useNest } from '../../support/nest';
import { useServer } from '../../support/server';
import { until } from '../../support/until';
import { SumsController } from '../nestjs/sums.controller';

/** NestJS's own transport asks a method for its clients, which are ioredis's where nothing else is said. */
class Server extends ServerRedis {
  constructor(private readonly url: string) {
    super({});
  }

  override createRedisClient(): never {
    return new IORedis(this.url, { lazyConnect: true }) as never;
  }
}

class Client extends ClientRedis {
  constructor(private readonly url: string) {
    super({});
  }

  override createClient(): never {
    return new IORedis(this.url, { lazyConnect: true }) as never;
  }
}

describe("NestJS's own transport, on clients in the shape of ioredis", () => {
  const server = useServer({ own: true });
  const { compile, closes } = useNest();

  it('passes requests, streams of answers and events on', async () => {
    const module = await compile({ controllers: [SumsController] });
    const app = closes<INestMicroservice>(module.createNestMicroservice({ strategy: new Server(server().url) }));
    await app.listen();
    const client = closes(new Client(server().url));
    await client.connect();
    expect(await lastValueFrom(client.send<number>({ cmd: 'sum' }, [1, 2, 3]))).toBe(6);
    expect(await lastValueFrom(client.send<number>({ cmd: 'streaming' }, [1, 2, 3]).pipe(toArray()))).toEqual([
      1, 2, 3,
    ]);
    await lastValueFrom(client.emit('notification', { n: 1 }), { defaultValue: undefined });
    await until(() => app.get(SumsController).notified.length === 1);
    expect(app.get(SumsController).notified).toEqual([{ n: 1 }]);
  });
});
