import fc from 'fast-check';
import { Redis, type RedisOptions } from 'rxjs-redis';
import { parseUrl } from '../../../src/options/url';
import { thrownBy } from '../../support/outcomes';

const refusal = (url: string) => thrownBy(() => new Redis(url));

describe('A Redis URL', () => {
  it.each<[string, RedisOptions]>([
    ['redis://', {}],
    ['redis://there', { host: 'there' }],
    ['redis://there:7000', { host: 'there', port: 7000 }],
    ['redis://there/', { host: 'there' }],
    ['redis://there/3', { host: 'there', database: 3 }],
    ['redis://there:7000/3', { host: 'there', port: 7000, database: 3 }],
    ['redis:///3', { database: 3 }],
    ['redis://there?db=4', { host: 'there', database: 4 }],
    ['redis://10.0.0.1:7000', { host: '10.0.0.1', port: 7000 }],
    ['redis://[::1]:7000/3', { host: '::1', port: 7000, database: 3 }],
    ['redis://[2001:db8::7]', { host: '2001:db8::7' }],
    ['redis://user:pw@there', { username: 'user', password: 'pw', host: 'there' }],
    ['redis://user:pw@[::1]:7000', { username: 'user', password: 'pw', host: '::1', port: 7000 }],
    ['redis://:pw@there', { password: 'pw', host: 'there' }],
    ['redis://pw@there', { password: 'pw', host: 'there' }],
    ['redis://@there', { host: 'there' }],
    ['REDIS://there', { host: 'there' }],
    ['rediss://user:pw@there', { username: 'user', password: 'pw', host: 'there', tls: true }],
    ['valkey://there:7000/3', { host: 'there', port: 7000, database: 3 }],
    ['valkeys://there', { host: 'there', tls: true }],
    ['redis+unix:///run/redis.sock', { path: '/run/redis.sock' }],
    ['redis+unix:///run/redis.sock?db=3', { path: '/run/redis.sock', database: 3 }],
    ['redis+unix:///my%20run/redis.sock', { path: '/my run/redis.sock' }],
    ['redis+unix://:pw@/run/redis.sock?db=3', { password: 'pw', path: '/run/redis.sock', database: 3 }],
    ['redis+unix://user:p%40ss@/run/redis.sock', { username: 'user', password: 'p@ss', path: '/run/redis.sock' }],
    ['redis+unix://pw@/run/redis.sock', { password: 'pw', path: '/run/redis.sock' }],
    ['valkey+unix:///run/valkey.sock', { path: '/run/valkey.sock' }],
  ])('is read: %s', (url, options) => {
    expect(parseUrl(url)).toStrictEqual(options);
  });

  it('carries any user name and password in percent-encoding', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1 });
    fc.assert(
      fc.property(text, text, (username, password) => {
        const url = `redis://${encodeURIComponent(username)}:${encodeURIComponent(password)}@there:7000/3`;
        expect(parseUrl(url)).toStrictEqual({ username, password, host: 'there', port: 7000, database: 3 });
      }),
    );
  });

  it('may carry options as parameters', () => {
    const url =
      'redis://there/3?clientName=web%2B1&prefix=app%3A&protocol=2&connectTimeout=1&commandTimeout=2&readTimeout=3' +
      '&writeTimeout=4&blockingGrace=5&pipelineDepth=6&offlineQueue=7&readBufferSize=2048&writeBufferSize=4096' +
      '&keepAlive=0&reconnect=false&retry=false&autoPipeline=false&noDelay=true&warnUnused=true&callSites=true' +
      '&asyncContext=true&family=6';
    expect(parseUrl(url)).toStrictEqual({
      host: 'there',
      database: 3,
      clientName: 'web+1',
      prefix: 'app:',
      protocol: 2,
      connectTimeout: 1,
      commandTimeout: 2,
      readTimeout: 3,
      writeTimeout: 4,
      blockingGrace: 5,
      pipelineDepth: 6,
      offlineQueue: 7,
      readBufferSize: 2048,
      writeBufferSize: 4096,
      keepAlive: 0,
      reconnect: false,
      retry: false,
      autoPipeline: false,
      noDelay: true,
      warnUnused: true,
      callSites: true,
      asyncContext: true,
      family: 6,
    });
    expect(parseUrl('redis://there?protocol=3').protocol).toBe(3);
    expect(parseUrl('redis://there?protocol=auto').protocol).toBe('auto');
  });

  it.each([
    ['', 'A Redis URL begins with one of redis://, '],
    ['there', 'A Redis URL begins with one of redis://, '],
    ['there:7000', 'A Redis URL begins with one of redis://, '],
    ['redis:there', 'A Redis URL begins with one of redis://, '],
    ['redis:/there', 'A Redis URL begins with one of redis://, '],
    [' redis://there', 'A Redis URL begins with one of redis://, '],
    ['http://there', 'A Redis URL begins with one of redis://, '],
    ['unix:///run/redis.sock', 'A Redis URL begins with one of redis://, '],
    ['redis://there:port', 'A Redis URL reads redis://[[user:]password@]host[:port][/database], this one does not'],
    ['redis://there:65536', 'A Redis URL reads redis://[[user:]password@]host[:port][/database], this one does not'],
    ['redis://there:0', "The option 'port' is a number from 1 to 65535, got 0"],
    ['redis://:7000', 'A Redis URL reads redis://[[user:]password@]host[:port][/database], this one does not'],
    ['redis://[::1', 'A Redis URL reads redis://[[user:]password@]host[:port][/database], this one does not'],
    ['redis://there/one', 'The database in the Redis URL must be a number'],
    ['redis://there/-1', 'The database in the Redis URL must be a number'],
    ['redis://there/1/2', 'The database in the Redis URL must be a number'],
    ['redis://there?db=one', 'The database in the Redis URL must be a number'],
    ['redis://there/%zz', 'The database in the Redis URL is not percent-encoded correctly'],
    ['redis://there?commandTimeout=soon', 'The commandTimeout in the Redis URL must be a number'],
    ['redis://there?commandTimeout=-1', 'The commandTimeout in the Redis URL must be a number'],
    [
      'redis://there?commandTimeout=0',
      "The option 'commandTimeout' is a number from 1 to 2147483647, or Infinity, got 0",
    ],
    ['redis://there?keepAlive=500', "The option 'keepAlive' is a number from 1000 to 32767000, or 0, got 500"],
    ['redis://there?protocol=4', "The protocol in the Redis URL must be 2, 3 or 'auto'"],
    ['redis://there?reconnect=yes', 'The reconnect in the Redis URL must be true or false'],
    ['redis://there?timeout=5', "A Redis URL takes no parameter 'timeout'"],
    ['redis://there?__proto__=5', "A Redis URL takes no parameter '__proto__'"],
    ['redis://there%00.example.com', "The option 'host' holds a NUL character"],
    ['redis+unix:///a.sock%00b', "The option 'path' holds a NUL character"],
    ['redis+unix://', 'A Unix socket URL has a path: redis+unix:///path.sock'],
    ['redis+unix://:pw@/', 'A Unix socket URL has a path: redis+unix:///path.sock'],
    ['redis+unix://user:pw@there/run/redis.sock', 'A Unix socket URL has no host: redis+unix:///path.sock'],
    ['redis://there#fragment', 'A Redis URL has nothing behind #; the # of a password is written %23'],
    ['redis+unix://there/run/redis.sock', 'A Unix socket URL has no host: redis+unix:///path.sock'],
  ])('is refused at construction with what is wrong: %s', (url, message) => {
    expect(refusal(url)).toMatch(`TypeError: ${message}`);
  });

  it.each([
    ['in front of a port that is none', 'redis://user:hunter2@there:port'],
    ['in front of a host that is none', 'redis://user:hunter2@'],
    ['in front of an IPv6 address that is none', 'redis://user:hunter2@[::g]'],
    ['in front of a database that is none', 'redis://user:hunter2@there/one'],
    ['in front of an unknown parameter', 'redis://user:hunter2@there?timeout=5'],
    ['in front of a wrong parameter', 'redis://user:hunter2@there?commandTimeout=soon'],
    ['in front of a range', 'redis://user:hunter2@there:0'],
    ['behind a scheme that is none', 'https://user:hunter2@there'],
    ['behind no scheme', 'user:hunter2@there'],
    ['in broken percent-encoding', 'redis://user:hunter2%zz@there'],
    ['as a user name in broken percent-encoding', 'redis://hunter2%zz@there'],
    ['with a number sign that is not encoded', 'redis://user:1#hunter2@there'],
    ['with a question mark that is not encoded', 'redis://user:1?hunter2@there'],
    ['with a question mark and an equals sign that are not encoded', 'redis://user:1?hunter2=x@there'],
    ['with a slash that is not encoded', 'redis://user:1/hunter2@there'],
  ])('never repeats its password %s', (_, url) => {
    const message = refusal(url);
    expect(message).toMatch(/^TypeError: /);
    expect(message).not.toContain('hunter2');
  });

  it('keeps a user whose password is empty apart from a password that stands alone', () => {
    expect(parseUrl('redis://ann:@there')).toStrictEqual({ username: 'ann', password: '', host: 'there' });
    expect(parseUrl('redis+unix://ann:@/redis.sock')).toStrictEqual({
      username: 'ann',
      password: '',
      path: '/redis.sock',
    });
    expect(parseUrl('redis://ann@there')).toStrictEqual({ password: 'ann', host: 'there' });
    expect(parseUrl('redis://ann@[::1]:7000')).toStrictEqual({ password: 'ann', host: '::1', port: 7000 });
  });

  it('says everything once', () => {
    expect(() => parseUrl('redis://there/1?db=2')).toThrow('A Redis URL names its database once');
    expect(() => parseUrl('redis://there?clientName=a&clientName=b')).toThrow(
      "A Redis URL takes the parameter 'clientName' once",
    );
  });

  it('takes every @ but the last for a part of the password', () => {
    expect(parseUrl('redis://user:p@ss@there')).toStrictEqual({ username: 'user', password: 'p@ss', host: 'there' });
  });
});
