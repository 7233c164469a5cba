import { DisconnectedError, TimeoutError } from '../../../src/errors';
import { ClusterNode } from '../../../src/topology/node';
import { Silence } from '../../../src/topology/silence';
import type { Topology } from '../../../src/topology/topology';

/** A node whose link is made by hand, and what looks at it. */
function setUp() {
  const line: { link: { heardAt: number; owed: { length: number } } | undefined; queued: number } = {
    link: undefined,
    queued: 0,
  };
  const connection = { line, closed: false };
  const silent = new Set<unknown>();
  const facts = { name: 'a:1', connections: [connection], silent, silentAt: undefined };
  const node = Object.create(ClusterNode.prototype, Object.getOwnPropertyDescriptors(facts)) as ClusterNode;
  const silence = new Silence({ nodes: new Map([['a:1', node]]), waited: [] } as unknown as Topology);
  return { line, node, silence };
}

describe('a node that was silent', () => {
  it('is so until it is heard, whatever becomes of its links', () => {
    const { line, node, silence } = setUp();
    line.link = { heardAt: 0, owed: { length: 1 } };
    silence.look(100);
    expect(node.isSuspected).toBe(false);
    silence.look(1_100);
    expect(node.isSuspected).toBe(true);
    expect(node.leaving).toBeInstanceOf(TimeoutError);
    line.link = undefined; // it was left
    silence.look(1_350);
    line.link = { heardAt: 0, owed: { length: 1 } }; // a socket that nothing answers on
    silence.look(1_600);
    expect(node.isSuspected).toBe(false);
    expect(node.leaving).toBeInstanceOf(TimeoutError);
    line.link.heardAt = 1_700;
    silence.look(1_850);
    expect(node.leaving).toBeInstanceOf(DisconnectedError);
  });
});
