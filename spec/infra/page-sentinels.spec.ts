import type { Page as Window } from 'playwright-core';
import { from, lastValueFrom, toArray } from 'rxjs';
import { Redis } from 'rxjs-redis';
import { clientOf, nameOf, optionsTo, type Client } from '../../infra/demo/place';
import { publishTo } from '../../infra/demo/publisher';
import type { Venue } from '../../infra/demo/venue';
import { startSentinelVenue } from '../../infra/demo/venue-sentinels';
import { signNames, signs } from '../../infra/demo/vitals/signs';
import { eventually } from '../support/clients';
import { clientsWith, draw, journalOf, nodesShown, shows, useWindows } from './page-window';
import { usePageAt } from './use-page';

const newWindow = useWindows();

describe('the page of the demo behind sentinels', () => {
  let venue: Venue;
  let direct: Client;
  beforeAll(async () => {
    venue = await startSentinelVenue(() => undefined);
    direct = clientOf(optionsTo(venue.place, {}));
    direct.events$.subscribe();
  });
  afterAll(async () => {
    await direct?.destroy();
    await venue?.[Symbol.asyncDispose]();
  });
  const page = usePageAt(() => venue);

  const open = async (): Promise<Window> => {
    const window = await newWindow(page().url);
    await shows(window, '#title', 'A machine');
    await eventually(clientsWith(window), (shown) => shown.find(({ name }) => name === 'page')?.subscriptions === '2');
    return window;
  };
  const publish = (at: number, value: number) =>
    lastValueFrom(from(signNames.map((sign) => ({ sign, at, value }))).pipe(publishTo(direct, venue.space), toArray()));
  /** Waits until the page shows each server as it tells of itself, and the client at the master. */
  const nodesAreTrue = (window: Window) =>
    eventually(
      async () => ({ shown: await nodesShown(window), told: await nodesTold(venue) }),
      ({ shown, told }) => JSON.stringify(shown) === JSON.stringify(told),
    );

  it.each([
    ['the master is killed', '#kill', /(\S+) is the master now; (\S+) runs again, as a replica/, 1],
    ['SENTINEL FAILOVER makes a replica the master', '#failover', /(\S+) is the master now, (\S+) a replica/, 2],
  ] as const)('shows what the clients do when %s', async (_, button, over, round) => {
    const [window, other] = [await open(), await open()];
    for (const each of [window, other]) await nodesAreTrue(each);
    await publish(1_000 * round, round);
    await shows(other, '[data-sign=load] b', signs.load.tell(round));
    await window.fill('#note', `before ${round}`);
    await shows(other, '#live-value', `before ${round}`);
    await window.click('#wipe');
    await window.click(button);
    await other.locator('#journal', { hasText: over }).waitFor();
    await draw(other, 0.5);
    await publish(1_000 * round + 500, round + 0.5);

    for (const each of [window, other]) {
      await nodesAreTrue(each);
      await shows(each, '[data-sign=load] b', signs.load.tell(round + 0.5));
      await shows(each, '#strokes', '1');
      await shows(each, '#under-way', '0');
      await eventually(clientsWith(each), ([, ...own]) => own.every(({ state }) => state === 'ready'));
    }
    await window.fill('#note', `after ${round}`);
    await shows(other, '#live-value', `after ${round}`);
    const journal = await journalOf(window);
    const [, successor = '', old = ''] = over.exec(journal) ?? [];
    const roleOf = async (address: string) => (await nodesShown(window)).find(([name]) => name === address)?.[1];
    expect([await roleOf(successor), await roleOf(old)]).toStrictEqual(['master', `replica of ${successor}`]);
    expect(journal).toContain(`page: ${successor} is a master now`);
    expect(journal).toMatch(/page: a gap of \d+ ms in the messages\n/);
    expect(journal).toMatch(/page: read the \d+ samples that Redis keeps/);
  });
});

/** What the servers say of themselves, as the page shows it: the client is at the master. */
async function nodesTold({ place }: Venue): Promise<readonly (readonly string[])[]> {
  if (place.kind !== 'sentinels') throw new Error('no sentinels');
  const told = await Promise.all(
    place.servers.map(async (server) => {
      await using redis = new Redis({ ...server, reconnect: false });
      redis.events$.subscribe();
      const [role, host, port] = await redis.call<[string, string, number]>('ROLE');
      const isMaster = role === 'master';
      return [nameOf(server), isMaster ? 'master' : `replica of ${host}:${port}`, '', isMaster ? 'ready' : ''];
    }),
  );
  return told.sort(([one = ''], [other = '']) => (one < other ? -1 : 1));
}
