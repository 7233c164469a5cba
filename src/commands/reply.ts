import type { Observable, Subscriber } from 'rxjs';
import type { RedisError } from '../errors';
import { Awaitable } from './awaitable';
import { withCallSite } from './call-sites';
import { Command } from './command';
import { defineSpec } from './define-spec';
import { OwnKeys } from './own-keys';
import { applyPrefix } from './prefix';
import { Request, type ReplyObserver } from './request';
import { plainContext, type Executor, type RequestContext } from './request-context';
import { watched } from './unused-replies';

/** Where a reply's command goes and how it is read: the surface that it was called on. */
export interface ReplySource extends RequestContext {
  readonly executor: Executor;
  /** told of the errors of replies that are forgotten */
  readonly report?: (error: RedisError) => void;
  /** a reply that is never used is to be told by a process warning */
  readonly warnUnused?: boolean;
  /** the errors of replies have the stack of the call */
  readonly callSites?: boolean;
  /** there is neither a prefix nor one of these two: replies are made as quickly as can be */
  readonly plain?: boolean;
}

/**
 * The reply to a command: a cold Observable of one value that sends the command when it is subscribed to, once per subscription.
 *
 * It is a Promise as well: the first `await` sends, later ones get the same outcome. A reply that is neither subscribed to, awaited
 * nor forgotten sends nothing. Errors with a RedisError.
 *
 * @example
 * const name = await redis.get('name');
 * redis.get('visits').pipe(map(Number)).subscribe(console.log);
 * redis.incr('visits').forget();
 */
export class Reply<T> extends Awaitable<T> {
  private promise: Promise<T> | undefined;

  private constructor(
    /** @internal */ readonly surface: ReplySource,
    readonly command: Command<T>,
  ) {
    super(send);
    this.promise = undefined;
  }

  // Hot: once per command.
  /** @internal The reply to a command, with the prefix of the surface that it is called on. */
  static from<T>(this: void, source: ReplySource, command: Command<T>): Reply<T> {
    return source.plain === true ? new Reply(source, command) : Reply.withExtras(source, command);
  }

  /** @internal */
  private static withExtras<T>(surface: ReplySource, command: Command<T>): Reply<T> {
    const { prefix, warnUnused = false, callSites = false } = surface;
    const source = callSites ? withCallSite(surface, Reply.from) : surface;
    if (prefix !== '') return Reply.withPrefix(source, command);
    if (!warnUnused) return new Reply(source, command);
    return Reply.withWatch(source, command);
  }

  private static withPrefix<T>(source: ReplySource, command: Command<T>): Reply<T> {
    const surface = command.spec.anyKey === true ? { ...source, executor: new OwnKeys(source.executor) } : source;
    const prefixed = applyPrefix(command, source.prefix);
    return source.warnUnused === true ? Reply.withWatch(surface, prefixed) : new Reply(surface, prefixed);
  }

  private static withWatch<T>(source: ReplySource, command: Command<T>): Reply<T> {
    const { surface, keepWatch } = watched(source, command.spec.name, Reply.from);
    return keepWatch(new Reply(surface, command));
  }

  /** @internal The reply to a command that brings it along: nothing is sent. */
  static answered<T>(command: Command<T>): Reply<T> {
    return new Reply(answeredHere, command);
  }

  /**
   * A reply that has this value, for tests of code that takes replies: nothing is sent anywhere.
   * @example
   * const redis = { get: () => Reply.of('value') };
   */
  static of<T>(value: T): Reply<T> {
    const source = settledBy((request) => request.settle(null));
    return new Reply(source, new Command(MADE_UP, [], () => value));
  }

  /**
   * A reply that fails with this error, for tests of code that takes replies: nothing is sent anywhere.
   * @example
   * const redis = { get: () => Reply.fail(new ReplyError('WRONGTYPE Operation against a key', 'WRONGTYPE')) };
   */
  static fail(error: Error): Reply<never> {
    const source = settledBy((request) => request.fail(error as RedisError));
    return new Reply<never>(source, new Command<never>(MADE_UP, [], () => undefined as never));
  }

  /**
   * Sends the command now and wants no value: fire and forget. An error is told on the client's `events$` as an event of the type
   * `error`; its `command` says which it was. Nothing is told once the client is closed, because `events$` is complete then.
   * @example
   * redis.incr('visits').forget();
   */
  forget(): void {
    this.subscribe({ error: this.surface.report ?? ignore });
  }

  override get [Symbol.toStringTag](): string {
    return 'Reply';
  }

  /** What a log shows of it: no argument, because some are secrets. */
  toJSON(): { command: string } {
    return { command: this.command.spec.name };
  }

  /** @internal */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `Reply <${this.command.spec.name}>`;
  }

  /** @internal */
  protected outcome(): Promise<T> {
    return (this.promise ??= sendOnce(this));
  }
}

/**
 * The observer of a reply that is awaited; it is closed once the outcome is known.
 *
 * It keeps `resolve` alone: a Promise's `reject` is 64 bytes that nearly no command needs, and `resolve` can do its work.
 */
export class AwaitedReply<T> implements ReplyObserver<T> {
  constructor(private resolve: Resolve<T>) {}

  get closed(): boolean {
    return this.resolve === settled;
  }

  // Hot: once per awaited reply.
  next(value: T): void {
    this.resolve(value);
    this.resolve = settled;
  }

  error(error: RedisError): void {
    this.resolve(Promise.reject(error));
    this.resolve = settled;
  }

  /** Without a value when the user asked the server not to answer. */
  complete(): void {
    this.resolve(undefined as T);
  }

  /** What is awaited cannot be left. */
  add(): void {
    // so there is nothing to note
  }
}

function settled(): void {
  // a later outcome changes nothing
}

const answeredHere: ReplySource = { ...plainContext, executor: { submit: (request) => request.settle(null) } };

function sendOnce<T>({ surface, command }: Reply<T>): Promise<T> {
  const promise = new Promise<T>(takeResolve);
  const observer = new AwaitedReply(taken as Resolve<T>);
  // It would keep what the reply brings.
  taken = settled;
  surface.executor.submit(new Request(command, surface, observer));
  return promise;
}

type Resolve<T> = (value: T | Promise<never>) => void;

/** The `resolve` of the Promise that was made last. A function that all Promises share takes it: a closure for each is 64 bytes. */
let taken: Resolve<never> = settled;

function takeResolve(resolve: Resolve<never>): void {
  taken = resolve;
}

/** Shared by all replies: what `subscribe` does costs no closure per command. */
function send<T>(this: Observable<T>, subscriber: Subscriber<T>): void {
  const { surface, command } = this as Reply<T>;
  surface.executor.submit(new Request(command, surface, subscriber));
}

function ignore(): void {
  // A reply of `Reply.fail` has no client that could tell of it.
}

/** What the replies of `Reply.of` and `Reply.fail` answer. */
const MADE_UP = defineSpec('MADE UP', {});

function settledBy(settle: Executor['submit']): ReplySource {
  return { ...plainContext, executor: { submit: settle } };
}
