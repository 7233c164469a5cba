import { firstValueFrom } from 'rxjs';
import { useClients } from '../../support/clients';
import { failure } from '../../support/outcomes';
import { ScriptedServer } from '../../support/scripted-server';
import { useServer } from '../../support/server';

const quick = { initialDelay: 1, maxDelay: 5 };

describe('A refusal to sign in', () => {
  const make = useClients();
  const servers: ScriptedServer[] = [];
  afterEach(() => Promise.all(servers.splice(0).map((server) => server.stop())));
  /** A server that knows HELLO or not, and answers whoever signs in. */
  const serve = async (knowsHello: boolean, answer: () => string) => {
    const server = await ScriptedServer.start(([word, , second]) => {
      if (word === 'AUTH' || (word === 'HELLO' && knowsHello && second === 'AUTH')) return `${answer()}\r\n`;
      if (word === 'HELLO') return "-ERR unknown command 'HELLO'\r\n";
      return word === 'ECHO' ? '$1\r\na\r\n' : '-NOAUTH Authentication required.\r\n';
    });
    servers.push(server);
    return server;
  };
  const client = (server: ScriptedServer, protocol: 2 | 3 | 'auto' = 'auto') =>
    make({ url: server.url, protocol, username: 'u', password: 'S3cret', commandTimeout: Infinity, reconnect: quick });

  describe.each([true, false])('is told at once, in whatever words, HELLO known: %s', (knowsHello) => {
    it.each([
      'ERR invalid password',
      'ERR Invalid password',
      'ERR invalid username-password pair',
      'WRONGPASS invalid or missing auth token',
      'ERR WRONGPASS invalid username-password pair or user is disabled.',
      'ERR Authentication failed for S3cret',
      'ERR operation not permitted',
      'NOAUTH Authentication required.',
      'NOPERM this user has no permissions',
      'ERR unauthorized',
      'ERR unknown command `auth`',
      "ERR wrong number of arguments for 'auth' command",
      'FORBIDDEN',
    ])('%s', async (words) => {
      const server = await serve(knowsHello, () => `-${words}`);
      for (const protocol of ['auto', 2] as const) {
        const error = await failure(client(server, protocol).get('k'));
        expect(error).toMatchObject({ code: 'AUTHENTICATION', command: 'GET', delivery: 'unsent', repeatable: false });
        expect(error.message).toContain(words.slice(0, 10));
        expect(error.message).not.toContain('S3cret');
      }
      if (!knowsHello) return;
      expect(await failure(client(server, 3).get('k'))).toMatchObject({ code: 'AUTHENTICATION' });
    });
  });

  it.each([
    'LOADING Redis is loading the dataset in memory',
    'BUSY Redis is busy running a script.',
    'MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to no.',
    'CLUSTERDOWN The cluster is down',
    'ERR max number of clients reached',
  ])('is none where the server cannot work for the moment: %s', async (words) => {
    for (const knowsHello of [true, false]) {
      let refusals = 2;
      const hello = '%1\r\n$5\r\nproto\r\n:3';
      const server = await serve(knowsHello, () => (refusals-- > 0 ? `-${words}` : knowsHello ? hello : '+OK'));
      expect(await client(server).echo('a')).toBe('a');
    }
  });
});

// It looks at the rights of a connection before it lets HELLO sign it in.
describe('On Redis 6.0 a default user', () => {
  const server = useServer({ server: 'redis-6.0', own: true });
  const make = useClients();
  const root = { username: 'root', password: 'of-root' };
  const ann = { username: 'ann', password: 'of-ann' };
  beforeAll(async () => {
    const { Redis } = await import('rxjs-redis');
    const admin = new Redis(server().url);
    for (const { username, password } of [root, ann])
      await admin.call('ACL SETUSER', username, 'reset', 'on', `>${password}`, '~*', '+@all');
    await admin.destroy();
  });

  describe.each([['off', '-@all'], ['-@all'], ['-hello'], ['reset']])('that is %s', (...rules) => {
    it.each(['auto', 2, 3] as const)('keeps no other user out (protocol %s)', async (protocol) => {
      const { url } = server();
      await make({ url, ...root, protocol: 2 }).call('ACL SETUSER', 'default', 'on', 'nopass', '~*', '+@all', ...rules);
      const redis = make({
        url,
        ...ann,
        protocol,
        clientName: 'me',
        database: 3,
        commandTimeout: Infinity,
        reconnect: quick,
      });
      expect(await redis.aclWhoami()).toBe('ann');
      expect(await firstValueFrom(redis.state$)).toStrictEqual({ kind: 'ready', protocol: protocol === 2 ? 2 : 3 });
      expect(await redis.clientGetname()).toBe('me');
      expect(String(await redis.call('CLIENT LIST'))).toMatch(/name=me .* db=3 /);
      const wrong = make({ url, ...ann, password: 'wrong', protocol, commandTimeout: Infinity, reconnect: quick });
      expect(await failure(wrong.get('k'))).toMatchObject({ code: 'AUTHENTICATION', kind: 'WRONGPASS' });
    });
  });
});
