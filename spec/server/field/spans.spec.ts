import { DiagLogLevel, SpanStatusCode, diag } from '@opentelemetry/api';
import { get, incr, set } from 'rxjs-redis/commands';
import { useClients, usePools } from '../../support/clients';
import { failure } from '../../support/outcomes';
import { useProxy, useServer } from '../../support/server';
import { useTracing } from '../../support/telemetry';

describe('What users of traced clients have reported does not happen here:', () => {
  const server = useServer({ own: true });
  const proxy = useProxy(server);
  const connect = useClients();
  const makePool = usePools();
  const { spans, open } = useTracing();

  /** What OpenTelemetry complains of: spans that are used behind their end. */
  const complaints: string[] = [];
  beforeAll(() => {
    const note = (...words: unknown[]) => void complaints.push(words.join(' '));
    const logger = { verbose: note, debug: note, info: note, warn: note, error: note };
    diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  });
  beforeEach(() => connect(server().url).flushall());
  afterEach(() => {
    expect(complaints.splice(0)).toEqual([]);
    expect(open()).toBe(0);
  });
  afterAll(() => diag.disable());

  it('a command whose time is up ends its span once, also when its reply comes late', async () => {
    const redis = connect({ url: proxy().url(), telemetry: true });
    await redis.ping();
    proxy().stall('toClient', true);
    const late = redis.withOptions({ commandTimeout: 20 });
    expect(await failure(late.get('k'))).toMatchObject({ code: 'TIMEOUT' });
    expect(await failure(late.pipeline(get('k'), incr('n')))).toMatchObject({ code: 'TIMEOUT' });
    proxy().stall('toClient', false);
    await redis.echo('behind both');
    expect(spans().map(({ name, status }) => [name, status.code])).toEqual([
      ['redis.PING', SpanStatusCode.UNSET],
      ['redis.GET', SpanStatusCode.ERROR],
      ['redis.PIPELINE', SpanStatusCode.ERROR],
      ['redis.ECHO', SpanStatusCode.UNSET],
    ]);
  });

  it('a script that the server has forgotten, and a watch that met a change, have no failed span when all is well in the end', async () => {
    const redis = connect({ url: server().url, telemetry: true });
    const other = connect(server().url);
    const add = redis.script("return redis.call('incrby', KEYS[1], ARGV[1])", { keys: 1, reply: 'integer' });
    await add(['n'], [1]);
    await other.scriptFlush();
    expect(await add(['n'], [1])).toBe(2);
    let calls = 0;
    const change = async () => (calls++ === 0 && (await other.incr('n')), [incr('n')]);
    expect(await redis.watch('n', change)).toEqual([4]);
    expect(spans().map(({ name }) => name)).toContain('redis.WATCH');
    expect(
      spans().filter(({ status, events }) => status.code !== SpanStatusCode.UNSET || hasException(events)),
    ).toEqual([]);
  });

  it('a transaction with an error among its values has a span that says how many, and is not failed, with failFast neither', async () => {
    const redis = connect({ url: server().url, telemetry: true });
    await redis.multi(set('text', 'a'), incr('text'), incr('text'));
    await failure(redis.multi([set('text', 'a'), incr('text')], { failFast: true }));
    expect(spans().map(({ status, attributes }) => [status.code, attributes['redis.pipeline.errors']])).toMatchObject([
      [SpanStatusCode.UNSET, 2],
      [SpanStatusCode.UNSET, 1],
    ]);
  });

  it('callers of a pool that watch the same key at once end the watching of no other', async () => {
    const pool = makePool({ url: server().url, max: 4, telemetry: true });
    const other = connect(server().url);
    await other.set('n', 10);
    let release!: () => void;
    const released = new Promise<void>((resolve) => (release = resolve));
    let calls = 0;
    const slow = pool.watch('n', async ({ n }) => {
      if (calls++ === 0) await released;
      return [set('n', Number(n) + 1)];
    });
    const begun = slow.then();
    for (let n = 0; n < 10; n++) expect(await pool.watch('n', () => null)).toBeNull();
    await other.set('n', 0);
    release();
    expect(await begun).toEqual(['OK']);
    expect(calls).toBe(2);
    expect(await other.get('n')).toBe('1');
  });
});

function hasException(events: readonly { readonly name: string }[]): boolean {
  return events.some(({ name }) => name === 'exception');
}
