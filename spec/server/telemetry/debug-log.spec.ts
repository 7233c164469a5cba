import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { config, firstValueFrom } from 'rxjs';
import { get, set } from 'rxjs-redis/commands';
import { useClients, usePools } from '../../support/clients';
import { failure } from '../../support/outcomes';
import { useProxy, useServer } from '../../support/server';

describe('The debug log', () => {
  const server = useServer();
  const proxy = useProxy(server);
  const make = useClients();
  const makePool = usePools();
  const TIME = String.raw`\d+\.\d\d ms`;

  it('tells of each command where it goes, how large it is, how long it took and what its reply looks like', async () => {
    const lines: [string, string][] = [];
    const redis = make({ url: server().url, debug: (direction, text) => lines.push([direction, text]) });
    await redis.set('k', 'hunter2');
    await redis.get('k');
    await failure(redis.lpush('k', 'hunter2'));
    await redis.pipeline(set('k', 'hunter2'), get('k'));
    await redis.dedicated((connection) => connection.get('none'));
    redis.get('k').subscribe().unsubscribe();
    await redis.close();
    const at = `127.0.0.1:${server().port}`;
    const expected: [string, string][] = [
      ['event', `${at} commands: connect, RESP3`],
      ['send', `${at} SET, 8 B, after ${TIME}`],
      ['recv', `${at} SET: a string of 2 in ${TIME}`],
      ['send', `${at} GET, 1 B, after ${TIME}`],
      ['recv', `${at} GET: a string of 7 in ${TIME}`],
      ['send', `${at} LPUSH, 8 B, after ${TIME}`],
      ['error', `${at} LPUSH: ReplyError REPLY after ${TIME}: WRONGTYPE .*`],
      ['send', `${at} PIPELINE of 2 commands, 9 B, after ${TIME}`],
      ['recv', `${at} PIPELINE of 2 commands: an array of 2 in ${TIME}`],
      ['event', `${at} lease: connect, RESP3`],
      ['send', `${at} GET, 4 B, after ${TIME}`],
      ['recv', `${at} GET: nothing in ${TIME}`],
      ['event', `${at} GET is left by its Observer after ${TIME}`],
    ];
    expect(lines.slice(0, expected.length)).toStrictEqual(
      expected.map(([direction, text]): unknown[] => [direction, expect.stringMatching(new RegExp(`^${text}$`))]),
    );
    expect(lines.slice(expected.length).every(([, text]) => text.endsWith('disconnect, closed_by_user'))).toBe(true);
    expect(JSON.stringify(lines)).not.toContain('hunter2');
  });

  it('tells of a lost connection, of the attempts at another, and of what is sent again', async () => {
    const lines: string[] = [];
    const redis = make({
      url: proxy().url(),
      reconnect: { initialDelay: 1, maxDelay: 1, jitter: 0 },
      debug: (direction, text) => lines.push(`${direction} ${text}`),
    });
    await redis.get('k');
    proxy().blackhole(true);
    const value = firstValueFrom(redis.get('k'));
    await new Promise(setImmediate);
    lines.length = 0;
    proxy().cut();
    proxy().blackhole(false);
    await value;
    const at = `127.0.0.1:${proxy().port}`;
    const told = lines.map((line) => line.replace(/(after|in) [\d.]+ ms.*/, '$1'));
    expect(told.slice(0, 4).sort()).toStrictEqual([
      expect.stringMatching(`^error ${at} commands: ConnectionError CONNECTION: ${at}`),
      expect.stringMatching(`^event ${at} GET is sent again \\(retry 1\\): The connection was lost before `),
      expect.stringMatching(`^event ${at} commands: disconnect, (server_closed|connection_lost)$`),
      `event ${at} commands: reconnecting, attempt 1, in`,
    ]);
    expect(told.slice(4)).toStrictEqual([
      `event ${at} commands: connect, RESP3`,
      `send ${at} GET, 1 B, after`,
      expect.stringMatching(`^recv ${at} GET: .* in$`),
    ]);
  });

  it('concerns no command where what takes its lines throws', async () => {
    const errors: unknown[] = [];
    config.onUnhandledError = (error) => errors.push(error);
    try {
      const redis = make({
        url: server().url,
        debug: (direction) => {
          throw new Error(direction);
        },
      });
      expect(await redis.set('k', 'v')).toBe('OK');
      await redis.close();
      await new Promise(setImmediate);
      expect(errors).toStrictEqual(['event', 'send', 'recv', 'event'].map((direction) => new Error(direction)));
    } finally {
      config.onUnhandledError = null;
    }
  });

  it('tells once of what happens to the connection of messages', async () => {
    const lines: string[] = [];
    const redis = make({ url: server().url, debug: (direction, text) => direction === 'event' && lines.push(text) });
    const heard = firstValueFrom(redis.subscribe('news'));
    while ((await redis.publish('news', 'heard')) === 0);
    await heard;
    expect(lines.filter((line) => line.includes('messages: connect,'))).toHaveLength(1);
  });

  it('tells of what a watch sends and gets', async () => {
    const lines: string[] = [];
    const redis = make({ url: server().url, debug: (direction, text) => lines.push(`${direction} ${text}`) });
    await redis.watch('k', () => [set('k', 'hunter2')]);
    const at = `127.0.0.1:${server().port}`;
    const own = lines.map((line) => line.replace(/,? (in|after) [\d.]+ ms/, ''));
    expect(own.slice(own.indexOf(`send ${at} WATCH, 1 B`))).toStrictEqual([
      `send ${at} WATCH, 1 B`,
      // TYPE, MGET, and each reader of what the key may be.
      `send ${at} PIPELINE of 7 commands, 25 B`,
      `recv ${at} WATCH: a string of 2`,
      `recv ${at} PIPELINE of 7 commands: an array of 7`,
      `send ${at} MULTI of 1 command, 8 B`,
      `recv ${at} MULTI of 1 command: an array of 1`,
      `event ${at} dedicated: watch, executed after 1`,
    ]);
    expect(lines.join()).not.toContain('hunter2');
  });

  it('tells of the commands of a pool', async () => {
    const lines: string[] = [];
    const pool = makePool({ url: server().url, max: 1, debug: (direction) => lines.push(direction) });
    await pool.get('k');
    expect(lines).toStrictEqual(['event', 'send', 'recv']);
  });

  it.each([
    ['debug: true', '', 'debug: true'],
    ['NODE_DEBUG=rxjs-redis', 'rxjs-redis', ''],
  ])('is written to the standard error by %s', async (_, section, option) => {
    const program = `
      const { Redis } = require('./src/index.ts');
      const redis = new Redis('${server().url}', { ${option} });
      redis.get('k').then(() => redis.close());`;
    const root = join(__dirname, '../../..');
    const env = { ...process.env, NODE_DEBUG: section };
    const { stderr } = await promisify(execFile)(process.execPath, ['--import', 'tsx', '-e', program], {
      env,
      cwd: root,
    });
    expect(stderr).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z rxjs-redis send {2}127\.0\.0\.1:\d+ GET, 1 B, after /m);
  });
});
