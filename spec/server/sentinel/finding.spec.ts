import { createServer } from 'node:net';
import { once } from 'node:events';
import { config, filter, firstValueFrom, map } from 'rxjs';
import type { ConnectionEvent, Redis, ServerAddress } from 'rxjs-redis';
import { nameOf } from '../../../src/options/addresses';
import { useClients, reaches, record } from '../../support/clients';
import { failure, outcome } from '../../support/outcomes';
import { useScriptedRoles } from '../../support/scripted-roles';
import { useScriptedSentinels, type ScriptedSentinel } from '../../support/scripted-sentinel';
import { useServer } from '../../support/server';
import { troubles, words } from '../../support/sentinel-clients';
import { until } from '../../support/until';

const server = useServer({ own: true });
const client = useClients();
const sentinel = useScriptedSentinels();
const role = useScriptedRoles();
const service = 'mymaster';

/** Where nothing listens. */
async function nowhere(): Promise<ServerAddress> {
  const closed = createServer();
  closed.listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const { port } = closed.address() as { port: number };
  closed.close();
  await once(closed, 'close');
  return { host: '127.0.0.1', port };
}

const master = (): ServerAddress => ({ host: server().host, port: server().port });

/** Ends all connections to a sentinel. */
function hangUp({ script }: ScriptedSentinel): void {
  for (const socket of script['sockets']) socket.destroy();
}

/** The next error of the connection of commands. */
function nextError(redis: Redis): Promise<Error> {
  const isError = (event: ConnectionEvent) => event.connection === 'commands' && event.type === 'error';
  return firstValueFrom(
    redis.events$.pipe(
      filter(isError),
      map((event) => (event as { error: Error }).error),
    ),
  );
}

describe('The master of a service', () => {
  it('is where the sentinel says, whether that is given as text or as an object', async () => {
    const one = await sentinel({ master: master() });
    const redis = client({ sentinels: [nameOf(one.address)], service });
    await redis.set('found', 1);
    expect(await redis.get('found')).toBe('1');
    expect(redis.inspect().address).toBe(nameOf(master()));
    const again = client({ sentinels: [one.address], service });
    expect(await again.get('found')).toBe('1');
  });

  it('is asked for at the next sentinel when one is down, which is told once', async () => {
    const down = await nowhere();
    const one = await sentinel({ master: master() });
    const redis = client({ sentinels: [down, one.address], service });
    const told = troubles(redis, 'sentinel');
    await redis.ping();
    expect(told).toEqual([expect.stringMatching(`^Sentinel ${nameOf(down)} cannot be asked: .*ECONNREFUSED`)]);
  });

  it('is asked for at the next sentinel when one is silent, and from then on at the one that answered', async () => {
    const silent = await sentinel({ isSilent: true });
    const one = await sentinel({ master: master() });
    const redis = client({ sentinels: [silent.address, one.address], service, connectTimeout: 30_000 });
    const told = troubles(redis, 'sentinel');
    await redis.ping();
    // The limit is short however long a connection may take.
    expect(told).toEqual([
      expect.stringMatching(`^Sentinel ${nameOf(silent.address)} .*did not answer .*within (?:8|10)00 ms$`),
    ]);
    // When both answer, it is still the other one.
    silent.says.isSilent = false;
    silent.says.master = master();
    await until(() => redis.inspect().sentinels?.known.every(({ answeredAgo }) => answeredAgo !== undefined) === true);
    const [before, others] = [one.asked, silent.asked];
    await redis.reconnect();
    expect([one.asked > before, silent.asked]).toEqual([true, others]);
  });

  it('is asked for at sentinels that the given one knows, once that is gone', async () => {
    const learnt = await sentinel({ master: master(), id: 'b'.repeat(40) });
    const given = await sentinel({ master: master(), sentinels: [{ ...learnt.address, id: 'b'.repeat(40) }] });
    const redis = client({ sentinels: [given.address], service });
    await redis.ping();
    await until(() => learnt.listeners === 1);
    await given.stop();
    await redis.reconnect();
    expect(await redis.ping()).toBe('PONG');
  });

  it('is learnt from a sentinel under one name only, whatever others call it', async () => {
    const one = await sentinel({ master: master(), id: 'a'.repeat(40) });
    const other = await sentinel({ master: master(), id: 'b'.repeat(40) });
    const local = { host: 'localhost', port: one.address.port };
    other.says.sentinels = [{ ...one.address, id: 'a'.repeat(40) }];
    const redis = client({ sentinels: [local, other.address], service });
    await redis.ping();
    await until(() => one.listeners === 1 && other.listeners === 1);
  });

  it('is asked for at sentinels of the options that have moved, where another tells of them', async () => {
    const [a, b] = ['a'.repeat(40), 'b'.repeat(40)];
    const one = await sentinel({ master: master(), id: a });
    const other = await sentinel({ master: master(), id: b, sentinels: [{ ...one.address, id: a }] });
    const redis = client({ sentinels: [one.address, other.address], service });
    const told = troubles(redis, 'sentinel');
    await redis.ping();
    await until(() => one.listeners === 1 && other.listeners === 1);
    const moved = await sentinel({ master: master(), id: a });
    other.says.sentinels = [{ ...moved.address, id: a }];
    const before = nameOf(one.address);
    await one.stop();
    await until(() => told.some((message) => message.startsWith(`Sentinel ${before} cannot be asked`)));
    // It is asked again at once.
    other.tell('+monitor', `master ${service} ${words(master())} quorum 2`);
    await until(() => moved.listeners === 1);
  });

  it('is asked for at sentinels that have two names without a word about the second connection', async () => {
    const all = [await sentinel({ master: master() }), await sentinel({ master: master() })];
    const others = all.map(({ address }, at) => ({ ...address, id: String(at).repeat(40) }));
    all.forEach(({ says }, at) => Object.assign(says, { id: others[at]!.id, sentinels: [others[1 - at]!] }));
    const redis = client({ sentinels: all.map(({ address: { port } }) => `localhost:${port}`), service });
    const told = troubles(redis);
    await redis.ping();
    await until(() => all.every(({ listeners, asked }) => listeners === 1 && asked > 1));
    expect(told).toEqual([]);
  });

  it('is looked for no more when the client ends, which is no error', async () => {
    const one = await sentinel({ master: master(), isSilent: true });
    const redis = client({ sentinels: [one.address], service });
    const told = troubles(redis);
    const asked = failure(redis.ping());
    await until(() => one.script.seen.length > 0);
    await redis.destroy();
    expect(await asked).toMatchObject({ name: 'DisconnectedError' });
    expect(told).toEqual([]);
  });

  it('gets nothing of the queue before it has said that it is one, and another sentinel is asked', async () => {
    const replica = await role('slave connected');
    const stale = await sentinel({ master: replica.address });
    const one = await sentinel({ master: master() });
    const redis = client({ sentinels: [stale.address, one.address], service });
    const wrong = nextError(redis);
    expect(await redis.ping()).toBe('PONG');
    expect((await wrong).message).toBe(
      `${nameOf(replica.address)} is a replica, and the master of 'mymaster' is wanted`,
    );
    expect(replica.commands).toEqual([]);
  });

  it('is taken at its word in HELLO where its user may not ask for the role', async () => {
    const silent = await role('nothing');
    const one = await sentinel({ master: silent.address });
    expect(await client({ sentinels: [one.address], service }).ping()).toBe('PING');
  });

  it('is looked for at the sentinels of a later epoch, where one is behind', async () => {
    const old = await role('master');
    const behind = await sentinel({ master: old.address, epoch: 3 });
    const ahead = await sentinel({ master: master(), epoch: 4 });
    const redis = client({ sentinels: [behind.address, ahead.address], service });
    await redis.ping();
    await firstValueFrom(
      redis.state$.pipe(filter(({ kind }) => kind === 'ready' && redis.inspect().address === nameOf(master()))),
    );
    await redis.reconnect();
    expect(redis.inspect().address).toBe(nameOf(master()));
  });

  it('is not asked for at a sentinel in TILT, unless there is no other', async () => {
    const old = await role('master');
    const tilted = await sentinel({ master: old.address, epoch: 9, isInTilt: true });
    const one = await sentinel({ master: master() });
    const redis = client({ sentinels: [tilted.address, one.address], service });
    const told = troubles(redis, 'sentinel');
    await redis.ping();
    expect(redis.inspect().address).toBe(nameOf(master()));
    expect(told).toEqual([`Sentinel ${nameOf(tilted.address)} is in TILT: it has lost track of time`]);
    const alone = client({ sentinels: [tilted.address], service });
    await alone.ping();
    expect(alone.inspect().address).toBe(nameOf(old.address));
  });

  it('is told to be down, with or without a quorum for that, while it cannot be reached', async () => {
    const gone = await nowhere();
    const one = await sentinel({ master: gone, flags: 's_down,master' });
    const redis = client({ sentinels: [one.address], service });
    const told = troubles(redis, 'sentinel');
    await expect(failure(redis.withOptions({ commandTimeout: 300 }).ping())).resolves.toMatchObject({
      code: 'TIMEOUT',
    });
    expect(told).toEqual([
      `Sentinel ${nameOf(one.address)} holds the master of 'mymaster' at ${nameOf(gone)} to be down, and has no quorum for that (s_down)`,
    ]);
    one.says.flags = 's_down,o_down,master';
    await until(() => told.length > 1);
    expect(told[1]).toContain('and so do others');
  });

  it('is followed where all sentinels are made anew and count from naught', async () => {
    const old = await role('master');
    const one = await sentinel({ master: old.address, epoch: 5 }, { protocol: 2 });
    const redis = client({ sentinels: [one.address], service });
    await redis.ping();
    one.says.epoch = 0;
    hangUp(one);
    const { asked } = one;
    await until(() => one.asked > asked + 1);
    Object.assign(one.says, { master: master(), epoch: 1 });
    await until(() => redis.inspect().address === nameOf(master()));
    expect(await redis.ping()).toBe('PONG');
  });

  it('is waited for where its name is gone with it', async () => {
    const one = await sentinel({ master: { host: 'gone.invalid', port: 6379 } });
    const redis = client({ sentinels: [one.address], service });
    const attempts = record(redis.state$.pipe(filter(({ kind }) => kind === 'reconnecting')));
    redis.connect().subscribe({ error: () => undefined });
    await until(() => attempts.values.length > 2);
    const waiting = outcome(redis.ping());
    Object.assign(one.says, { master: master(), epoch: 2 });
    expect(await waiting).toEqual({ value: 'PONG' });
  });

  it('comes through sentinels whose user may ask for nothing but the address', async () => {
    const one = await sentinel({ master: master(), isCurt: true });
    expect(await client({ sentinels: [one.address], service }).ping()).toBe('PONG');
  });
});

describe('Sentinels that do not tell where the master is', () => {
  it('are all named in one error, each with its reason, and asked again with delays', async () => {
    const down = await nowhere();
    const silent = await sentinel({ isSilent: true });
    const ignorant = await sentinel();
    const sentinels = [down, silent.address, ignorant.address];
    const redis = client({ sentinels, service, connectTimeout: 1_200 });
    const error = nextError(redis);
    redis.ping().subscribe({ error: () => undefined });
    expect(await error).toHaveProperty('code', 'CONNECTION');
    expect((await error).message).toMatch(
      new RegExp(
        `^No sentinel tells where the master of 'mymaster' is: ` +
          `${nameOf(down)} cannot be asked: .*ECONNREFUSED.*; ` +
          `${nameOf(silent.address)} .*did not answer .*within \\d+ ms; ` +
          `${nameOf(ignorant.address)} does not know 'mymaster'$`,
      ),
    );
    await reaches(redis, 'reconnecting');
    ignorant.says.master = master();
    expect(await redis.ping()).toBe('PONG');
  });

  it('are not asked in a loop without delay', async () => {
    const one = await sentinel();
    const redis = client({ sentinels: [one.address], service });
    const attempts = record(redis.state$);
    await failure(redis.withOptions({ commandTimeout: 1_000 }).ping());
    expect(attempts.values.filter(({ kind }) => kind === 'connecting').length).toBeLessThan(20);
    expect(one.asked).toBeLessThan(20);
  });

  it('make commands wait until one does, as long as they may', async () => {
    const one = await sentinel();
    const redis = client({ sentinels: [one.address], service, commandTimeout: 200 });
    const error = await failure(redis.get('k'));
    expect(error.code).toBe('TIMEOUT');
    expect(error.message).toContain("does not know 'mymaster'");
  });

  it('let a client be closed while they are asked', async () => {
    const silent = await sentinel({ isSilent: true });
    const redis = client({ sentinels: [silent.address], service });
    const lost = failure(redis.get('k'));
    await silent.script.next('HELLO');
    const gone = silent.script.gone();
    await redis.close();
    expect((await lost).code).toBe('DISCONNECTED');
    await gone;
  });
});

describe('The connections to sentinels', () => {
  it('are one to each, and end with the client', async () => {
    const one = await sentinel({ master: master() });
    const other = await sentinel({ master: master() });
    const redis = client({ sentinels: [one.address, other.address], service });
    await redis.ping();
    await until(() => one.listeners === 1 && other.listeners === 1);
    const gone = Promise.all([one.script.gone(), other.script.gone()]);
    await redis.close();
    await gone;
    expect([one.script.seenOn.length, other.script.seenOn.length]).toEqual([1, 1]);
  });

  it('may lead to another sentinel each, behind one name, which hides none', async () => {
    const learnt = await sentinel({ master: master(), id: 'a'.repeat(40) });
    const given = await sentinel({ master: master(), id: 'a'.repeat(40) });
    const redis = client({ sentinels: [given.address], service });
    await redis.ping();
    await until(() => given.listeners === 1);
    Object.assign(given.says, { id: 'b'.repeat(40), sentinels: [{ ...learnt.address, id: 'a'.repeat(40) }] });
    hangUp(given);
    await until(() => learnt.listeners === 1);
  });

  it('know no SELECT, no CLIENT SETINFO and no name, which the server gets all the same', async () => {
    const one = await sentinel({ master: master() });
    const redis = client({ sentinels: [one.address], service, database: 3, clientName: 'named' });
    const shown = await redis.call<string>('CLIENT', 'LIST');
    expect(shown).toMatch(/name=named .*db=3 /);
    expect(one.script.seen.map(([name]) => name)).not.toContain('SELECT');
    expect(one.script.seen.map(([name]) => name)).not.toContain('CLIENT');
    expect(one.script.seen.flat()).not.toContain('named');
  });

  it('speak RESP2 where a sentinel knows no other, which is asked each second in place of telling', async () => {
    const old = await role('master');
    const one = await sentinel({ master: old.address }, { protocol: 2 });
    const redis = client({ sentinels: [one.address], service });
    await redis.ping();
    expect(one.listeners).toBe(0);
    Object.assign(one.says, { master: master(), epoch: 2 });
    await firstValueFrom(
      redis.state$.pipe(filter(({ kind }) => kind === 'ready' && redis.inspect().address === nameOf(master()))),
    );
  });
});

describe('Addresses that sentinels tell', () => {
  it('are translated by natMap, those of masters and of further sentinels', async () => {
    const learnt = await sentinel({ master: { host: '10.9.9.9', port: 6379 }, id: 'b'.repeat(40) });
    const inside = { host: '10.9.9.8', port: 26379, id: 'b'.repeat(40) };
    const given = await sentinel({ master: { host: '10.9.9.9', port: 6379 }, sentinels: [inside] });
    const natMap = { '10.9.9.9:6379': master(), '10.9.9.8:26379': learnt.address };
    const redis = client({ sentinels: [given.address], service, natMap });
    expect(await redis.ping()).toBe('PONG');
    await until(() => learnt.listeners === 1);
    const byFunction = client({
      sentinels: [given.address],
      service,
      natMap: ({ host }) => (host === '10.9.9.9' ? master() : undefined),
    });
    expect(await byFunction.ping()).toBe('PONG');
  });

  it('are not known where natMap throws, which is told', async () => {
    const unhandled: unknown[] = [];
    config.onUnhandledError = (error) => unhandled.push(error);
    const one = await sentinel({ master: master() });
    const natMap = () => {
      throw new Error('no map');
    };
    const redis = client({ sentinels: [one.address], service, natMap });
    const told = troubles(redis, 'sentinel');
    const error = await failure(redis.withOptions({ commandTimeout: 500 }).ping());
    config.onUnhandledError = null;
    expect(error.message).toContain(`${nameOf(one.address)} cannot be understood: The option 'natMap' failed: no map`);
    expect(told[0]).toBe(`Sentinel ${nameOf(one.address)} cannot be understood: The option 'natMap' failed: no map`);
    expect(unhandled).toEqual([]);
  });

  it('may be names, and addresses of IPv6', async () => {
    const six = await role('master', '::1');
    const one = await sentinel({ master: six.address }, { host: '::1' });
    const redis = client({ sentinels: [one.address], service });
    expect(await redis.ping()).toBe('PING');
    expect(redis.inspect().address).toBe(`[::1]:${six.address.port}`);
    one.says.master = { host: 'localhost', port: master().port };
    const byName = client({ sentinels: [`[::1]:${one.address.port}`], service, family: 0 });
    expect(await byName.ping()).toBe('PONG');
  });
});
