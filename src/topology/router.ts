import type { Request, ReplyObserver } from '../commands/request';
import type { Executor } from '../commands/request-context';
import { elsewhere } from '../commands/bound-command';
import type { Command } from '../commands/command';
import { Group, isGroup } from '../commands/group';
import { PassingObserver } from '../commands/passing-observer';
import { mayHaveWritten } from '../commands/writes-to';
import type { Clock } from '../connection/clock';
import { CallCounter, type Detour } from '../connection/detour';
import { answerOf } from '../connection/retry';
import type { RedisError, ReplyError } from '../errors';
import type { Translate } from '../options/addresses';
import { SLOTS, slotOf } from '../resp/hash-slot';
import type { ErrorFrame } from '../resp/frames';
import { readRedirection } from './address';
import { Wait } from './fence';
import { ForeignCommands } from './foreign-commands';
import { Keyless } from './keyless';
import { ClusterNode, type LinkRole } from './node';
import type { Readers } from './readers';
import { PipelineParts } from './pipeline-parts';
import { MOST_HOPS, addressOfAsk, behindAsking, delayOfHop, verdictOf } from './redirects';
import { slotOfCommand } from './slots-of';
import { Splitter } from './split';
import type { Topology } from './topology';

/** While a slot is not served its requests are tried again so often, ms. */
const DOWN_FOR = 50;
/** How long others wait at most for a command some of whose keys have moved, ms. */
const LONGEST_SPLIT = 1_000;

/** What a router is made with. */
export interface RouterParts {
  readonly topology: () => Topology;
  readonly readers: () => Readers;
  readonly clock: Clock;
  readonly translate: Translate;
  readonly isClosed: () => boolean;
}

/**
 * Sends each command to the node that has the slot of its keys. What a node refuses because it is another's goes on to that, in the order
 * of the calls to the slot.
 */
//  submit ──▶ one slot ─▶ table ─▶ node, fence        MOVED ─▶ fence, the new owner
//        ├──▶ several ──▶ Splitter                     ASK ───▶ the other node, behind ASKING
//        └──▶ no key ───▶ Keyless                      CLUSTERDOWN ─▶ fence, for a while
export class Router implements Executor {
  /** Requests that mean one node, and are never sent to another. */
  private readonly pinned = new WeakSet<Request>();
  /** Those of them that mean a master, by one of its slots: another may take its place. */
  private readonly forMasters = new WeakMap<Request, number>();
  /** Requests for which others have waited because some of their keys had moved. */
  private readonly waitedFor = new WeakSet<Request>();
  /** of all nodes */
  private readonly calls = new CallCounter();
  /** What means no key goes to the node that has this slot: another for each client, so that not all of them ask the same node. */
  private readonly anySlot = Math.floor(Math.random() * SLOTS);
  private readonly splitter: Splitter;
  private readonly foreign: ForeignCommands;
  readonly keyless: Keyless;

  constructor(private readonly parts: RouterParts) {
    this.splitter = new Splitter(this);
    this.foreign = new ForeignCommands(this);
    this.keyless = new Keyless(this, () => parts.topology());
  }

  // Hot: once per command.
  submit(request: Request): void {
    const { command, context } = request;
    const { keys } = command;
    if (keys.length !== 1 || keys[0]!.from !== keys[0]!.to) {
      this.submitOther(request, command);
      return;
    }
    const slot = slotOf(command.argumentAt(keys[0]!.from)!);
    if (context.reads === undefined) this.parts.topology().table[slot]!.submit(request);
    else this.read(slot, request);
  }

  private submitOther(request: Request, command: Command): void {
    if (command instanceof Group && command.spec.name !== 'MULTI') {
      new PipelineParts(request, command).send((part) => this.submit(part));
      return;
    }
    if (command.spec.foreign === true && command.keys.length === 0) {
      this.foreign.submit(request);
      return;
    }
    const slot = slotOfCommand(command);
    if (slot === undefined) {
      if (isGroup(command) || !this.keyless.submit(request)) this.submitAnywhere(request);
    } else if (slot === 'several') this.splitter.submit(request);
    else this.submitTo(slot, request);
  }

  /** Sends a request to the node that has a slot. */
  submitTo(slot: number, request: Request): void {
    if (request.context.reads !== undefined) this.read(slot, request);
    else this.parts.topology().table[slot]!.submit(request);
  }

  /** Sends a request to some master: always to the same one, so that calls keep their order. */
  submitAnywhere(request: Request): void {
    this.parts.topology().table[this.anySlot]!.submit(request);
  }

  /** Sends a request to one node, whatever becomes of that. */
  submitAt(executor: Executor, request: Request): void {
    this.pinned.add(request);
    executor.submit(request);
  }

  /** Sends a part of what all masters get to one of them. */
  submitToMaster(node: ClusterNode, slot: number, request: Request): void {
    this.forMasters.set(request, slot);
    this.submitAt(node.executor, request);
  }

  private read(slot: number, request: Request): void {
    const { command, context } = request;
    const { table } = this.parts.topology();
    const mayRead = command.spec.replica === true && !isGroup(command);
    const reader = mayRead ? this.parts.readers().readerOf(slot, context.reads!) : undefined;
    (reader ?? table[slot]!).submit(request);
  }

  detourOf(node: ClusterNode, role: LinkRole): Detour {
    return {
      calls: this.calls,
      isAway: () => role === 'replica' && node.isReaderLost,
      redirects: (request, frame, error) => this.redirects(node, role, request, frame, error),
      wants: (request) => !this.pinned.has(request) && !this.parts.isClosed(),
      take: (requests) => this.take(node, role, requests),
    };
  }

  /** A node is gone, and with it its link: what it had not answered, and may be sent again, goes to its slots. */
  private take(node: ClusterNode, role: LinkRole, requests: readonly Request[]): void {
    const topology = this.parts.topology();
    if (role === 'master') {
      node.isLost = true;
      topology.lost(node);
    }
    for (const request of requests) {
      if (node.left(request)) continue;
      if (request.past !== undefined) request.past.asking = false;
      const slot = slotOfCommand(request.command);
      if (typeof slot === 'number') topology.bounce(request, slot);
      else {
        request.moveOn();
        this.submit(request);
      }
    }
  }

  private redirects(
    node: ClusterNode,
    role: LinkRole,
    request: Request,
    frame: ErrorFrame,
    error: ReplyError,
  ): boolean {
    if (this.parts.isClosed() || ClusterNode.isBarrier(request)) return false;
    if (this.pinned.has(request)) return this.goesToHeir(node, request, error);
    if (role === 'replica') return this.leavesReplica(request, error);
    const verdict = verdictOf(frame);
    // A script may answer what it likes when all is done.
    if (verdict === undefined || mayHaveWritten(frame, request.command)) return false;
    const slot = this.slotOf(request);
    if (slot === undefined) return false;
    switch (verdict.kind) {
      case 'split':
        return this.waitForRest(node, request, slot, error);
      case 'down':
        return this.waitUntilServed(node, request, slot, error);
      default: {
        const past = request.tried(error, 'redirect');
        if (++past.hops > MOST_HOPS) return false;
        const target = this.named(verdict.address, node);
        if (verdict.kind === 'ask' && target !== undefined) this.ask(node, request, verdict.slot, target);
        else this.moved(node, request, verdict.slot, target, past.hops);
        return true;
      }
    }
  }

  /** A node is no master any more: a part of what all masters get goes to the one in its place, before all later calls to the slots. */
  private goesToHeir(node: ClusterNode, request: Request, error: ReplyError): boolean {
    const slot = this.forMasters.get(request);
    if (slot === undefined || error.kind !== 'READONLY') return false;
    const past = request.tried(error, 'redirect');
    if (++past.hops > MOST_HOPS) return false;
    const topology = this.parts.topology();
    if (past.hops === 1) {
      const wait = new Wait(topology.fences);
      const over = (): void => wait.over();
      topology.suspend(node, wait);
      request.observeBy((observer) => new Followed(observer, over));
      request.onLeave({ unsubscribe: over });
    }
    topology.stale$.next();
    const again = (): void => {
      request.moveOn();
      (topology.ownerOf(slot) ?? node).executor.submit(request);
    };
    this.parts.clock.schedule(again, Math.max(DOWN_FOR, delayOfHop(past.hops)));
    return true;
  }

  /** The slot that a request belongs to; those without keys belong to the one that was drawn. */
  private slotOf({ command }: Request): number | undefined {
    const slot = slotOfCommand(command) ?? this.anySlot;
    return slot === 'several' ? undefined : slot;
  }

  /** Reading goes on at the master where a replica cannot answer. */
  private leavesReplica(request: Request, error: ReplyError): boolean {
    if (!AWAY.has(error.kind)) return false;
    const slot = slotOfCommand(request.command);
    if (typeof slot !== 'number') return false;
    request.tried(error, 'redirect');
    if (error.kind === 'MOVED') this.parts.topology().stale$.next();
    this.parts.topology().bounce(request, slot);
    return true;
  }

  /** The node that a refusal names; undefined where the server does not know its host. */
  private named(told: string, by: ClusterNode): ClusterNode | undefined {
    const address = readRedirection(told, by.host);
    return address && this.parts.topology().nodeAt(this.parts.translate(address), address.host);
  }

  /** The node that ASK names; undefined for other errors. */
  askedOf(error: RedisError, by: ClusterNode): ClusterNode | undefined {
    const address = addressOfAsk(error);
    return address === undefined ? undefined : this.named(address, by);
  }

  private moved(
    node: ClusterNode,
    request: Request,
    slot: number,
    target: ClusterNode | undefined,
    hops: number,
  ): void {
    const topology = this.parts.topology();
    const owner = topology.ownerOf(slot);
    node.connection.line.departs(request);
    topology.learn(slot);
    topology.stale$.next();
    // It was sent before the owner changed, as behind ASKING.
    if (owner !== node && owner === target && owner !== undefined && topology.fenceOf(slot) === undefined) {
      topology.bounce(request, slot);
      return;
    }
    // The address leads to another server than before.
    if (target === node) node.connection.reconnect(false).subscribe({ error: () => undefined });
    const delay = delayOfHop(hops);
    topology.redirect(slot, target, delay === 0 ? 0 : this.parts.clock.now() + delay);
    topology.bounce(request, slot);
  }

  /** One node has the slot, and another may have the key: that is asked for this command alone. */
  private ask(node: ClusterNode, request: Request, slot: number, target: ClusterNode): void {
    const topology = this.parts.topology();
    const fence = topology.fenceOf(slot);
    // Not behind the one that waits for itself.
    if (fence !== undefined && !(this.waitedFor.has(request) && fence.target === node)) {
      topology.bounce(request, slot);
      return;
    }
    if (node.connection.line.staysBehind(request)) return;
    node.connection.line.overtakes(request);
    request.past!.asking = true;
    request.past!.isLate = true;
    topology.asked(slot, target);
    request.command = behindAsking(elsewhere(request.command));
    request.moveOn();
    target.executor.submit(request);
  }

  private waitUntilServed(node: ClusterNode, request: Request, slot: number, error: ReplyError): boolean {
    const { command, context } = request;
    // Always as the first attempt: it is held until the slot is served or its time is over, however long servers take.
    const wait = answerOf(() => context.retry(1, error, command));
    if (wait === false) return false;
    const topology = this.parts.topology();
    request.tried(error).hops = 0;
    node.connection.line.departs(request);
    topology.stale$.next();
    const until = this.parts.clock.now() + Math.max(DOWN_FOR, Math.min(wait, 200));
    topology.redirect(slot, topology.ownerOf(slot) ?? node, until);
    topology.bounce(request, slot);
    return true;
  }

  /**
   * Some of its keys have moved, and others not yet: it is sent again until they have, however long that takes. It waits at the owner, where
   * each later write to its keys comes by.
   */
  private waitForRest(node: ClusterNode, request: Request, slot: number, error: ReplyError): boolean {
    const { command, context, deadline, attempt } = request;
    const asked = error.repeatable && answerOf(() => context.retry(1, error, command));
    const delay = asked !== false && Math.min(LONGEST_SPLIT / 2, asked + DOWN_FOR * attempt);
    if (delay === false || this.parts.isClosed()) return false;
    if (deadline !== 0 && this.parts.clock.now() + delay >= deadline) return false;
    const topology = this.parts.topology();
    this.waitFor(request, slot);
    request.tried(error).hops = 0;
    const owner = topology.ownerOf(slot) ?? node;
    if (owner !== node) {
      node.connection.line.departs(request);
      if (owner.isLost) {
        topology.bounce(request, slot);
        return true;
      }
      request.command = elsewhere(request.command);
      request.moveOn();
    }
    owner.connection.line.park(request, delay);
    return true;
  }

  /** Later calls to the slot wait while a command waits for the rest of its keys, once and not for long. */
  private waitFor(request: Request, slot: number): void {
    if (this.waitedFor.has(request)) return;
    this.waitedFor.add(request);
    const topology = this.parts.topology();
    const owner = topology.ownerOf(slot);
    if (owner === undefined || topology.fenceOf(slot) !== undefined) return;
    const wait = new Wait(topology.fences);
    topology.redirect(slot, owner, 0, wait);
    const limit = this.parts.clock.schedule(() => wait.over(), LONGEST_SPLIT);
    const over = (): void => {
      limit.unsubscribe();
      wait.over();
    };
    request.observeBy((observer) => new Followed(observer, over));
    request.onLeave({ unsubscribe: over });
  }

  /** A node has told where a slot is, on a connection of another kind. */
  learn(slot: number, told: string, by: ClusterNode): void {
    const topology = this.parts.topology();
    topology.stale$.next();
    const target = this.named(told, by);
    if (target === undefined || topology.ownerOf(slot) === target) return;
    topology.learn(slot);
    topology.redirect(slot, target);
    topology.tellChange();
  }
}

/** What a replica answers that cannot serve a read: then its master does. */
const AWAY = new Set(['MOVED', 'ASK', 'LOADING', 'MASTERDOWN', 'CLUSTERDOWN', 'TRYAGAIN']);

/** An observer of a request, and what is told as well when that is over. */
class Followed extends PassingObserver {
  constructor(
    observer: ReplyObserver<unknown>,
    private readonly over: () => void,
  ) {
    super(observer);
  }

  override next(value: unknown): void {
    super.next(value);
    this.over();
  }

  override error(error: RedisError): void {
    super.error(error);
    this.over();
  }

  override complete(): void {
    super.complete();
    this.over();
  }
}
