import type { INestApplication } from '@nestjs/common';
import { Observable, filter, firstValueFrom, map } from 'rxjs';
import { eventually, record, useClients } from '../../support/clients';
import { useServer } from '../../support/server';
import { until } from '../../support/until';
import { KitchenController, startKitchen, type Order } from './kitchen';
import { startShop } from './shop';

/** What a browser gets from a stream of events: the data of each, as text. */
function eventsOf(url: string): Observable<string> {
  return new Observable((subscriber) => {
    const left = new AbortController();
    const read = async () => {
      const { body } = await fetch(url, { signal: left.signal });
      const decoder = new TextDecoder();
      for await (const chunk of body!)
        for (const [, data] of decoder.decode(chunk as Uint8Array).matchAll(/^data: (.*)$/gm)) subscriber.next(data!);
    };
    read().catch((error: unknown) => !left.signal.aborted && subscriber.error(error));
    return () => left.abort();
  });
}

describe('The example of an application of NestJS', () => {
  const server = useServer({ own: true });
  const make = useClients();
  const apps: INestApplication[] = [];
  beforeEach(() => make(server().url).flushall());
  afterEach(async () => {
    for (const app of apps.splice(0).reverse()) await app.close();
  });
  const shop = async () => {
    const app = await startShop(server().url);
    apps.push(app);
    return app.getUrl();
  };
  const kitchen = async () => {
    const app = await startKitchen(server().url);
    apps.push(app);
    return app.get(KitchenController);
  };
  const order = async (url: string, dish: string) => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${url}/orders`, { method: 'POST', headers, body: JSON.stringify({ dish }) });
    return (await response.json()) as Order;
  };

  it('asks the other service for a price, once for as long as it is cached', async () => {
    const [url, { asked }] = [await shop(), await kitchen()];
    expect(asked).toBe(0);
    const prices = await Promise.all(
      ['soup', 'bread'].map(async (dish) => (await fetch(`${url}/price/${dish}`)).json()),
    );
    expect(prices).toStrictEqual([4, 2]);
    expect(await (await fetch(`${url}/price/soup`)).json()).toBe(4);
    expect(apps[1]!.get(KitchenController).asked).toBe(2);
  });

  it('keeps orders until a kitchen is there, and tells browsers of what is cooked', async () => {
    const url = await shop();
    const first = await order(url, 'soup');
    const cooked = record(eventsOf(`${url}/cooked`).pipe(map((data) => JSON.parse(data) as Order)));
    const redis = make(server().url);
    const browsers = (count: number) =>
      eventually(
        () => redis.pubsubNumsub('cooked'),
        (subscribers) => subscribers['cooked'] === count,
      );
    await browsers(1);
    await kitchen();
    const second = await order(url, 'bread');
    await until(() => cooked.values.length === 2);
    expect(cooked.values).toStrictEqual([first, second]);
    cooked.stop();
    await browsers(0);
  });

  it('shares orders among kitchens, each once, and buries what cannot be cooked', async () => {
    const url = await shop();
    await kitchen();
    await kitchen();
    const redis = make(server().url);
    const dishes = record(redis.subscribe('cooked').pipe(map(({ data }) => (JSON.parse(data) as Order).id)));
    await redis.ping();
    const ids = await Promise.all(Array.from({ length: 20 }, async () => (await order(url, 'soup')).id));
    await order(url, 'gold');
    await until(() => dishes.values.length === 20);
    expect([...dishes.values].sort()).toStrictEqual([...ids].sort());
    const dead = redis.tail('orders:dead', { from: '0' }).pipe(filter(({ type }) => type === 'entry'));
    expect(await firstValueFrom(dead)).toMatchObject({ fields: { 'dead-letter:error': 'there is no gold' } });
  });

  it('says how Redis is', async () => {
    const url = await shop();
    expect(await (await fetch(`${url}/health`)).json()).toMatchObject({
      status: 'ok',
      info: { redis: { status: 'up' } },
    });
  });
});
