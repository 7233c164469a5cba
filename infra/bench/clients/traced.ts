import type { SpanExporter } from '@opentelemetry/sdk-trace-base';
import type * as Api from '@opentelemetry/api';
import type * as Contexts from '@opentelemetry/context-async-hooks';
import type * as Sdk from '@opentelemetry/sdk-trace-base';
import type { ClientModule } from './client';
import { ioredis } from './ioredis';
import { loadOurs, loadPeer } from './installed';
import { nodeRedis } from './node-redis';
import { byFirstValueFrom } from './ours';

type Load = <T>(packageName: string) => T;

/** What is measured is the client and its spans, and no way to send them. */
const exporter: SpanExporter = {
  export: (_spans, done) => done({ code: 0 }),
  shutdown: () => Promise.resolve(),
};

/** So many spans may wait, so that none is dropped, which would cost less than to keep it. */
const QUEUE = 1_000_000;

/** The SDK with a batch processor, as an application sets it up. */
function startSdk(load: Load): void {
  const { context, trace } = load<typeof Api>('@opentelemetry/api');
  const { BasicTracerProvider, BatchSpanProcessor } = load<typeof Sdk>('@opentelemetry/sdk-trace-base');
  const { AsyncLocalStorageContextManager } = load<typeof Contexts>('@opentelemetry/context-async-hooks');
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const processor = new BatchSpanProcessor(exporter, { maxQueueSize: QUEUE, scheduledDelayMillis: 100 });
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [processor] }));
}

function started(client: ClientModule, start: () => void): ClientModule {
  let isStarted = false;
  const first = <T>(then: () => T): T => {
    if (!isStarted) start();
    isStarted = true;
    return then();
  };
  return {
    connect: (url) => first(() => client.connect(url)),
    listen: (url, channel, onMessage) => first(() => client.listen(url, channel, onMessage)),
  };
}

type Instrumentation = new (config: { requireParentSpan: boolean }) => unknown;

/** A peer with the instrumentation that OpenTelemetry has for it, which has to be there before the peer is loaded. */
function instrumented(client: ClientModule, packageName: string, name: string): ClientModule {
  return started(client, () => {
    startSdk(loadPeer);
    const { [name]: Instrument } = loadPeer<Record<string, Instrumentation>>(packageName);
    new Instrument!({ requireParentSpan: false });
  });
}

const traced = byFirstValueFrom({ telemetry: { meter: false } });

/** The global provider of `@opentelemetry/api` without an SDK makes spans that do nothing. */
export const oursWithNoopTracer = traced;
export const oursWithSdk = started(traced, () => startSdk(loadOurs));
export const ioredisWithSdk = instrumented(ioredis, '@opentelemetry/instrumentation-ioredis', 'IORedisInstrumentation');
export const nodeRedisWithSdk = instrumented(nodeRedis, '@opentelemetry/instrumentation-redis', 'RedisInstrumentation');
