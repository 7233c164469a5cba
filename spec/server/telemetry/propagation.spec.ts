import { context, createTraceState, trace } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { first, firstValueFrom, from, throwError, timer } from 'rxjs';
import { linksOf, type Redis, type RedisOptions } from 'rxjs-redis';
import { call, incr, xadd } from 'rxjs-redis/commands';
import { eventually, record, useClients, usePools } from '../../support/clients';
import { useServer } from '../../support/server';
import { useTracing } from '../../support/telemetry';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const TRACEPARENT = `00-${TRACE}-${SPAN}-01`;

describe('A trace goes from the producer to the consumer', () => {
  const server = useServer();
  const make = useClients();
  const makePool = usePools();
  const { open, finished, within } = useTracing();
  const client = (options: RedisOptions = {}): Redis =>
    make({ url: server().url, telemetry: { propagate: true }, ...options });
  const plain = (): Redis => make(server().url);

  beforeEach(async () => {
    await plain().flushall();
  });
  afterEach(() => {
    expect(open()).toBe(0);
  });

  const named = (name: string): ReadableSpan[] => finished().filter((span) => span.name === name);
  const idsOf = (all: readonly ReadableSpan[]): string[] => all.map((span) => span.spanContext().spanId);
  const linked = ({ links }: ReadableSpan): string[] => links.map((link) => link.context.spanId);
  const written = async (stream = 's'): Promise<Record<string, string>[]> =>
    (await plain().xrange(stream, '-', '+')).map(({ fields }) => ({ ...fields }));
  const traceparentOf = (span: ReadableSpan): string => {
    const { traceId, spanId } = span.spanContext();
    return `00-${traceId}-${spanId}-01`;
  };

  it.each<[string, (redis: Redis) => PromiseLike<unknown>, string]>([
    ['XADD', (redis) => redis.xadd('s', '*', { n: '1' }), 'redis.XADD'],
    ['XADD with options', (redis) => redis.xadd('s', '*', { n: '1' }, { TRIM: { MAXLEN: 10 } }), 'redis.XADD'],
    ['call', (redis) => redis.call('xadd', 's', '*', 'n', '1'), 'redis.XADD'],
    ['bytes', (redis) => redis.bytes.xadd('s', '*', { n: '1' }), 'redis.XADD'],
    ['a pipeline', (redis) => redis.pipeline(incr('i'), xadd('s', '*', { n: '1' })), 'redis.PIPELINE'],
    ['call in a pipeline', (redis) => redis.pipeline(call('XADD', 's', '*', 'n', '1')), 'redis.PIPELINE'],
    ['a transaction', (redis) => redis.multi(incr('i'), xadd('s', '*', { n: '1' })), 'redis.MULTI'],
    ['a connection of its own', (redis) => redis.dedicated((lent) => lent.xadd('s', '*', { n: '1' })), 'redis.XADD'],
    ['load', (redis) => redis.load(['1'], (n) => [xadd('s', '*', { n })]), 'redis.PIPELINE'],
  ])('by a field of its entry: %s', async (_, write, name) => {
    await write(client());
    const [span] = named(name);
    expect(await written()).toStrictEqual([{ n: '1', traceparent: traceparentOf(span!) }]);
  });

  it('by a field of the entry that a pool adds, and of each time that a reply is subscribed to', async () => {
    const pool = makePool({ url: server().url, telemetry: { propagate: true } });
    const added = pool.xadd('s', '*', { n: '1' });
    await firstValueFrom(added);
    await firstValueFrom(added);
    const group = pool.pipeline(xadd('s', '*', { n: '1' }));
    await firstValueFrom(group);
    await firstValueFrom(group);
    const all = [...named('redis.XADD'), ...named('redis.PIPELINE')];
    expect(await written()).toStrictEqual(all.map((span) => ({ n: '1', traceparent: traceparentOf(span) })));
    await pool.close();
  });

  it('with the state that tracing systems carry along, in both directions', async () => {
    const state = 'vendor=a1,other=b2';
    const remote = { traceId: TRACE, spanId: SPAN, traceFlags: 1, traceState: createTraceState(state) };
    const redis = client();
    await context.with(trace.setSpanContext(context.active(), remote), async () => {
      await redis.xadd('s', '*', { n: '1' });
      await redis.multi(xadd('s', '*', { n: '2' }));
      await redis.xadd('s', '*', { n: '3', traceparent: TRACEPARENT });
    });
    const [one, two] = [...named('redis.XADD'), ...named('redis.MULTI')].filter((_, at) => at !== 1);
    expect(await written()).toStrictEqual([
      { n: '1', traceparent: traceparentOf(one!), tracestate: state },
      { n: '2', traceparent: traceparentOf(two!), tracestate: state },
      { n: '3', traceparent: TRACEPARENT },
    ]);
    await redis.xread({ s: '0' });
    const [read] = named('redis.XREAD');
    expect(read!.links.map((link) => link.context.traceState?.serialize())).toStrictEqual([state, state, undefined]);
    const data = JSON.stringify({ traceparent: TRACEPARENT, tracestate: state });
    expect(linksOf({ data })[0]!.context.traceState?.get('other')).toBe('b2');
    trace
      .getTracer('spec')
      .startSpan('handled', { links: linksOf({ data }) })
      .end();
    expect(named('handled')[0]!.links[0]!.context.traceState?.serialize()).toBe(state);
    for (const odd of ['null', `"${TRACEPARENT}"`, '7', '{"traceparent":7}'])
      expect(linksOf({ data: odd })).toEqual([]);
  });

  it('unless the entry carries one already, or it was not asked for', async () => {
    await client().xadd('s', '*', { traceparent: TRACEPARENT, n: '1' });
    await client({ telemetry: true }).xadd('s', '*', { n: '2' });
    await client({ telemetry: { propagate: true, tracer: false } }).xadd('s', '*', { n: '3' });
    expect(await written()).toStrictEqual([{ traceparent: TRACEPARENT, n: '1' }, { n: '2' }, { n: '3' }]);
  });

  it('as a link of the span that has read the entries', async () => {
    const redis = client();
    await redis.xadd('s', '*', { n: '1' });
    await redis.pipeline(xadd('s', '*', { n: '2' }), xadd('t', '*', { n: '3' }));
    await redis.xadd('s', '*', { traceparent: 'no context', n: '4' });
    await plain().xadd('s', '*', { n: '5' });
    await redis.xread({ s: '0', t: '0' });
    await redis.bytes.xread({ s: '0', t: '0' });
    await redis.multi(incr('i'), call('XREAD', 'STREAMS', 's', '0'));
    await redis.xread({ none: '0' });
    const [one] = idsOf(named('redis.XADD'));
    const [two] = idsOf(named('redis.PIPELINE'));
    const [read, bytes, none] = named('redis.XREAD');
    expect(linked(read!)).toStrictEqual([one, two, two]);
    expect(linked(bytes!)).toStrictEqual([one, two, two]);
    expect(linked(none!)).toStrictEqual([]);
  });

  it('as a link of the span in which its handler works, whose child is what that sends', async () => {
    const redis = client();
    const producer = await within(async (parent) => {
      await redis.xadd('s', '*', { n: '1' });
      return parent.spanContext().traceId;
    });
    const consumer = await within(async (parent) => {
      const handler = ({ fields }: { fields: Record<string, string> }) => from(redis.incr(`handled:${fields['n']}`));
      const handled$ = redis.consume('s', { group: 'g', from: '0' }, handler);
      await firstValueFrom(handled$.pipe(first(({ handled }) => handled === 1)));
      return parent.spanContext();
    });
    await redis.close();
    const [added] = named('redis.XADD');
    const [handled] = named('process s');
    expect(handled).toMatchObject({ kind: 4, status: { code: 0 } });
    expect(handled!.parentSpanContext?.spanId).toBe(consumer.spanId);
    expect(handled!.links.map((link) => link.context)).toMatchObject([
      { traceId: producer, spanId: idsOf([added!])[0], isRemote: true },
    ]);
    expect(handled!.attributes).toMatchObject({
      'messaging.system': 'redis',
      'messaging.operation.type': 'process',
      'messaging.destination.name': 's',
      'messaging.message.id': expect.stringMatching(/^\d+-\d+$/) as string,
    });
    expect(named('redis.INCR').map(({ parentSpanContext }) => parentSpanContext?.spanId)).toStrictEqual(
      idsOf([handled!]),
    );
    expect(named('redis.XREADGROUP').flatMap(linked)).toStrictEqual(idsOf([added!]));
    // What the consumer itself sends belongs to where it was subscribed to, also after the handler.
    const own = [...named('redis.XACK'), ...named('redis.XREADGROUP')];
    expect(named('redis.XREADGROUP').length).toBeGreaterThan(1);
    expect(new Set(own.map(({ parentSpanContext }) => parentSpanContext?.spanId))).toStrictEqual(
      new Set([consumer.spanId]),
    );
  });

  it.each<[string, (n: string) => unknown]>([
    ['a Promise', async () => timerTick()],
    ['an Observable', () => timer(1)],
    ['nothing', () => undefined],
    [
      'a generator',
      function* () {
        yield 1;
      },
    ],
  ])('in a span that ends with what the handler gives: %s', async (_, handler) => {
    const redis = client();
    await redis.pipeline(['1', '2'].map((n) => xadd('s', '*', { n })));
    const handled$ = redis.consume('s', { group: 'g', from: '0', concurrency: 2 }, ({ fields }) =>
      handler(fields['n']!),
    );
    await firstValueFrom(handled$.pipe(first(({ handled }) => handled === 2)));
    await redis.close();
    expect(named('process s').map(({ status }) => status.code)).toStrictEqual([0, 0]);
  });

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new TypeError('no');
      },
    ],
    ['rejects', () => Promise.reject(new TypeError('no'))],
    ['errors', () => throwError(() => new TypeError('no'))],
  ])('in a span that fails when the handler %s', async (_, handler) => {
    const redis = client();
    await redis.xadd('s', '*', { n: '1' });
    const failed$ = redis.consume('s', { group: 'g', from: '0' }, handler);
    const { failures } = await firstValueFrom(failed$.pipe(first(({ failed }) => failed === 1)));
    expect(failures).toMatchObject([{ deliveries: 1, error: { message: 'no' } }]);
    await redis.close();
    expect(named('process s')).toMatchObject([{ status: { code: 2 }, attributes: { 'error.type': 'TypeError' } }]);
  });

  it('in a span that ends when its handler is left', async () => {
    const redis = client();
    await redis.xadd('s', '*', { n: '1' });
    let isHandling = false;
    const work = () => {
      isHandling = true;
      return timer(1_000_000);
    };
    const consumer = record(redis.consume('s', { group: 'g', from: '0', drainTimeout: 0 }, work));
    await eventually(
      () => new Promise<boolean>((resolve) => setImmediate(() => resolve(isHandling))),
      (is) => is,
    );
    consumer.stop();
    await redis.close();
    expect(named('process s')).toMatchObject([{ attributes: { 'redis.unsubscribed': true } }]);
  });

  it('as a link of the span that its tail makes where it is handled, and that has read it', async () => {
    const redis = client();
    await redis.xadd('s', '*', { n: '1' });
    const item = await firstValueFrom(redis.tail({ s: '0' }));
    const [added] = named('redis.XADD');
    expect(item.type === 'entry' && linksOf(item)).toMatchObject([{ context: { spanId: idsOf([added!])[0] } }]);
    expect(named('redis.MULTI').flatMap(linked)).toStrictEqual(idsOf([added!]));
    await redis.close();
  });

  it('as a link of a message whose text carries one, and no message is changed', async () => {
    const redis = client();
    const messages = record(redis.subscribe('c'));
    const texts = [
      `{"id":1,"traceparent":"${TRACEPARENT}"}`,
      `traceparent ${TRACEPARENT}`,
      '{"id":2}',
      '{"traceparent":7}',
      'traceparent',
      'null traceparent',
      `{"traceparent":"00-${'0'.repeat(32)}-${SPAN}-01"}`,
      `{"traceparent":"ff-${TRACE}-${SPAN}-01"}`,
      `{"traceparent":"00-${TRACE}-${SPAN}-01-more"}`,
      `{"traceparent":"01-${TRACE}-${SPAN}-03-more"}`,
    ];
    for (const one of texts) await redis.publish('c', one);
    await eventually(
      () => new Promise<number>((resolve) => setImmediate(() => resolve(messages.values.length))),
      (count) => count === texts.length,
    );
    messages.stop();
    expect(messages.values.map(({ data }) => data)).toStrictEqual(texts);
    const link = { context: { traceId: TRACE, spanId: SPAN, traceFlags: 1, isRemote: true } };
    expect(messages.values.map((message) => linksOf(message))).toStrictEqual([
      [link],
      ...Array.from({ length: 8 }, () => []),
      [link],
    ]);
    expect(linksOf({ data: Buffer.from(texts[0]!) })).toStrictEqual([link]);
  });

  it('without a field where the span has no context, and without a span where the tracer makes none active', async () => {
    const silent = trace.wrapSpanContext({ traceId: '0'.repeat(32), spanId: '0'.repeat(16), traceFlags: 0 });
    const redis = client({ telemetry: { propagate: true, tracer: { startSpan: () => silent } } });
    await redis.xadd('s', '*', { n: '1' });
    expect(await written()).toStrictEqual([{ n: '1' }]);
    const handled$ = redis.consume('s', { group: 'g', from: '0' }, () => redis.ping());
    await firstValueFrom(handled$.pipe(first(({ handled }) => handled === 1)));
    await redis.close();
  });
});

/** A turn of the event loop. */
const timerTick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
