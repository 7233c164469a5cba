import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RedisOptions } from 'rxjs-redis';
import { reaches, useClients } from '../../support/clients';
import { failure } from '../../support/outcomes';
import { useServer } from '../../support/server';

const quick = { initialDelay: 5, maxDelay: 20 };

describe('A Unix socket', () => {
  const path = join(tmpdir(), `rxjs-redis-ü-${randomBytes(6).toString('hex')}.sock`);
  const server = useServer({ args: ['--unixsocket', path, '--requirepass', 'pw'] }, '6.2');
  afterAll(() => rm(path, { force: true }));
  const make = useClients();
  const client = (options: RedisOptions = {}) => make({ path, password: 'pw', reconnect: quick, ...options });

  it('is reached by its path', async () => {
    expect(() => client({ host: 'nowhere.invalid' })).toThrow("'path' and 'host' contradict each other");
    const redis = client();
    expect(await redis.clientInfo()).toMatchObject({ addr: expect.stringContaining(path) as string });
    expect(redis.toJSON().address).toBe(path);
  });

  it('is reached by a URL with a password, its path in percent-encoding and a database', async () => {
    const redis = make(`redis+unix://:pw@${encodeURI(path)}?db=3`);
    expect(await redis.clientInfo()).toMatchObject({ addr: expect.stringContaining(path) as string, db: 3 });
  });

  it('carries large values', async () => {
    const value = 'v'.repeat(3_000_000);
    const redis = client();
    await redis.set('large', value);
    expect(await redis.get('large')).toBe(value);
  });

  it('is connected to again when the server is restarted', async () => {
    const redis = client();
    await redis.connect();
    await server().kill();
    await reaches(redis, 'reconnecting');
    const waiting = redis.ping().then();
    await server().restart();
    expect(await waiting).toBe('PONG');
  });

  it('that does not exist is named in the error', async () => {
    const redis = client({ path: `${path}.none`, reconnect: false });
    expect(await failure(redis.connect())).toMatchObject({
      code: 'DISCONNECTED',
      message: expect.stringContaining(`${path}.none`) as string,
      cause: { code: 'CONNECTION', cause: { code: 'ENOENT' } },
    });
  });
});
