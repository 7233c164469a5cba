import { hashSlot } from '../../../src/resp/hash-slot';
import { eventually, record } from '../../support/clients';
import { inCluster, portOf, refresh, useScriptedClusterClients, views } from '../../support/scripted-cluster';
import { useScriptedServers, type Script, type ScriptedServer } from '../../support/scripted-server';
import { until } from '../../support/until';

const listen = useScriptedServers();
const connect = useScriptedClusterClients();

const slot = hashSlot('a');
const says = (word: string): string => `$${word.length}\r\n${word}\r\n`;

describe('views of a cluster', () => {
  it('are asked for on links that are there: none is made for that', async () => {
    const ports: number[] = [];
    const view = () => ({
      ranges: [
        [0, 8_000, ports[0]!, ports[2]!],
        [8_001, 16_383, ports[1]!],
      ] as const,
    });
    const nodes: ScriptedServer[] = [];
    for (let n = 0; n < 3; n++) nodes.push(await listen(inCluster(view, () => says('value'))));
    ports.push(...nodes.map(portOf));
    const client = connect({ nodes: [`127.0.0.1:${ports[0]}`] });
    await client.connect();
    const links = () => nodes.map(({ seenOn }) => seenOn.length);
    const all = () => nodes.reduce((sum, node) => sum + views(node), 0);
    for (let n = 0; n < 4; n++) {
      const before = all();
      refresh(client);
      await until(() => all() > before);
    }
    expect(links()).toEqual([1, 1, 0]); // the replica is not read from
  });

  it('do not undo what a redirection has taught since they were asked for', async () => {
    const ports: number[] = [];
    let hasMoved = false;
    const view = () => ({
      ranges: hasMoved
        ? ([
            [0, slot - 1, ports[0]!],
            [slot, slot, ports[1]!],
            [slot + 1, 16_383, ports[0]!],
          ] as const)
        : ([[0, 16_383, ports[0]!]] as const),
    });
    let isAsked = false;
    const known = inCluster(view, () => '+OK\r\n');
    const old = await listen((words, socket) => {
      if (words[0] === 'GET') {
        isAsked = true;
        return undefined;
      }
      const reply = known(words, socket);
      if (!isAsked || words[1] !== 'SLOTS') return reply;
      // The view is that of the time before the slot has moved.
      isAsked = false;
      hasMoved = true;
      return `-MOVED ${slot} 127.0.0.1:${ports[1]!}\r\n${reply}`;
    });
    const next = await listen(inCluster(view, () => says('next')));
    ports.push(portOf(old), portOf(next));
    const client = connect({ nodes: [`127.0.0.1:${ports[0]}`] });
    await client.connect();
    const { values } = record(client.nodes$);
    const value = client.get('a').then(String);
    await old.next('GET');
    const before = views(old) + views(next);
    refresh(client);
    expect(await value).toBe('next');
    expect(old.seen.filter(([name]) => name === 'GET').length).toBe(1);
    await until(() => views(old) + views(next) > before + 1);
    await until(() => client.nodes.length === 2);
    const told = values.map((nodes) => nodes.find(({ address }) => address.endsWith(`:${ports[1]!}`))?.slots ?? 0);
    expect(told.filter((slots, at) => slots !== told[at - 1])).toEqual([0, 1]);
  });

  it('do not undo it where they come from nodes that have not heard of it, however often they are asked for', async () => {
    const ports: number[] = [];
    const before = () => ({
      ranges: [
        [0, 16_382, ports[0]!],
        [16_383, 16_383, ports[1]!],
      ] as const,
    });
    const old = await listen(inCluster(before, () => `-MOVED ${slot} 127.0.0.1:${ports[1]!}\r\n`));
    const next = await listen((words, socket) => {
      if (words[0] === 'CLUSTER') return '-NOPERM No permissions to run the command\r\n';
      return inCluster(before, () => says('next'))(words, socket);
    });
    ports.push(portOf(old), portOf(next));
    const client = connect({ nodes: [`127.0.0.1:${ports[0]}`] });
    expect(await client.get('a')).toBe('next');
    for (let n = 0; n < 3; n++) {
      const asked = views(old);
      refresh(client);
      await until(() => views(old) > asked);
    }
    expect(await client.get('a')).toBe('next');
    expect(client.nodeFor('a')).toBe(`127.0.0.1:${ports[1]}`);
    expect(old.seen.filter(([name]) => name === 'GET').length).toBe(1);
  });

  it('name addresses that `natMap` translates, and so do MOVED and ASK', async () => {
    const ports: number[] = [];
    const inside = '10.9.9.9';
    const view = () => ({ ranges: [[0, 16_383, ports[0]!]] as const });
    const first = await listen(
      inCluster(
        view,
        ([name, key]) => {
          if (name !== 'GET') return '+OK\r\n';
          return key === 'a'
            ? `-MOVED ${slot} ${inside}:${ports[1]!}\r\n`
            : `-ASK ${hashSlot(key!)} ${inside}:${ports[1]!}\r\n`;
        },
        inside,
      ),
    );
    const second = await listen(inCluster(view, ([name]) => (name === 'GET' ? says('second') : '+OK\r\n'), inside));
    ports.push(portOf(first), portOf(second));
    const natMap = Object.fromEntries(ports.map((port) => [`${inside}:${port}`, `127.0.0.1:${port}`]));
    const client = connect({ nodes: [`127.0.0.1:${ports[0]}`], natMap });
    expect(await client.get('asked')).toBe('second');
    expect(await client.get('a')).toBe('second');
    expect(client.nodeFor('asked')).toBe(`127.0.0.1:${ports[0]}`);
  });

  it('name no hosts, which are those of the nodes as the cluster knows them, before `natMap`', async () => {
    const view = () => ({ ranges: [[0, 16_383, 7_001]] as const });
    const first = await listen(inCluster(view, () => `-MOVED ${slot} :7002\r\n`, ''));
    const second = await listen(inCluster(view, () => says('second'), ''));
    const natMap = {
      '127.0.0.1:7001': `localhost:${portOf(first)}`,
      '127.0.0.1:7002': `localhost:${portOf(second)}`,
    };
    const client = connect({ nodes: [`127.0.0.1:${portOf(first)}`], natMap });
    await client.connect();
    expect(await client.get('a')).toBe('second');
    const asked = () => views(first) + views(second);
    // At the translated addresses views mean the same nodes.
    for (let before = asked(), n = 0; n < 3; before = asked(), n++) {
      refresh(client);
      await until(() => asked() > before);
    }
    expect(client.nodeFor('b')).toBe(`localhost:${portOf(first)}`);
  });

  it('are waited for where MOVED tells a port and no host, which the server does not know', async () => {
    const ports: number[] = [];
    let hasMoved = false;
    const view = () => ({ epoch: hasMoved ? 2 : 1, ranges: [[0, 16_383, ports[hasMoved ? 1 : 0]!]] as const });
    const first = await listen(
      inCluster(view, () => {
        hasMoved = true;
        return `-MOVED ${slot} ?:${ports[1]!}\r\n`;
      }),
    );
    const second = await listen(inCluster(view, () => says('second')));
    ports.push(portOf(first), portOf(second));
    const client = connect({ nodes: [`127.0.0.1:${ports[0]}`] });
    expect(await client.get('a')).toBe('second');
    expect(first.seen.filter(([name]) => name === 'GET').length).toBe(1);
    expect(client.nodeFor('a')).toBe(`127.0.0.1:${ports[1]}`);
  });

  it('name addresses where MOVED names hosts, which are resolved', async () => {
    const ports: number[] = [];
    const view = () => ({ ranges: [[0, 16_383, ports[0]!]] as const });
    const first = await listen(inCluster(view, () => `-MOVED ${slot} localhost:${ports[1]!}\r\n`));
    const second = await listen(inCluster(view, () => says('second')));
    ports.push(portOf(first), portOf(second));
    const client = connect({ nodes: [`127.0.0.1:${ports[0]}`] });
    expect(await client.get('a')).toBe('second');
    expect(client.nodeFor('a')).toBe(`localhost:${ports[1]}`);
  });

  it.each([
    'LOADING Redis is loading the dataset in memory',
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
  ])('name a replica that cannot answer yet, whose master reads: %s', async (refusal) => {
    const ports: number[] = [];
    const view = () => ({ ranges: [[0, 16_383, ports[0]!, ports[1]!]] as const });
    const master = await listen(inCluster(view, ([name]) => (name === 'GET' ? says('master') : '+OK\r\n')));
    const replica = await listen(inCluster(view, ([name]) => (name === 'GET' ? `-${refusal}\r\n` : '+OK\r\n')));
    ports.push(portOf(master), portOf(replica));
    const client = connect({ nodes: [`127.0.0.1:${ports[0]}`], reads: 'replica' });
    await client.connect();
    expect(await client.get('a')).toBe('master');
    expect(replica.seen.filter(([name]) => name === 'GET' || name === 'READONLY').map(([name]) => name)).toEqual([
      'READONLY',
      'GET',
    ]);
  });

  it('name a replica that has no copy yet, as ROLE alone tells, whose master reads until it has one', async () => {
    const ports: number[] = [];
    const view = () => ({ ranges: [[0, 16_383, ports[0]!, ports[1]!]] as const });
    let link = 'sync';
    const role = () => `*5\r\n${says('slave')}${says('127.0.0.1')}:${ports[0]!}\r\n${says(link)}:-1\r\n`;
    const master = await listen(inCluster(view, ([name]) => (name === 'GET' ? says('master') : '+OK\r\n')));
    const replica = await listen(
      inCluster(view, ([name]) => (name === 'ROLE' ? role() : name === 'GET' ? says(link) : '+OK\r\n')),
    );
    ports.push(portOf(master), portOf(replica));
    const client = connect({ nodes: [`127.0.0.1:${ports[0]}`], reads: 'replica' });
    await client.connect();
    const asked = () => replica.seen.filter(([name]) => name === 'ROLE').length;
    // The first read waits for the link, and those in the same tick.
    expect(await Promise.all([client.get('a'), client.get('b')])).toEqual(['master', 'master']);
    for (link of ['connect', 'handshake', 'connecting']) {
      const before = asked();
      await until(() => asked() > before + 1);
      expect(await client.get('a')).toBe('master');
    }
    // What means this one node is its own affair.
    expect(await client.on(`127.0.0.1:${ports[1]}`).get('a')).toBe('connecting');
    link = 'connected';
    await eventually(
      () => client.get('a'),
      (value) => value === 'connected',
    );
    expect(replica.seenOn.length).toBe(1);
  });

  it('name a replica that may not be asked for its role, and reads all the same', async () => {
    const ports: number[] = [];
    const view = () => ({ ranges: [[0, 16_383, ports[0]!, ports[1]!]] as const });
    const script: Script = ([name]) =>
      name === 'GET' ? says('replica') : name === 'ROLE' ? '-NOPERM No permissions\r\n' : '+OK\r\n';
    const nodes = [await listen(inCluster(view, script)), await listen(inCluster(view, script))];
    ports.push(...nodes.map(portOf));
    const client = connect({ nodes: [`127.0.0.1:${ports[0]}`], reads: 'replica' });
    await client.connect();
    expect(await client.get('a')).toBe('replica');
    expect(nodes[1]!.seen.filter(([name]) => name === 'GET').length).toBe(1);
  });
});
