import type { Page as Window } from 'playwright-core';
import { filter, firstValueFrom } from 'rxjs';
import { Windows } from '../../infra/demo/page/windows';
import { eventually } from '../support/clients';
import { useServer } from '../support/server';
import { draw, shows, text, useWindows } from './page-window';
import { usePage } from './use-page';

/** A browser makes six connections at most to a host: with a stream each, the seventh would never be told anything. */
const MANY = 8;

const newWindow = useWindows();

describe('many windows of one browser at the page of the demo', () => {
  const page = usePage(useServer({ args: ['--appendonly', 'yes'] }));

  it('share one stream, are counted one by one, and all show and do what one does', async () => {
    const first = await newWindow(page().url);
    const windows: Window[] = [first];
    while (windows.length < MANY) windows.push(await newWindow(page().url, first));
    for (const window of windows) {
      await shows(window, '#title', 'A machine');
      await shows(window, '#windows', String(MANY));
    }
    await draw(windows.at(-1)!, 0.4);
    for (const window of windows) await shows(window, '#strokes', '1');
    await shows(windows.at(-1)!, '#under-way', '0');
    const late = await newWindow(page().url, first);
    await shows(late, '#strokes', '1');
    for (const window of windows) await shows(window, '#windows', String(MANY + 1));
  });

  it('are left by one that is closed or has crashed, and go on', async () => {
    const first = await newWindow(page().url);
    const others = [await newWindow(page().url, first), await newWindow(page().url, first)] as const;
    await shows(first, '#windows', '3');
    await others[0].close();
    await shows(first, '#windows', '2');
    const crashed = new Promise((resolve) => others[1].once('crash', resolve));
    await others[1].goto('chrome://crash').catch(() => undefined);
    await crashed;
    await shows(first, '#windows', '1');
    const pushed = Number(await text(first, '#jobs-pushed'));
    await eventually(
      () => text(first, '#jobs-pushed'),
      (now) => Number(now) > pushed,
    );
    await first.close();
    await firstValueFrom(
      page()
        .app.get(Windows)
        .count$.pipe(filter((count) => count === 0)),
    );
    expect(page().isWatched()).toBe(false);
  });
});
