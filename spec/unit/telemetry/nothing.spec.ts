import { NEVER } from 'rxjs';
import { Redis } from 'rxjs-redis';
import { tracingChannel } from 'node:diagnostics_channel';
import { systemClock } from '../../../src/connection/clock';
import { resolveOptions } from '../../../src/options';
import type { Place } from '../../../src/telemetry/following';
import { telemetryOf } from '../../../src/telemetry/telemetry';

/** What carries the commands of a client. */
function connectionOf(redis: Redis): object {
  return (redis as unknown as { connection: object }).connection;
}

describe('A client that nothing is told of', () => {
  it('sends by the executors that it would have without telemetry, and is told of no write', () => {
    const place: Place = { isReady: () => true, name: () => 'server', database: () => 0, attempts$: NEVER };
    const executor = { submit: () => undefined };
    for (const options of [{}, { telemetry: false, debug: false }]) {
      const nothing = telemetryOf(resolveOptions(options), () => systemClock);
      expect(nothing.follow(place)(executor)).toBe(executor);
      expect(nothing.followWatched(place)(executor)).toBe(executor);
      const report = () => ({ keys: 0, attempts: 0, commands: [], server: undefined });
      expect(nothing.followWatch(NEVER, report, place)).toBe(NEVER);
      expect(nothing).toMatchObject({ parts: {}, onDrop: undefined, handling: undefined });
    }
  });

  it('has the methods of its class, before channels are subscribed to and when they have been left', () => {
    const redis = new Redis();
    const connection = connectionOf(redis) as { submit: unknown; submitHeld: unknown };
    const { submit, submitHeld } = Object.getPrototypeOf(connection) as typeof connection;
    expect(Object.hasOwn(connection, 'submit')).toBe(false);
    const channel = tracingChannel('rxjs-redis:command');
    const handlers = { start: () => undefined } as unknown as Parameters<typeof channel.subscribe>[0];
    channel.subscribe(handlers);
    expect(connection.submit).not.toBe(submit);
    expect(connection.submitHeld).not.toBe(submitHeld);
    channel.unsubscribe(handlers);
    expect(connection.submit).toBe(submit);
    expect(connection.submitHeld).toBe(submitHeld);
  });
});
