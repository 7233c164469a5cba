import type { Clock } from './connection/clock';
import type { Connection } from './connection/connection';
import type { ConnectionEvent, ConnectionState } from './connection/connection-state';
import { inspectedCommand, inspectedLink, type InspectedCommand, type InspectedLink } from './connection/inspected';
import type { RedisError } from './errors';
import type { BlockingExecutor } from './leases/blocking-executor';
import type { PoolStats } from './leases/lease-lists';
import type { LeasePool } from './leases/lease-pool';
import type { Spread } from './leases/spread';
import type { PubSub } from './pubsub/pubsub';
import { linesOf, troubleOf, type InspectedSentinels } from './topology/inspected-sentinels';

/** What a client or a pool is doing now: plain data without a secret, and as a text what a person wants to read of it. Durations are ms. */
export interface Inspection {
  readonly kind: 'Redis' | 'RedisPool' | 'RedisCluster';
  /** the server, `localhost:6379`; behind sentinels the service, until they have told of a server, and always in a pool */
  readonly address: string;
  /** of a client: the state of the connection of its commands. A pool is `ready` where one of its connections is */
  readonly state: ConnectionState['kind'];
  /** the connections: that of commands first, then that of messages, then those of leases, those that are lent first */
  readonly links: readonly InspectedLink[];
  /** commands that wait to be written, on all connections and, in a pool, for one */
  readonly queued: number;
  /** commands that were written and are not answered */
  readonly inFlight: number;
  /** commands that have failed and are to be sent again */
  readonly toRepeat: number;
  /** commands that may wait while there is no connection: the option `offlineQueue`; undefined in a pool */
  readonly offlineQueue: number | undefined;
  /** the command that has waited for longest, those that wait at the server on purpose left out */
  readonly oldest: InspectedCommand | undefined;
  /** commands that wait at the server, as BLPOP does, or for a connection to do so, and for how long the first has */
  readonly blocking: { readonly count: number; readonly oldest: InspectedCommand | undefined };
  /** channels and patterns that are observed */
  readonly subscriptions: Readonly<Record<'channel' | 'pattern' | 'shard', number>>;
  /** connections that are lent and kept, callers that wait for one, and for how long the first has */
  readonly leases: PoolStats & { readonly longestWait: number | undefined };
  /** what sentinels have told; undefined where there are none */
  readonly sentinels: InspectedSentinels | undefined;
  /** the latest error that was told on `events$`, and how long ago that was */
  readonly lastError:
    { readonly name: string; readonly code: string; readonly message: string; readonly age: number } | undefined;
  /** A text of several lines for people. */
  toString(): string;
}

/** What is looked at. */
export interface Inspected {
  readonly kind: Inspection['kind'];
  readonly address: string;
  readonly state: () => ConnectionState['kind'] | undefined;
  readonly connections: () => readonly (readonly [InspectedLink['role'], Connection])[];
  readonly leases: () => Pick<LeasePool, 'connections' | 'stats' | 'longestWait'> | undefined;
  readonly blocking: Pick<BlockingExecutor, 'oldest' | 'waiting'>;
  readonly blockingGrace: number;
  readonly clock: Clock;
  readonly lastError: LatestError;
  readonly pubsub?: Pick<PubSub, 'counts'>;
  /** what waits for a connection of a pool, or for a node */
  readonly spread?: Pick<Spread, 'queued' | 'oldest'>;
  readonly offlineQueue?: number;
  readonly sentinels?: { readonly inspected: () => InspectedSentinels } | undefined;
}

/** The latest error of the connections of a client, which stays known when they are there again. */
export class LatestError {
  private error: RedisError | undefined;
  private at = 0;

  constructor(private readonly clock: Pick<Clock, 'now'>) {}

  readonly note = (event: ConnectionEvent): void => {
    if (event.type !== 'error') return;
    this.error = event.error;
    this.at = this.clock.now();
  };

  get inspected(): Inspection['lastError'] {
    if (this.error === undefined) return undefined;
    const { name, code, message } = this.error;
    return { name, code, message, age: this.clock.now() - this.at };
  }
}

const NO_LEASES: PoolStats = { active: 0, idle: 0, waiting: 0, total: 0 };

/** Looks at a client. Nothing is kept for this, and nothing is counted per command. */
export function inspect(inspected: Inspected): Inspection {
  const { kind, address, blockingGrace, clock, spread, pubsub, offlineQueue } = inspected;
  const now = clock.now();
  const pool = inspected.leases();
  const leased = [...(pool?.connections ?? [])].map((connection) => ['lease', connection] as const);
  const links = [...inspected.connections(), ...leased].map(([role, connection]) =>
    inspectedLink(connection, role, blockingGrace),
  );
  const sum = (count: 'queued' | 'inFlight' | 'toRepeat') => links.reduce((total, link) => total + link[count], 0);
  const waits = inspected.blocking.oldest;
  const first = waits && inspectedCommand(waits.request, waits.isWaiting ? 'queued' : 'in flight', now, blockingGrace);
  const waiting = spread?.oldest;
  const isReady = links.some(({ state }) => state === 'ready');
  return new Looked({
    kind,
    address,
    state: inspected.state() ?? (isReady ? 'ready' : (links[0]?.state ?? 'idle')),
    links,
    queued: sum('queued') + (spread?.queued ?? 0),
    inFlight: sum('inFlight'),
    toRepeat: sum('toRepeat'),
    offlineQueue,
    oldest: longest([
      ...links.map(({ oldest }) => oldest),
      waiting && inspectedCommand(waiting, 'queued', now, blockingGrace),
    ]),
    blocking: {
      count: inspected.blocking.waiting,
      oldest: first && { ...first, age: now - waits.since },
    },
    subscriptions: pubsub?.counts ?? { channel: 0, pattern: 0, shard: 0 },
    leases: { ...(pool?.stats ?? NO_LEASES), longestWait: pool?.longestWait },
    sentinels: inspected.sentinels?.inspected(),
    lastError: inspected.lastError.inspected,
  });
}

/** Whether a command waits, for its reply or for a connection, other than at the server on purpose. */
export function isWaitedFor({ oldest, leases, links }: Inspection): boolean {
  return oldest !== undefined || leases.waiting > 0 || links.some(hasCommandsBehind);
}

/** Whether commands wait behind one that waits at the server on purpose, as they do behind WAIT. */
function hasCommandsBehind({ oldest, queued, inFlight, toRepeat }: InspectedLink): boolean {
  return oldest?.isBlocking === true && queued + inFlight + toRepeat > 1;
}

/** The command that has waited for longest without being meant to. One without a limit is taken where no other waits. */
function longest(commands: readonly (InspectedCommand | undefined)[]): InspectedCommand | undefined {
  let oldest: InspectedCommand | undefined;
  for (const command of commands) {
    if (command === undefined || command.isBlocking) continue;
    if (oldest === undefined || (command.age ?? -1) > (oldest.age ?? -1)) oldest = command;
  }
  return oldest;
}

/** Lines of so many connections are shown. */
const MOST_LINKS = 16;

/** What was seen, with its text. */
class Looked implements Inspection {
  declare readonly kind: Inspection['kind'];
  declare readonly address: string;
  declare readonly state: Inspection['state'];
  declare readonly links: Inspection['links'];
  declare readonly queued: number;
  declare readonly inFlight: number;
  declare readonly toRepeat: number;
  declare readonly offlineQueue: number | undefined;
  declare readonly oldest: Inspection['oldest'];
  declare readonly blocking: Inspection['blocking'];
  declare readonly subscriptions: Inspection['subscriptions'];
  declare readonly leases: Inspection['leases'];
  declare readonly sentinels: Inspection['sentinels'];
  declare readonly lastError: Inspection['lastError'];

  constructor(seen: Omit<Inspection, 'toString'>) {
    Object.assign(this, seen);
  }

  toString(): string {
    const { kind, address, state, links, queued, inFlight, toRepeat, offlineQueue } = this;
    const { oldest, blocking, subscriptions, leases, sentinels, lastError } = this;
    const { channel, pattern, shard } = subscriptions;
    const room = offlineQueue === undefined ? '' : `, ${offlineQueue} may wait without a connection`;
    const lines = [
      `${kind} ${address}, ${state}`,
      `commands: ${queued} queued, ${inFlight} in flight, ${toRepeat} to be sent again${room}`,
      `oldest: ${textOf(oldest)}`,
      `waiting at the server: ${blocking.count}${blocking.oldest ? `, first ${textOf(blocking.oldest)}` : ''}`,
      `subscriptions: ${channel} channels, ${pattern} patterns, ${shard} shard channels`,
      `leases: ${leases.active} in use, ${leases.idle} kept, ${leases.waiting} callers wait${since(leases.longestWait)}`,
      `last error: ${lastError === undefined ? 'none' : `${lastError.name}${ago(lastError.age)}: ${lastError.message}`}`,
      ...(sentinels ? linesOf(sentinels) : []),
      ...links.slice(0, MOST_LINKS).map(lineOf),
    ];
    if (links.length > MOST_LINKS) lines.push(`… ${links.length - MOST_LINKS} more connections`);
    return lines.join('\n');
  }

  /** @internal */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}

/** One line for a log: what is not as it is in a client that has nothing to do. */
export function inShort({
  kind,
  address,
  state,
  queued,
  inFlight,
  toRepeat,
  oldest,
  leases,
  sentinels,
  lastError,
}: Inspection): string {
  const facts: (string | undefined)[] = [
    sentinels && sentinels.service !== address ? `${sentinels.service} at ${address}` : address,
    kind !== 'RedisPool' ? state : `${leases.active} of ${leases.total} in use`,
    queued > 0 ? `${queued} queued` : undefined,
    inFlight > 0 ? `${inFlight} in flight` : undefined,
    toRepeat > 0 ? `${toRepeat} to be sent again` : undefined,
    leases.waiting > 0 ? `${leases.waiting} wait for a connection` : undefined,
    oldest && `oldest ${textOf(oldest)}`,
    sentinels && troubleOf(sentinels),
    state === 'ready' || lastError === undefined ? undefined : `${lastError.code}${ago(lastError.age)}`,
  ];
  return `${kind} <${facts.filter((fact) => fact !== undefined).join(', ')}>`;
}

function textOf(command: InspectedCommand | undefined): string {
  if (command === undefined) return 'none';
  const { statement, stage, age, failures } = command;
  return `${statement}, ${stage}${since(age)}${failures > 0 ? `, failed ${failures} times` : ''}`;
}

function lineOf(link: InspectedLink): string {
  const { role, address, state, doing, readyFor, silentFor, protocol, server, id, database, isFull } = link;
  const facts: (string | undefined)[] = [
    `${state}${since(readyFor)}`,
    doing,
    server?.version && `version ${server.version}`,
    server?.role,
    protocol && `RESP${protocol}`,
    id === undefined ? undefined : `id ${id}`,
    `database ${database}`,
    `${link.queued} queued`,
    `${link.inFlight} in flight`,
    isFull ? 'the socket takes nothing more' : undefined,
    silentFor === undefined ? undefined : `last heard${ago(silentFor)}`,
    link.oldest && `oldest ${textOf(link.oldest)}`,
  ];
  return `${role} ${address}: ${facts.filter((fact) => fact !== undefined && fact !== '').join(', ')}`;
}

function since(age: number | undefined): string {
  return age === undefined ? '' : ` for ${Math.round(age)} ms`;
}

function ago(age: number): string {
  return ` ${Math.round(age)} ms ago`;
}
