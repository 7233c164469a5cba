import type { Page as Window } from 'playwright-core';
import { from, lastValueFrom, toArray } from 'rxjs';
import type { Redis } from 'rxjs-redis';
import { Faults } from '../../infra/demo/faults';
import { Jobs } from '../../infra/demo/page/jobs';
import { startPage } from '../../infra/demo/page/start-page';
import { publishTo } from '../../infra/demo/publisher';
import { tellState } from '../../infra/demo/view/tell';
import { signNames, signs } from '../../infra/demo/vitals/signs';
import { eventually, useClients } from '../support/clients';
import { useServer } from '../support/server';
import { Demo } from './demo-process';
import { ask } from './page-asked';
import {
  clientsShown,
  clientsWith,
  countsShown,
  draw,
  picture,
  queueShown,
  shows,
  text,
  useWindows,
  type ClientShown,
} from './page-window';
import { usePage } from './use-page';

const newWindow = useWindows();

describe('the page of the demo', () => {
  const server = useServer({ args: ['--appendonly', 'yes'] });
  const client = useClients();
  const page = usePage(server);
  let direct: Redis;
  beforeEach(() => {
    direct = client(server().url);
  });

  /** Publishes and keeps a value of each sign. */
  const publish = (redis: Redis, at: number, value: number) =>
    lastValueFrom(from(signNames.map((sign) => ({ sign, at, value }))).pipe(publishTo(redis, page().space), toArray()));

  /** A window that is told of everything from now on. */
  const open = async (): Promise<Window> => {
    const window = await newWindow(page().url);
    await eventually(
      () => direct.pubsubNumpat(),
      (patterns) => patterns === 1,
    );
    await eventually(
      () => direct.pubsubNumsub(page().space.board),
      (observed) => observed[page().space.board] === 1,
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
        async () => ({ shown: await clientsShown(window), said: ['publisher', 'page', 'workers', 'reader'].map(said) }),
        ({ shown, said }) => JSON.stringify(shown) === JSON.stringify(said),
      );
      return clientsShown(window);
    };
    await page().publisher.connect();
    expect((await asTold()).map(({ state }) => state)).toStrictEqual(['ready', 'ready', 'ready', 'ready']);

    await page().line.cut();
    const waiting = Promise.all([1, 2, 3].map((value) => page().publisher.set(`${page().space.prefix}:latest`, value)));
    await eventually(clientsWith(window), ([first]) => first?.queued === '3' && /^reconnecting/.test(first.state));
    expect((await asTold()).map(({ state }) => state.replace(/,.*/, ''))).not.toContain('ready');

    await page().line.mend();
    await waiting;
    await eventually(clientsWith(window), (shown) =>
      shown.every(({ state, queued }) => state === 'ready' && queued === '0'),
    );
    const [, listening] = await asTold();
    expect(listening).toMatchObject({ name: 'page', subscriptions: '2', error: expect.stringContaining('last error') });
    await direct.del(page().space.latest);
  });

  it('shows the queue as the queue counts itself, and each job in one lane', async () => {
    const window = await open();
    const queue = direct.queue(page().space.jobs);
    const jobs = page().app.get(Jobs);
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
        const rests = workers.map((worker) => `${worker.done} done`);
        const told = { lanes: lanes.map((lane) => lane.slice(0, 12)), rests, pushed, done, failures };
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
      page()
        .app.get(Jobs)
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
    expect(await direct.llen(page().space.board)).toBe(2);
    const late = await open();
    await shows(late, '#strokes', '2');
    expect(await picture(late)).toBe(await picture(window));
    await other.click('#wipe');
    for (const each of [window, other, late]) await shows(each, '#strokes', '0');
    expect(await direct.exists(page().space.board)).toBe(0);
  });

  it('shows a cut as it happens: states, the gap, what was missed and is read, what was drawn meanwhile', async () => {
    const [window, other] = [await open(), await open()];
    await publish(direct, 1_000, 1);
    await shows(window, '#received', String(signNames.length));
    await window.click('#cut');
    await eventually(clientsWith(other), ([, listening]) => /^reconnecting, attempt \d+/.test(listening?.state ?? ''));
    // Over a line of its own, so that the page cannot hear of it.
    await eventually(
      () => direct.pubsubNumpat(),
      (patterns) => patterns === 0,
    );
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
    expect(await direct.llen(page().space.board)).toBe(1);
    const done = Number(await text(window, '#jobs-done'));
    await eventually(
      () => text(window, '#jobs-done'),
      (now) => Number(now) > done,
    );
  });

  it('neither listens nor works while no window is open', async () => {
    expect(page().client('page').inspect().state).toBe('idle');
    expect(page().client('workers').inspect().state).toBe('idle');
    expect(page().isWatched()).toBe(false);
    const window = await open();
    expect(page().isWatched()).toBe(true);
    await window.close();
    await eventually(
      () => direct.pubsubNumpat(),
      (patterns) => patterns === 0,
    );
    await eventually(
      () => direct.queue(page().space.jobs).counts(),
      ({ workers }) => workers === 0,
    );
    expect(page().isWatched()).toBe(false);
  });

  it('cannot kill a server that is not its own', async () => {
    await using guest = await startPage({ ...page(), title: 'A guest', faults: new Faults(page().line, undefined) });
    const window = await newWindow(guest.url);
    await shows(window, '#title', 'A guest');
    expect(await window.locator('#kill').isDisabled()).toBe(true);
    expect((await ask(guest.url, 'kill', { body: {} })).text).toContain("the server is not the demo's own");
  });

  function said(name: string): ClientShown {
    const { queued, inFlight, toRepeat, blocking, subscriptions, links, lastError } = page().client(name).inspect();
    let state = '';
    page()
      .client(name)
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
  it('goes on after its time until Ctrl-C, which sets right at once what goes wrong', async () => {
    const demo = new Demo(['--seconds', '10'], { REDIS_URL: '' });
    const goesOn = demo.line(/· 10 s are over; a window is open, so it goes on until Ctrl-C/);
    const [, url = ''] = /^page: (\S+)/.exec(await demo.line(/^page: /)) ?? [];
    const window = await newWindow(url);
    await goesOn;
    await demo.line(/^ +[\d.]+ s {3}load /);
    await window.locator('#journal', { hasText: 'the line to the server is cut' }).waitFor();
    const killed = demo.line(/✂ the server is killed/);
    await window.click('#kill');
    await killed;
    demo.process.kill('SIGINT');
    expect(await demo.ended).toBe(130);
    expect(demo.errors).toEqual([]);
    expect(demo.lines.at(-1)).toMatch(/and its last \d+ samples/);
    await shows(window, '#message', 'The demo has ended, or cannot be reached.');
  });
});
