import { Subscription } from 'rxjs';
import type { TelemetryCallback, TelemetryMeter } from 'rxjs-redis';
import type { Clock } from '../../../src/connection/clock';
import { Metrics } from '../../../src/telemetry/metrics';

/** What is read of a client that does nothing. */
const readings = { queued: 0, inFlight: 0, leased: 0, idle: 0, waiting: 0, subscriptions: 0, pools: 1 };

describe('The delay of the event loop', () => {
  it('is that by which a timer was late at most since it was read last, as long as there is a client', () => {
    let now = 0;
    let due: (() => void) | undefined;
    const clock = {
      now: () => now,
      schedule: (work: () => void, delay: number) => {
        due = () => {
          now += delay;
          work();
        };
        return new Subscription(() => (due = undefined));
      },
    } as unknown as Clock;
    const callbacks = new Map<string, TelemetryCallback>();
    const nothing = { add: () => undefined, record: () => undefined };
    const gauge = (name: string) => ({
      addCallback: (callback: TelemetryCallback) => void callbacks.set(name, callback),
    });
    const meter: TelemetryMeter = {
      createCounter: () => nothing,
      createUpDownCounter: () => nothing,
      createHistogram: () => nothing,
      createObservableGauge: gauge,
      createObservableUpDownCounter: gauge,
    };
    const read = (): number[] => {
      const values: number[] = [];
      callbacks.get('redis.event_loop.delay')!({ observe: (value) => void values.push(value) });
      return values;
    };
    const measured = { address: { host: 'server', port: 1 }, database: 0, attributes: {}, pool: 'pool' };
    const metrics = new Metrics(meter, { old: true, stable: false }, measured, clock);
    const stop = metrics.observe(() => readings);
    due!();
    expect(read()).toStrictEqual([0]);
    now += 120;
    due!();
    now += 30;
    due!();
    expect(read()).toStrictEqual([0.12]);
    expect(read()).toStrictEqual([0]);
    stop();
    expect(due).toBeUndefined();
  });
});
