import { BehaviorSubject, NEVER, type Subscription } from 'rxjs';
import { Connection } from '../../../src/connection/connection';
import { DisconnectedError } from '../../../src/errors';
import { resolveOptions } from '../../../src/options';
import { ClusterMessages } from '../../../src/pubsub/cluster-messages';
import { record } from '../../support/clients';
import { knownNodes, seenNode } from '../../support/known-nodes';
import { VirtualClock } from '../../support/virtual-clock';
import { workOfArrays } from '../../support/work-of-arrays';

const NODE = seenNode(1);

/** The messages of a cluster of one node, which never answers. */
function setUp() {
  const clock = new VirtualClock();
  const options = resolveOptions({});
  const connection = () => new Connection(options, { clock, dial: () => NEVER });
  const topology = knownNodes(clock, connection);
  const ranges = [{ from: 0, to: 16_383, master: NODE, replicas: [] }];
  topology.apply({ epoch: 1, ranges }, 0, 0, topology.nodeAt(NODE.address));
  const main = connection();
  const messages = new ClusterMessages({
    topology,
    clock,
    options,
    session: main.session,
    state$: new BehaviorSubject(main.state$.value),
    tell: () => undefined,
    submit: () => undefined,
    isClosed: () => false,
    closedError: () => main.closedError(),
    open: () => undefined,
    moved: () => undefined,
    openCarrier: connection,
    wrap: (executor) => executor,
  });
  return { messages, topology };
}

type End = 'leave' | 'end';

/** How many elements arrays look through and move for each of so many channels whose Observers leave, or are told of the end. */
function workPerChannel(count: number, end: End, calls: 'one call' | 'a call each'): number {
  const { messages } = setUp();
  const names = Array.from({ length: count }, (_, n) => `c${n}`);
  const asked = calls === 'one call' ? [names] : names.map((name) => [name]);
  let ended = 0;
  const observer = { complete: () => ended++ };
  const joined: Subscription[] = asked.map((some) => messages.messages('shard', some).subscribe(observer));
  const work = workOfArrays(() => {
    if (end === 'end') messages.end();
    else for (const subscription of joined) subscription.unsubscribe();
  });
  expect(ended).toBe(end === 'end' ? joined.length : 0);
  expect(messages.observed).toBe(0);
  return work / count;
}

describe('The shard channels of a cluster', () => {
  it.each<[End, 'one call' | 'a call each']>([
    ['leave', 'one call'],
    ['leave', 'a call each'],
    ['end', 'one call'],
    ['end', 'a call each'],
  ])('%s in constant work for each, joined by %s, however many there are', (end, calls) => {
    for (const count of [100, 4_000]) expect(workPerChannel(count, end, calls)).toBeLessThan(3);
  });

  it('are told of the end of the nodes also when they come after it', () => {
    const { topology } = setUp();
    const before = record(topology.changes$);
    topology.end(() => new DisconnectedError('closed'));
    const behind = record(topology.changes$);
    topology.tellChange();
    expect([before.values.length, before.ended, behind.values, behind.ended]).toStrictEqual([
      1,
      'complete',
      [],
      'complete',
    ]);
  });
});
