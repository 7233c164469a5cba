import { NEVER, Subject, concat, defer, from, lastValueFrom, of } from 'rxjs';
import type { Redis, RedisPool } from 'rxjs-redis';
import { record, useClients, usePools } from '../../support/clients';
import { failure } from '../../support/outcomes';
import { useProxy, useServer } from '../../support/server';
import { until } from '../../support/until';
import { fillKeys, names } from './data';

const ALL = names(2_000);
const PAGE = { COUNT: 50 };

describe.each<[string, 'redis' | 'pool' | 'dedicated']>([
  ['a client', 'redis'],
  ['a pool', 'pool'],
  ['a connection of its own', 'dedicated'],
])('The end of a scan on %s', (_what, kind) => {
  const server = useServer({ own: true });
  const proxy = useProxy(server);
  const make = useClients();
  const makePool = usePools();

  beforeAll(() => fillKeys(make(server().url), ALL));

  /** A client, and what scans on it. */
  function scanning(): { owner: Redis | RedisPool; scan: Redis['scanStream'] } {
    if (kind === 'pool') {
      const owner = makePool({ url: proxy().url() });
      return { owner, scan: owner.scanStream.bind(owner) };
    }
    const owner = make(proxy().url());
    if (kind === 'redis') return { owner, scan: owner.scanStream.bind(owner) };
    const scan = (options: object) => owner.dedicated((connection) => connection.scanStream(options)) as never;
    return { owner, scan };
  }

  it('is `complete` on close(), behind the page that was on the way', async () => {
    const { owner, scan } = scanning();
    const seen = record(scan(PAGE));
    const other = record(scan({ ...PAGE, project: (keys: string[]) => of(keys.length) }));
    await until(() => seen.values.length >= 3 && other.values.length >= 3);
    await owner.close();
    await until(() => seen.ended !== undefined && other.ended !== undefined);
    expect([seen.ended, other.ended]).toStrictEqual(['complete', 'complete']);
    expect(seen.values.length).toBeLessThan(ALL.length / PAGE.COUNT);
  });

  it('is that of the loop, without an error, when the client is closed meanwhile', async () => {
    if (kind === 'dedicated') return; // a loop over `dedicated` is none over the scan
    const { owner, scan } = scanning();
    let read = 0;
    for await (const keys of scan(PAGE)) if (keys.length > 0 && ++read === 3) await owner.close();
    expect(read).toBeGreaterThanOrEqual(3);
    expect(read).toBeLessThanOrEqual(5);
  });

  it('waits for the work that is being done, on close()', async () => {
    const { owner, scan } = scanning();
    const work = new Subject<number>();
    const seen = record(
      scan({
        ...PAGE,
        project: () =>
          concat(
            of(1),
            defer(() => work),
          ),
      }),
    );
    await until(() => work.observed);
    const closed = owner.close().then();
    if (kind === 'redis') await closed;
    expect(seen.ended).toBeUndefined();
    work.next(2);
    work.complete();
    await until(() => seen.ended !== undefined);
    expect(seen).toMatchObject({ values: [1, 2], ended: 'complete' });
    await closed;
  });

  it('is a RedisError on destroy(), at once', async () => {
    const { owner, scan } = scanning();
    const seen = record(scan(PAGE));
    const working = record(scan({ ...PAGE, project: () => concat(of(1), NEVER) }));
    await until(() => seen.values.length >= 1 && working.values.length === 1);
    void owner.destroy().then();
    for (const { ended } of [seen, working]) expect(ended).toMatchObject({ code: 'DISCONNECTED' });
  });

  it('comes at once when the client was closed before', async () => {
    const { owner, scan } = scanning();
    await owner.close();
    expect(await failure(scan(PAGE).forEach(() => undefined))).toMatchObject({ code: 'DISCONNECTED' });
    void owner.destroy().then();
    const all = (options: object) => lastValueFrom(from(scan(options)));
    expect(await failure(all(PAGE))).toMatchObject({ code: 'DISCONNECTED' });
  });

  it('comes with its signal, whose reason it errors with', async () => {
    const { owner, scan } = scanning();
    const controller = new AbortController();
    const seen = record(scan({ ...PAGE, signal: controller.signal, project: () => concat(of(1), NEVER) }));
    await until(() => seen.values.length === 1);
    controller.abort();
    expect(seen.ended).toMatchObject({ name: 'AbortError' });
    const late = { signal: AbortSignal.abort(new Error('late')) };
    await expect(scan(late).forEach(() => undefined)).rejects.toThrow('late');
    await owner.close();
  });
});
