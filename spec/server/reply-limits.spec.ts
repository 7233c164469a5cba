import { filter, firstValueFrom, lastValueFrom } from 'rxjs';
import type { Redis, RedisOptions, ReplyLimits } from 'rxjs-redis';
import { record, useClients } from '../support/clients';
import { failure } from '../support/outcomes';
import { ScriptedServer, afterHandshake } from '../support/scripted-server';
import { useServer } from '../support/server';

const quick = { initialDelay: 1, maxDelay: 5 };

describe('A reply', () => {
  const server = useServer();
  const make = useClients();
  const client = (options: RedisOptions = {}) => make({ url: server().url, reconnect: quick, ...options });
  const disconnects = (redis: Redis) => record(redis.events$.pipe(filter(({ type }) => type === 'disconnect'))).values;

  it('may be a line longer than 64 KiB: the status or the error of a script', async () => {
    const redis = client();
    const lost = disconnects(redis);
    const long = 700_000;
    expect(await redis.eval(`return redis.status_reply(string.rep('x', ${long}))`, [])).toBe('x'.repeat(long));
    const error = await failure(redis.eval(`return redis.error_reply('NO ' .. string.rep('x', ${long}))`, []));
    expect(error).toMatchObject({ code: 'REPLY', kind: 'NO', delivery: 'answered' });
    expect(error.message).toMatch(/^NO x{4092}…$/);
    expect(await redis.ping()).toBe('PONG');
    expect(lost).toStrictEqual([]);
  });

  it('may be a line longer than 64 KiB: what MONITOR tells of a large SET', async () => {
    const redis = client();
    const value = 'v'.repeat(700_000);
    const sender = client();
    const line = redis.dedicated((connection) => {
      const lines = connection.monitor();
      return lines.pipe(filter((line) => line.includes('"SET"')));
    });
    const seen = firstValueFrom(line);
    let shown = '';
    void seen.then((line) => (shown = line));
    while (shown === '') await sender.set('large', value);
    expect(await seen).toMatch(new RegExp(`"SET" "large" "v{${value.length}}"$`, 'i'));
  });

  it.each<[what: string, limits: ReplyLimits, script: string, message: RegExp]>([
    [
      'a line',
      { line: 2048 },
      "return redis.status_reply(string.rep('x', 2049))",
      /line is longer than the limit of 2048/,
    ],
    [
      'a bulk string',
      { bulk: 2048 },
      "return string.rep('x', 2049)",
      /is too large: A length of 2049 exceeds the limit of 2048 \(limits\.bulk\)$/,
    ],
    ['nesting', { depth: 8 }, 'return {{{{{{{{{1}}}}}}}}}', /nests deeper than the limit of 8/],
    [
      'elements',
      { elements: 1024 },
      'local a = {} for i = 1, 1025 do a[i] = i end return a',
      /1025 exceeds the limit of 1024/,
    ],
    [
      'elements of nested arrays',
      { elements: 1024 },
      'local a = {} for i = 1, 600 do a[i] = i end return {a, a}',
      /more elements than the limit of 1024/,
    ],
  ])(
    'beyond the limit that the user set for %s ends the connection, and the next one works',
    async (_, limits, script, message) => {
      const redis = client({ limits });
      const error = await failure(redis.eval(script, []));
      expect(error).toMatchObject({ code: 'PROTOCOL', delivery: 'unknown', command: 'EVAL' });
      expect(error.message).toMatch(message);
      expect(
        await redis.eval(
          script
            .replace('2049', '2048')
            .replace('1025', '1024')
            .replace('{{', '{')
            .replace('}}', '}')
            .replace('600', '511'),
          [],
        ),
      ).toBeDefined();
    },
  );

  it('reads the same numbers that were sent, in plain decimal digits', async () => {
    const redis = client();
    const numbers = [1e21, -1.5e23, 1e-7, Number.MAX_VALUE, Number.MIN_VALUE, 0.1, 123456789.125];
    for (const number of numbers) {
      await redis.set('number', number);
      const text = (await redis.get('number'))!;
      expect(text).toMatch(/^-?\d+(\.\d+)?$/);
      expect(Number(text)).toBe(number);
      await redis.del('scores');
      expect(await redis.zincrby('scores', number, 'm')).toBe(number);
      expect(await redis.zscore('scores', 'm')).toBe(number);
    }
    await redis.set('number', 1);
    expect(await redis.incrbyfloat('number', 1e-7)).toBe('1.0000001');
  });

  it('to EXEC is whole where a push of an unknown kind comes in its middle, and the next reply is the next', async () => {
    const answers: Record<string, string> = {
      MULTI: '+OK\r\n',
      ECHO: '+QUEUED\r\n',
      EXEC: '*2\r\n$3\r\none\r\n>2\r\n$7\r\nnovelty\r\n:1\r\n$3\r\ntwo\r\n',
      PING: '+PONG\r\n',
    };
    const peer = await ScriptedServer.start(afterHandshake(([name]) => answers[name!] ?? '+OK\r\n'));
    const redis = make({ url: peer.url, reconnect: quick });
    const work = redis.dedicated(async (connection) => {
      await connection.call('MULTI');
      await connection.echo('one');
      await connection.echo('two');
      return [await connection.exec(), await connection.ping()];
    });
    expect(await lastValueFrom(work)).toStrictEqual([['one', 'two'], 'PONG']);
    await redis.destroy();
    await peer.stop();
  });
});
