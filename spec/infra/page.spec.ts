import { request } from 'node:http';
import type { Browser, Page as Window } from 'playwright-core';
import { from, lastValueFrom, toArray } from 'rxjs';
import type { Redis } from 'rxjs-redis';
import { getRedisToken } from 'rxjs-redis/nestjs';
import { launchBrowser } from '../../infra/browser';
import { Faults } from '../../infra/demo/faults';
import { layLine, type Line } from '../../infra/demo/line';
import { Jobs } from '../../infra/demo/page/jobs';
import { startPage, type Page } from '../../infra/demo/page/start-page';
import { publishTo } from '../../infra/demo/publisher';
import { Space } from '../../infra/demo/space';
import { tellState } from '../../infra/demo/view/tell';
import { signNames, signs } from '../../infra/demo/vitals/signs';
import { eventually, useClients } from '../support/clients';
import { useServer } from '../support/server';
import { Demo } from './demo-process';

let browser: Browser | undefined;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterEach(async () => {
  await Promise.all((browser?.contexts() ?? []).map((context) => context.close()));
});
afterAll(() => browser?.close());

describe('the page of the demo', () => {
  const server = useServer({ args: ['--appendonly', 'yes'] });
  const client = useClients();
  let space: Space;
  let line: Line;
  let faults: Faults;
  let publisher: Redis;
  let page: Page;
  let direct: Redis;
  let pages = 0;

  beforeEach(async () => {
    space = new Space(`vitals:${++pages}`);
    line = await layLine(server().url);
    faults = new Faults(line, server());
    publisher = line.client('publisher');
    page = await startPage({ title: 'A machine', line, space, publisher, faults });
    direct = client(server().url);
  });
  afterEach(async () => {
    await faults[Symbol.asyncDispose]();
    await page[Symbol.asyncDispose]();
    await publisher.destroy();
    await line[Symbol.asyncDispose]();
  });

  const clientOf = (name: string): Redis =>
    name === 'publisher' ? publisher : page.app.get<Redis>(getRedisToken(name));

  /** Publishes and keeps a value of each sign. */
  const publish = (redis: Redis, at: number, value: number) =>
    lastValueFrom(from(signNames.map((sign) => ({ sign, at, value }))).pipe(publishTo(redis, space), toArray()));

  /** A window that is told of everything from now on. */
  const open = async (): Promise<Window> => {
    const window = await newWindow(page.url);
    await eventually(
      () => direct.pubsubNumpat(),
      (patterns) => patterns === 1,
    );
    await eventually(
      () => direct.pubsubNumsub(space.board),
      (observed) => observed[space.board] === 1,
    );
    await shows(window, '#title', 'A machine');
    return window;
  };

  it('shows each sample that its client has heard, and how many there were', async () => {
    const window = await open();
    for (const [index, value] of [1.5e6, 42.25, 97e6].entries()) {
      expect(await publish(direct, Date.now() + index, value)).toStrictEqual(signNames.map(() => 'heard'));
      for (const sign of signNames) await shows(window, `[data-sign=${sign}] b`, signs[sign].tell(value));
      await shows(window, '#received', String(signNames.length * (index + 1)));
    }
    await shows(window, '#caught-up', '0');
  });

  it('shows a later window what was kept', async () => {
    await publish(direct, Date.now(), 12.5);
    const window = await open();
    await shows(window, '[data-sign=load] b', '12.50');
    await shows(window, '#received', '0');
    await shows(window, '#windows', '1');
    const other = await open();
    await shows(other, '[data-sign=processor] b', '12.5 %');
    for (const each of [window, other]) await shows(each, '#windows', '2');
  });

  it('shows of each client what it says of itself, also while the line is cut', async () => {
    const window = await open();
    const asTold = async () => {
      await eventually(
        async () => ({ shown: await clientsShown(window), said: ['publisher', 'page', 'workers'].map(said) }),
        ({ shown, said }) => JSON.stringify(shown) === JSON.stringify(said),
      );
      return clientsShown(window);
    };
    await publisher.connect();
    expect((await asTold()).map(({ state }) => state)).toStrictEqual(['ready', 'ready', 'ready']);

    await line.cut();
    const waiting = Promise.all([1, 2, 3].map((value) => publisher.set(`${space.prefix}:latest`, value)));
    await eventually(clientsWith(window), ([first]) => first?.queued === '3' && /^reconnecting/.test(first.state));
    expect((await asTold()).map(({ state }) => state.replace(/,.*/, ''))).not.toContain('ready');

    await line.mend();
    await waiting;
    await eventually(clientsWith(window), (shown) =>
      shown.every(({ state, queued }) => state === 'ready' && queued === '0'),
    );
    const [, listening] = await asTold();
    expect(listening).toMatchObject({ name: 'page', subscriptions: '2', error: expect.stringContaining('last error') });
    await direct.del(space.latest);
  });

  it('shows the queue as the queue counts itself, and each job in one lane', async () => {
    const window = await open();
    const queue = direct.queue(space.jobs);
    const jobs = page.app.get(Jobs);
    await window.click('#push');
    await eventually(
      async () => ({ shown: await countsShown(window), counted: await queue.counts() }),
      ({ shown, counted }) => JSON.stringify(shown) === JSON.stringify(counted) && counted.workers === 3,
    );
    await eventually(
      async () => ({ shown: await queueShown(window), told: jobs.picture() }),
      ({ shown, told: { waiting, delayed, workers, finished, pushed, done, failures } }) => {
        const numbers = (tiles: readonly { readonly number: number }[]) => tiles.map(({ number }) => number);
        const lanes = [waiting, ...workers.map(({ tile }) => (tile ? [tile] : [])), delayed, finished].map(numbers);
        const told = { lanes: lanes.map((lane) => lane.slice(0, 12)), pushed, done, failures };
        return JSON.stringify(shown) === JSON.stringify(told) && done > 3;
      },
    );
  });

  it('slows a worker, and says so in each window', async () => {
    const [window, other] = [await open(), await open()];
    await window.locator('.lane button').nth(1).click();
    for (const each of [window, other]) {
      await each.locator('[data-lane="worker 2"] button[aria-pressed=true]').waitFor();
      await each.locator('#journal', { hasText: 'worker 2 takes 6 times as long' }).waitFor();
    }
    expect(
      page.app
        .get(Jobs)
        .picture()
        .workers.map(({ isSlow }) => isSlow),
    ).toStrictEqual([false, true, false]);
    await other.locator('.lane button').nth(1).click();
    await window.locator('[data-lane="worker 2"] button[aria-pressed=false]').waitFor();
  });

  it('shares a whiteboard between windows, which show the same picture', async () => {
    const [window, other] = [await open(), await open()];
    await draw(window, 0.2);
    await draw(other, 0.6);
    for (const each of [window, other]) {
      await shows(each, '#strokes', '2');
      await shows(each, '#under-way', '0');
    }
    expect(await picture(other)).toBe(await picture(window));
    expect(await direct.llen(space.board)).toBe(2);
    const late = await open();
    await shows(late, '#strokes', '2');
    expect(await picture(late)).toBe(await picture(window));
    await other.click('#wipe');
    for (const each of [window, other, late]) await shows(each, '#strokes', '0');
    expect(await direct.exists(space.board)).toBe(0);
  });

  it('shows a cut as it happens: states, the gap, what was missed and is read, what was drawn meanwhile', async () => {
    const [window, other] = [await open(), await open()];
    await publish(direct, 1_000, 1);
    await shows(window, '#received', String(signNames.length));
    await window.click('#cut');
    await eventually(clientsWith(other), ([, listening]) => /^reconnecting, attempt \d+/.test(listening?.state ?? ''));
    // Over a line of its own, so that the page cannot hear of it.
    expect(await publish(direct, 1_200, 2)).toStrictEqual(signNames.map(() => 'unheard'));
    await draw(other, 0.5);
    await shows(other, '#under-way', '1');
    await window.click('#cut');
    await shows(window, '#message', 'something is broken already');

    for (const each of [window, other]) {
      await shows(each, '#caught-up', String(signNames.length));
      await shows(each, '[data-sign=load] b', '2.00');
      await shows(each, '#received', String(signNames.length));
      await shows(each, '#strokes', '1');
      await shows(each, '#under-way', '0');
      await eventually(clientsWith(each), ([, ...own]) => own.every(({ state }) => state === 'ready'));
    }
    const journal = (await window.locator('#journal li').allTextContents()).reverse().join('\n');
    const told = [
      /the line to the server is cut for 3000 ms/,
      /page, messages: /,
      /the line is whole again/,
      /page: a gap of \d+ ms in the messages/,
      /page: read the 10 samples that Redis keeps/,
    ].map((pattern) => journal.search(pattern));
    expect(told).not.toContain(-1);
    expect(await other.locator('#journal li').allTextContents()).toStrictEqual(
      await window.locator('#journal li').allTextContents(),
    );
  });

  it('kills the server, starts it again, and has all that was kept', async () => {
    const [window, other] = [await open(), await open()];
    await publish(direct, 1_000, 1);
    await draw(window, 0.3);
    await shows(other, '#strokes', '1');
    const { pid } = server();
    await other.click('#kill');
    await other.locator('#journal', { hasText: 'the server is killed (SIGKILL)' }).waitFor();
    await eventually(clientsWith(window), ([, listening]) => /^reconnecting/.test(listening?.state ?? ''));
    await window.locator('#journal', { hasText: /page: a gap of \d+ ms/ }).waitFor();
    await eventually(clientsWith(window), ([, ...own]) => own.every(({ state }) => state === 'ready'));
    expect(server().pid).not.toBe(pid);
    for (const each of [window, other]) {
      await shows(each, '#strokes', '1');
      await shows(each, '[data-sign=load] b', '1.00');
    }
    expect(await direct.llen(space.board)).toBe(1);
    const done = Number(await text(window, '#jobs-done'));
    await eventually(
      () => text(window, '#jobs-done'),
      (now) => Number(now) > done,
    );
  });

  it('neither listens nor works while no window is open', async () => {
    expect(clientOf('page').inspect().state).toBe('idle');
    expect(clientOf('workers').inspect().state).toBe('idle');
    expect(page.isWatched()).toBe(false);
    const window = await open();
    expect(page.isWatched()).toBe(true);
    await window.close();
    await eventually(
      () => direct.pubsubNumpat(),
      (patterns) => patterns === 0,
    );
    await eventually(
      () => direct.queue(space.jobs).counts(),
      ({ workers }) => workers === 0,
    );
    expect(page.isWatched()).toBe(false);
  });

  const stroke = { id: '0b5e2f3c-1111-4222-8333-444455556666', colour: 1, points: [0, 1000] };
  it.each([
    ['a list', 'strokes', [], 'an object of JSON'],
    ['another id', 'strokes', { ...stroke, id: "x';drop" }, 'id: a UUID'],
    ['a colour too many', 'strokes', { ...stroke, colour: 8 }, 'colour: '],
    ['no point', 'strokes', { ...stroke, points: [] }, 'points: '],
    ['half a point', 'strokes', { ...stroke, points: [1, 2, 3] }, 'points: '],
    ['a point outside', 'strokes', { ...stroke, points: [1, 1001] }, 'points: '],
    ['a broken number', 'strokes', { ...stroke, points: [1, 0.5] }, 'points: '],
    ['too many points', 'strokes', { ...stroke, points: Array<number>(1026).fill(0) }, 'points: '],
    ['an unknown field', 'strokes', { ...stroke, name: 'secret' }, 'known are id, colour, points'],
    ['too many jobs', 'jobs', { count: 21 }, 'count: '],
    ['a text for a number', 'jobs', { count: '1' }, 'count: '],
    ['no such worker', 'slow', { worker: 3, isSlow: true }, 'worker: '],
    ['a number for a boolean', 'slow', { worker: 0, isSlow: 1 }, 'isSlow: '],
  ])('refuses %s at /%s, and asks the server nothing', async (_, path, body, expected) => {
    const answer = await ask(page.url, path, { body });
    expect(answer.status).toBe(400);
    expect(answer.text).toContain(expected);
    expect(answer.text).not.toContain('secret');
    expect([clientOf('page').inspect().state, clientOf('workers').inspect().state]).toStrictEqual(['idle', 'idle']);
  });

  it('refuses what is no JSON, and what is too long', async () => {
    expect((await ask(page.url, 'cut', { raw: '{' })).status).toBe(400);
    expect((await ask(page.url, 'strokes', { raw: `[${'0,'.repeat(20_000)}0]` })).status).toBe(413);
  });

  it.each([
    ['another site asks', { Origin: 'http://elsewhere.example' }],
    ['another name leads here', { Host: 'elsewhere.example' }],
  ])('does nothing where %s', async (_, headers) => {
    expect((await ask(page.url, 'cut', { body: {}, headers })).status).toBe(403);
    expect((await ask(page.url, 'events', { method: 'GET', headers })).status).toBe(403);
    expect(faults.cut(0)).toBe(true); // none has begun
  });

  it('cannot kill a server that is not its own', async () => {
    await using guest = await startPage({
      title: 'A guest',
      line,
      space,
      publisher,
      faults: new Faults(line, undefined),
    });
    const window = await newWindow(guest.url);
    await shows(window, '#title', 'A guest');
    expect(await window.locator('#kill').isDisabled()).toBe(true);
    expect((await ask(guest.url, 'kill', { body: {} })).text).toContain("the server is not the demo's own");
  });

  function said(name: string): ClientShown {
    const { queued, inFlight, toRepeat, blocking, subscriptions, links, lastError } = clientOf(name).inspect();
    let state = '';
    clientOf(name)
      .state$.subscribe((latest) => (state = tellState(latest)))
      .unsubscribe();
    return {
      ...{ name, state, queued: String(queued), inFlight: String(inFlight), toRepeat: String(toRepeat) },
      blocking: String(blocking.count),
      subscriptions: String(subscriptions.channel + subscriptions.pattern + subscriptions.shard),
      links: links.map(({ role, state, id }) => `${role} ${id === undefined ? state : `id ${id}`}`).join(' · '),
      error: lastError === undefined ? '' : `last error: ${lastError.message}`,
    };
  }
});

describe('npm run demo, with a window at its page', () => {
  it('goes on after its time until Ctrl-C, and leaves nothing', async () => {
    const demo = new Demo(['--seconds', '2'], { REDIS_URL: '' });
    const [, url = ''] = /^page: (\S+)/.exec(await demo.line(/^page: /)) ?? [];
    const window = await newWindow(url);
    await demo.line(/· 2 s are over; a window is open, so it goes on until Ctrl-C/);
    await demo.line(/^ +[\d.]+ s {3}load /);
    await window.locator('#journal', { hasText: 'the line to the server is cut' }).waitFor();
    demo.process.kill('SIGINT');
    expect(await demo.ended).toBe(130);
    expect(demo.errors).toEqual([]);
    await shows(window, '#message', 'The demo has ended, or cannot be reached.');
  });
});

type ClientShown = Readonly<
  Record<
    'name' | 'state' | 'queued' | 'inFlight' | 'toRepeat' | 'blocking' | 'subscriptions' | 'links' | 'error',
    string
  >
>;

async function newWindow(url: string): Promise<Window> {
  if (browser === undefined) throw new Error('there is no browser');
  const window = await browser.newPage();
  window.setDefaultTimeout(120_000);
  window.on('pageerror', (error) => {
    throw error;
  });
  await window.goto(url);
  return window;
}

function text(window: Window, selector: string): Promise<string> {
  return window.locator(selector).innerText();
}

/** Waits until an element has that text. */
async function shows(window: Window, selector: string, expected: string): Promise<void> {
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

function clientsShown(window: Window): Promise<readonly ClientShown[]> {
  return window.locator('.client').evaluateAll((cards: readonly Shown[]) =>
    cards.map((card) => {
      const numbers = [...card.querySelectorAll('[data-number]')];
      const texts = Object.fromEntries(numbers.map(({ dataset, textContent }) => [dataset.number, textContent]));
      return { name: card.dataset.client, ...texts } as ClientShown;
    }),
  );
}

function clientsWith(window: Window): () => Promise<readonly ClientShown[]> {
  return () => clientsShown(window);
}

function countsShown(window: Window): Promise<Readonly<Record<string, number>>> {
  return window
    .locator('[data-count]')
    .evaluateAll((all: readonly Shown[]): Record<string, number> =>
      Object.fromEntries(all.map(({ dataset, textContent }) => [dataset.count ?? '', Number(textContent)] as const)),
    );
}

function queueShown(window: Window) {
  return window.locator('#queue').evaluate((box: Shown) => {
    const count = (name: string) => Number([...box.querySelectorAll(`#jobs-${name}`)][0]?.textContent);
    const lanes = [...box.querySelectorAll('.lane')].map((lane) =>
      [...lane.querySelectorAll('.tile')].map(({ dataset }) => Number(dataset.job)),
    );
    return { lanes, pushed: count('pushed'), done: count('done'), failures: count('failures') };
  });
}

/** Draws a line across the whiteboard, at that height. */
async function draw(window: Window, height: number): Promise<void> {
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

function picture(window: Window): Promise<string> {
  return window.locator('#canvas').evaluate((canvas: Shown) => canvas.toDataURL());
}

interface Asked {
  readonly method?: string;
  readonly body?: unknown;
  readonly raw?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** As no browser would. */
function ask(url: string, path: string, { method = 'POST', body, raw, headers }: Asked) {
  return new Promise<{ readonly status: number | undefined; readonly text: string }>((resolve, reject) => {
    const asked = request(`${url}${path}`, { method, headers: { 'Content-Type': 'application/json', ...headers } });
    asked.on('error', reject).on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => resolve({ status: response.statusCode, text }));
    });
    asked.end(raw ?? (body === undefined ? undefined : JSON.stringify(body)));
  });
}
