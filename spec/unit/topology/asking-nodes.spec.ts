import { BehaviorSubject, NEVER, Subject, of, type Observable } from 'rxjs';
import type { Command } from '../../../src/commands/command';
import { Discovery } from '../../../src/topology/discovery';
import { Heirs } from '../../../src/topology/heirs';
import type { ClusterNode } from '../../../src/topology/node';
import type { Topology } from '../../../src/topology/topology';
import { VirtualClock } from '../../support/virtual-clock';

const translate = <T>(address: T): T => address;

/** A node with a link, and what it was asked. */
function nodeThat(answers: (words: string) => Observable<unknown>, facts: Partial<ClusterNode> = {}) {
  const asked: string[] = [];
  const sendAhead = ({ spec }: Command) => {
    asked.push(spec.name);
    return answers(spec.name);
  };
  const line = { sendAhead, queued: 0, link: undefined };
  const connection = { open: () => undefined, state$: new BehaviorSubject({ kind: 'ready' }), line };
  const node = { isReady: true, replicas: [], connections: [], address: { host: 'a', port: 1 }, connection, ...facts };
  return { asked, node: node as unknown as ClusterNode };
}

describe('the replicas of a master that is gone', () => {
  it('are asked at least each 100 ms as long as a failover may take, and less and less often where none is promoted', () => {
    const clock = new VirtualClock();
    const { node: replica, asked } = nodeThat(() => of(['slave']));
    const { node: master } = nodeThat(() => NEVER, { isLost: true, replicas: [replica] });
    const topology = { masters: [master] } as unknown as Topology;
    const heirs = new Heirs(topology, clock, translate, () => undefined);
    heirs.look();
    clock.advance(2_000);
    const eager = asked.length;
    expect(eager).toBeGreaterThan(2_000 / 70);
    for (let second = 2; second < 60; second++) {
      const begin = asked.length;
      clock.advance(1_000);
      expect(asked.length - begin).toBeGreaterThanOrEqual(10);
      if (second >= 4) expect(asked.length - begin).toBeLessThanOrEqual(18);
    }
    clock.advance(8_000);
    const before = asked.length;
    clock.advance(60_000);
    expect(asked.length - before).toBeLessThanOrEqual(60_000 / 370);
    expect(asked.length - before).toBeGreaterThanOrEqual(60_000 / 630);
    const { node: second, asked: askedSecond } = nodeThat(() => of(['slave']));
    topology.masters.push(nodeThat(() => NEVER, { isLost: true, replicas: [second] }).node);
    clock.advance(1_500);
    const start = askedSecond.length;
    clock.advance(1_000);
    expect(askedSecond.length - start).toBeGreaterThan(1_000 / 70);
    heirs.end();
    expect(clock.waiting).toBe(0);
  });
});

function topologyOf(nodes: readonly ClusterNode[], applied: unknown[] = []): Topology {
  return {
    nodes: new Map(nodes.map((node, at) => [String(at), node])),
    stale$: new Subject<void>(),
    waited: [],
    masters: [],
    learned: { count: 0 },
    isIncomplete: false,
    isStrange: () => false,
    apply: (view: unknown) => void applied.push(view),
    leaveSilent: () => undefined,
    retire: () => undefined,
  } as unknown as Topology;
}

describe('a view', () => {
  it.each([{ isLost: true }, { isSuspected: true }])(
    'is asked first of the replicas of a master that is gone, which know first: %j',
    (how) => {
      jest.spyOn(Math, 'random').mockReturnValue(0.5);
      const clock = new VirtualClock();
      const [replica, ...others] = Array.from({ length: 3 }, () => nodeThat(() => NEVER));
      const gone = nodeThat(() => NEVER, { ...how, isReady: false, replicas: [replica!.node] });
      const topology = topologyOf([...others.map(({ node }) => node), gone.node, replica!.node]);
      const failed = () => undefined;
      const discovery = new Discovery({ topology, clock, seeds: [], translate, staleAfter: () => Infinity, failed });
      discovery.want();
      clock.advance(100);
      expect([replica, ...others, gone].map((one) => one!.asked.length)).toStrictEqual([2, 0, 0, 0]);
      discovery.end();
      jest.restoreAllMocks();
    },
  );

  it('is asked of a second node soon where the first is silent', () => {
    jest.spyOn(Math, 'random').mockReturnValue(0.5);
    const clock = new VirtualClock();
    const silent = nodeThat(() => NEVER);
    const other = nodeThat((name) => of(name === 'CLUSTER SLOTS' ? [[0, 16_383, ['b', 2, 'id']]] : 'cluster_state:ok'));
    const applied: unknown[] = [];
    const topology = topologyOf([silent.node, other.node], applied);
    const failed = () => undefined;
    const discovery = new Discovery({ topology, clock, seeds: [], translate, staleAfter: () => Infinity, failed });
    discovery.want();
    clock.advance(100);
    expect([silent.asked.length, other.asked.length, applied.length]).toStrictEqual([2, 0, 0]);
    clock.advance(150);
    expect([silent.asked.length, other.asked.length, applied.length]).toStrictEqual([2, 2, 1]);
    discovery.end();
    jest.restoreAllMocks();
  });
});
