import { performance } from 'node:perf_hooks';
import { TimeoutError, filter, firstValueFrom, timeout } from 'rxjs';
import type { ConnectionEvent, Redis, RedisOptions } from 'rxjs-redis';
import { eventually, reaches, useClients } from '../../support/clients';
import { useDebuggableServer } from '../../support/debuggable';
import { failure, outcome } from '../../support/outcomes';
import { useProxy } from '../../support/server';

const quick = { initialDelay: 5, maxDelay: 20 };
/** More than the buffers of a socket and of the proxy hold together. */
const LARGE = Buffer.alloc(40_000_000, 'v');

describe('A limit', () => {
  const server = useDebuggableServer();
  const proxy = useProxy(server);
  const make = useClients();
  const client = (options: RedisOptions = {}) => make({ url: proxy().url(), reconnect: quick, ...options });
  /** A client that is connected: its limit for commands, which may be short, ends the wait for that and not the connecting. */
  const connected = async (options: RedisOptions) => {
    const redis = client(options);
    const ready = reaches(redis, 'ready');
    void outcome(redis.connect());
    await ready;
    return redis;
  };
  const direct = () => make(server().url);
  const disconnect = (redis: Redis) =>
    firstValueFrom(
      redis.events$.pipe(
        filter((event): event is ConnectionEvent & { type: 'disconnect' } => event.type === 'disconnect'),
      ),
    );

  describe('for commands', () => {
    it('ends one that waits for its reply: it may have run, and here it has', async () => {
      const redis = await connected({ commandTimeout: 50 });
      await direct().set('n', '0');
      proxy().stall('toClient', true);
      expect(await failure(redis.incr('n'))).toMatchObject({
        code: 'TIMEOUT',
        delivery: 'unknown',
        command: 'INCR',
        repeatable: false,
      });
      await eventually(
        () => direct().get('n'),
        (n) => n === '1',
      );
    });

    it('ends one that waits for the connection: it was not sent, and never will be', async () => {
      const redis = client();
      await redis.set('n', '0');
      await proxy().refuse(true);
      proxy().cut();
      await reaches(redis, 'reconnecting');
      const hasty = redis.withOptions({ commandTimeout: 30 });
      expect(await failure(hasty.incr('n'))).toMatchObject({ code: 'TIMEOUT', delivery: 'unsent', command: 'INCR' });
      await proxy().refuse(false);
      expect(await redis.get('n')).toBe('0');
    });

    it('counts from the subscription, not from the call', async () => {
      const redis = client();
      await redis.connect();
      proxy().stall('toClient', true);
      const called = redis.withOptions({ commandTimeout: 400 }).get('k');
      await failure(redis.withOptions({ commandTimeout: 400 }).get('k'));
      const order: string[] = [];
      await Promise.all([
        failure(called).then(() => order.push('called first')),
        failure(redis.withOptions({ commandTimeout: 20 }).get('k')).then(() => order.push('shorter')),
      ]);
      expect(order).toStrictEqual(['shorter', 'called first']);
    });

    it('leaves the late reply to nobody: those that follow are for their commands', async () => {
      const redis = client();
      await redis.connect();
      proxy().stall('toClient', true);
      const hasty = redis.withOptions({ commandTimeout: 20 });
      const late = Array.from({ length: 50 }, (_, n) => failure(hasty.echo(`late ${n}`)));
      const patient = Array.from({ length: 50 }, (_, n) => redis.echo(`patient ${n}`).then());
      expect((await Promise.all(late)).map(({ code }) => code)).toStrictEqual(Array(50).fill('TIMEOUT'));
      proxy().stall('toClient', false);
      expect(await Promise.all(patient)).toStrictEqual(Array.from({ length: 50 }, (_, n) => `patient ${n}`));
      expect(await redis.echo('next')).toBe('next');
      expect(proxy().connections.total).toBe(1);
    });

    it('is shorter or longer for some than for the whole client', async () => {
      const hasty = await connected({ commandTimeout: 20 });
      const patient = await connected({ commandTimeout: Infinity });
      proxy().stall('toClient', true);
      const kept = [
        outcome(patient.echo('usual')),
        outcome(hasty.withOptions({ commandTimeout: Infinity }).echo('longer')),
        outcome(hasty.withOptions({ commandTimeout: Infinity }).bytes.echo('bytes')),
      ];
      const ended = [
        failure(hasty.echo('usual')),
        failure(patient.withOptions({ commandTimeout: 20 }).echo('shorter')),
        failure(patient.withOptions({ commandTimeout: 20 }).bytes.echo('bytes')),
      ];
      for (const error of await Promise.all(ended)) expect(error).toMatchObject({ code: 'TIMEOUT', command: 'ECHO' });
      proxy().stall('toClient', false);
      expect(await Promise.all<unknown>(kept)).toStrictEqual([
        { value: 'usual' },
        { value: 'longer' },
        { value: Buffer.from('bytes') },
      ]);
    });

    it('holds while the server is halted', async () => {
      const redis = await connected({ commandTimeout: 50 });
      await server().kill('SIGSTOP');
      expect(await failure(redis.incr('n'))).toMatchObject({ code: 'TIMEOUT', delivery: 'unknown' });
      await server().kill('SIGCONT');
      expect(await redis.withOptions({ commandTimeout: Infinity }).ping()).toBe('PONG');
      expect(proxy().connections.total).toBe(1);
    });

    it('of its caller, as the operator timeout has it, leaves nothing of it in the queue where the line is stalled', async () => {
      const redis = await connected({});
      proxy().stall('toServer', true);
      const first = redis.set('large', LARGE).subscribe({ error: () => undefined });
      let most = 0;
      for (let round = 0; round < 30; round++) {
        const all = Array.from({ length: 100 }, (_, n) => redis.set(`k${n}`, 'v').pipe(timeout(1)));
        for (const error of await Promise.all(all.map((reply) => failure(firstValueFrom(reply)))))
          expect(error).toBeInstanceOf(TimeoutError);
        const [link] = redis.inspect().links;
        expect(link!.isFull).toBe(true);
        most = Math.max(most, link!.queued);
      }
      expect(most).toBeLessThan(400);
      first.unsubscribe();
      proxy().stall('toServer', false);
      expect(await redis.exists(['k0', 'k99'])).toBe(0);
    });

    it('is wrong unless it is a time', () => {
      for (const name of ['commandTimeout', 'readTimeout', 'writeTimeout', 'blockingGrace']) {
        for (const limit of [0, -1, NaN, 2 ** 31, null as unknown as number]) {
          expect(() => client().withOptions({ [name]: limit })).toThrow(`The option '${name}' is a number from 1`);
        }
      }
      const wrong = (options: object) => () => client().withOptions(options);
      expect(wrong({ connectTimeout: 5 })).toThrow("withOptions: 'connectTimeout' is the connection's");
      expect(wrong({ keepAlive: 5 })).toThrow(
        "withOptions: there is no option 'keepAlive' for commands; known are commandTimeout, readTimeout, writeTimeout, blockingGrace, idempotent, retry, onUndelivered",
      );
    });
  });

  describe('for replies that are owed', () => {
    it('is longer for a command that is known to take long', async () => {
      const redis = client({ readTimeout: 400 });
      await redis.connect();
      const patient = redis.withOptions({ readTimeout: 10_000 });
      expect(await patient.call('DEBUG', 'SLEEP', '1.2')).toBe('OK');
      expect(proxy().connections.total).toBe(1);
      expect(await failure(redis.call('DEBUG', 'SLEEP', '1.2'))).toMatchObject({ code: 'CONNECTION' });
    });

    it('is shorter for a command that is known to be quick', async () => {
      const redis = client({ readTimeout: 30_000 });
      await redis.connect();
      proxy().stall('toClient', true);
      const lost = failure(redis.withOptions({ readTimeout: 30 }).incr('n'));
      expect(await lost).toMatchObject({ code: 'CONNECTION', cause: { code: 'TIMEOUT' } });
      proxy().stall('toClient', false);
    });

    it('destroys and replaces the link: what can be repeated is, what cannot fails', async () => {
      const redis = client({ readTimeout: 80 });
      await redis.set('n', '0');
      proxy().stall('toClient', true);
      const ended = disconnect(redis);
      const read = outcome(redis.get('n'));
      const write = failure(redis.incr('n'));
      expect(await ended).toStrictEqual({ connection: 'commands', type: 'disconnect', reason: 'timeout' });
      proxy().stall('toClient', false);
      expect(await write).toMatchObject({
        code: 'CONNECTION',
        delivery: 'unknown',
        command: 'INCR',
        cause: { code: 'TIMEOUT' },
      });
      expect(await read).toStrictEqual({ value: '1' });
      expect(proxy().connections.total).toBe(2);
    });

    it('does not run while the request is still being sent: the server owes nothing for it yet', async () => {
      const redis = client({ readTimeout: 500 });
      await redis.connect();
      proxy().stall('toServer', true);
      const large = outcome(redis.set('large', LARGE));
      await failure(redis.withOptions({ commandTimeout: 800 }).ping());
      proxy().stall('toServer', false);
      expect(await large).toStrictEqual({ value: 'OK' });
      expect(proxy().connections.total).toBe(1);
    });

    it('holds for a link that was given up for long: all commands have timed out', async () => {
      const redis = client({ readTimeout: 1_000 });
      await redis.connect();
      proxy().stall('toClient', true);
      const ended = disconnect(redis);
      expect(await failure(redis.withOptions({ commandTimeout: 20 }).get('n'))).toMatchObject({ code: 'TIMEOUT' });
      expect(await ended).toStrictEqual({ connection: 'commands', type: 'disconnect', reason: 'timeout' });
    });

    it('holds for a server that is halted, which then gets a new connection', async () => {
      const redis = client({ readTimeout: 80 });
      await redis.connect();
      await server().kill('SIGSTOP');
      const ended = disconnect(redis);
      const read = outcome(redis.withOptions({ commandTimeout: 5_000 }).ping());
      expect(await ended).toStrictEqual({ connection: 'commands', type: 'disconnect', reason: 'timeout' });
      await server().kill('SIGCONT');
      expect(await read).toStrictEqual({ value: 'PONG' });
    });

    it('holds for a server that pauses its clients', async () => {
      const redis = client({ readTimeout: 50 });
      await redis.connect();
      const ended = disconnect(redis);
      await direct().clientPause(150);
      const write = outcome(redis.incr('n'));
      expect(await ended).toStrictEqual({ connection: 'commands', type: 'disconnect', reason: 'timeout' });
      expect(await write).toMatchObject({ error: { code: 'CONNECTION', delivery: 'unknown' } });
      expect(await redis.ping()).toBe('PONG');
    });

    it('leaves a paused server alone when the pause is shorter', async () => {
      const redis = client({ readTimeout: 5_000 });
      await redis.connect();
      await direct().clientPause(100);
      expect(await redis.set('k', 'v')).toBe('OK');
      expect(proxy().connections.total).toBe(1);
    });
  });

  describe('for writes', () => {
    it('is shorter or longer for a command that is known to be quick, or large', async () => {
      const hasty = client({ writeTimeout: 30_000 });
      await hasty.connect();
      proxy().stall('toServer', true);
      const large = hasty.withOptions({ readTimeout: 30_000 }).withOptions({ writeTimeout: 80 }).append('large', LARGE);
      expect(await failure(large)).toMatchObject({
        code: 'CONNECTION',
        delivery: 'unknown',
        cause: { code: 'TIMEOUT' },
      });
      proxy().stall('toServer', false);
      expect(await hasty.ping()).toBe('PONG'); // it has its next connection
      const patient = client({ writeTimeout: 50 });
      await patient.connect();
      const before = proxy().connections.total;
      proxy().stall('toServer', true);
      const sent = outcome(patient.withOptions({ writeTimeout: 20_000 }).set('large', LARGE));
      await failure(patient.withOptions({ commandTimeout: 150 }).ping());
      proxy().stall('toServer', false);
      expect(await sent).toStrictEqual({ value: 'OK' });
      expect(proxy().connections.total).toBe(before);
    });

    it('destroys and replaces a link whose other end takes nothing', async () => {
      const redis = client({ writeTimeout: 80 });
      await redis.connect();
      proxy().stall('toServer', true);
      const ended = disconnect(redis);
      const large = failure(redis.append('large', LARGE));
      expect(await ended).toStrictEqual({ connection: 'commands', type: 'disconnect', reason: 'timeout' });
      proxy().stall('toServer', false);
      expect(await large).toMatchObject({ code: 'CONNECTION', delivery: 'unknown', cause: { code: 'TIMEOUT' } });
      expect(await redis.ping()).toBe('PONG');
    });

    it('keeps back what follows, which was then not sent and goes out on the next link', async () => {
      const redis = client({ writeTimeout: 150 });
      await redis.del('n');
      proxy().stall('toServer', true);
      const large = failure(redis.append('large', LARGE));
      await new Promise(setImmediate);
      const hasty = failure(redis.withOptions({ commandTimeout: 20 }).incr('n'));
      const next = redis.incr('n').then();
      expect(await hasty).toMatchObject({ code: 'TIMEOUT', delivery: 'unsent', command: 'INCR' });
      proxy().stall('toServer', false);
      proxy().cut();
      expect(await large).toMatchObject({ delivery: 'unknown' });
      expect(await next).toBe(1);
    });

    it('is not for an end that takes it slowly', async () => {
      const redis = client({ writeTimeout: 2_000 });
      await redis.connect();
      proxy().stall('toServer', true);
      const large = redis.set('large', LARGE).then();
      const behind = redis.withOptions({ commandTimeout: 20 }).get('k');
      expect(await failure(behind)).toMatchObject({ code: 'TIMEOUT', delivery: 'unsent' });
      proxy().stall('toServer', false);
      expect(await large).toBe('OK');
      expect(proxy().connections.total).toBe(1);
    });
  });

  describe('for commands that block', () => {
    /** A client that has a connection for them already. */
    const prepared = async (options: RedisOptions) => {
      const redis = client(options);
      await redis.dedicated((connection) => connection.ping());
      await redis.ping();
      return redis;
    };

    it('is their own wait: the server ends it', async () => {
      const redis = client({ commandTimeout: 20, readTimeout: 20, blockingGrace: 5_000 });
      expect(await redis.blpop('empty', 0.1)).toBeNull();
    });

    it('is another blockingGrace beyond it for some', async () => {
      const redis = await prepared({ blockingGrace: 30_000 });
      proxy().stall('toClient', true);
      const hasty = redis.withOptions({ blockingGrace: 20 });
      expect(await failure(hasty.blpop('empty', 0.05))).toMatchObject({ code: 'TIMEOUT', delivery: 'unknown' });
    });

    it('is blockingGrace beyond it when the server says nothing', async () => {
      const redis = await prepared({ blockingGrace: 50 });
      proxy().stall('toClient', true);
      const begun = performance.now();
      expect(await failure(redis.blpop('empty', 0.1))).toMatchObject({
        code: 'TIMEOUT',
        delivery: 'unknown',
        command: 'BLPOP',
      });
      expect(performance.now() - begun).toBeGreaterThanOrEqual(149);
    });

    it('destroys the link when it is over and readTimeout as well', async () => {
      const redis = await prepared({ blockingGrace: 50, readTimeout: 250 });
      proxy().stall('toClient', true);
      const ended = disconnect(redis);
      const blocked = failure(redis.blpop('empty', 0.1));
      expect(await ended).toStrictEqual({ connection: 'commands', type: 'disconnect', reason: 'timeout' });
      expect(await blocked).toMatchObject({ code: 'TIMEOUT', delivery: 'unknown' });
    });

    it('is their own wait and readTimeout for the link, where they themselves have no limit', async () => {
      const redis = await prepared({ blockingGrace: 50 });
      proxy().stall('toClient', true);
      const patient = redis.withOptions({ commandTimeout: Infinity, readTimeout: 100, retry: false });
      const blocked = failure(patient.blpop('empty', 0.2));
      expect(await blocked).toMatchObject({ code: 'CONNECTION', delivery: 'unknown', cause: { code: 'TIMEOUT' } });
    });

    it('holds for a server that is paused', async () => {
      const redis = client({ blockingGrace: 30 });
      await redis.connect();
      await direct().clientPause(300);
      expect(await failure(redis.blpop('empty', 0.05))).toMatchObject({ code: 'TIMEOUT', command: 'BLPOP' });
    });
  });
});
