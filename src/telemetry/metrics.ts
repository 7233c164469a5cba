import type { Subscription } from 'rxjs';
import type { Command } from '../commands/command';
import { isGroup } from '../commands/group';
import { inBackground, type Clock } from '../connection/clock';
import type { Connection } from '../connection/connection';
import { RedisError } from '../errors';
import type { CacheStats } from '../freshness/cache';
import type { LeaseLimits, LeasePool } from '../leases/lease-pool';
import type { TelemetryAttributes, TelemetryGauge, TelemetryMeter } from '../options';
import type { Follow } from './following';
import { BOUNDARIES, POOL_METRICS, PoolMetrics } from './pool-metrics';
import {
  OTHER,
  addressAttributes,
  failureOf,
  labelOf,
  operationOf,
  serverAttributes,
  told,
  type Address,
  type Vocabularies,
} from './vocabulary';

/** What a client has right now; without a cache nothing of that. */
export interface Readings extends Partial<CacheStats> {
  /** commands that wait to be written */
  readonly queued: number;
  /** commands that are written and not answered */
  readonly inFlight: number;
  /** connections that are lent, and those that are kept for the next caller */
  readonly leased: number;
  readonly idle: number;
  /** callers that wait for a connection */
  readonly waiting: number;
  /** channels, patterns and shard channels that are observed */
  readonly subscriptions: number;
  /** pools that connections are lent from, each with the same limits */
  readonly pools: number;
}

/** Names of all metrics, with their units; the dashboard uses them. */
export const METRICS = {
  commands: ['redis.commands.total', '{command}'],
  duration: ['redis.commands.duration', 's'],
  errors: ['redis.errors.total', '{error}'],
  active: ['redis.connections.active', '{connection}'],
  connections: ['redis.connections.total', '{connection}'],
  reconnects: ['redis.reconnects.total', '{reconnect}'],
  size: ['redis.pipeline.size', '{command}'],
  queued: ['redis.queue.length', '{command}'],
  inFlight: ['redis.commands.in_flight', '{command}'],
  leased: ['redis.leases.active', '{connection}'],
  idle: ['redis.leases.idle', '{connection}'],
  waiting: ['redis.leases.waiting', '{caller}'],
  subscriptions: ['redis.subscriptions', '{subscription}'],
  hits: ['redis.cache.hits', '{command}'],
  misses: ['redis.cache.misses', '{command}'],
  entries: ['redis.cache.entries', '{entry}'],
  bytes: ['redis.cache.bytes', 'By'],
  delay: ['redis.event_loop.delay', 's'],
  dropped: ['redis.messages.dropped.total', '{message}'],
  operation: ['db.client.operation.duration', 's'],
  ...POOL_METRICS,
} as const;

const SIZES = { explicitBucketBoundaries: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 10_000] };

/** What is measured, and what is said of it everywhere. */
export interface Measured {
  /** undefined where sentinels know it */
  readonly address: Address | undefined;
  readonly database: number;
  readonly attributes: TelemetryAttributes;
  /** what the stable conventions call the pool of leases */
  readonly pool: string;
}

/** Counts and measures what a client does. Labels have a bounded number of values: names of commands that the facts have, and known errors. */
export class Metrics {
  private readonly server: TelemetryAttributes;
  /** which servers there are is not known before */
  private readonly isLed: boolean;
  /** What counts and measures leases, in the stable vocabulary. */
  private readonly pool: PoolMetrics | undefined;
  private limits: LeaseLimits | undefined;
  private readonly labels = new Map<string, TelemetryAttributes>();
  private readonly instruments: ReturnType<typeof instrumentsOf>;

  constructor(
    private readonly meter: TelemetryMeter,
    private readonly vocabularies: Vocabularies,
    { address, database, attributes, pool }: Measured,
    private readonly clock: Clock,
  ) {
    this.server = { ...serverAttributes(vocabularies, address, database), ...attributes };
    this.isLed = address === undefined;
    this.instruments = instrumentsOf(meter, vocabularies.stable);
    const labels = { 'db.client.connection.pool.name': pool, ...attributes };
    this.pool = vocabularies.stable ? new PoolMetrics(meter, labels, clock) : undefined;
  }

  readonly follow: Follow = (request) => {
    const command = told(request.command);
    const began = this.clock.now();
    return {
      answered: (value) => {
        this.ended(command, began);
        if (!isGroup(command) || !Array.isArray(value)) return;
        for (const one of value) if (one instanceof RedisError) this.failed(one);
      },
      failed: (error) => this.ended(command, began, error),
      left: () => this.ended(command, began),
    };
  };

  private ended(command: Command, began: number, error?: RedisError): void {
    const { commands, duration, operation, size } = this.instruments;
    const seconds = (this.clock.now() - began) / 1000;
    const labels = this.labelsOf(command);
    commands.add(1, labels);
    duration.record(seconds, labels);
    if (isGroup(command)) size.record(command.commands.length, labels);
    if (error !== undefined) this.failed(error);
    operation?.record(seconds, error === undefined ? labels : { ...labels, ...failureOf(error) });
  }

  private failed(error: RedisError, server = this.server): void {
    this.instruments.errors.add(1, { ...server, 'error.type': labelOf(error) });
  }

  private labelsOf(command: Command): TelemetryAttributes {
    const { old, stable } = this.vocabularies;
    const { name, foreign } = command.spec;
    const shown = foreign === true ? OTHER : name;
    const isNamed = stable && isGroup(command) && !command.commands.some(({ spec }) => spec.foreign);
    const operation = isNamed ? operationOf(name, command.commands) : shown;
    const key = isNamed ? name + operation : shown;
    let labels = this.labels.get(key);
    if (labels === undefined) {
      labels = {
        ...this.server,
        ...(old && { 'db.operation': shown }),
        ...(stable && { 'db.operation.name': operation }),
      };
      this.labels.set(key, labels);
    }
    return labels;
  }

  /** A message was dropped. */
  dropped(): void {
    this.instruments.dropped.add(1, this.server);
  }

  /** Measures for how long callers wait for connections and use them. */
  lending(leases: LeasePool, limits: LeaseLimits): LeasePool {
    this.limits = limits;
    this.pool?.lending(leases);
    return leases;
  }

  /** Counts a connection while it is ready, and how often it is made again. */
  follows(connection: Connection, isLent: boolean): void {
    if (isLent) this.pool?.made(connection);
    const { active, connections, reconnects } = this.instruments;
    /** Those that it counts as active with. */
    let ready: TelemetryAttributes | undefined;
    connection.state$.subscribe(({ kind }) => {
      if (ready !== undefined) active.add(-1, ready);
      ready = kind === 'ready' ? this.serverOf(connection) : undefined;
      if (ready !== undefined) {
        active.add(1, ready);
        connections.add(1, ready);
      }
      if (kind === 'reconnecting') reconnects.add(1, this.serverOf(connection));
    });
    connection.events$.subscribe((event) => {
      if (event.type === 'error') this.failed(event.error, this.serverOf(connection));
    });
  }

  /** What is said of the server of a connection. Where the options do not name one it is the one that was dialled last. */
  private serverOf({ endpoint }: Connection): TelemetryAttributes {
    const { server, vocabularies } = this;
    return this.isLed && endpoint !== undefined ? { ...server, ...addressAttributes(vocabularies, endpoint) } : server;
  }

  /** Has what a client has right now read whenever metrics are collected, until what it returns is called. */
  observe(read: () => Readings): () => void {
    const { server, pool } = this;
    const stable = pool && { labels: pool.labels, limits: () => this.limits };
    return gaugesOf(this.meter, this.clock).add({ read, server, stable });
  }
}

function instrumentsOf(meter: TelemetryMeter, stable: boolean) {
  const counter = ([name, unit]: readonly [string, string]) => meter.createCounter(name, { unit });
  return {
    commands: counter(METRICS.commands),
    errors: counter(METRICS.errors),
    connections: counter(METRICS.connections),
    reconnects: counter(METRICS.reconnects),
    dropped: counter(METRICS.dropped),
    active: meter.createUpDownCounter(METRICS.active[0], { unit: METRICS.active[1] }),
    duration: meter.createHistogram(METRICS.duration[0], { unit: METRICS.duration[1], advice: BOUNDARIES }),
    size: meter.createHistogram(METRICS.size[0], { unit: METRICS.size[1], advice: SIZES }),
    operation: stable
      ? meter.createHistogram(METRICS.operation[0], { unit: METRICS.operation[1], advice: BOUNDARIES })
      : undefined,
  };
}

interface Source {
  readonly read: () => Readings;
  readonly server: TelemetryAttributes;
  /** what is told of the pool of leases in the stable vocabulary; its limits once there is one */
  readonly stable: { readonly labels: TelemetryAttributes; readonly limits: () => LeaseLimits | undefined } | undefined;
}

/** How often the delay of the event loop is looked at, ms. */
const BEAT = 500;

/** All connections may be kept, so the most that are idle is the most that there are. */
const LIMITS = [
  ['max', 'max'],
  ['idleMax', 'max'],
  ['idleMin', 'min'],
] as const;

const OF_CACHE = ['hits', 'misses', 'entries', 'bytes'] as const;
const READ = ['queued', 'inFlight', 'leased', 'idle', 'waiting', 'subscriptions', ...OF_CACHE] as const;

/** The gauges of a meter. Clients of the same server are added up, as one gauge has one value for the same labels. */
class Gauges {
  private readonly sources = new Set<Source>();
  private beat: Subscription | undefined;
  /** The longest delay since the last collection, ms. */
  private latest = 0;

  constructor(
    meter: TelemetryMeter,
    private readonly clock: Clock,
  ) {
    const gauge = ([name, unit]: readonly [string, string]) => meter.createObservableGauge(name, { unit });
    for (const reading of READ) {
      this.observe(gauge(METRICS[reading]), ({ server, read }) => {
        const value = read()[reading];
        return value === undefined ? [] : [[server, value]];
      });
    }
    const sum = ([name, unit]: readonly [string, string]) => meter.createObservableUpDownCounter(name, { unit });
    this.observe(sum(METRICS.count), ({ stable, read }) => {
      if (stable === undefined) return [];
      const { idle, leased } = read();
      return (['idle', 'used'] as const).map((state) => [
        { ...stable.labels, 'db.client.connection.state': state },
        state === 'idle' ? idle : leased,
      ]);
    });
    this.observe(sum(METRICS.pending), ({ stable, read }) =>
      stable === undefined ? [] : [[stable.labels, read().waiting]],
    );
    for (const [metric, limit] of LIMITS) {
      this.observe(sum(METRICS[metric]), ({ stable, read }) => {
        const value = stable?.limits()?.[limit];
        if (stable === undefined || value === undefined || value === Infinity) return [];
        return [[stable.labels, value * read().pools]];
      });
    }
    gauge(METRICS.delay).addCallback((result) => {
      result.observe(this.latest / 1000, {});
      this.latest = 0;
    });
  }

  add(source: Source): () => void {
    this.sources.add(source);
    if (this.beat === undefined) this.listen();
    return () => {
      this.sources.delete(source);
      if (this.sources.size > 0) return;
      this.beat?.unsubscribe();
      this.beat = undefined;
    };
  }

  private observe(gauge: TelemetryGauge, valuesOf: (source: Source) => [TelemetryAttributes, number][]): void {
    const sums = new Map<string, [TelemetryAttributes, number]>();
    gauge.addCallback((result) => {
      // Without a client it is zero. An SDK would go on telling the last value.
      for (const sum of sums.values()) sum[1] = 0;
      for (const source of this.sources) {
        for (const [labels, value] of valuesOf(source)) {
          const key = JSON.stringify(labels);
          sums.set(key, [labels, (sums.get(key)?.[1] ?? 0) + value]);
        }
      }
      for (const [labels, value] of sums.values()) result.observe(value, labels);
    });
  }

  /** A timer that is late tells for how long the event loop was blocked. */
  private listen(): void {
    const { clock } = this;
    const due = clock.now() + BEAT;
    const look = (): void => {
      this.latest = Math.max(this.latest, clock.now() - due);
      this.listen();
    };
    this.beat = inBackground(clock.schedule(look, BEAT));
  }
}

const gauges = new WeakMap<TelemetryMeter, Gauges>();

function gaugesOf(meter: TelemetryMeter, clock: Clock): Gauges {
  let own = gauges.get(meter);
  if (own === undefined) gauges.set(meter, (own = new Gauges(meter, clock)));
  return own;
}
