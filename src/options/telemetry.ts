import { is, isPlainObject } from '../option-checks';
import { kindOf } from '../resp/kind-of';
import { withoutUndefined } from './without-undefined';

/** The value of an attribute of a span. */
export type TelemetryValue = string | number | boolean | string[];

/** Attributes of a span. */
export type TelemetryAttributes = Record<string, TelemetryValue>;

/** Which span it is, also one of another process. */
export interface TelemetrySpanContext {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: number;
  readonly isRemote?: boolean;
  readonly traceState?: TelemetryTraceState;
}

/** What tracing systems carry along beside the ids. A `TraceState` of `@opentelemetry/api`. */
export interface TelemetryTraceState {
  get(key: string): string | undefined;
  set(key: string, value: string): TelemetryTraceState;
  unset(key: string): TelemetryTraceState;
  serialize(): string;
}

/** What a span is linked to. A `Link` of `@opentelemetry/api`. */
export interface TelemetryLink {
  readonly context: TelemetrySpanContext;
}

/** What the client needs of a span. A `Span` of `@opentelemetry/api` is one. */
export interface TelemetrySpan {
  isRecording(): boolean;
  setAttributes(attributes: TelemetryAttributes): unknown;
  addEvent(name: string, attributes?: TelemetryAttributes): unknown;
  setStatus(status: { code: number; message?: string }): unknown;
  recordException(error: Error): void;
  /** needed for `propagate` alone */
  spanContext?(): TelemetrySpanContext;
  /** needed for `propagate` alone */
  addLinks?(links: TelemetryLink[]): unknown;
  end(): void;
}

/** What a span begins with. */
export interface TelemetrySpanOptions {
  kind: number;
  attributes: TelemetryAttributes;
  links?: TelemetryLink[];
}

/** What the client needs of a tracer. A `Tracer` of `@opentelemetry/api` is one; the active context is the parent. */
export interface TelemetryTracer {
  startSpan(name: string, options: TelemetrySpanOptions): TelemetrySpan;
  /** does work in which the span is active; needed for `propagate` alone, where handlers of entries have spans */
  startActiveSpan?(name: string, options: TelemetrySpanOptions, work: (span: TelemetrySpan) => void): void;
}

/** What a gauge is read by. */
export type TelemetryCallback = (result: { observe(value: number, attributes: TelemetryAttributes): void }) => void;

/** What the client needs of a gauge that is observed. */
export interface TelemetryGauge {
  addCallback(callback: TelemetryCallback): void;
}

/** How an instrument is made. */
export interface TelemetryInstrument {
  unit: string;
  advice?: { explicitBucketBoundaries: number[] };
}

/** What the client needs of a meter. A `Meter` of `@opentelemetry/api` is one. */
export interface TelemetryMeter {
  createCounter(
    name: string,
    options: TelemetryInstrument,
  ): { add(value: number, attributes: TelemetryAttributes): void };
  createUpDownCounter(
    name: string,
    options: TelemetryInstrument,
  ): { add(value: number, attributes: TelemetryAttributes): void };
  createHistogram(
    name: string,
    options: TelemetryInstrument,
  ): { record(value: number, attributes: TelemetryAttributes): void };
  createObservableGauge(name: string, options: TelemetryInstrument): TelemetryGauge;
  createObservableUpDownCounter(name: string, options: TelemetryInstrument): TelemetryGauge;
}

/** Takes the lines of the option `debug`. */
export type DebugFunction = (direction: 'send' | 'recv' | 'error' | 'event', text: string) => void;

/** What is told of a client, and how. */
export interface TelemetryOptions {
  /** makes the spans; by default that of the global provider, under the name `rxjs-redis`; `false` for none */
  readonly tracer?: TelemetryTracer | false | undefined;
  /**
   * makes the metrics; by default that of the global provider, which has to be registered before the client is made; `false` for none
   */
  readonly meter?: TelemetryMeter | false | undefined;
  /**
   * show values in spans, and not keys alone. Secrets stay hidden, as do the arguments of scripts and of commands that the client does not
   * know. Default false
   */
  readonly includeArgs?: boolean | undefined;
  /**
   * has the last word about the arguments that a span shows; each is a text, cut off after 64 characters. What is a secret is hidden
   * already. Where it throws no argument is shown
   * @param command the command's name, `SET`
   */
  readonly redact?: ((command: string, args: readonly string[]) => readonly string[]) | undefined;
  /**
   * connect the traces of producers and consumers of streams. XADD writes the fields `traceparent`, and `tracestate` if there is one, of its span into its entry,
   * unless there is one; so do those of pipelines, transactions and `load`. Reading is always safe: spans of XREAD and XREADGROUP, those
   * of `tail` and `consume` too, are linked to the producers of what they brought, and the handler of `consume` works in a span of its own,
   * `process <stream>`, that is linked to the producer of its entry. Messages are never changed; see `linksOf`. Default false
   */
  readonly propagate?: boolean | undefined;
  /** put on every span and metric */
  readonly attributes?: Readonly<Record<string, string | number | boolean>> | undefined;
}

/** The options with every default filled in; `undefined` for a tracer is that of the global provider. */
export interface ResolvedTelemetry {
  readonly tracer: TelemetryTracer | false | undefined;
  readonly meter: TelemetryMeter | false | undefined;
  readonly includeArgs: boolean;
  readonly redact: TelemetryOptions['redact'];
  readonly propagate: boolean;
  /** the option `asyncContext` is on for its sake alone */
  readonly bringsContext: boolean;
  readonly attributes: TelemetryAttributes;
}

const KNOWN = new Set(['tracer', 'meter', 'includeArgs', 'redact', 'propagate', 'attributes']);

/** @throws TypeError that names the option and what was expected */
export function resolveTelemetry(
  given: boolean | TelemetryOptions | undefined,
): Omit<ResolvedTelemetry, 'bringsContext'> | undefined {
  if (given === undefined || given === false) return undefined;
  if (given !== true && !isPlainObject(given)) {
    throw new TypeError(`The option 'telemetry' is a boolean or an object, got ${kindOf(given)}`);
  }
  const own = given === true ? {} : withoutUndefined(given);
  for (const name of Object.keys(own)) {
    if (!KNOWN.has(name)) throw new TypeError(`There is no option 'telemetry.${name}'`);
  }
  const { tracer, meter, includeArgs = false, redact, propagate = false, attributes = {} } = own;
  if (tracer !== undefined && tracer !== false) {
    if (typeof (tracer as Partial<TelemetryTracer> | null)?.startSpan !== 'function') {
      throw new TypeError(`The option 'telemetry.tracer' is a Tracer, or false, got ${kindOf(tracer)}`);
    }
  }
  if (meter !== undefined && meter !== false) {
    if (typeof (meter as Partial<TelemetryMeter> | null)?.createHistogram !== 'function') {
      throw new TypeError(`The option 'telemetry.meter' is a Meter, or false, got ${kindOf(meter)}`);
    }
  }
  is('boolean', 'telemetry.includeArgs', includeArgs);
  is('boolean', 'telemetry.propagate', propagate);
  if (redact !== undefined) is('function', 'telemetry.redact', redact);
  checkAttributes(attributes);
  return { tracer, meter, includeArgs, redact, propagate, attributes: { ...attributes } };
}

function checkAttributes(attributes: unknown): void {
  if (!isPlainObject(attributes)) {
    throw new TypeError(`The option 'telemetry.attributes' is an object, got ${kindOf(attributes)}`);
  }
  for (const [name, value] of Object.entries(attributes as object)) {
    if (['string', 'number', 'boolean'].includes(typeof value)) continue;
    throw new TypeError(
      `The option 'telemetry.attributes.${name}' is a string, a number or a boolean, got ${kindOf(value)}`,
    );
  }
}
