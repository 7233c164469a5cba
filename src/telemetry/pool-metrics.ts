import type { Clock } from '../connection/clock';
import type { Connection } from '../connection/connection';
import { TimeoutError } from '../errors';
import type { Caller } from '../leases/lease-lists';
import type { LeasePool } from '../leases/lease-pool';
import type { TelemetryAttributes, TelemetryMeter } from '../options';

/** Of durations, seconds: those that the stable conventions recommend. */
export const BOUNDARIES = { explicitBucketBoundaries: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10] };

/** The names that the stable conventions have for pools, with their units. */
export const POOL_METRICS = {
  count: ['db.client.connection.count', '{connection}'],
  idleMax: ['db.client.connection.idle.max', '{connection}'],
  idleMin: ['db.client.connection.idle.min', '{connection}'],
  max: ['db.client.connection.max', '{connection}'],
  pending: ['db.client.connection.pending_requests', '{request}'],
  timeouts: ['db.client.connection.timeouts', '{timeout}'],
  createTime: ['db.client.connection.create_time', 's'],
  waitTime: ['db.client.connection.wait_time', 's'],
  useTime: ['db.client.connection.use_time', 's'],
} as const;

/** Measures the connections that are lent: how long making them takes, and for how long callers wait for them and use them. */
export class PoolMetrics {
  private readonly timeouts: ReturnType<TelemetryMeter['createCounter']>;
  private readonly createTime: ReturnType<TelemetryMeter['createHistogram']>;
  private readonly waitTime: ReturnType<TelemetryMeter['createHistogram']>;
  private readonly useTime: ReturnType<TelemetryMeter['createHistogram']>;

  constructor(
    meter: TelemetryMeter,
    readonly labels: TelemetryAttributes,
    private readonly clock: Clock,
  ) {
    const histogram = ([name, unit]: readonly [string, string]) =>
      meter.createHistogram(name, { unit, advice: BOUNDARIES });
    const [name, unit] = POOL_METRICS.timeouts;
    this.timeouts = meter.createCounter(name, { unit });
    this.createTime = histogram(POOL_METRICS.createTime);
    this.waitTime = histogram(POOL_METRICS.waitTime);
    this.useTime = histogram(POOL_METRICS.useTime);
  }

  /** From the attempt that succeeds until the handshake is done. */
  made(connection: Connection): void {
    let began = 0;
    connection.state$.subscribe(({ kind }) => {
      if (kind === 'connecting') began = this.clock.now();
      else if (kind === 'ready') this.record(this.createTime, began);
    });
  }

  /** Has callers measured. Where nothing is measured, the pool has the method of its class. */
  lending(leases: LeasePool): void {
    const ask = leases.ask.bind(leases);
    leases.ask = (caller) => ask(this.measured(caller));
  }

  private measured(caller: Caller): Caller {
    const asked = this.clock.now();
    let lent = 0;
    return {
      isSpared: caller.isSpared,
      lent: (lease) => {
        lent = this.clock.now();
        this.record(this.waitTime, asked);
        caller.lent(lease);
      },
      failed: (error) => {
        if (error instanceof TimeoutError) this.timeouts.add(1, this.labels);
        caller.failed(error);
      },
      returned: () => {
        this.record(this.useTime, lent);
        caller.returned();
      },
    };
  }

  private record(histogram: ReturnType<TelemetryMeter['createHistogram']>, since: number): void {
    histogram.record((this.clock.now() - since) / 1000, this.labels);
  }
}
