import type { Browser, Page as Window } from 'playwright-core';
import { launchBrowser } from '../../infra/browser';
import { eventually } from '../support/clients';
import { PATIENCE } from '../support/until';

/**
 * Starts a browser before the specs of a file.
 * @returns what opens a window, which is closed after its spec: of another user of the browser, or of the same as a window that is there
 */
export function useWindows(): (url: string, beside?: Window) => Promise<Window> {
  let browser: Browser | undefined;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterEach(async () => {
    await Promise.all((browser?.contexts() ?? []).map((context) => context.close()));
  });
  afterAll(() => browser?.close());
  return async (url, beside) => {
    if (browser === undefined) throw new Error('useWindows: the browser is there in specs and hooks, not before');
    const context = beside?.context() ?? (await browser.newContext());
    const window = await context.newPage();
    window.setDefaultTimeout(PATIENCE);
    window.on('pageerror', (error) => {
      throw error;
    });
    await window.goto(url);
    return window;
  };
}

export type ClientShown = Readonly<
  Record<
    'name' | 'state' | 'queued' | 'inFlight' | 'toRepeat' | 'blocking' | 'subscriptions' | 'links' | 'error',
    string
  >
>;

export function text(window: Window, selector: string): Promise<string> {
  return window.locator(selector).innerText();
}

/** Waits until an element has that text. */
export async function shows(window: Window, selector: string, expected: string): Promise<void> {
  await eventually(
    () => text(window, selector),
    (shown) => shown === expected,
  );
}

/** What is used of an element of the page. */
interface Shown {
  readonly dataset: Readonly<Record<string, string>>;
  readonly textContent: string;
  querySelectorAll(selector: string): Iterable<Shown>;
  toDataURL(): string;
}

export function clientsShown(window: Window): Promise<readonly ClientShown[]> {
  return window.locator('.client').evaluateAll((cards: readonly Shown[]) =>
    cards.map((card) => {
      const numbers = [...card.querySelectorAll('[data-number]')];
      const texts = Object.fromEntries(numbers.map(({ dataset, textContent }) => [dataset.number, textContent]));
      return { name: card.dataset.client, ...texts } as ClientShown;
    }),
  );
}

export function clientsWith(window: Window): () => Promise<readonly ClientShown[]> {
  return () => clientsShown(window);
}

export function countsShown(window: Window): Promise<Readonly<Record<string, number>>> {
  return window
    .locator('[data-count]')
    .evaluateAll((all: readonly Shown[]): Record<string, number> =>
      Object.fromEntries(all.map(({ dataset, textContent }) => [dataset.count ?? '', Number(textContent)] as const)),
    );
}

export function queueShown(window: Window) {
  return window.locator('#queue').evaluate((box: Shown) => {
    const count = (name: string) => Number([...box.querySelectorAll(`#jobs-${name}`)][0]?.textContent);
    const lanes = [...box.querySelectorAll('.lane')].map((lane) =>
      [...lane.querySelectorAll('.tile')].map(({ dataset }) => Number(dataset.job)),
    );
    const each = [...box.querySelectorAll('.lane button')].length;
    const rests = [...box.querySelectorAll('.lane .rest')].map(({ textContent }) => textContent).slice(1, 1 + each);
    return { lanes, rests, pushed: count('pushed'), done: count('done'), failures: count('failures') };
  });
}

/** Draws a line across the whiteboard, at that height. */
export async function draw(window: Window, height: number): Promise<void> {
  await window.bringToFront();
  const canvas = window.locator('#canvas');
  await canvas.scrollIntoViewIfNeeded();
  const box = await canvas.boundingBox();
  if (box === null) throw new Error('there is no whiteboard');
  await window.mouse.move(box.x + 0.1 * box.width, box.y + height * box.height);
  await window.mouse.down();
  for (const part of [0.3, 0.5, 0.9]) {
    await window.mouse.move(box.x + part * box.width, box.y + (height + 0.1 * part) * box.height);
  }
  await window.mouse.up();
}

export function picture(window: Window): Promise<string> {
  return window.locator('#canvas').evaluate((canvas: Shown) => canvas.toDataURL());
}

export async function liveShown(window: Window) {
  const count = async (name: string) => Number(await text(window, `#live-${name}`));
  return {
    value: await text(window, '#live-value'),
    writes: await count('writes'),
    reads: await count('reads'),
    emitted: await count('emitted'),
  };
}

export function cacheShown(window: Window): Promise<Readonly<Record<string, number>>> {
  return window
    .locator('[data-cache]')
    .evaluateAll((all: readonly Shown[]): Record<string, number> =>
      Object.fromEntries(all.map(({ dataset, textContent }) => [dataset.cache ?? '', Number(textContent)] as const)),
    );
}

/** The servers as the page shows them: the address of each, its role, its slots, and the connection to it. */
export function nodesShown(window: Window): Promise<readonly (readonly string[])[]> {
  return window
    .locator('#node-rows tr')
    .evaluateAll((rows: readonly Shown[]) =>
      rows.map((row) => [...row.querySelectorAll('td')].map(({ textContent }) => textContent)),
    );
}

/** What the page says has happened, the oldest first. */
export async function journalOf(window: Window): Promise<string> {
  return (await window.locator('#journal li').allTextContents()).reverse().join('\n');
}
