import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import fc from 'fast-check';
import { filter, firstValueFrom, type Observable } from 'rxjs';
import type { DedicatedConnection, Redis } from 'rxjs-redis';
import { call, get } from 'rxjs-redis/commands';
import type { Command } from '../../../src/commands/command';
import { knownCall } from '../../../src/commands/known-commands';
import { statementOf } from '../../../src/commands/secrets';
import { useClients } from '../../support/clients';
import { afterHandshake, useScriptedServers } from '../../support/scripted-server';
import { useServer } from '../../support/server';
import { REVEALING, SECRETIVE, secret, secretCommand, type SecretCommand } from '../../support/secret-commands';

/** How many commands are sent at once. */
const AT_ONCE = 100;
const CASES = 10_000;

/** The ways that a command takes by its name. */
type Way = 'call' | 'bytes' | 'pipeline' | 'multi' | 'failFast' | 'dedicated';
const WAYS: readonly Way[] = ['call', 'bytes', 'pipeline', 'multi', 'failFast', 'dedicated'];

/** Says all that it was told, as an error: the worst that a server can do. */
function repeater(): (words: string[]) => string {
  let queued: string[] | undefined;
  const refusal = (words: readonly string[]): string => `-ERR no: ${words.join(' ').replace(/[\r\n]/g, ' ')}\r\n`;
  return (words) => {
    const name = words[0]!.toUpperCase();
    if (name === 'MULTI') {
      queued = [];
      return '+OK\r\n';
    }
    if (name === 'EXEC') {
      const replies = queued ?? [];
      queued = undefined;
      return `*${replies.length}\r\n${replies.join('')}`;
    }
    if (queued === undefined) return name === 'PING' ? '+PONG\r\n' : refusal(words);
    queued.push(refusal(words));
    return '+QUEUED\r\n';
  };
}

/** The commands whose replies have secrets in them, but for MONITOR, whose lines are no replies. */
const REVEALED: Readonly<Record<string, (redis: Redis) => Observable<unknown>>> = {
  'ACL GENPASS': (redis) => redis.aclGenpass(),
  'ACL GETUSER': (redis) => redis.aclGetuser('ann'),
  'ACL LIST': (redis) => redis.aclList(),
  'COMMANDLOG GET': (redis) => redis.commandlogGet(1, 'SLOW'),
  'CONFIG GET': (redis) => redis.configGet('*'),
  'SENTINEL CONFIG': (redis) => redis.sentinelConfig('GET', '*'),
  'SLOWLOG GET': (redis) => redis.slowlogGet(1),
};

/** What becomes of a command that went such a way: all that its caller may log. */
async function outcome(redis: Redis, way: Way, { words, args }: SecretCommand): Promise<unknown> {
  const [first, ...more] = words;
  const all = [...more, ...args];
  const send = (): Observable<unknown> => {
    const command = call(first!, ...all);
    switch (way) {
      case 'call':
        return redis.call(first!, ...all);
      case 'bytes':
        return redis.bytes.call(first!, ...all);
      case 'pipeline':
        return redis.pipeline([get('k'), command]);
      case 'failFast':
        return redis.pipeline([command], { failFast: true });
      case 'multi':
        return redis.multi([command, get('k')]);
      case 'dedicated':
        return redis.dedicated((connection: DedicatedConnection) => connection.call(first!, ...all));
    }
  };
  try {
    const sent = send();
    return [sent, await firstValueFrom(sent)];
  } catch (error) {
    return error;
  }
}

/** Gathers what all diagnostics channels tell. Returns how to leave them. */
function listen(told: unknown[]): () => void {
  const names = ['command', 'batch'].flatMap((kind) =>
    ['start', 'asyncEnd'].map((event) => `tracing:rxjs-redis:${kind}:${event}`),
  );
  const note = (message: unknown) => told.push(message);
  for (const name of names) subscribe(name, note);
  return () => {
    for (const name of names) unsubscribe(name, note);
  };
}

/** All that shows what a client is doing. */
function seen(redis: Redis): string[] {
  const picture = redis.inspect();
  return [
    String(picture),
    JSON.stringify(picture),
    inspect({ ...picture }, { depth: null }),
    inspect(redis, { depth: 1 }),
    inspect(redis, { depth: null, showHidden: true }),
    JSON.stringify(redis),
  ];
}

const leaving: (() => Promise<void> | void)[] = [];

/**
 * All that a client tells of what it does: `told` by channels, spans and metrics, until the spec is over. `spans` gives those that have
 * ended since it was asked last.
 */
function observed() {
  const told: unknown[] = [];
  leaving.push(listen(told));
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const metrics = new PrometheusExporter({ preventServerStart: true });
  const meters = new MeterProvider({ readers: [metrics] });
  const telemetry = { tracer: provider.getTracer('spec'), meter: meters.getMeter('spec'), includeArgs: true };
  const spans = (): string[] => {
    const ended = exporter.getFinishedSpans().map(({ name, attributes, events, status }) => {
      return JSON.stringify([name, attributes, events, status]);
    });
    exporter.reset();
    return ended;
  };
  leaving.push(() => meters.shutdown());
  return { told, telemetry, spans, metrics };
}

/** What Prometheus would be told. */
async function scraped(exporter: PrometheusExporter): Promise<string> {
  const { resourceMetrics, errors } = await exporter.collect();
  return errors.map(String).join() + new PrometheusSerializer().serialize(resourceMetrics);
}

/** A command as a span may show it. */
function statements(command: Command): string[] {
  const commands = [command];
  return [false, true].map((values) => statementOf(commands, { hidden: '?', values }));
}

function textOf(value: unknown): string {
  const error = value instanceof Error ? `${value.message}\n${value.stack}` : '';
  return [error, inspect(value, { depth: null, showHidden: true }), JSON.stringify(value) ?? ''].join('\n');
}

describe('No secret', () => {
  const make = useClients();
  const script = useScriptedServers();
  const server = useServer();
  afterEach(async () => {
    for (const leave of leaving.splice(0)) await leave();
  });

  it('is left out of the facts that these specs go by', () => {
    expect(SECRETIVE.map(({ name }) => name)).toStrictEqual([
      'ACL SETUSER',
      'AUTH',
      'CONFIG SET',
      'HELLO',
      'MIGRATE',
      'MODULE LOAD',
      'MODULE LOADEX',
      'SENTINEL CONFIG',
      'SENTINEL SET',
    ]);
    expect(REVEALING.map(({ name }) => name)).toStrictEqual([...Object.keys(REVEALED), 'MONITOR'].sort());
  });

  it('of any command leaves the client, whatever way the command takes and whatever the server says', async () => {
    const scripted = await script(afterHandshake(repeater()));
    const { told, telemetry, spans, metrics } = observed();
    const redis = make({
      url: scripted.url,
      retry: false,
      leases: { max: 4, acquireTimeout: Infinity },
      telemetry,
      debug: (_, text) => told.push(text),
    });
    redis.events$.subscribe((event) => told.push(event));
    let emissions = 0;
    const seed = Math.floor(Math.random() * 2 ** 31);
    const drawn = fc.sample(fc.tuple(secretCommand, fc.constantFrom(...WAYS)), { numRuns: CASES, seed });
    const leaks: unknown[] = [];
    for (let from = 0; from < CASES; from += AT_ONCE) {
      const some = drawn.slice(from, from + AT_ONCE);
      const pending = Promise.all(some.map(([command, way]) => outcome(redis, way, command)));
      told.push(...seen(redis));
      // Those that are written and not answered yet are seen as well.
      await new Promise<void>((resolve) => process.nextTick(() => resolve(void told.push(...seen(redis)))));
      const outcomes = await pending;
      told.push(...seen(redis), await scraped(metrics));
      const all = [...spans(), ...told.map((message) => (typeof message === 'string' ? message : textOf(message)))];
      emissions += all.length;
      told.length = 0;
      const said = all.join('\n');
      some.forEach(([command, way], index) => {
        const known = knownCall(command.words[0]!, [...command.words.slice(1), ...command.args]);
        const emitted = [textOf(outcomes[index]), textOf(known), ...statements(known)].join('\n');
        const leaked = command.secrets.filter((one) => emitted.includes(one) || said.includes(one));
        if (leaked.length > 0) leaks.push({ seed, way, words: command.words, args: command.args.map(String), leaked });
      });
    }
    const drawnWords = drawn.map(([{ words, args }]) => [...words, ...args].map((word) => String(word).toUpperCase()));
    expect(drawnWords.some(([first, second]) => first === 'ACL' && second === 'SETUSER')).toBe(true);
    expect(drawnWords.some(([first, , ...rest]) => first === 'CONFIG' && rest.includes('MASTERAUTH'))).toBe(true);
    // A span for each command that was not refused before it was sent, and what the channels tell of it.
    expect(emissions).toBeGreaterThan(2 * CASES);
    expect(drawn).toHaveLength(CASES);
    expect(leaks.slice(0, 3)).toStrictEqual([]);
  });

  it('of a line of MONITOR is told to anybody but its Observer', async () => {
    const { told, telemetry, spans, metrics } = observed();
    const redis = make({ url: server().url, telemetry, debug: (_, text) => told.push(text) });
    redis.events$.subscribe((event) => told.push(event));
    const writer = make(server().url);
    const line = firstValueFrom(
      redis.dedicated((connection) => connection.monitor()).pipe(filter((one) => one.includes('hunter2'))),
    );
    while (!(await Promise.race([line.then(() => true), writer.echo('hunter2').then(() => false)])));
    told.push(...seen(redis), ...spans(), await scraped(metrics));
    const said = told.map((message) => (typeof message === 'string' ? message : textOf(message)));
    expect(await line).toContain('hunter2');
    expect(said.some((one) => one.includes('MONITOR'))).toBe(true);
    // The channels tell of the ECHOs of the other client, which show none of their arguments.
    expect(said.filter((one) => one.includes('hunter2'))).toStrictEqual([]);
  });

  it('of a reply stands in an error, where the reply is none that the command may have', async () => {
    const replies: ((text: string) => string)[] = [
      (text) => `+${text}\r\n`,
      (text) => `$${Buffer.byteLength(text)}\r\n${text}\r\n`,
      (text) => `*1\r\n+${text}\r\n`,
      (text) => `*2\r\n+${text}\r\n*1\r\n+${text}\r\n`,
      (text) => `%1\r\n+${text}\r\n*1\r\n+${text}\r\n`,
      (text) => `~1\r\n+${text}\r\n`,
    ];
    let answer = '';
    const scripted = await script(afterHandshake(() => answer));
    const { told, telemetry, spans, metrics } = observed();
    const redis = make({
      url: scripted.url,
      retry: false,
      reconnect: { initialDelay: 1, maxDelay: 1 },
      telemetry,
      debug: (_, text) => told.push(text),
    });
    redis.events$.subscribe((event) => told.push(event));
    const word = secret.map((one) => one.replace(/[^a-zA-Z0-9]/g, ''));
    const drawn = fc.tuple(fc.constantFrom(...Object.values(REVEALED)), fc.constantFrom(...replies), word);
    let failed = 0;
    let emissions = 0;
    await fc.assert(
      fc.asyncProperty(drawn, async ([ask, reply, one]) => {
        answer = reply(one);
        const sent = ask(redis);
        const error = await firstValueFrom(sent).then(
          () => undefined,
          (cause: unknown) => cause,
        );
        if (error !== undefined) failed++;
        const ended = spans();
        const all = [...ended, ...seen(redis), await scraped(metrics), ...told.map((each) => textOf(each))];
        told.length = 0;
        emissions += ended.length;
        expect(all.filter((each) => each.includes(one))).toStrictEqual([]);
        expect(textOf([sent, error])).not.toContain(one);
        expect(textOf(error)).not.toContain(one);
      }),
      { numRuns: 500, endOnFailure: true },
    );
    expect(emissions).toBeGreaterThanOrEqual(500);
    expect(failed).toBeGreaterThan(0);
  });
});
