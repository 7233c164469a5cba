import {
  call,
  clientReply,
  clientTracking,
  get,
  incr,
  reset,
  select,
  set,
  auth,
  hello,
  eval as evalScript,
  type Command,
} from 'rxjs-redis/commands';
import { useClients } from '../../support/clients';
import { outcome } from '../../support/outcomes';
import { useServer } from '../../support/server';

/** What changes its connection, or waits, in words of its own, in small letters and in parts. */
const MEMBERS: readonly (readonly [what: string, make: () => Command])[] = [
  ['SELECT', () => select(5)],
  ['SELECT by call', () => call('select', 5)],
  ['AUTH', () => auth('dirty', 'pw')],
  ['AUTH by call', () => call('auth', 'dirty', 'pw')],
  ['HELLO', () => hello(2)],
  ['HELLO by call', () => call('hello', 2)],
  ['RESET', () => reset()],
  ['RESET by call', () => call('reset')],
  ['CLIENT REPLY OFF', () => clientReply('OFF')],
  ['CLIENT REPLY SKIP by call', () => call('client', 'reply', 'skip')],
  ['CLIENT REPLY SKIP by call in one word', () => call('client reply', 'skip')],
  ['CLIENT TRACKING', () => clientTracking('ON')],
  ['CLIENT TRACKING by call', () => call('client', 'tracking', 'on')],
  ['CLIENT NO-EVICT by call', () => call('client', 'no-evict', 'on')],
  ['CLIENT NO-TOUCH by call', () => call('client', 'no-touch', 'on')],
  ['CLIENT SETNAME by call', () => call('client', 'setname', 'dirty')],
  ['MULTI by call', () => call('multi')],
  ['EXEC by call', () => call('exec')],
  ['DISCARD by call', () => call('discard')],
  ['WATCH by call', () => call('watch', 'k')],
  ['UNWATCH by call', () => call('unwatch')],
  ['SUBSCRIBE by call', () => call('subscribe', 'c')],
  ['SSUBSCRIBE by call', () => call('ssubscribe', 'c')],
  ['UNSUBSCRIBE by call', () => call('unsubscribe')],
  ['MONITOR by call', () => call('monitor')],
  ['PSYNC by call', () => call('psync', '?', '-1')],
  ['QUIT by call', () => call('quit')],
  ['BLPOP by call', () => call('blpop', 'none', 0)],
  ['XREAD that waits by call', () => call('xread', 'block', 0, 'streams', 's', '$')],
  ['SCRIPT DEBUG by call', () => call('script', 'debug', 'yes')],
  ['CLIENT KILL of all by call', () => call('client', 'kill', 'skipme', 'no', 'type', 'normal')],
  ['a script that selects', () => evalScript("return redis.call('select', 5)", [], [])],
  ['CLIENT PAUSE of 1 ms', () => call('client', 'pause', 1)],
  ['CLIENT CAPA', () => call('client', 'capa', 'redirect')],
  ['CLIENT IMPORT-SOURCE', () => call('client', 'import-source', 'on')],
  ['READONLY', () => call('readonly')],
  ['ASKING', () => call('asking')],
];

describe.each([2, 3] as const)('A member of a group that changes its connection, in RESP%i,', (protocol) => {
  const server = useServer({ own: true });
  const make = useClients();

  beforeEach(async () => {
    const admin = make(server().url);
    await admin.aclSetuser('dirty', ['reset', 'on', '>pw', '~*', '+@all']);
    await admin.flushall();
  });

  describe.each(['pipeline', 'multi'] as const)('in %s', (kind) => {
    it.each(MEMBERS)('changes nothing for others, and every reply is the right one: %s', async (what, member) => {
      const redis = make({ url: server().url, protocol, database: 1, clientName: 'clean', commandTimeout: 3_000 });
      await redis.connect();
      // Some are refused before they are sent.
      const group = async (): Promise<unknown> => redis[kind]([set('k', 'v'), member(), get('k')]);
      const [ended, echo] = await Promise.all([outcome(group()), outcome(redis.echo('behind'))]);
      if (!what.startsWith('CLIENT KILL')) expect(echo).toStrictEqual({ value: 'behind' });
      expect(await redis.echo('later')).toBe('later');
      const info = await redis.call<string>('CLIENT INFO').then(
        (x) => x,
        () => '',
      );
      if (info !== '') expect(info).toMatch(new RegExp(` name=clean .* flags=N (capa= )?db=1 `));
      if ('value' in ended) {
        const values = ended.value as unknown[];
        expect([what, values[0], values[2]]).toStrictEqual([what, 'OK', 'v']);
      }
    });

    it.each(MEMBERS)('is nothing that the next caller of a lease sees: %s', async (what, member) => {
      const redis = make({
        url: server().url,
        protocol,
        database: 1,
        clientName: 'clean',
        commandTimeout: 3_000,
        leases: { max: 1 },
      });
      await outcome(
        redis.dedicated((connection) => {
          const members = [set('k', 'v'), member(), get('k')];
          return kind === 'pipeline' ? connection.pipeline(members) : connection.multi(members);
        }),
      );
      const next = await redis.dedicated(async (connection) => ({
        info: await outcome(connection.call<string>('CLIENT INFO')),
        exec: await connection.multi(incr('n')),
        echo: await connection.echo('a'),
      }));
      if ('value' in next.info)
        expect(next.info.value).toMatch(/ name=clean .* flags=N (capa= )?db=1 .* user=default /);
      expect([what, next.exec, next.echo]).toStrictEqual([what, [1], 'a']);
      expect(await redis.get('n')).toBe('1');
    });
  });
});
