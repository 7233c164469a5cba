import { context, trace, type Span } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base';

/** The SDK with an exporter in memory, as the global provider, for the specs of a file. */
export function useTracing(): {
  /** the spans that have ended since the test began, but for those of `within` */
  readonly spans: () => ReadableSpan[];
  /** all of them, whatever their name */
  readonly finished: () => ReadableSpan[];
  /** how many spans have begun and not ended */
  readonly open: () => number;
  /** does work under an active span, and returns it */
  readonly within: <T>(work: (parent: Span) => T) => T;
} {
  const exporter = new InMemorySpanExporter();
  let open = 0;
  const count = {
    onStart: () => void open++,
    onEnd: () => void open--,
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  };
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter), count] });
  beforeAll(() => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    trace.setGlobalTracerProvider(provider);
  });
  afterAll(async () => {
    await provider.shutdown();
    trace.disable();
    context.disable();
  });
  beforeEach(() => {
    exporter.reset();
    open = 0;
  });
  return {
    spans: () => exporter.getFinishedSpans().filter(({ name }) => name.startsWith('redis.')),
    finished: () => exporter.getFinishedSpans(),
    open: () => open,
    within: (work) => {
      const parent = trace.getTracer('spec').startSpan('parent');
      try {
        return context.with(trace.setSpan(context.active(), parent), () => work(parent));
      } finally {
        parent.end();
      }
    },
  };
}

/** The names of a span's events, in order. */
export function eventsOf({ events }: ReadableSpan): string[] {
  return events.map(({ name }) => name);
}
