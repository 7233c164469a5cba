import type { Page as Window } from 'playwright-core';
import { from, lastValueFrom, toArray } from 'rxjs';
import { Redis } from 'rxjs-redis';
import { publishTo } from '../../infra/demo/publisher';
import { startClusterVenue } from '../../infra/demo/venue-cluster';
import { signNames, signs } from '../../infra/demo/vitals/signs';
import { eventually } from '../support/clients';
import {
  cacheShown,
  clientsWith,
  draw,
  liveShown,
  journalOf,
  nodesShown,
  shows,
  text,
  useWindows,
} from './page-window';
import { usePageAt } from './use-page';
import { useVenue } from './use-venue';

const newWindow = useWindows();

describe('the page of the demo on a cluster', () => {
  const { venue, direct } = useVenue(() => startClusterVenue(() => undefined));
  const page = usePageAt(venue);

  const open = async (): Promise<Window> => {
    const window = await newWindow(page().url);
    await shows(window, '#title', 'A machine');
    await eventually(clientsWith(window), (shown) => shown.find(({ name }) => name === 'page')?.subscriptions === '6');
    return window;
  };
  /** Publishes and keeps a value of each sign. @returns how many were heard */
  const publish = async (at: number, value: number): Promise<number> => {
    const samples = signNames.map((sign) => ({ sign, at, value }));
    const fates = await lastValueFrom(from(samples).pipe(publishTo(direct(), venue().space), toArray()));
    return fates.filter((fate) => fate === 'heard').length;
  };
  /** Waits until each server tells of itself what the page shows of it. One that has come back may be shown later. */
  const nodesAreTrue = (window: Window, least: number) =>
    eventually(
      async () => ({ shown: await nodesShown(window), told: await nodesTold() }),
      ({ shown, told }) => {
        const known = shown.map(([address]) => told.find(([one]) => one === address));
        return shown.length >= least && JSON.stringify(shown.map((row) => row.slice(0, 3))) === JSON.stringify(known);
      },
    );
  const nodesTold = async () => {
    const { place } = venue();
    if (place.kind !== 'cluster') throw new Error('no cluster');
    const told = await Promise.all(place.servers.map(tellOf));
    return told;
  };

  it('shows the nodes and their slots as these tell of themselves, and all that one server can', async () => {
    const [window, other] = [await open(), await open()];
    for (const each of [window, other]) await nodesAreTrue(each, 6);
    const slots = (await nodesShown(window)).map(([, , count]) => Number(count));
    expect(slots.reduce((sum, count) => sum + count, 0)).toBe(16_384);
    expect(await publish(1_000, 1)).toBe(signNames.length);
    await shows(window, '#received', String(signNames.length));
    await draw(other, 0.3);
    await shows(window, '#strokes', '1');
    await other.fill('#note', 'on a cluster');
    await shows(window, '#live-value', 'on a cluster');
    expect(await liveShown(window)).toStrictEqual({ value: 'on a cluster', writes: 1, reads: 2, emitted: 2 });
    await window.click('#read');
    await eventually(
      () => cacheShown(other),
      ({ hits, misses, entries }) => hits === 9 && misses === 1 && entries === 1,
    );
    expect(await cacheShown(other)).toStrictEqual(page().client('reader').cache.stats);
    await window.click('#push');
    await eventually(
      () => text(other, '#jobs-done'),
      (done) => Number(done) > 3,
    );
    expect(await window.locator('#failover').isVisible()).toBe(false);
    await window.click('#wipe');
    await shows(other, '#strokes', '0');
  });

  it('shows a failover: who is master, the gap, what was missed and is read, what was drawn meanwhile', async () => {
    const [window, other] = [await open(), await open()];
    await nodesAreTrue(window, 6);
    const before = await nodesShown(window);
    const heard = await publish(2_000, 2);
    await shows(window, '#received', String(heard));
    await window.fill('#note', 'before');
    await shows(other, '#live-value', 'before');
    await window.click('#kill');
    await other.locator('#journal', { hasText: /the master \S+ is killed \(SIGKILL\)/ }).waitFor();
    await draw(other, 0.5);
    const heardLater = await publish(3_000, 3);

    await other.locator('#journal', { hasText: /\S+ has its slots now; \S+ runs again, as a replica/ }).waitFor();
    for (const each of [window, other]) {
      for (const sign of signNames) await shows(each, `[data-sign=${sign}] b`, signs[sign].tell(3));
      await shows(each, '#received', String(heard + heardLater));
      await shows(each, '#strokes', '1');
      await shows(each, '#under-way', '0');
      await nodesAreTrue(each, 5);
      await eventually(clientsWith(each), ([, ...own]) => own.every(({ state }) => state === 'ready'));
    }
    await other.fill('#note', 'after');
    await shows(window, '#live-value', 'after');
    const missed = Number(await text(window, '#caught-up'));
    expect(missed).toBeGreaterThanOrEqual(signNames.length - heardLater);
    const journal = await journalOf(window);
    const [, killed = ''] = /the master (\S+) is killed/.exec(journal) ?? [];
    const [, successor = ''] = /(\S+) has its slots now/.exec(journal) ?? [];
    const roleOf = (shown: typeof before, address: string) => shown.find(([name]) => name === address)?.[1];
    const after = await nodesShown(window);
    expect([roleOf(before, killed), roleOf(before, successor)]).toStrictEqual(['master', `replica of ${killed}`]);
    expect(roleOf(after, successor)).toBe('master');
    expect([undefined, `replica of ${successor}`]).toContain(roleOf(after, killed));
    expect(journal).toContain(
      `page: ${successor} is a master of ${before.find(([name]) => name === killed)?.[2]} slots now`,
    );
    expect(journal).toMatch(/page: a gap of \d+ ms in the messages of load/);
    expect(journal).toMatch(/page: read the \d+ samples that Redis keeps/);
  });
});

/** What a server says of itself, as the page shows it. */
async function tellOf({ host, port }: { readonly host: string; readonly port: number }): Promise<readonly string[]> {
  await using redis = new Redis({ host, port, reconnect: false });
  redis.events$.subscribe();
  const lines = (await redis.call<string>('CLUSTER', 'NODES')).split('\n').map((line) => line.split(' '));
  const [, , flags = '', master = '', , , , , ...ranges] = lines.find(([, , flags]) => flags?.includes('myself')) ?? [];
  const slots = ranges
    .map((range) => range.split('-').map(Number) as [number, number?])
    .reduce((sum, [first, last = first]) => sum + last - first + 1, 0);
  const address = lines.find(([id]) => id === master)?.[1]?.replace(/@.*/, '');
  return [`${host}:${port}`, flags.includes('master') ? 'master' : `replica of ${address}`, String(slots)];
}
