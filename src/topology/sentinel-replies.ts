import { nameOf, type ServerAddress } from '../options/addresses';
import { ErrorFrame, type Frame } from '../resp/frames';
import { entryOf } from './address';

/** What a sentinel knows of a service. */
export interface Knowledge {
  /** where the master is; undefined where it does not know the service */
  readonly master: ServerAddress | undefined;
  /** rises with each failover, so that it tells which of two sentinels is behind; undefined where that may not be asked */
  readonly epoch: number | undefined;
  /** what it holds the master to be besides a master, such as `s_down` */
  readonly doubts: readonly string[];
  /** it has lost track of time, and does not trust what it knows */
  readonly isInTilt: boolean;
  /** the replicas that can be reached, those first whose link to the master stands */
  readonly replicas: readonly ServerAddress[];
  /** the link of one of them stands */
  readonly hasReplica: boolean;
  /** why it does not tell of them, in words that follow its address; undefined where it does */
  readonly refusal: string | undefined;
  /** the other sentinels of the service, by their ids */
  readonly sentinels: ReadonlyMap<string, ServerAddress>;
}

/** The answers to what a sentinel is asked; undefined for what it is not. */
export interface Answers {
  readonly address: Frame;
  readonly master: Frame;
  readonly info: Frame;
  readonly sentinels: Frame;
  readonly replicas: Frame | undefined;
}

/** Reads the address that a sentinel tells by a host and a port; undefined where they are none. May throw. */
export type ReadAddress = (named: Frame | undefined, port: Frame | undefined) => ServerAddress | undefined;

export function readKnowledge(
  { address, master, info, sentinels, replicas }: Answers,
  readAddress: ReadAddress,
): Knowledge {
  const [named, port] = Array.isArray(address) ? address : [];
  const current = Array.isArray(address) ? readAddress(named, port) : undefined;
  // While it promotes a replica it names that one already, and tells of the master that is replaced.
  const described = readAddress(entryOf(master, 'ip'), entryOf(master, 'port'));
  const isOfOther = current !== undefined && described !== undefined && nameOf(described) !== nameOf(current);
  const epoch = Number(textOf(entryOf(master, 'config-epoch')) ?? NaN);
  return {
    master: current,
    epoch: Number.isInteger(epoch) ? epoch : undefined,
    doubts: isOfOther ? [] : flagsOf(master).filter((flag) => flag !== 'master'),
    isInTilt: typeof info === 'string' && /^sentinel_tilt:1/m.test(info),
    ...readReplicas(replicas, readAddress),
    refusal: replicas instanceof ErrorFrame ? `does not tell of replicas: ${replicas.text}` : undefined,
    sentinels: readSentinels(sentinels, readAddress),
  };
}

/** Flags of a server that a sentinel cannot reach, or does not want to be used. */
const AWAY = ['s_down', 'o_down', 'disconnected'];

function readReplicas(
  replicas: Frame | undefined,
  readAddress: ReadAddress,
): Pick<Knowledge, 'replicas' | 'hasReplica'> {
  const linked: ServerAddress[] = [];
  const unlinked: ServerAddress[] = [];
  for (const replica of listOf(replicas)) {
    const flags = flagsOf(replica);
    if (AWAY.some((flag) => flags.includes(flag))) continue;
    const address = readAddress(entryOf(replica, 'ip'), entryOf(replica, 'port'));
    if (address === undefined) continue;
    (entryOf(replica, 'master-link-status') === 'ok' ? linked : unlinked).push(address);
  }
  // One whose master is gone has what was written until then, which is better than nothing.
  const hasReplica = linked.length > 0;
  return { replicas: hasReplica ? linked : unlinked, hasReplica };
}

function readSentinels(sentinels: Frame | undefined, readAddress: ReadAddress): Map<string, ServerAddress> {
  const others = new Map<string, ServerAddress>();
  for (const sentinel of listOf(sentinels)) {
    const address = readAddress(entryOf(sentinel, 'ip'), entryOf(sentinel, 'port'));
    const id = textOf(entryOf(sentinel, 'runid'));
    if (address !== undefined && id !== undefined && id !== '') others.set(id, address);
  }
  return others;
}

function flagsOf(entries: Frame | undefined): string[] {
  return textOf(entryOf(entries, 'flags'))?.split(',') ?? [];
}

function listOf(frame: Frame | undefined): readonly Frame[] {
  return Array.isArray(frame) ? frame : [];
}

function textOf(frame: Frame | undefined): string | undefined {
  return typeof frame === 'string' ? frame : undefined;
}

/** What a sentinel tells of a service, unasked. */
export type SentinelEvent =
  /** the master is another */
  | { readonly kind: 'switched'; readonly address: ServerAddress }
  /** a replica is about to be promoted: what the master that it replaces accepts from now on will be lost */
  | { readonly kind: 'promoting'; readonly address: ServerAddress; readonly replaced: ServerAddress | undefined }
  /** it is not promoted after all */
  | { readonly kind: 'aborted' }
  /** an operator has it watch the service, perhaps another master than before */
  | { readonly kind: 'monitored' }
  /** a replica cannot be reached, or can again */
  | { readonly kind: 'away' | 'there'; readonly address: ServerAddress };

/** What a sentinel is asked to tell. */
export const CHANNELS: readonly string[] = [
  '+switch-master',
  '+promoted-slave',
  '+failover-state-send-slaveof-noone',
  '-failover-abort*',
  '+sdown',
  '-sdown',
  '+slave',
  '+monitor',
];

/**
 * Reads a message of a sentinel: `mymaster 10.0.0.7 6379 10.0.0.8 6379` for +switch-master; for all others
 * `slave 10.0.0.8:6379 10.0.0.8 6379 @ mymaster 10.0.0.7 6379`, or `master mymaster 10.0.0.7 6379`.
 * @returns undefined for what concerns another service, or is of no interest
 */
export function readEvent(
  channel: string,
  message: string,
  service: string,
  readAddress: ReadAddress,
): SentinelEvent | undefined {
  const words = message.split(' ');
  if (channel === '+switch-master') {
    const address = words[0] === service ? readAddress(words[3], words[4]) : undefined;
    return address && { kind: 'switched', address };
  }
  const [type, name] = words;
  const [named, host, port] = words.slice(words.indexOf('@') + 1);
  if ((type === 'master' ? name : named) !== service) return undefined;
  if (channel.startsWith('-failover-abort')) return { kind: 'aborted' };
  if (channel === '+monitor') return { kind: 'monitored' };
  const address = type === 'slave' ? readAddress(words[2], words[3]) : undefined;
  if (address === undefined) return undefined;
  switch (channel) {
    case '+failover-state-send-slaveof-noone':
      return { kind: 'promoting', address, replaced: readAddress(host, port) };
    case '+promoted-slave':
      return { kind: 'switched', address };
    case '+sdown':
      return { kind: 'away', address };
    case '-sdown':
    case '+slave':
      return { kind: 'there', address };
    default:
      return undefined;
  }
}

/** The role that a server says it has, in its reply to ROLE. */
export type SaidRole = 'master' | 'replica' | 'unlinked' | 'syncing' | 'sentinel';

/**
 * Reads the reply to ROLE; undefined where it makes no sense. A replica that loads its first copy has nothing to tell yet; one without a link to
 * its master has what is old.
 */
export function readSaidRole(frame: Frame): SaidRole | undefined {
  if (!Array.isArray(frame)) return undefined;
  const [role, , , link] = frame as readonly Frame[];
  switch (role) {
    case 'master':
    case 'sentinel':
      return role;
    case 'slave':
      if (link === 'sync' || link === 'handshake') return 'syncing';
      return link === 'connected' ? 'replica' : 'unlinked';
    default:
      return undefined;
  }
}
