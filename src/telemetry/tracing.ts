import type { Subscription } from 'rxjs';
import type { Command, CommandSpec } from '../commands/command';
import { isGroup } from '../commands/group';
import type { Happening } from '../commands/happening';
import type { Request } from '../commands/request';
import { statementOf, type Showing } from '../commands/secrets';
import { guarded } from '../connection/guarded';
import type { Peer } from '../connection/socket';
import { RedisError } from '../errors';
import type {
  ResolvedTelemetry,
  TelemetryAttributes,
  TelemetrySpan,
  TelemetrySpanOptions,
  TelemetryTracer,
} from '../options';
import { isFollowing, type FailedAttempt, type Follow, type Follower, type Place } from './following';
import { inject, linksInReply, type StartHandling } from './propagation';
import {
  commandAttributes,
  commandsOf,
  errorAttributes,
  groupAttributes,
  addressAttributes,
  serverAttributes,
  told,
  type Address,
  type Vocabularies,
} from './vocabulary';

/** Numbers of `@opentelemetry/api`, which may not be there. */
const CLIENT = 2;
const CONSUMER = 4;
const ERROR = 2;

/** What a span begins with; one object for all calls of a command on a database. */
interface Start {
  readonly name: string;
  readonly kind: typeof CLIENT;
  readonly attributes: TelemetryAttributes;
}

/** Makes a span of every command of users. It begins when the command is subscribed to, under the active context. */
export class Tracing {
  private readonly starts = new WeakMap<CommandSpec, { readonly database: number; readonly start: Start }>();
  private readonly showing: Showing;
  private readonly waiting = new WeakMap<Place, WaitingSpans>();

  constructor(
    private readonly tracer: TelemetryTracer,
    private readonly options: Pick<ResolvedTelemetry, 'includeArgs' | 'redact' | 'propagate' | 'attributes'>,
    private readonly vocabularies: Vocabularies,
    private readonly address: Address | undefined,
    private readonly isIdle: () => boolean = () => false,
  ) {
    const { includeArgs, redact } = options;
    this.showing = { hidden: '?', values: includeArgs, redact };
  }

  // Hot where a tracer is given: once per command, whether its span is recorded or not.
  readonly follow: Follow = (request, place) => {
    if (this.isIdle()) return undefined;
    const command = told(request.command);
    const start = this.startOf(command, place);
    const span = this.tracer.startSpan(start.name, start);
    if (this.options.propagate) inject(request, span);
    if (span.isRecording()) return this.recorded(span, command, place);
    span.end();
    return undefined;
  };

  /** Does the work on an entry of a stream in a span of its own, which is active in it. */
  readonly handle: StartHandling = (stream, id, links, work) => {
    const attributes = {
      'messaging.system': 'redis',
      'messaging.operation.name': 'process',
      'messaging.operation.type': 'process',
      'messaging.destination.name': stream,
      'messaging.message.id': id,
      ...this.options.attributes,
    };
    const { vocabularies } = this;
    this.inSpan(`process ${stream}`, { kind: CONSUMER, attributes, links }, (span) => {
      const operation = new OperationSpan(span, vocabularies);
      work({
        end: () => operation.end({}),
        fail: (error) => operation.fail(error, {}),
        left: () => operation.end({ 'redis.unsubscribed': true }),
      });
    });
  };

  /** A tracer that makes no span active has the spans of what is done in it beside it. */
  private inSpan(name: string, options: TelemetrySpanOptions, work: (span: TelemetrySpan) => void): void {
    const { tracer } = this;
    if (tracer.startActiveSpan === undefined) work(tracer.startSpan(name, options));
    else tracer.startActiveSpan(name, options, work);
  }

  /** Does an operation that is several commands, one after the other, in a span that is active in it. */
  begin(name: string, attributes: TelemetryAttributes, place: Place, work: (span: OperationSpan) => void): void {
    const { vocabularies } = this;
    const { old, stable } = vocabularies;
    const start = {
      ...this.serverOf(place.database()),
      ...(old && { 'db.operation': name }),
      ...(stable && { 'db.operation.name': name }),
      ...attributes,
    };
    const options = { kind: CLIENT, attributes: start };
    this.inSpan(`redis.${name}`, options, (span) => work(new OperationSpan(span, vocabularies)));
  }

  /** Where an operation was done, if that was not known before. */
  ledTo(server: Address | undefined): TelemetryAttributes {
    return server === undefined || this.address !== undefined ? {} : addressAttributes(this.vocabularies, server);
  }

  private recorded(span: TelemetrySpan, command: Command, place: Place): Follower {
    const { old, stable } = this.vocabularies;
    const statement = statementOf(commandsOf(command), this.showing);
    if (old) span.setAttributes({ 'db.statement': statement });
    if (stable) span.setAttributes({ 'db.query.text': statement });
    const waiting = this.waitingAt(place);
    const isLed = this.address === undefined;
    const follower = new SpanFollower(span, this.vocabularies, command, this.options.propagate, waiting, isLed);
    if (!place.isReady()) follower.queued();
    return follower;
  }

  /** The spans of commands that wait to be written there, which are told of failed attempts at a connection. */
  private waitingAt(place: Place): WaitingSpans {
    let waiting = this.waiting.get(place);
    if (waiting === undefined) this.waiting.set(place, (waiting = new WaitingSpans(place)));
    return waiting;
  }

  private startOf(command: Command, place: Place): Start {
    const database = place.database();
    if (isGroup(command)) return this.groupStart(command.spec, commandsOf(command), database);
    const { spec } = command;
    const known = this.starts.get(spec);
    if (known?.database === database) return known.start;
    const attributes = { ...this.serverOf(database), ...commandAttributes(this.vocabularies, command) };
    const start: Start = { name: nameOf(spec), kind: CLIENT, attributes };
    // What EVALSHA and FCALL call is no fact of theirs.
    if (attributes['redis.script'] === undefined || spec.script !== undefined)
      this.starts.set(spec, { database, start });
    return start;
  }

  private groupStart(spec: CommandSpec, commands: readonly Command[], database: number): Start {
    const attributes = { ...this.serverOf(database), ...groupAttributes(this.vocabularies, spec.name, commands) };
    return { name: nameOf(spec), kind: CLIENT, attributes };
  }

  private serverOf(database: number): TelemetryAttributes {
    return { ...serverAttributes(this.vocabularies, this.address, database), ...this.options.attributes };
  }
}

function nameOf({ name }: CommandSpec): string {
  return `redis.${name}`;
}

/** The spans of commands that wait to be written. Nothing is listened to while there is none. */
class WaitingSpans {
  private readonly followers = new Set<SpanFollower>();
  private listening: Subscription | undefined;

  constructor(private readonly place: Place) {}

  /** @returns whether it did not wait before */
  add(follower: SpanFollower): boolean {
    if (this.followers.has(follower)) return false;
    this.followers.add(follower);
    this.listening ??= this.place.attempts$.subscribe((attempt) => {
      for (const each of this.followers) each.noConnection(attempt);
    });
    return true;
  }

  delete(follower: SpanFollower): void {
    if (!this.followers.delete(follower) || this.followers.size > 0) return;
    this.listening?.unsubscribe();
    this.listening = undefined;
  }
}

/** Follows a request by a span that is recorded. */
class SpanFollower implements Follower {
  /** The link that it was written on last. */
  private link: object | undefined;
  /** It has failed; otherwise it is parts of it that are written to several nodes. */
  private isSentAgain = false;

  constructor(
    private readonly span: TelemetrySpan,
    private readonly vocabularies: Vocabularies,
    private readonly command: Command,
    private readonly links: boolean,
    private readonly waiting: WaitingSpans,
    /** the server is told by where it is sent */
    private readonly isLed: boolean,
  ) {}

  /** There is no connection that can take the command at once. */
  queued(): void {
    if (this.waiting.add(this)) this.span.addEvent('redis.queued');
  }

  /** There is no connection, and another attempt at one follows, while the command waits for it. */
  noConnection({ attempt, delay, error }: FailedAttempt): void {
    guarded(() =>
      this.span.addEvent('redis.reconnecting', {
        'redis.attempt': attempt,
        ...(delay !== undefined && { 'redis.delay': delay / 1000 }),
        ...(error !== undefined && { 'error.type': error.code }),
      }),
    );
  }

  happened(what: Happening): void {
    const { span, waiting } = this;
    if (what.type === 'queued') {
      this.queued();
      return;
    }
    if (what.type !== 'written') {
      const { error, attempt } = what;
      this.isSentAgain = true;
      waiting.add(this);
      span.addEvent(`redis.${what.type}`, { 'redis.attempt': attempt, ...errorAttributes(this.vocabularies, error) });
      return;
    }
    const { link, peer } = what;
    waiting.delete(this);
    if (this.isSentAgain && this.link !== link) span.addEvent('redis.reconnect');
    this.isSentAgain = false;
    // Unless it is sent again, and on the same connection.
    if (this.link !== link && peer !== undefined && this.vocabularies.stable)
      span.setAttributes({ 'network.peer.address': peer.address, 'network.peer.port': peer.port });
    if (this.link !== link && peer !== undefined && this.isLed) {
      const { address: host, port } = peer;
      span.setAttributes(addressAttributes(this.vocabularies, { host, port }));
    }
    this.link = link;
    span.addEvent('redis.written');
  }

  answered(value: unknown): void {
    const { span, command } = this;
    this.waiting.delete(this);
    const errors = isGroup(command) && Array.isArray(value) ? countErrors(value) : 0;
    if (errors > 0) span.setAttributes({ 'redis.pipeline.errors': errors });
    const links = this.links ? linksInReply(commandsOf(command), value, isGroup(command)) : [];
    if (links.length > 0) span.addLinks?.(links);
    span.end();
  }

  failed(error: RedisError): void {
    this.waiting.delete(this);
    endFailed(this.span, this.vocabularies, error);
  }

  left(): void {
    this.waiting.delete(this);
    this.span.setAttributes({ 'redis.unsubscribed': true });
    this.span.end();
  }
}

/** The span of an operation that is several commands. It ends once. */
export class OperationSpan {
  private isOver = false;

  constructor(
    private readonly span: TelemetrySpan,
    private readonly vocabularies: Vocabularies,
  ) {}

  end(attributes: TelemetryAttributes): void {
    if (this.isOver) return;
    this.isOver = true;
    this.span.setAttributes(attributes);
    this.span.end();
  }

  fail(error: unknown, attributes: TelemetryAttributes): void {
    if (this.isOver) return;
    this.isOver = true;
    this.span.setAttributes(attributes);
    if (error instanceof RedisError) endFailed(this.span, this.vocabularies, error);
    else {
      this.span.setAttributes({ 'error.type': error instanceof Error ? error.name : '_OTHER' });
      this.span.setStatus({ code: ERROR });
      this.span.end();
    }
  }
}

function endFailed(span: TelemetrySpan, vocabularies: Vocabularies, error: RedisError): void {
  span.setAttributes(errorAttributes(vocabularies, error));
  span.setStatus({ code: ERROR, message: error.message });
  span.recordException(error);
  span.end();
}

function countErrors(values: readonly unknown[]): number {
  let count = 0;
  for (const value of values) if (value instanceof RedisError) count++;
  return count;
}

/** Told of every write: the requests that stand in it are told in turn. */
export function tellWritten(
  owed: { at(number: number): Request; readonly passed: number; readonly length: number },
  from: number,
  peer: Peer | undefined,
): void {
  if (!isFollowing()) return;
  const end = owed.passed + owed.length;
  const what: Happening = { type: 'written', link: owed, peer };
  for (let number = from; number < end; number++) owed.at(number).happened(what);
}
