import { ReplyError, type RedisError } from 'rxjs-redis';
import { hashSlot } from '../../../src/resp/hash-slot';
import {
  inCluster,
  portOf,
  refresh,
  useScriptedClusterClients,
  views,
  type View,
} from '../../support/scripted-cluster';
import { useScriptedServers, type ScriptedServer } from '../../support/scripted-server';
import { until } from '../../support/until';

const listen = useScriptedServers();
const connect = useScriptedClusterClients();

const says = (word: string): string => `$${word.length}\r\n${word}\r\n`;

describe('nodes of a cluster that are odd', () => {
  it('name each other without end, and the command fails with what the last has said', async () => {
    const slot = hashSlot('loop');
    const ports: number[] = [];
    const view = () => ({ ranges: [[0, 16_383, ports[0]!]] as const });
    const one = await listen(inCluster(view, () => `-MOVED ${slot} 127.0.0.1:${ports[1]!}\r\n`));
    const other = await listen(inCluster(view, () => `-MOVED ${slot} 127.0.0.1:${ports[0]!}\r\n`));
    ports.push(portOf(one), portOf(other));
    const client = connect({ nodes: [`127.0.0.1:${ports[0]}`] });
    const error = (await client.get('loop').then(
      () => undefined,
      (thrown: unknown) => thrown,
    )) as ReplyError;
    expect(error).toBeInstanceOf(ReplyError);
    expect(error.kind).toBe('MOVED');
    const asked = [one, other].flatMap(({ seen }) => seen.filter(([name]) => name === 'GET'));
    expect(asked.length).toBe(17); // the first, and sixteen hops
  });

  it('ask for a command behind ASKING, which stands right before it, also where others are many', async () => {
    const slot = hashSlot('{k}');
    let askPort = 0;
    const target = await listen(
      inCluster(
        () => ({ ranges: [] }),
        ([name]) => (name === 'ASKING' ? '+OK\r\n' : '$5\r\nvalue\r\n'),
      ),
    );
    askPort = portOf(target);
    const owner: ScriptedServer = await listen(
      inCluster(
        () => ({ ranges: [[0, 16_383, portOf(owner)]] }),
        ([name, key]) =>
          name === 'GET' && key!.startsWith('{k}') ? `-ASK ${slot} 127.0.0.1:${askPort}\r\n` : '$4\r\nhere\r\n',
      ),
    );
    const client = connect({ nodes: [`127.0.0.1:${portOf(owner)}`] });
    const values = await Promise.all(
      Array.from({ length: 1_000 }, (_, n) => client.get(n % 3 === 0 ? `other:${n}` : `{k}:${n}`)),
    );
    expect(values.filter((value) => value === 'value').length).toBe(666);
    const words = target.seen.filter(([name]) => name === 'ASKING' || name === 'GET').map(([name]) => name);
    expect(words).toEqual(Array.from({ length: 666 }, () => ['ASKING', 'GET']).flat());
  });

  it('are asked for a command, and refuse everything for longer than all hops take: it waits, as it does at the owner', async () => {
    let refusals = 0;
    const target = await listen(
      inCluster(
        () => ({ ranges: [] }),
        ([name]) => {
          if (name === 'ASKING') return '+OK\r\n';
          return ++refusals <= 20 ? '-CLUSTERDOWN The cluster is down\r\n' : '+OK\r\n';
        },
      ),
    );
    const owner: ScriptedServer = await listen(
      inCluster(
        () => ({ ranges: [[0, 16_383, portOf(owner)]] }),
        () => `-ASK ${hashSlot('k')} 127.0.0.1:${portOf(target)}\r\n`,
      ),
    );
    const client = connect({ nodes: [`127.0.0.1:${portOf(owner)}`] });
    expect(await client.set('k', '1')).toBe('OK');
    expect(refusals).toBe(21);
  });

  it.each([
    ['tell an older epoch', { epoch: 6 }],
    ['are apart from the majority', { epoch: 7, state: 'fail' }],
    ['are so, and have raised their epoch', { epoch: 8, state: 'fail' }],
  ])('are not believed where they %s', async (_, facts) => {
    const ports: number[] = [];
    const right = { ranges: () => [[0, 16_383, ports[0]!]] as const, epoch: 7 };
    let isOld = false;
    const owner = await listen(
      inCluster(
        () => (isOld ? { ranges: [[0, 16_383, ports[1]!]], ...facts } : { ranges: right.ranges(), epoch: 7 }),
        ([name]) => (name === 'SET' ? '+OK\r\n' : '$5\r\nright\r\n'),
      ),
    );
    const wrong = await listen(
      inCluster(
        () => ({ ranges: [[0, 16_383, ports[1]!]], epoch: 6 }),
        () => '$5\r\nwrong\r\n',
      ),
    );
    ports.push(portOf(owner), portOf(wrong));
    const client = connect({ nodes: [`127.0.0.1:${ports[0]}`] });
    expect(await client.get('a')).toBe('right');
    isOld = true;
    client.ssubscribe('taken').subscribe({ error: () => undefined });
    const before = views(owner);
    // A view is asked for, and is not applied.
    refresh(client);
    await until(() => views(owner) > before);
    expect(await client.get('a')).toBe('right');
    expect(client.nodeFor('a')).toBe(`127.0.0.1:${ports[0]}`);
  });

  it('are believed where none else is known, and only until another is', async () => {
    const ports: number[] = [];
    let view = (): View => ({ ranges: [[0, 16_383, ports[1]!]], epoch: 9, state: 'fail' });
    const apart = await listen(
      inCluster(
        () => view(),
        () => '-CLUSTERDOWN The cluster is down\r\n',
      ),
    );
    const owner = await listen(
      inCluster(
        () => view(),
        () => '$5\r\nright\r\n',
      ),
    );
    ports.push(portOf(owner), portOf(apart));
    const client = connect({ nodes: ports.map((port) => `127.0.0.1:${port}`) });
    const value = client.get('a').then(String);
    await apart.next('GET');
    view = () => ({ ranges: [[0, 16_383, ports[0]!]], epoch: 7 });
    expect(await value).toBe('right');
  });

  it('say that a slot is their own, and are dialled anew', async () => {
    const slot = hashSlot('self');
    let refusals = 1;
    const node: ScriptedServer = await listen(
      inCluster(
        () => ({ ranges: [[0, 16_383, portOf(node)]] }),
        ([name]) => {
          if (name !== 'GET') return '+OK\r\n';
          return refusals-- > 0 ? `-MOVED ${slot} 127.0.0.1:${portOf(node)}\r\n` : '$5\r\nvalue\r\n';
        },
      ),
    );
    const client = connect({ nodes: [`127.0.0.1:${portOf(node)}`] });
    expect(await client.get('self')).toBe('value');
    await until(() => node.seenOn.length === 2);
  });

  it.each([
    ['MOVED', (port: number) => `-MOVED ${hashSlot('k')} 127.0.0.1:${port}`],
    [
      'UNBLOCKED',
      () => '-UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)',
    ],
  ])('end with %s what has waited there, which waits for the rest of its time at another', async (_, refusal) => {
    const ports: number[] = [];
    let epoch = 1;
    const view = () => ({ epoch, ranges: [[0, 16_383, ports[epoch - 1]!]] as const });
    let refuse = (): unknown => undefined;
    const before = await listen(
      inCluster(view, ([name], socket) => {
        if (name !== 'BLPOP') return ':1\r\n';
        refuse = () => socket.write(`${refusal(ports[1]!)}\r\n`);
        return undefined;
      }),
    );
    const next = await listen(
      inCluster(view, ([name]) => (name === 'BLPOP' ? `*2\r\n${says('k')}${says('item')}` : ':1\r\n')),
    );
    ports.push(portOf(before), portOf(next));
    const client = connect({ nodes: [`127.0.0.1:${ports[0]}`] });
    const popped = client.blpop('k', 10).then((value) => value);
    await before.next('BLPOP');
    // A part of its time passes.
    const since = performance.now();
    await until(() => performance.now() - since > 300);
    epoch = 2;
    refuse();
    expect(await popped).toEqual(['k', 'item']);
    const [, , rest] = next.seen.find(([name]) => name === 'BLPOP')!;
    expect(Number(rest)).toBeLessThanOrEqual(9.8);
    expect(Number(rest)).toBeGreaterThan(0);
    expect(before.seen.filter(([name]) => name === 'BLPOP').map(([, , time]) => time)).toEqual(['10']);
  });

  it('do not have a slot any more that they had, as their view says: it is nobody’s, and its commands wait', async () => {
    let has = true;
    const node: ScriptedServer = await listen(
      inCluster(
        () => ({ epoch: has ? 1 : 2, ranges: [[0, has ? 16_383 : hashSlot('a') - 1, portOf(node)]] }),
        () => '$5\r\nvalue\r\n',
      ),
    );
    const client = connect({ nodes: [`127.0.0.1:${portOf(node)}`] });
    expect(await client.get('a')).toBe('value');
    has = false;
    refresh(client);
    await until(() => client.nodeFor('a') === undefined);
    const sent = node.seen.filter(([name]) => name === 'GET').length;
    const late = await client
      .withOptions({ commandTimeout: 300 })
      .get('a')
      .then(String, (error: RedisError) => error);
    expect(late).toMatchObject({ code: 'TIMEOUT', delivery: 'unsent' });
    expect(node.seen.filter(([name]) => name === 'GET').length).toBe(sent);
    expect(await client.get('d')).toBe('value');
  });

  it('leave slots out, whose commands wait until one has them, within their time', async () => {
    let has = false;
    const node: ScriptedServer = await listen(
      inCluster(
        () => ({ ranges: has ? [[0, 16_383, portOf(node)]] : [[0, hashSlot('a') - 1, portOf(node)]] }),
        () => '$5\r\nvalue\r\n',
      ),
    );
    const client = connect({ nodes: [`127.0.0.1:${portOf(node)}`] });
    expect(await client.get('d')).toBe('value'); // slot 11 298, below that of `a`
    const late = await client
      .withOptions({ commandTimeout: 300 })
      .get('a')
      .then(String, (error: RedisError) => error);
    expect(late).toMatchObject({ code: 'TIMEOUT', delivery: 'unsent' });
    const waiting = client.get('a').then(String);
    has = true;
    expect(await waiting).toBe('value');
  });

  it('are asked for their view again within `staleAfter` where something may be kept', async () => {
    const ports: number[] = [];
    const view = () => ({ ranges: [[0, 16_383, ports[0]!]] as const });
    const one = await listen(inCluster(view, () => '+OK\r\n'));
    ports.push(portOf(one));
    const client = connect({ nodes: [`127.0.0.1:${ports[0]}`], cache: { staleAfter: 200 } });
    await client.connect();
    await until(() => views(one) > 5);
  });

  it('that no view names any more are left within a second', async () => {
    const ports: number[] = [];
    let isThere = true;
    const view = () => ({
      epoch: isThere ? 1 : 2,
      ranges: isThere
        ? ([
            [0, 8_000, ports[0]!],
            [8_001, 16_383, ports[1]!],
          ] as const)
        : ([[0, 16_383, ports[0]!]] as const),
    });
    const stays = await listen(inCluster(view, () => '$4\r\nstay\r\n'));
    const goes = await listen(inCluster(view, () => '$4\r\ngoes\r\n'));
    ports.push(portOf(stays), portOf(goes));
    const client = connect({ nodes: [`127.0.0.1:${ports[0]}`] });
    expect(await client.get('a')).toBe('goes'); // slot 15 495
    const gone = goes.gone();
    isThere = false;
    refresh(client);
    await gone;
    expect(await client.get('a')).toBe('stay');
    expect(client.nodes.map(({ address }) => address)).toEqual([`127.0.0.1:${ports[0]}`]);
  });

  it('call themselves masters and have no slots, and do not take the place of one that is slow', async () => {
    const ports: number[] = [];
    const view = (): View => ({ ranges: [[0, 16_383, ports[0]!, ports[1]!]] });
    const known = inCluster(view, () => says('slow'));
    let held: (() => unknown)[] | undefined;
    const slow = await listen((words, socket) => {
      const reply = known(words, socket);
      if (words[1] === 'slow') held = [];
      held?.push(() => socket.write(reply!));
      return held === undefined ? reply : undefined;
    });
    const reset = await listen(
      inCluster(
        () => ({ ranges: [], epoch: 0, state: 'fail' }),
        ([name]) => (name === 'ROLE' ? '*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n' : says('reset')),
      ),
    );
    ports.push(portOf(slow), portOf(reset));
    const client = connect({ nodes: [`127.0.0.1:${ports[0]}`] });
    const first = client.get('slow').then(String);
    const asked = () => reset.seen.filter(([name]) => name === 'ROLE').length;
    const owner = () => client.nodeFor('slow');
    await until(() => asked() > 1 || owner()?.endsWith(`:${ports[1]}`) === true);
    expect(owner()).toBe(`127.0.0.1:${ports[0]}`);
    for (const answer of held!) answer();
    held = undefined;
    expect(await first).toBe('slow');
    expect(await client.get('a')).toBe('slow');
  });

  it('that leave the cluster are named as the reason by what has waited there', async () => {
    const ports: number[] = [];
    let epoch = 1;
    const view = () => ({ epoch, ranges: [[0, 16_383, ports[epoch - 1]!]] as const });
    const waits = ([name]: string[]) => (name === 'BLPOP' || name === 'XREAD' ? undefined : ':1\r\n');
    const goes = await listen(inCluster(view, waits));
    const stays = await listen(inCluster(view, ([name]) => (name === 'XREAD' ? '_\r\n' : ':1\r\n')));
    ports.push(portOf(goes), portOf(stays));
    const client = connect({ nodes: [`127.0.0.1:${ports[0]}`] });
    const waiting = client.blpop('k', 0).catch((error: unknown) => error);
    const reading = client.xread({ k: '0' }, { BLOCK: 10_000 }).then((value) => value);
    await goes.next('BLPOP');
    await goes.next('XREAD');
    epoch = 2;
    refresh(client);
    const message = `BLPOP was answered, it may have run: 127.0.0.1:${ports[0]} has left the cluster`;
    expect(await waiting).toMatchObject({ delivery: 'unknown', message: expect.stringContaining(message) as unknown });
    // It goes on at the new owner.
    expect(await reading).toBeNull();
  });

  it('are found through another seed where all that were known are gone', async () => {
    const ports: number[] = [];
    const first = await listen(
      inCluster(
        () => ({ ranges: [[0, 16_383, ports[0]!]] }),
        () => '$3\r\nold\r\n',
      ),
    );
    const second = await listen(
      inCluster(
        () => ({ ranges: [[0, 16_383, ports[1]!]], epoch: 2 }),
        () => '$3\r\nnew\r\n',
      ),
    );
    ports.push(portOf(first), portOf(second));
    const client = connect({ nodes: ports.map((port) => `127.0.0.1:${port}`) });
    expect(await client.get('a')).toBe('old');
    await first.stop();
    expect(await client.get('a')).toBe('new');
  });

  it('ask for AUTH in vain, so that commands fail at once and say why', async () => {
    const node = await listen((words) =>
      words[0] === 'HELLO' ? '-WRONGPASS invalid username-password pair\r\n' : '-NOAUTH x\r\n',
    );
    const client = connect({ nodes: [`127.0.0.1:${portOf(node)}`], password: 'wrong-secret' });
    const error = await client.get('a').then(
      () => undefined,
      (thrown: unknown) => thrown as RedisError,
    );
    expect(error?.code).toBe('AUTHENTICATION');
    expect(String(error)).not.toContain('wrong-secret');
  });

  it('are all away, and the state of the client tells of each further attempt', async () => {
    const client = connect({ nodes: ['127.0.0.1:1', '127.0.0.1:2'], reconnect: { initialDelay: 5, jitter: 0 } });
    const attempts: number[] = [];
    client.state$.subscribe((state) => state.kind === 'reconnecting' && attempts.push(state.attempt));
    client.get('k').subscribe({ error: () => undefined });
    await until(() => attempts.at(-1)! >= 4);
    expect(attempts).toStrictEqual([...new Set(attempts)].sort((one, other) => one - other));
  });
});
