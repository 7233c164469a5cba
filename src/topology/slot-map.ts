import { nameOf, type ServerAddress, type Translate } from '../options/addresses';
import type { Frame } from '../resp/frames';
import { SLOTS } from '../resp/hash-slot';
import { readNode } from './address';

/** A node as a view names it. */
export interface SeenNode {
  /** `host:port`, by which nodes are told apart */
  readonly name: string;
  readonly address: ServerAddress;
  /** its host, as the server names it */
  readonly host: string;
  /** its id; empty where the server tells none */
  readonly id: string;
}

/** Slots that one master has, and the replicas that could take its place. */
export interface SeenRange {
  readonly from: number;
  readonly to: number;
  readonly master: SeenNode;
  readonly replicas: readonly SeenNode[];
}

/** What one node says of the whole cluster. */
export interface ClusterView {
  /** it rises with every failover and every slot that has moved, so it orders views */
  readonly epoch: number;
  readonly ranges: readonly SeenRange[];
}

/**
 * Reads the replies to CLUSTER SLOTS and CLUSTER INFO. Ranges whose master's address the server does not know are left out.
 * @param host of the server that answered
 */
export function readView(slots: Frame, info: Frame, host: string, translate: Translate): ClusterView {
  const ranges: SeenRange[] = [];
  for (const row of Array.isArray(slots) ? (slots as readonly Frame[]) : []) {
    if (!Array.isArray(row)) continue;
    const [from, to, ...nodes] = row as readonly Frame[];
    if (!isSlot(from) || !isSlot(to) || from > to) continue;
    const [master, ...replicas] = nodes.map((node) => seenNode(node, host, translate));
    if (master === undefined) continue;
    ranges.push({ from, to, master, replicas: replicas.filter((replica) => replica !== undefined) });
  }
  const epoch = Number(/cluster_current_epoch:(\d+)/.exec(typeof info === 'string' ? info : '')?.[1] ?? 0);
  return { epoch, ranges };
}

function seenNode(frame: Frame | undefined, host: string, translate: Translate): SeenNode | undefined {
  const told = readNode(frame, host);
  if (told === undefined) return undefined;
  const address = translate(told);
  const id = Array.isArray(frame) ? (frame as readonly Frame[])[2] : undefined;
  return { name: nameOf(address), address, host: told.host, id: typeof id === 'string' ? id : '' };
}

function isSlot(value: Frame | undefined): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < SLOTS;
}
