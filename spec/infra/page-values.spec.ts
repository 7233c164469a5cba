import type { Page as Window } from 'playwright-core';
import type { Redis } from 'rxjs-redis';
import { eventually, useClients } from '../support/clients';
import { useServer } from '../support/server';
import { cacheShown, liveShown, shows, useWindows } from './page-window';
import { usePage } from './use-page';

const newWindow = useWindows();

describe('values that stay true, on the page of the demo', () => {
  const server = useServer({ args: ['--appendonly', 'yes'] });
  const client = useClients();
  const page = usePage(server);
  let direct: Redis;
  beforeEach(async () => {
    direct = client(server().url);
    await direct.configResetstat();
  });

  const open = async (): Promise<Window> => {
    const window = await newWindow(page().url);
    await shows(window, '#live-value', 'no such key');
    return window;
  };
  /** How often the server was asked for the key: nothing else sends GET. */
  const readsAtServer = async (): Promise<number> =>
    Number(/cmdstat_get:calls=(\d+)/.exec(await direct.call<string>('INFO', 'commandstats'))?.[1] ?? 0);
  /** Waits until the number of reads shown is what the server has counted. */
  const readsAreTrue = (window: Window) =>
    eventually(
      async () => ({ shown: (await liveShown(window)).reads, counted: await readsAtServer() }),
      ({ shown, counted }) => shown === counted,
    );

  it('follow what is typed in any window, and tell how many reads that took', async () => {
    const [window, other] = [await open(), await open()];
    expect(await liveShown(other)).toStrictEqual({ value: 'no such key', writes: 0, reads: 1, emitted: 1 });
    await window.fill('#note', 'hello');
    for (const each of [window, other]) await shows(each, '#live-value', 'hello');
    await readsAreTrue(window);
    expect(await liveShown(other)).toStrictEqual({ value: 'hello', writes: 1, reads: 2, emitted: 2 });
    await other.locator('#note').pressSequentially('abc');
    for (const each of [window, other]) await shows(each, '#live-value', 'abc');
    expect(await direct.getrange(page().space.note, 0, -1)).toBe('abc');
    await readsAreTrue(other);
  });

  it('read less often than is written, and end at what the server has', async () => {
    const window = await open();
    await window.click('#write-many');
    await shows(window, '#live-value', '100');
    await shows(window, '#live-writes', '100');
    await readsAreTrue(window);
    const { reads, emitted } = await liveShown(window);
    expect(reads).toBeLessThan(100);
    expect(emitted).toBeLessThanOrEqual(reads);
  });

  it('follow what others write, an equal value without emitting it, and a key that is deleted', async () => {
    const window = await open();
    await direct.set(page().space.note, 'from elsewhere');
    await shows(window, '#live-value', 'from elsewhere');
    await direct.set(page().space.note, 'from elsewhere');
    await shows(window, '#live-reads', '3');
    await readsAreTrue(window);
    expect(await liveShown(window)).toStrictEqual({ value: 'from elsewhere', writes: 0, reads: 3, emitted: 2 });
    await direct.del(page().space.note);
    await shows(window, '#live-value', 'no such key');
  });

  it('are read anew after a cut', async () => {
    const window = await open();
    await page().line.cut();
    await direct.set(page().space.note, 'meanwhile');
    await page().line.mend();
    await shows(window, '#live-value', 'meanwhile');
    await readsAreTrue(window);
  });

  it('are answered from a cache, whose figures are what the client says', async () => {
    const { latest } = page().space;
    await direct.hset(latest, 'load', '1');
    const window = await open();
    const isShown = async (wanted: object) => {
      await eventually(
        () => cacheShown(window),
        (shown) => JSON.stringify({ ...shown, ...wanted }) === JSON.stringify(shown),
      );
      expect(await cacheShown(window)).toStrictEqual(page().client('reader').cache.stats);
    };
    await window.click('#read');
    await isShown({ hits: 9, misses: 1, invalidations: 0, entries: 1 });
    await direct.hset(latest, 'load', '2');
    await isShown({ invalidations: 1, entries: 0, bytes: 0 });
    await window.click('#read');
    await isShown({ hits: 18, misses: 2, invalidations: 1, entries: 1 });
    await direct.del(latest);
  });
});
