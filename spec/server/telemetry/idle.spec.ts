import { createHook } from 'node:async_hooks';
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { firstValueFrom, switchMap } from 'rxjs';
import type { Redis } from 'rxjs-redis';
import { useClients, usePools } from '../../support/clients';
import { useServer } from '../../support/server';

describe('A client that is to be traced before there is a provider', () => {
  const server = useServer();
  const make = useClients();
  const makePool = usePools();

  afterEach(() => {
    trace.disable();
    context.disable();
  });

  /** How many contexts of callers are kept while that is done. */
  const contextsOf = async (work: () => Promise<unknown>): Promise<number> => {
    let count = 0;
    const hook = createHook({ init: (_, type) => void (type === 'rxjs-redis' && count++) }).enable();
    try {
      await work();
      return count;
    } finally {
      hook.disable();
    }
  };
  const hundred = (redis: Pick<Redis, 'get'>) => () =>
    Promise.all(Array.from({ length: 100 }, () => firstValueFrom(redis.get('k'))));

  it('keeps no context and makes no span for its commands, unless contexts are asked for', async () => {
    const redis = make({ url: server().url, telemetry: true });
    await redis.connect();
    expect(await contextsOf(hundred(redis))).toBe(0);
    const asked = make({ url: server().url, telemetry: true, asyncContext: true });
    await asked.connect();
    expect(await contextsOf(hundred(asked))).toBe(100);
    const pool = makePool({ url: server().url, telemetry: true, max: 1 });
    await pool.ping();
    // One for the lease that they share.
    expect(await contextsOf(hundred(pool))).toBeLessThan(5);
    await pool.close();
  });

  it('makes spans in the context of their callers once there is one', async () => {
    const redis = make({ url: server().url, telemetry: true });
    await redis.get('k');
    const exporter = new InMemorySpanExporter();
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
    trace.setGlobalTracerProvider(provider);
    await redis.get('k');
    const parent = trace.getTracer('spec').startSpan('parent');
    await context.with(trace.setSpan(context.active(), parent), () =>
      firstValueFrom(redis.ping().pipe(switchMap(() => redis.get('k')))),
    );
    const id = parent.spanContext().spanId;
    expect(
      exporter.getFinishedSpans().map(({ name, parentSpanContext }) => [name, parentSpanContext?.spanId]),
    ).toStrictEqual([
      ['redis.GET', undefined],
      ['redis.PING', id],
      ['redis.GET', id],
    ]);
    await provider.shutdown();
  });
});
