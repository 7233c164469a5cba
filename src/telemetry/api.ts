import { createRequire } from 'node:module';
import { join } from 'node:path';
import type * as Api from '@opentelemetry/api';
import type { TelemetryMeter, TelemetryTraceState, TelemetryTracer } from '../options';

/** Under this name the client asks providers for a tracer and a meter. */
const LIBRARY = 'rxjs-redis';

/** Where this module lies: in the built package the build puts `import.meta.url` in its place, which CommonJS does not know. */
const here: string | undefined = __filename;

let loaded: typeof Api | undefined;

/**
 * `@opentelemetry/api`, which is an optional peer: it is looked for when telemetry is asked for, and by `require`, because a client is made
 * in one step. All copies of it share their providers.
 * @throws TypeError that says what to do where it cannot be loaded
 */
function api(): typeof Api {
  try {
    // A bundle has no place of its own.
    loaded ??= createRequire(here ?? join(process.cwd(), 'index.js'))('@opentelemetry/api') as typeof Api;
    return loaded;
  } catch (cause) {
    throw new TypeError(
      "The option 'telemetry' needs @opentelemetry/api, which cannot be loaded: install it, or give a tracer and a meter of your own, or false, " +
        "as 'telemetry.tracer' and 'telemetry.meter'",
      { cause },
    );
  }
}

/** A tracer, and whether nothing would come of its spans for now. */
export interface FoundTracer {
  readonly tracer: TelemetryTracer;
  readonly isIdle: (() => boolean) | undefined;
}

/** The tracer of the global provider; a provider that is registered later takes its place, and until then it is idle. */
export function globalTracer(): FoundTracer {
  const { ProxyTracerProvider, trace } = api();
  const provider = trace.getTracerProvider();
  const tracer = provider.getTracer(LIBRARY);
  if (!(provider instanceof ProxyTracerProvider)) return { tracer, isIdle: undefined };
  const nothing = new ProxyTracerProvider().getDelegate();
  return { tracer, isIdle: () => provider.getDelegate() === nothing };
}

/** The meter of the global provider; undefined where there is none, so that nothing is measured for it. */
export function globalMeter(): TelemetryMeter | undefined {
  const { createNoopMeter, metrics } = api();
  const meter = metrics.getMeter(LIBRARY);
  return meter === createNoopMeter() ? undefined : meter;
}

/** What a `tracestate` says; undefined where `@opentelemetry/api` is not there, which reads it. */
export function traceStateOf(text: string): TelemetryTraceState | undefined {
  try {
    return api().createTraceState(text);
  } catch {
    return undefined;
  }
}
