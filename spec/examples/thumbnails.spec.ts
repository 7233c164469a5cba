import { record, useClients } from '../support/clients';
import { useServer } from '../support/server';
import { until } from '../support/until';
import { Thumbnails } from './programs/thumbnails';

describe('The example of thumbnails made in the background', () => {
  const server = useServer({ own: true });
  const make = useClients();

  it('has each made by one of the workers, and tells those who wait for it, early and late', async () => {
    const clients = [make(server().url), make(server().url), make(server().url)];
    const [asking, ...workers] = clients.map((redis) => new Thumbnails(redis));
    await clients[0]!.flushall();
    const early = record(asking!.made('3'));
    await until(() => clients[0]!.inspect().subscriptions.channel === 1);
    const made: string[] = [];
    const work = workers.map((thumbnails) =>
      record(
        thumbnails.work(({ id, width }) => {
          made.push(id);
          return Promise.resolve(`/thumbnails/${id}-${width}.png`);
        }),
      ),
    );
    for (let n = 0; n < 20; n++) await asking!.ask({ id: String(n), url: `/pictures/${n}`, width: 64 });
    await until(() => work.flatMap(({ values }) => values).length === 20 && early.values.length > 0);
    expect(made.sort()).toStrictEqual(Array.from({ length: 20 }, (_, n) => String(n)).sort());
    expect(early.values.at(-1)).toBe('/thumbnails/3-64.png');
    const late = record(asking!.made('7'));
    await until(() => late.values.length > 0);
    expect(late.values[0]).toBe('/thumbnails/7-64.png');
  });
});
