import type { Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { filter, firstValueFrom } from 'rxjs';
import { ReplyError } from 'rxjs-redis';
import { hashSlot } from '../../../src/resp/hash-slot';
import { record } from '../../support/clients';
import { inCluster, portOf, refresh, useScriptedClusterClients, type View } from '../../support/scripted-cluster';
import { afterHandshake, useScriptedServers, type ScriptedServer } from '../../support/scripted-server';
import { until } from '../../support/until';

const listen = useScriptedServers();
const connect = useScriptedClusterClients();

const LOADING = '-LOADING Redis is loading the dataset in memory\r\n';

/** All slots at one port. */
function allAt(port: number, epoch: number): View {
  return { ranges: [[0, 16_383, port]], epoch };
}

/** The slots up to that of a key at one port, and all behind it at another. */
function behindSlotOf(key: string, one: number, other: number): View {
  const slot = hashSlot(key);
  return {
    ranges: [
      [0, slot, one],
      [slot + 1, 16_383, other],
    ],
  };
}

function confirming(kind: string, channel: string): string {
  return `>3\r\n$${kind.length}\r\n${kind}\r\n$${channel.length}\r\n${channel}\r\n:1\r\n`;
}

function moved(key: string, to: number): string {
  return `-MOVED ${hashSlot(key)} 127.0.0.1:${to}\r\n`;
}

/** How often a command was sent to a server. */
function count({ seen }: ScriptedServer, name: string): number {
  return seen.filter(([word]) => word === name).length;
}

describe('where nodes of a cluster disagree', () => {
  it('ordinary messages leave a node that has left the cluster and is still there', async () => {
    const ports: number[] = [];
    let view = (): View => allAt(ports[0]!, 1);
    const answer = ([name]: string[]) => (name === 'SUBSCRIBE' ? confirming('subscribe', 'news') : '$1\r\nv\r\n');
    const leaves = await listen(
      inCluster(
        () => view(),
        (words) => (words[0] === 'GET' ? moved('k', ports[1]!) : answer(words)),
      ),
    );
    const stays = await listen(inCluster(() => view(), answer));
    ports.push(portOf(leaves), portOf(stays));
    const client = connect({ nodes: [`127.0.0.1:${ports[0]}`] });
    const told = record(client.subscribe('news', { gaps: true }));
    await until(() => told.values.length === 1);
    view = () => allAt(ports[1]!, 2);
    expect(await client.get('k')).toBe('v');
    await until(() => told.values.length === 3);
    expect(told.values.map(({ type }) => type)).toEqual(['subscribed', 'gap', 'subscribed']);
    expect(count(stays, 'SUBSCRIBE')).toBe(1);
    told.stop();
  });

  it('a shard channel that they send to each other is asked for in growing pauses, until one takes it', async () => {
    const ports: number[] = [];
    let isTaken = false;
    const sendingTo = (other: number) =>
      inCluster(
        () => allAt(ports[0]!, 1),
        ([name]) => {
          if (name !== 'SSUBSCRIBE') return '+OK\r\n';
          return isTaken ? confirming('ssubscribe', 'c') : moved('c', ports[other]!);
        },
      );
    const one = await listen(sendingTo(1));
    const other = await listen(sendingTo(0));
    ports.push(portOf(one), portOf(other));
    const client = connect({ nodes: [`127.0.0.1:${ports[0]}`] });
    const told = record(client.ssubscribe('c', { gaps: true }));
    const asked = () => count(one, 'SSUBSCRIBE') + count(other, 'SSUBSCRIBE');
    await until(() => asked() >= 4);
    const begin = performance.now();
    await until(() => asked() >= 9);
    // Pauses of 20, 40, 80, 160 and 200 ms, and their order is what counts.
    expect(performance.now() - begin).toBeGreaterThan(300);
    isTaken = true;
    await until(() => told.values.length === 1);
    expect(told.ended).toBeUndefined();
    told.stop();
  });

  it('shard channels that a node does not serve are looked for, and asked for at one pace however many there are', async () => {
    const ports: number[] = [];
    let view = (): View => allAt(ports[0]!, 1);
    const left = await listen(
      inCluster(
        () => view(),
        () => '-CLUSTERDOWN Hash slot not served\r\n',
      ),
    );
    const has = await listen(
      inCluster(
        () => view(),
        ([, channel]) => confirming('ssubscribe', channel!),
      ),
    );
    ports.push(portOf(left), portOf(has));
    const client = connect({ nodes: [`127.0.0.1:${ports[0]}`] });
    const names = Array.from({ length: 5 }, (_, n) => `c:${n}`);
    const told: ReturnType<typeof record<unknown>>[] = [];
    for (const name of names) {
      const before = count(left, 'SSUBSCRIBE');
      told.push(record(client.ssubscribe(name, { gaps: true })));
      await until(() => count(left, 'SSUBSCRIBE') > before);
    }
    const begin = performance.now();
    const before = count(left, 'SSUBSCRIBE');
    await until(() => count(left, 'SSUBSCRIBE') >= before + 5 * names.length);
    expect(performance.now() - begin).toBeGreaterThan(350);
    view = () => allAt(ports[1]!, 2);
    await until(() => told.every(({ values }) => values.length === 1));
    for (const one of told) one.stop();
  });

  it('a gap of a shard channel begins with the loss of its node, however late another has the slot', async () => {
    const ports: number[] = [];
    let view = (): View => allAt(ports[0]!, 1);
    const answer = () => confirming('ssubscribe', 'c');
    const dies = await listen(inCluster(() => view(), answer));
    const heir = await listen(inCluster(() => view(), answer));
    ports.push(portOf(dies), portOf(heir));
    const client = connect({ nodes: ports.map((port) => `127.0.0.1:${port}`) });
    const told = record(client.ssubscribe('c', { gaps: true }));
    await until(() => told.values.length === 1);
    await dies.stop();
    const lostAt = Date.now();
    await until(() => count(heir, 'CLUSTER') >= 4);
    view = () => allAt(ports[1]!, 2);
    await until(() => told.values.length === 3);
    const [, gap] = told.values;
    if (gap?.type !== 'gap') throw new Error('no gap was told');
    expect(gap.from.getTime()).toBeLessThanOrEqual(lostAt);
    told.stop();
  });

  it('a write that was refused for the moment fails where a later one to its key has run', async () => {
    let refusals = 1;
    const node = await listen(
      inCluster(
        () => allAt(portOf(node), 1),
        ([name]) => (name === 'SET' && refusals-- > 0 ? '-CLUSTERDOWN Hash slot not served\r\n' : ':1\r\n'),
      ),
    );
    const client = connect({ nodes: [`127.0.0.1:${portOf(node)}`] });
    await client.connect();
    const [first, second] = await Promise.allSettled([client.set('k', '1'), client.append('k', '2')]);
    expect(second).toMatchObject({ status: 'fulfilled', value: 1 });
    expect((first as PromiseRejectedResult).reason).toBeInstanceOf(ReplyError);
    expect(first).toMatchObject({ reason: { kind: 'CLUSTERDOWN', delivery: 'answered', repeatable: false } });
    expect(count(node, 'SET')).toBe(1);
  });

  it('a command comes back from a node that was asked for it and is gone, and keeps its place before later ones', async () => {
    const target = await listen(() => undefined);
    let isDown = true;
    const held: Socket[] = [];
    const ran: string[] = [];
    let isAsked = false;
    const owner = await listen(
      inCluster(
        () => allAt(portOf(owner), 1),
        ([, , value], socket) => {
          if (!isAsked) {
            isAsked = true;
            return `-ASK ${hashSlot('k')} 127.0.0.1:${portOf(target)}\r\n`;
          }
          if (isDown) {
            held.push(socket);
            return undefined;
          }
          ran.push(value!);
          return '+OK\r\n';
        },
      ),
    );
    const client = connect({ nodes: [`127.0.0.1:${portOf(owner)}`] });
    const first = client.set('k', '1').then(String);
    await target.next('HELLO');
    const second = client.set('k', '2').then(String);
    await until(() => held.length === 1);
    const lost = firstValueFrom(client.events$.pipe(filter(({ type }) => type === 'reconnecting')));
    await target.stop();
    await lost;
    // What comes back is written at the end of the tick, if it is.
    await setImmediate();
    await setImmediate();
    isDown = false;
    for (const socket of held) socket.write('-CLUSTERDOWN The cluster is down\r\n');
    expect(await Promise.all([first, second])).toEqual(['OK', 'OK']);
    expect(ran).toEqual(['1', '2']);
  });

  it('a command that the old owner of its slot refuses for the moment goes to the new one before later ones', async () => {
    const ports: number[] = [];
    let view = () => behindSlotOf('k', ports[0]!, ports[1]!);
    /** Where SET came, and the PING behind it: both wait for their answers. */
    let held: Socket | undefined;
    let answers = '';
    const old = await listen(
      afterHandshake((words, socket) => {
        if (words[0] === 'SET') held = socket;
        if (held === socket) {
          answers += LOADING;
          return undefined;
        }
        return inCluster(
          () => view(),
          () => '+OK\r\n',
        )(words, socket);
      }),
    );
    const next = await listen(
      inCluster(
        () => view(),
        () => '+OK\r\n',
      ),
    );
    ports.push(portOf(old), portOf(next));
    const client = connect({ nodes: ports.map((port) => `127.0.0.1:${port}`), retry: () => 300 });
    await client.get('other'); // so that the new one is asked for a view as well
    const first = client.set('k', '1').then(String);
    await until(() => held !== undefined);
    view = () => allAt(ports[1]!, 2);
    refresh(client);
    await until(() => client.nodeFor('k') === `127.0.0.1:${ports[1]}` && count(old, 'PING') > 0);
    const second = client.set('k', '2').then(String);
    const socket = held!;
    held = undefined;
    socket.write(answers);
    expect(await Promise.all([first, second])).toEqual(['OK', 'OK']);
    expect(next.seen.filter(([name]) => name === 'SET').map(([, , value]) => value)).toEqual(['1', '2']);
  });

  it('a slot whose old owner refuses everything for the moment keeps the order of its calls', async () => {
    const ports: number[] = [];
    let view = () => behindSlotOf('k', ports[0]!, ports[1]!);
    let isLoading = true;
    const old = await listen(
      afterHandshake((words, socket) => {
        if (words[0] === 'PING' && isLoading) return LOADING;
        const script = inCluster(
          () => view(),
          () => (isLoading ? LOADING : moved('k', ports[1]!)),
        );
        return script(words, socket);
      }),
    );
    const next = await listen(
      inCluster(
        () => view(),
        ([name]) => (name === 'GET' ? '-CLUSTERDOWN Hash slot not served\r\n' : '+OK\r\n'),
      ),
    );
    ports.push(portOf(old), portOf(next));
    const client = connect({ nodes: ports.map((port) => `127.0.0.1:${port}`) });
    const first = client.set('k', '1').then(String);
    await until(() => count(old, 'SET') > 0);
    view = () => allAt(ports[1]!, 2);
    const other = 'other';
    expect(hashSlot(other)).toBeGreaterThan(hashSlot('k'));
    // A reason to ask for a view.
    client.get(other).subscribe({ error: () => undefined });
    await until(() => client.nodeFor('k') === `127.0.0.1:${ports[1]}`);
    const second = client.set('k', '2').then(String);
    isLoading = false;
    expect(await Promise.all([first, second])).toEqual(['OK', 'OK']);
    expect(next.seen.filter(([name]) => name === 'SET').map(([, , value]) => value)).toEqual(['1', '2']);
  });
});
