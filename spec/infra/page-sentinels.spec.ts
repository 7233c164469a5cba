import type { Page as Window } from 'playwright-core';
import { from, lastValueFrom, toArray } from 'rxjs';
import { Redis } from 'rxjs-redis';
import { nameOf } from '../../infra/demo/place';
import { publishTo } from '../../infra/demo/publisher';
import type { Venue } from '../../infra/demo/venue';
import { startSentinelVenue } from '../../infra/demo/venue-sentinels';
import { signNames, signs } from '../../infra/demo/vitals/signs';
import { eventually } from '../support/clients';
import { clientsWith, draw, journalOf, nodesShown, shows, useWindows } from './page-window';
import { usePageAt } from './use-page';
import { useVenue } from './use-venue';

const newWindow = useWindows();

describe('the page of the demo behind sentinels', () => {
  const { venue, direct } = useVenue(() => startSentinelVenue(() => undefined));
  const page = usePageAt(venue);

  const open = async (): Promise<Window> => {
    const window = await newWindow(page().url);
    await shows(window, '#title', 'A machine');
    await eventually(clientsWith(window), (shown) => shown.find(({ name }) => name === 'page')?.subscriptions === '2');
    return window;
  };
  const publish = (at: number, value: number) =>
    lastValueFrom(
      from(signNames.map((sign) => ({ sign, at, value }))).pipe(publishTo(direct(), venue().space), toArray()),
    );
  /** Waits until the page shows that the client is at a master, which says so itself. @returns its address */
  const masterOf = async (window: Window): Promise<string> => {
    const shown = await eventually(
      () => nodesShown(window),
      (rows) => rows.filter(([, role, , state]) => role === 'master' && state === 'ready').length === 1,
    );
    const [address = ''] = shown.find(([, role]) => role === 'master') ?? [];
    expect(await roleOf(address)).toBe('master');
    expect(shown.map(([name]) => name)).toStrictEqual(serversOf(venue()).toSorted());
    const others = shown.filter(([name]) => name !== address);
    for (const [, role, , state] of others) expect([role, state]).toStrictEqual([`replica of ${address}`, '']);
    return address;
  };

  it.each([
    ['the master is killed', '#kill', /(\S+) is the master now; (\S+) runs again, as a replica/, 1],
    ['SENTINEL FAILOVER makes a replica the master', '#failover', /(\S+) is the master now, (\S+) a replica/, 2],
  ] as const)('shows what the clients do when %s', async (_, button, over, round) => {
    const [window, other] = [await open(), await open()];
    const old = await masterOf(window);
    expect(await masterOf(other)).toBe(old);
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
      await shows(each, '[data-sign=load] b', signs.load.tell(round + 0.5));
      await shows(each, '#strokes', '1');
      await shows(each, '#under-way', '0');
      await eventually(clientsWith(each), ([, ...own]) => own.every(({ state }) => state === 'ready'));
    }
    await window.fill('#note', `after ${round}`);
    await shows(other, '#live-value', `after ${round}`);
    const journal = await journalOf(window);
    const successor = await masterOf(window);
    expect(over.exec(journal)?.slice(1)).toStrictEqual([successor, old]);
    expect(await masterOf(other)).toBe(successor);
    expect(journal).toContain(`page: ${successor} is a master now`);
    expect(journal).toMatch(/page: a gap of \d+ ms in the messages\n/);
    expect(journal).toMatch(/page: read the \d+ samples that Redis keeps/);
  });
});

function serversOf({ place }: Venue): readonly string[] {
  if (place.kind !== 'sentinels') throw new Error('no sentinels');
  return place.servers.map(nameOf);
}

/** What a server says of itself: sentinels make an old master a replica seconds after they name another. */
async function roleOf(address: string): Promise<string> {
  await using redis = new Redis(`redis://${address}`, { reconnect: false });
  redis.events$.subscribe();
  return (await redis.call<[string]>('ROLE'))[0];
}
