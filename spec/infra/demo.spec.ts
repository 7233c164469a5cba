import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'rxjs-redis';
import { signs } from '../../infra/demo/vitals/signs';
import { useServer } from '../support/server';
import { Demo } from './demo-process';

/** A run that has room for a cut of the line and what follows, on a busy machine as well. */
const SECONDS = 8;
const SIGN_LINE = /^ +[\d.]+ s {3}load /;

describe('npm run demo', () => {
  let demo: Demo;
  beforeAll(async () => {
    demo = new Demo(['--seconds', String(SECONDS)], { REDIS_URL: '' });
    await demo.ended;
  });

  it('ends by itself with exit code 0 and no complaint', async () => {
    expect(demo.errors).toEqual([]);
    expect(await demo.ended).toBe(0);
  });

  it('prints the address of its page in its first lines', () => {
    expect(demo.lines.slice(0, 4).join('\n')).toMatch(/^page: http:\/\/127\.0\.0\.1:\d+\/ /m);
  });

  it('leaves no server behind', async () => {
    expect(await isOpen(demo.port)).toBe(false);
  });

  it('prints at least two lines a second', () => {
    const timed = demo.lines.filter((line) => /^ +\d+\.\d s /.test(line));
    expect(timed.length).toBeGreaterThanOrEqual(2 * SECONDS);
  });

  it('shows the signs of the machine, which change', () => {
    const lines = demo.lines.filter((line) => SIGN_LINE.test(line));
    const told = Object.values(signs).filter(({ name }) => platform() === 'linux' || !name.startsWith('network'));
    const shown = told.map(({ short }) => lines.map((line) => new RegExp(` ${short} +([\\d.]+)`).exec(line)?.[1]));
    expect(shown.flat()).not.toContain(undefined);
    // One of them may stand on a machine that is wholly busy, or has nothing to do.
    expect(shown.filter((values) => new Set(values).size > 1)).not.toStrictEqual([]);
  });

  it('shows the connections cut, made again, and the messages going on', () => {
    const found = [
      /✂ the line to the server is cut for 800 ms/,
      /○ viewer: connection lost: 127\.0\.0\.1:\d+/,
      /○ viewer: \d+ messages had come/,
      /viewer reconnecting, attempt \d+/,
      /● viewer: reconnected after \d+ ms, attempt \d+/,
      /● viewer: message \d+ came \d+ ms later, the stream goes on/,
      SIGN_LINE,
    ].map((pattern) => demo.lines.findLastIndex((line) => pattern.test(line)));
    demo.match(/○ publisher: connection lost: 127\.0\.0\.1:\d+/); // on a connection of its own, whenever that notices
    expect(found).not.toContain(-1);
    expect(found).toEqual([...found].sort((a, b) => a - b));
    const [, before] = demo.match(/(\d+) messages had come/);
    const [, after] = demo.match(/message (\d+) came/);
    expect(Number(after)).toBe(Number(before) + 1);
    expect(Number(before)).toBeGreaterThan(10);
  });

  it('sums up what was published, received and kept', () => {
    const [, published, received, unheard, unanswered] = demo
      .match(/(\d+) messages published, (\d+) received; (\d+) found nobody subscribed, (\d+) got no answer/)
      .map(Number) as [number, number, number, number, number];
    expect(received).toBeGreaterThanOrEqual(published - unheard - unanswered);
    expect(received).toBeLessThanOrEqual(published + unanswered);
    expect(demo.match(/(\d+) reconnects/)[1]).toBe('2');
    expect(demo.match(/processor +[\d.]+ % +and its last (\d+) samples/)[1]).toMatch(/^\d\d$/);
  });
});

describe.each([
  ['--cluster', /^The vital signs .* through a cluster of 6 servers \S+, the first of them at /],
  ['--sentinel', /^The vital signs .* through 3 servers \S+ behind sentinels, the first of them at /],
])('npm run demo -- %s', (option, title) => {
  it('prints the same lines, with the connections cut and made again, and leaves no server behind', async () => {
    const demo = new Demo(['--seconds', String(SECONDS), option], { REDIS_URL: '' });
    expect(await demo.ended).toBe(0);
    expect(demo.errors).toEqual([]);
    const found = [
      /^redis: looking for a server/,
      /^page: http:/,
      title,
      /✂ the line to the servers is cut for 800 ms/,
      /○ viewer: connection lost: 127\.0\.0\.1:\d+/,
      /● viewer: reconnected after \d+ ms/,
      /● viewer: message \d+ came \d+ ms later, the stream goes on/,
      SIGN_LINE,
      /\d+ messages published, \d+ received; \d+ found nobody subscribed, \d+ got no answer/,
      /processor +[\d.]+ % +and its last \d+ samples/,
    ].map((pattern) => demo.lines.findLastIndex((line) => pattern.test(line)));
    expect(found).not.toContain(-1);
    expect(found).toEqual([...found].sort((a, b) => a - b));
    expect(await isOpen(demo.port)).toBe(false);
  });
});

describe('npm run demo -- --open', () => {
  it('opens its page with what the system has for that', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'demo-open-'));
    try {
      await writeFile(join(folder, 'xdg-open'), '#!/bin/sh\necho "$1" > "$0.opened"\n', { mode: 0o755 });
      const demo = new Demo(['--seconds', '2', '--open'], { REDIS_URL: '', PATH: `${folder}:${process.env.PATH}` });
      expect(await demo.ended).toBe(0);
      expect(demo.errors).toEqual([]);
      expect(await readFile(join(folder, 'xdg-open.opened'), 'utf8')).toBe(`${demo.match(/^page: (\S+)/)[1]}\n`);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('npm run demo -- --terminal', () => {
  it('has no page, and prints lines where there is no terminal', async () => {
    const demo = new Demo(['--seconds', '2', '--terminal'], { REDIS_URL: '' });
    expect(await demo.ended).toBe(0);
    expect(demo.lines.filter((line) => /^page: /.test(line))).toEqual([]);
    expect(demo.lines.filter((line) => SIGN_LINE.test(line))).not.toEqual([]);
  });
});

describe('npm run demo, ended by a signal', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('cleans up after %s and exits with %d', async (signal, code) => {
    const demo = new Demo([], { REDIS_URL: '' });
    await demo.line(SIGN_LINE);
    expect(await isOpen(demo.port)).toBe(true);
    demo.process.kill(signal);
    expect(await demo.ended).toBe(code);
    expect(demo.errors).toEqual([]);
    expect(demo.lines.at(-1)).toMatch(/and its last \d+ samples/);
    expect(await isOpen(demo.port)).toBe(false);
  });
});

describe('npm run demo with a server that is there', () => {
  const password = 'open sesame';
  const server = useServer({ args: ['--requirepass', password] });
  const urlWith = (secret: string) => `redis://:${encodeURIComponent(secret)}@${server().host}:${server().port}`;
  let admin: Redis;
  beforeEach(async () => {
    admin = new Redis(urlWith(password));
    await admin.set('mine', 'untouched');
  });
  afterEach(() => admin.close());

  it.each([
    ['--url', (url: string) => new Demo(['--seconds', '2', '--url', url])],
    ['REDIS_URL', (url: string) => new Demo(['--seconds', '2'], { REDIS_URL: url, REDIS_FROM: '' })],
  ])('uses that of %s, removes its keys and does not stop it', async (_, run) => {
    const demo = run(urlWith(password));
    await demo.line(SIGN_LINE);
    const during = (await admin.keys('*')).filter((key) => key !== 'mine');
    expect(during.length).toBeGreaterThanOrEqual(4);
    for (const key of during) {
      expect(key).toMatch(/^vitals:[0-9a-f]{6}:(latest|history:[a-z-]+)$/);
      expect(await admin.ttl(key)).toBeGreaterThan(0);
    }
    expect(await demo.ended).toBe(0);
    expect(await admin.keys('*')).toEqual(['mine']);
    expect([...demo.lines, ...demo.errors].join()).not.toMatch(/sesame/);
  });

  it.each([
    ['cannot be reached', () => `redis://:sesame@127.0.0.1:1`, /ECONNREFUSED/],
    ['refuses the password', () => urlWith('sesame!'), /WRONGPASS/],
    ['is not a Redis URL', () => `http://:sesame@${server().host}:${server().port}`, /begins with/],
    ['leads to a Unix socket', () => 'redis+unix:///sesame', /Unix socket/],
  ])('says in one line that a URL %s and exits with 1', async (_, url, why) => {
    const demo = new Demo(['--url', url()]);
    expect(await demo.ended).toBe(1);
    expect(demo.lines).toEqual([]);
    expect(demo.errors).toEqual([expect.stringMatching(/^demo: --url cannot be used: /)]);
    expect(demo.errors[0]).toMatch(why);
    expect(demo.errors[0]).not.toMatch(/sesame/);
  });

  it('says in one line that the server went away and exits with 1', async () => {
    const demo = new Demo(['--seconds', '2', '--url', urlWith(password)]);
    await demo.line(SIGN_LINE);
    await server().kill();
    try {
      expect(await demo.ended).toBe(1);
      expect(demo.errors).toEqual([
        expect.stringMatching(/^demo: what was kept could not be read back: .*ECONNREFUSED/),
      ]);
    } finally {
      await server().restart();
    }
  });
});

describe('the command line of the demo', () => {
  it('is explained by --help', async () => {
    const demo = new Demo(['--help']);
    expect(await demo.ended).toBe(0);
    expect(demo.lines.join()).toMatch(/--seconds N.*--url URL/);
  });

  it('is refused in one line, exit code 2, when it holds an unknown option', async () => {
    const demo = new Demo(['--frobnicate']);
    expect(await demo.ended).toBe(2);
    expect(demo.errors).toEqual(["demo: Unknown option '--frobnicate'; --help tells the options"]);
  });
});

async function isOpen(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
