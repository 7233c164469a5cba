import type { ReadsFrom } from '../commands/request-context';
import { text } from '../option-checks';
import { kindOf } from '../resp/kind-of';
import { addressOf, natMapOf, type NatMap, type ServerAddress, type Translate } from './addresses';
import type { RedisOptions, ResolvedOptions } from './redis-options';
import { resolveOptions } from './resolve';
import type { SentinelOptions } from './sentinels';

/** What a client of a cluster can be told. Durations are milliseconds. */
export interface RedisClusterOptions extends Omit<
  RedisOptions,
  'url' | 'host' | 'port' | 'path' | 'reconnectOnError' | keyof SentinelOptions
> {
  /** nodes that are asked first, `'host:port'` or `{ host, port }`: one that can be reached is enough, the others are told by it */
  readonly nodes: readonly (string | ServerAddress)[];
  /**
   * which nodes read where a command only reads: `'master'`, the default; `'replica'`, one of the master's replicas, whose answer may be
   * older than the last write; `'nearest'`, the one that answers soonest; `'same-zone'`, one whose `availability-zone` is `zone`. The master
   * reads where there is none
   */
  readonly reads?: ReadsFrom | undefined;
  /** where the client is, for `reads: 'same-zone'` */
  readonly zone?: string | undefined;
  /** where nodes are for this client, that name other addresses for themselves: a record of `host:port` to an address, or a function */
  readonly natMap?: NatMap | undefined;
}

/** The options of a cluster, checked and with every default. */
export interface ResolvedCluster {
  readonly seeds: readonly ServerAddress[];
  readonly reads: ReadsFrom | undefined;
  readonly zone: string | undefined;
  readonly translate: Translate;
  /** what the connections to nodes are made with */
  readonly others: ResolvedOptions;
}

const READS: readonly unknown[] = ['master', 'replica', 'nearest', 'same-zone'];

/** The longest wait before a node is dialled again, ms: one that comes back is to be there at once. */
const LONGEST_DELAY = 1_000;

/** What one server is told, and a cluster in another way. */
const INSTEAD: Readonly<Record<string, string>> = {
  url: 'nodes',
  host: 'nodes',
  port: 'nodes',
  path: 'nodes',
  sentinels: 'nodes',
  service: 'nodes',
  role: 'reads',
  reconnectOnError: 'none: what a node refuses is followed to another',
};

/**
 * Checks the options of a cluster.
 * @throws TypeError that names the option and what was expected
 */
export function resolveCluster(given: RedisClusterOptions): ResolvedCluster {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new TypeError(`new RedisCluster: options were expected, got ${kindOf(given)}`);
  }
  for (const [name, instead] of Object.entries(INSTEAD)) {
    if ((given as unknown as Record<string, unknown>)[name] === undefined) continue;
    throw new TypeError(`A cluster has no option '${name}': use ${instead.includes(':') ? instead : `'${instead}'`}`);
  }
  const { nodes, reads, zone, natMap, ...rest } = given;
  if (!Array.isArray(nodes) || nodes.length === 0) {
    throw new TypeError(
      `The option 'nodes' is a list of 'host:port', got ${nodes?.length === 0 ? 'an empty one' : kindOf(nodes)}`,
    );
  }
  const seeds = (nodes as readonly unknown[]).map((node, index) => addressOf(`nodes[${index}]`, node, 6379));
  const own = readsOf(reads);
  if (zone !== undefined) text('zone', zone);
  if (own === 'same-zone' && zone === undefined)
    throw new TypeError("The option 'reads' is 'same-zone', which needs the option 'zone'");
  if (rest.reconnect === false) {
    throw new TypeError(
      "The option 'reconnect' is false: a cluster goes on when it loses a node, and is closed by close()",
    );
  }
  const resolved = resolveOptions(rest);
  const { reconnect } = resolved;
  const bounded =
    typeof reconnect !== 'object'
      ? reconnect
      : {
          ...reconnect,
          initialDelay: Math.min(reconnect.initialDelay, LONGEST_DELAY),
          maxDelay: Math.min(reconnect.maxDelay, LONGEST_DELAY),
          maxDelayWaiting: Math.min(reconnect.maxDelayWaiting, LONGEST_DELAY),
        };
  const others = { ...resolved, reconnect: bounded, reconnectOnError: () => false } as const;
  return { seeds, reads: own, zone, translate: natMapOf(natMap), others };
}

/**
 * Reads the option `reads`.
 * @throws TypeError that says what there is
 */
export function readsOf(given: unknown): ReadsFrom | undefined {
  if (given === undefined || given === 'master') return undefined;
  if (READS.includes(given)) return given as ReadsFrom;
  const got = typeof given === 'string' ? `'${given}'` : kindOf(given);
  throw new TypeError(`The option 'reads' is one of 'master', 'replica', 'nearest', 'same-zone', got ${got}`);
}
