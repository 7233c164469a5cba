import type { Request } from './commands/request';
import { ReplyError, TimeoutError, type RedisError } from './errors';
import type { ClusterNode } from './topology/node';
import { tellsOfMove } from './topology/redirects';
import type { Router } from './topology/router';
import { slotOfCommand } from './topology/slots-of';
import type { Topology } from './topology/topology';

/** How long a command that waits at a server waits until it is sent to another, ms. */
const REROUTE = 50;

/** The words of a server where the stream is gone that a consumer waits for: deleted, or moved with its slot. Newer ones say NOGROUP. */
const STREAM_GONE = 'UNBLOCKED the stream key no longer exists';

/**
 * Where commands wait that wait at a server: at the owner of their slot. While that is moved by hand their keys may come at the node that
 * ASK names, so they wait there, behind ASKING.
 */
//  owner ──ASK──▶ the node that it names ──refused, lost──▶ owner
export class WaitingPlaces {
  /** Where each was sent last. */
  private readonly last = new WeakMap<Request, ClusterNode>();
  /** Where each is to be sent next, for one attempt. */
  private readonly asked = new WeakMap<Request, ClusterNode>();
  /** Those whose stream is gone, and that ask whether it has moved. */
  private readonly seeking = new WeakSet<Request>();

  constructor(
    private readonly topology: Topology,
    private readonly router: Router,
  ) {}

  /** The node that a command is to wait at; errors where none can be reached now. */
  nodeOf(request: Request): ClusterNode {
    const asked = this.asked.get(request);
    this.asked.delete(request);
    if (request.past !== undefined) request.past.asking = asked !== undefined;
    const node = asked ?? this.ownerFor(request);
    this.last.set(request, node);
    return node;
  }

  private ownerFor({ command }: Request): ClusterNode {
    const { topology } = this;
    const slot = slotOfCommand(command);
    if (typeof slot !== 'number')
      throw new TypeError(`${command.spec.name}: its keys are in several slots of the cluster`);
    const owner = topology.ownerOf(slot);
    if (owner === undefined || owner.isLost) {
      topology.stale$.next();
      throw new TimeoutError(`No node of the cluster that has slot ${slot} can be reached`, {
        command: command.spec.name,
      });
    }
    return owner;
  }

  /** A command goes on at another node where its slot has moved, or its node is gone: after so many ms; undefined where it does not. */
  reroutes(request: Request, error: RedisError): number | undefined {
    const isGone =
      error instanceof TimeoutError && error.delivery === 'unsent' && error.command === request.command.spec.name;
    const isUnblocked = error instanceof ReplyError && error.message.startsWith('UNBLOCKED force unblock');
    if (this.seeks(request, error)) {
      request.tried(error, 'redirect');
      return 0;
    }
    if (!isGone && !isUnblocked && !tellsOfMove(error)) return undefined;
    if (!(error instanceof ReplyError)) {
      this.topology.stale$.next();
      return REROUTE;
    }
    request.tried(error, 'redirect');
    const last = this.last.get(request);
    const asked = last && this.router.askedOf(error, last);
    if (asked === undefined) {
      this.topology.stale$.next();
      return REROUTE;
    }
    this.asked.set(request, asked);
    return 0;
  }

  /** Whether a command asks once more because its stream is gone: where that has moved, the next answer tells. */
  private seeks(request: Request, error: RedisError): boolean {
    if (!(error instanceof ReplyError)) return false;
    const isGone = error.kind === 'NOGROUP' || error.message.startsWith(STREAM_GONE);
    const isNew = !this.seeking.delete(request);
    if (!isGone || !isNew) return false;
    this.seeking.add(request);
    return true;
  }
}
