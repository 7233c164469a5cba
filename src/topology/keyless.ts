import { Subscription } from 'rxjs';
import { Command } from '../commands/command';
import { PassingObserver } from '../commands/passing-observer';
import { asItCame } from '../commands/replies/values';
import type { ReplyObserver, Request } from '../commands/request';
import type { Executor } from '../commands/request-context';
import { deliveryOf } from '../connection/failures';
import { ConnectionError, type RedisError } from '../errors';
import { slotOf } from '../resp/hash-slot';
import type { Frame } from '../resp/frames';
import type { ClusterNode } from './node';
import { Parts, mergeBy } from './parts';
import { isOfOne, notForCluster } from './refused';
import type { Topology } from './topology';

/** What sends the parts. */
interface Sender {
  submitTo(slot: number, request: Request): void;
  submitAt(executor: Executor, request: Request): void;
  /** to a master, or to the one that has taken its place */
  submitToMaster(node: ClusterNode, slot: number, request: Request): void;
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
    const places = Array.from(topology.firstSlots, ([node, slot]) => ({ node, slot }));
    if (places.length === 0) {
      topology.holdUntilKnown(request);
      return;
    }
    const masters = places.length;
    if (toReplicas) {
      for (const node of new Set(places.flatMap(({ node: { replicas } }) => replicas))) places.push({ node, slot: -1 });
    }
    const { command } = request;
    const { response, name } = command.spec;
    const part = new Command(command.spec, command.args, asItCame, command.keys);
    const parts = places.map(({ node }) => ({ command: part, of: node.name }));
    const merge = name === 'RANDOMKEY' ? anyOf : mergeBy(response);
    new Parts(request, parts, merge, response === 'one_succeeded').send((part, index) => {
      const { node, slot } = places[index]!;
      if (index >= masters && node.role === 'replica') this.sendToReplica(node, part);
      else if (node.isLost) part.fail(outOfReach(node.name, node.error, part));
      else if (index < masters) this.sender.submitToMaster(node, slot, part);
      else this.sender.submitAt(node.executor, part);
    });
  }

  /** A replica that is out of reach has its part fail: no other node can take that. */
  private sendToReplica({ name, reader }: ClusterNode, part: Request): void {
    const { connection, executor } = reader;
    const following = new Subscription();
    part.observeBy((observer) => new Once(observer, () => following.unsubscribe()));
    following.add(
      connection.state$.subscribe((state) => {
        const isOut = state.kind === 'reconnecting' && (state.attempt > 1 || !connection.wasReady);
        if (!isOut) return;
        this.topology().stale$.next();
        part.fail(outOfReach(name, state.error, part));
      }),
    );
    if (!part.abandoned) this.sender.submitAt(executor, part);
  }
}

/** Tells when a part is over. */
class Once extends PassingObserver {
  constructor(
    observer: ReplyObserver<unknown>,
    private readonly over: () => void,
  ) {
    super(observer);
  }

  override next(value: unknown): void {
    this.over();
    super.next(value);
  }

  override error(error: RedisError): void {
    this.over();
    super.error(error);
  }
}

/** One of the replies that are not nil; nil where all are. */
function anyOf(frames: readonly Frame[]): Frame {
  const found = frames.filter((frame) => frame !== null);
  return found.length === 0 ? null : found[Math.floor(Math.random() * found.length)]!;
}

function outOfReach(address: string, cause: RedisError | undefined, part: Request): ConnectionError {
  const { name } = part.command.spec;
  const why = cause === undefined ? '' : `: ${cause.message}`;
  const delivery = deliveryOf(part);
  const fate = delivery === 'unsent' ? 'was not sent' : 'may have run';
  return new ConnectionError(`${name} ${fate}: ${address} is out of reach${why}`, { command: name, delivery, cause });
}
