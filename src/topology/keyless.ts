import { Command } from '../commands/command';
import type { Request } from '../commands/request';
import type { Executor } from '../commands/request-context';
import { ConnectionError } from '../errors';
import { slotOf } from '../resp/hash-slot';
import type { Frame } from '../resp/frames';
import type { ClusterNode } from './node';
import { Parts, asItCame, mergeBy } from './parts';
import { isOfOne, notForCluster } from './refused';
import type { Topology } from './topology';

/** What sends the parts. */
interface Sender {
  submitTo(slot: number, request: Request): void;
  submitAt(executor: Executor, request: Request): void;
}

/** Sends commands that have no key: by the policies that the facts have of them. */
export class Keyless {
  constructor(
    private readonly sender: Sender,
    private readonly topology: () => Topology,
  ) {}

  /** @returns false where any node will do */
  submit(request: Request): boolean {
    const { spec, args } = request.command;
    const { name, request: policy } = spec;
    if (name === 'PUBLISH') {
      // The same node for one channel, so that its messages keep their order.
      this.sender.submitTo(slotOf(args[0]!), request);
      return true;
    }
    if (isOfOne(request.command)) {
      request.fail(notForCluster(request.command));
      return true;
    }
    if (policy === undefined || policy === 'multi_shard') return false;
    this.spread(request, policy === 'all_nodes');
    return true;
  }

  private spread(request: Request, toReplicas: boolean): void {
    const topology = this.topology();
    const { masters } = topology;
    if (masters.length === 0) {
      topology.holdUntilKnown(request);
      return;
    }
    const nodes: [ClusterNode, Executor][] = masters.map((node) => [node, node.executor]);
    if (toReplicas) {
      for (const node of new Set(masters.flatMap(({ replicas }) => replicas)))
        nodes.push([node, node.role === 'replica' ? node.reader.executor : node.executor]);
    }
    const { command } = request;
    const { response, name } = command.spec;
    const part = new Command(command.spec, command.args, asItCame, command.keys);
    const parts = nodes.map(([node]) => ({ command: part, of: node.name }));
    const merge = name === 'RANDOMKEY' ? anyOf : mergeBy(response);
    new Parts(request, parts, merge, response === 'one_succeeded').send((part, index) => {
      const [node, executor] = nodes[index]!;
      if (node.isLost) part.fail(outOfReach(node, name));
      else this.sender.submitAt(executor, part);
    });
  }
}

/** One of the replies that are not nil; nil where all are. */
function anyOf(frames: readonly Frame[]): Frame {
  const found = frames.filter((frame) => frame !== null);
  return found.length === 0 ? null : found[Math.floor(Math.random() * found.length)]!;
}

function outOfReach({ name: address, error }: ClusterNode, name: string): ConnectionError {
  const why = error === undefined ? '' : `: ${error.message}`;
  return new ConnectionError(`${name} was not sent to ${address}, which is out of reach${why}`, {
    command: name,
    delivery: 'unsent',
    cause: error,
  });
}
