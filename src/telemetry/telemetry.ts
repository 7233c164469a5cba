import { Observable, filter, finalize, tap } from 'rxjs';
import type { Clock } from '../connection/clock';
import type { Connection } from '../connection/connection';
import type { ConnectionParts } from '../connection/connection-parts';
import { guarded } from '../connection/guarded';
import { asItIs, type AsyncContext, type Wrap } from '../connection/wrapping';
import type { Role } from '../connection/stage';
import type { LeaseLimits, LeasePool } from '../leases/lease-pool';
import type { WatchReport } from '../groups/watch';
import type { DebugFunction, ResolvedOptions, ResolvedTelemetry, TelemetryAttributes } from '../options';
import type { Handling } from '../streams/consume-options';
import { globalMeter, globalTracer } from './api';
import { debugEvent, debugOf, debugging } from './debug-log';
import { following, within, type Follow, type Place } from './following';
import { Metrics, type Measured, type Readings } from './metrics';
import { handlingIn } from './propagation';
import { Tracing, tellWritten, type OperationSpan } from './tracing';
import { namesOf, vocabulariesOf } from './vocabulary';

/** What is told of a client. It is chosen when the client is made: where nothing is told, nothing is wrapped. */
export interface Telemetry {
  /** whether callbacks of replies run in the context of their subscription; asked each time where that may change */
  readonly asyncContext: AsyncContext;
  /** wraps what sends the commands of users */
  readonly follow: (place: Place) => Wrap;
  /** wraps what a `watch` sends by itself, of which there is one span */
  readonly followWatched: (place: Place) => Wrap;
  /** what connections are made with */
  readonly parts: Pick<ConnectionParts, 'onWrite'>;
  /** told of each connection that is made */
  readonly made: (connection: Connection, role: Role) => void;
  /** measures what is lent */
  readonly lending: (leases: LeasePool, limits: LeaseLimits) => LeasePool;
  /** told of each message that is dropped; undefined where nothing counts them */
  readonly onDrop: (() => void) | undefined;
  /** has what the client has right now read, until what it returns is called */
  readonly observe: (read: () => Readings) => () => void;
  /** what handlers of entries work in; undefined where nothing is to be told of that */
  readonly handling: Handling | undefined;
  /** follows one subscription to a `watch` */
  readonly followWatch: <T>(outcome$: Observable<T>, report: () => WatchReport, place: Place) => Observable<T>;
}

const nothing = (): void => undefined;
const OFF: Omit<Telemetry, 'asyncContext'> = {
  follow: () => asItIs,
  followWatched: () => asItIs,
  parts: {},
  made: nothing,
  lending: (leases) => leases,
  onDrop: undefined,
  observe: () => nothing,
  followWatch: (outcome$) => outcome$,
  handling: undefined,
};

/**
 * What the options want to be told.
 * @param clock asked for where something is told
 * @param cluster what a cluster is called, where the options are of one: its nodes are told by where commands are sent
 * @throws TypeError where `@opentelemetry/api` is needed and cannot be loaded
 */
export function telemetryOf(options: ResolvedOptions, clock: () => Clock, cluster?: string): Telemetry {
  const { telemetry } = options;
  const servers = serversOf(options, cluster);
  const write = debugOf(options.debug, clock);
  const { tracing, isIdle } = (telemetry && tracingOf(telemetry, servers)) ?? {};
  const metrics = telemetry && metricsOf(telemetry, servers, clock);
  const watched: Follow[] = [];
  if (metrics !== undefined) watched.push(metrics.follow);
  if (write !== undefined) watched.push(debugging(write, clock(), servers.address === undefined));
  const follows = tracing === undefined ? watched : [tracing.follow, ...watched];
  if (follows.length === 0) return { ...OFF, asyncContext: options.asyncContext };
  return {
    asyncContext: telemetry?.bringsContext && isIdle !== undefined ? () => !isIdle() : options.asyncContext,
    follow: (place) => following(follows, place),
    followWatched: (place) => following(watched, place),
    // Metrics need not know when a command is written.
    parts: tracing === undefined && write === undefined ? {} : { onWrite: tellWritten },
    made: (connection, role) => {
      if (write !== undefined) tellEvents(connection, write, role);
      metrics?.follows(connection, role === 'lease');
    },
    lending: (leases, limits) => metrics?.lending(leases, limits) ?? leases,
    onDrop: metrics && (() => metrics.dropped()),
    observe: (read) => metrics?.observe(read) ?? nothing,
    handling: telemetry?.propagate && tracing !== undefined ? handlingIn(tracing.handle) : undefined,
    followWatch: (outcome$, report, place) =>
      tracing === undefined ? outcome$ : watchSpan(tracing, outcome$, report, place),
  };
}

/** What is known of the servers before a command is written. */
type Servers = Omit<Measured, 'attributes'>;

function serversOf(options: ResolvedOptions, cluster: string | undefined): Servers {
  const { path, host, port, database, sentinel } = options;
  const name = cluster ?? sentinel?.service;
  if (name !== undefined) return { address: undefined, database, pool: `${name}/${database}` };
  return { address: options, database, pool: path ?? `${host}:${port}/${database}` };
}

function tracingOf(
  telemetry: ResolvedTelemetry,
  { address }: Servers,
): { readonly tracing: Tracing; readonly isIdle: (() => boolean) | undefined } | undefined {
  if (telemetry.tracer === false) return undefined;
  const { tracer, isIdle } =
    telemetry.tracer === undefined ? globalTracer() : { tracer: telemetry.tracer, isIdle: undefined };
  return { tracing: new Tracing(tracer, telemetry, vocabulariesOf(), address, isIdle), isIdle };
}

function metricsOf(telemetry: ResolvedTelemetry, servers: Servers, clock: () => Clock): Metrics | undefined {
  const meter = telemetry.meter ?? globalMeter();
  if (meter === undefined || meter === false) return undefined;
  const { attributes } = telemetry;
  return new Metrics(meter, vocabulariesOf(), { ...servers, attributes }, clock());
}

/** One span for all that a `watch` does, whatever the number of attempts. */
function watchSpan<T>(
  tracing: Tracing,
  outcome$: Observable<T>,
  report: () => WatchReport,
  place: Place,
): Observable<T> {
  return new Observable((subscriber) => {
    const run = (span: OperationSpan | undefined): void => {
      const facts = (): TelemetryAttributes => {
        const { attempts, commands, server } = report();
        return {
          ...tracing.ledTo(server),
          'redis.watch.attempts': attempts,
          'redis.pipeline.size': commands.length,
          'redis.commands': namesOf(commands),
        };
      };
      let ending: TelemetryAttributes = { 'redis.unsubscribed': true };
      const followed$ = outcome$.pipe(
        tap({ complete: () => (ending = {}), error: (error: unknown) => span?.fail(error, facts()) }),
        finalize(() => span?.end({ ...facts(), ...ending })),
      );
      subscriber.add(followed$.subscribe(subscriber));
    };
    within((work) => tracing.begin('WATCH', { 'redis.watch.keys': report().keys }, place, work), run);
  });
}

/** Tells what happens to a connection, from now on. What that throws concerns nothing else. */
function tellEvents(connection: Connection, write: DebugFunction, role: Role): void {
  // The commands' connection tells of that of messages as well.
  const own$ = connection.events$.pipe(filter((event) => event.connection !== 'messages' || role === 'messages'));
  own$.subscribe((event) => guarded(() => debugEvent(write, event, connection.address, role)));
}
