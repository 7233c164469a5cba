import { defer, finalize, tap, type Observable } from 'rxjs';
import type { ConnectionParts } from '../connection/connection-parts';
import { asItIs, type Wrap } from '../connection/wrapping';
import type { WatchReport } from '../groups/watch';
import type { ResolvedOptions, TelemetryAttributes } from '../options';
import { globalTracer } from './api';
import { following, type Follow, type Place } from './following';
import { Tracing, tellWritten } from './tracing';
import { namesOf, vocabulariesOf } from './vocabulary';

/** What is told of a client. It is chosen when the client is made: where nothing is told, nothing is wrapped. */
export interface Telemetry {
  /** wraps what sends the commands of users */
  readonly follow: (place: Place) => Wrap;
  /** what connections are made with */
  readonly parts: Pick<ConnectionParts, 'onWrite'>;
  /** follows one subscription to a `watch` */
  readonly followWatch: <T>(outcome$: Observable<T>, report: () => WatchReport, place: Place) => Observable<T>;
}

const OFF: Telemetry = { follow: () => asItIs, parts: {}, followWatch: (outcome$) => outcome$ };

/**
 * What the options want to be told.
 * @throws TypeError where `@opentelemetry/api` is needed and cannot be loaded
 */
export function telemetryOf(options: ResolvedOptions): Telemetry {
  const { telemetry } = options;
  if (telemetry === undefined) return OFF;
  const follows: Follow[] = [];
  let tracing: Tracing | undefined;
  const tracer = telemetry.tracer ?? globalTracer();
  if (tracer !== false) {
    tracing = new Tracing(tracer, telemetry, vocabulariesOf(), options);
    follows.push(tracing.follow);
  }
  if (follows.length === 0) return OFF;
  return {
    follow: (place) => following(follows, place),
    parts: { onWrite: tellWritten },
    followWatch: (outcome$, report, place) =>
      tracing === undefined ? outcome$ : watchSpan(tracing, outcome$, report, place),
  };
}

/** One span for all that a `watch` does, whatever the number of attempts. */
function watchSpan<T>(
  tracing: Tracing,
  outcome$: Observable<T>,
  report: () => WatchReport,
  place: Place,
): Observable<T> {
  return defer(() => {
    const span = tracing.begin('WATCH', { 'redis.watch.keys': report().keys }, place);
    const facts = (): TelemetryAttributes => {
      const { attempts, commands } = report();
      return {
        'redis.watch.attempts': attempts,
        'redis.pipeline.size': commands.length,
        'redis.commands': namesOf(commands),
      };
    };
    let ending: TelemetryAttributes = { 'redis.unsubscribed': true };
    return outcome$.pipe(
      tap({ complete: () => (ending = {}), error: (error: unknown) => span.fail(error, facts()) }),
      finalize(() => span.end({ ...facts(), ...ending })),
    );
  });
}
