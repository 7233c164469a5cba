import { concat, lastValueFrom } from 'rxjs';
import { reaches, record, useClients } from '../../support/clients';
import { failure, outcome } from '../../support/outcomes';
import { ScriptedServer, afterHandshake } from '../../support/scripted-server';
import { useProxy, useServer } from '../../support/server';

const quick = { initialDelay: 5, maxDelay: 20 };

describe('A dedicated connection during an outage', () => {
  const server = useServer();
  const proxy = useProxy(server);
  const make = useClients();

  it('waits for the server as commands do, and does its work once', async () => {
    const redis = make({ url: proxy().url(), reconnect: quick });
    await redis.connect();
    await proxy().refuse(true);
    proxy().cut();
    await reaches(redis, 'reconnecting');
    let begun = 0;
    const work = redis.dedicated(async (connection) => {
      begun++;
      await connection.call('MULTI');
      await connection.set('leases', 'v');
      return connection.exec();
    });
    const done = outcome(work);
    const waiting = outcome(redis.echo('a'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    await proxy().refuse(false);
    expect(await waiting).toStrictEqual({ value: 'a' });
    expect(await done).toStrictEqual({ value: ['OK'] });
    expect(begun).toBe(1);
  });

  it('waits no longer than a command may take, and its error names why', async () => {
    const redis = make({ url: proxy().url(), reconnect: quick, commandTimeout: 1_000 });
    await redis.connect();
    await proxy().refuse(true);
    proxy().cut();
    const error = await failure(redis.dedicated((connection) => connection.echo('a')));
    expect(error).toMatchObject({
      code: 'TIMEOUT',
      delivery: 'unsent',
      command: 'ECHO',
      cause: { code: 'CONNECTION' },
    });
    expect(error.message).not.toContain('gave up');
  });

  it("gives up only where the client's own policy does", async () => {
    const redis = make({ url: proxy().url(), reconnect: { ...quick, maxAttempts: 2 } });
    await proxy().refuse(true);
    expect(await failure(redis.dedicated((connection) => connection.echo('a')))).toMatchObject({
      code: 'DISCONNECTED',
      delivery: 'unsent',
      message: expect.stringContaining('the client gave up') as string,
    });
  });

  it('is not made again once it was lost, and nothing says that the client gave up', async () => {
    const redis = make({ url: proxy().url(), reconnect: quick });
    await redis.connect();
    const work = redis.dedicated(async (connection) => {
      await connection.echo('a');
      const lines = record(concat(connection.monitor()));
      await connection.echo('b');
      proxy().cut();
      const first = await failure(connection.call('BLPOP', 'leases:nothing', 0));
      const second = await failure(connection.echo('c'));
      expect(lines.ended).toBeInstanceOf(Error);
      return [first, second];
    });
    const [first, second] = (await work) ?? [];
    expect(first!.message).not.toContain('gave up');
    expect(second).toMatchObject({ code: 'DISCONNECTED', delivery: 'unsent', command: 'ECHO' });
    expect(second!.message).toMatch(/^ECHO was not sent: the dedicated connection was lost: /);
    expect(await redis.echo('d')).toBe('d');
  });
});

describe('A transaction on a dedicated connection', () => {
  const make = useClients();
  const script = (silentFrom: string) => {
    let isSilent = false;
    return ScriptedServer.start(
      afterHandshake(([word]) => {
        isSilent ||= word === silentFrom;
        if (isSilent) return undefined;
        return word === 'MULTI' ? '+OK\r\n' : '+QUEUED\r\n';
      }),
    );
  };

  it('that is lost before EXEC is written was not sent, and may be sent again', async () => {
    const peer = await script('INCR');
    const redis = make({ url: peer.url, reconnect: quick });
    const work = redis.dedicated(async (connection) => {
      await connection.call('MULTI');
      await connection.set('k', 'v');
      const asked = peer.next('INCR');
      const incr = failure(connection.incr('n'));
      (await asked).socket.destroy();
      return [await incr, await failure(connection.exec())];
    });
    const unsent = { delivery: 'unsent', repeatable: true };
    expect(await lastValueFrom(work)).toMatchObject([
      { ...unsent, command: 'INCR' },
      { delivery: 'unsent', command: 'EXEC' },
    ]);
    await redis.destroy();
    await peer.stop();
  });

  it('that is lost behind EXEC may have run', async () => {
    const peer = await script('EXEC');
    const redis = make({ url: peer.url, reconnect: quick });
    const work = redis.dedicated(async (connection) => {
      await connection.call('MULTI');
      await connection.incr('n');
      const asked = peer.next('EXEC');
      const exec = failure(connection.exec());
      (await asked).socket.destroy();
      return exec;
    });
    expect(await lastValueFrom(work)).toMatchObject({ delivery: 'unknown', repeatable: false, command: 'EXEC' });
    await redis.destroy();
    await peer.stop();
  });

  it('may have run where MULTI is not answered: it may have been refused', async () => {
    const peer = await script('MULTI');
    const redis = make({ url: peer.url, reconnect: quick });
    const work = redis.dedicated(async (connection) => {
      const asked = peer.next('INCR');
      void connection.call('MULTI').then(undefined, () => undefined);
      const incr = failure(connection.incr('n'));
      (await asked).socket.destroy();
      return incr;
    });
    expect(await lastValueFrom(work)).toMatchObject({ delivery: 'unknown', command: 'INCR' });
    await redis.destroy();
    await peer.stop();
  });

  it('that was discarded leaves what follows as it is', async () => {
    const peer = await script('INCR');
    const redis = make({ url: peer.url, reconnect: quick });
    const work = redis.dedicated(async (connection) => {
      await connection.call('MULTI');
      await connection.discard().then(undefined, () => undefined);
      const asked = peer.next('INCR');
      const incr = failure(connection.incr('n'));
      (await asked).socket.destroy();
      return incr;
    });
    expect(await lastValueFrom(work)).toMatchObject({ delivery: 'unknown', command: 'INCR' });
    await redis.destroy();
    await peer.stop();
  });
});

describe('A dedicated connection that was given back', () => {
  const server = useServer();
  const make = useClients();

  it('refuses what comes later, and says why', async () => {
    const redis = make(server().url);
    const kept = await redis.dedicated(async (connection) => {
      await connection.ping();
      return [connection];
    });
    expect(await failure(kept[0]!.get('k'))).toMatchObject({
      code: 'DISCONNECTED',
      message: 'GET was not sent: the dedicated connection was given back, or the client closed',
    });
  });
});
