import { EMPTY, Subject, catchError, defer, from, ignoreElements, of, take, type Observable } from 'rxjs';
import type { Command } from '../commands/command';
import { asksOfItsConnection } from '../commands/reply-error';
import type { Request } from '../commands/request';
import type { Executor } from '../commands/request-context';
import type { Clock } from '../connection/clock';
import type { Connection } from '../connection/connection';
import type { Wrap } from '../connection/wrapping';
import { factsOf } from '../connection/failures';
import { Renewal } from '../connection/renewal';
import { ConnectionError, DisconnectedError, ProtocolError, TimeoutError, type RedisError } from '../errors';
import type { Frame } from '../resp/frames';
import { BlockingCall, type AfterCall, type CallOwner } from './blocking-call';
import type { LeasePool } from './lease-pool';
import { putBack } from './undelivered';
import type { Control } from './unblocking';
import { noneFreeInTime } from './waiting-commands';

/** What commands that wait at the server are sent with. */
export interface BlockingParts {
  /** where a connection for a request comes from; throws when none is lent */
  readonly pool: (request: Request) => LeasePool;
  /** what tells the server of a connection to end a wait, where that is not `control` */
  readonly controlOf?: (connection: Connection) => Control;
  /** whether a request goes on at another server because of an error: after so many ms, or, where undefined, not */
  readonly reroutes?: (request: Request, error: RedisError) => number | undefined;
  /** whether an error says that the keys are at another server, so that it is not sent to the same one again; default never */
  readonly followsKeys?: (error: RedisError) => boolean;
  readonly clock: Clock;
  readonly control: Control;
  /** each connection may lead to another server, so none can end what waits on another; default false */
  readonly areSpread?: boolean;
  /** what sends on a connection */
  readonly executorOf: (connection: Connection) => Executor;
  /** wraps what users send by it */
  readonly wrap: Wrap;
  /** nothing is sent any more */
  readonly isClosed: () => boolean;
  /** the error of what is not sent for that reason */
  readonly closedError: (request: Request) => RedisError;
  /** what is closed then, for people: the client, the pool */
  readonly what: string;
  /** how long the end of a wait at the server may take, ms */
  readonly longestEnd: number;
  /** what is waited for while all connections are in use, for people */
  readonly waitsFor: string;
  /** told of what was taken and could not be put back */
  readonly tell: (error: RedisError) => void;
}

/** Sends commands that wait at the server, each on a connection of its own, so that nothing else waits with them. */
export class BlockingExecutor implements CallOwner {
  readonly pool: (request: Request) => LeasePool;
  readonly clock: Clock;
  readonly control: Control;
  readonly longestEnd: number;
  private readonly calls = new Set<BlockingCall>();
  private readonly executors = new WeakMap<Connection, Executor>();
  /** How many things that were taken are on their way back. */
  private returning = 0;
  private hasEnded = false;
  private readonly done$ = new Subject<undefined>();

  constructor(private readonly parts: BlockingParts) {
    this.pool = parts.pool;
    this.clock = parts.clock;
    this.control = parts.control;
    this.longestEnd = parts.longestEnd;
  }

  /**
   * @param command the command as its caller gave it, without the prefix
   * @param after what is to be done once it is over, also where its observer has left; the end of the client waits for that
   */
  carrying(command: Command, after?: AfterCall): Executor {
    return this.parts.wrap({ submit: (request) => this.submit(request, command, after) });
  }

  private submit(request: Request, command: Command, after: AfterCall | undefined): void {
    if (this.hasEnded || this.parts.isClosed()) {
      after?.(this.control, true);
      request.fail(this.parts.closedError(request));
      return;
    }
    this.control.open();
    const call = new BlockingCall(request, command, this, after);
    this.calls.add(call);
    call.begin();
  }

  /**
   * Sends nothing more, and ends what waits at the server: there the command gets what came before that, and otherwise fails. Emits once
   * nothing waits there any more, and what nothing wanted is put back.
   */
  end(): Observable<unknown> {
    this.stop();
    return this.isDone ? of(undefined) : this.done$.pipe(take(1));
  }

  /** Sends nothing more: what is lost is not sent again. */
  stop(): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    for (const call of [...this.calls]) call.end(this.parts.closedError);
  }

  /** Something waits at the server, or is on its way back to it. */
  get isDone(): boolean {
    return this.calls.size === 0 && this.returning === 0;
  }

  /** How many commands wait at the server, or for a connection to do so. */
  get waiting(): number {
    return this.calls.size;
  }

  /** The one that was called first, and when, on the clock, ms. */
  get oldest(): Pick<BlockingCall, 'request' | 'since' | 'isWaiting'> | undefined {
    for (const call of this.calls) return call;
    return undefined;
  }

  /** The connection is that of a command that is being ended. */
  isEnding(connection: Connection): boolean {
    for (const call of this.calls) if (call.endsOn(connection)) return true;
    return false;
  }

  controlOf(connection: Connection): Control {
    return this.parts.controlOf?.(connection) ?? this.control;
  }

  reroutes(request: Request, error: RedisError): number | undefined {
    const { reroutes = goesAlong } = this.parts;
    return this.hasEnded ? undefined : reroutes(request, error);
  }

  followsKeys(error: RedisError): boolean {
    return this.parts.followsKeys?.(error) ?? false;
  }

  get moves(): boolean {
    return !this.hasEnded;
  }

  get areSpread(): boolean {
    return this.parts.areSpread ?? false;
  }

  executorOf(connection: Connection): Executor {
    let executor = this.executors.get(connection);
    if (executor === undefined) this.executors.set(connection, (executor = this.parts.executorOf(connection)));
    return executor;
  }

  over(call: BlockingCall): void {
    this.calls.delete(call);
    const next$ = call.after?.(this.control, call.isCertain);
    if (next$ === undefined) {
      this.tellIfDone();
      return;
    }
    this.returning++;
    const done = (): void => {
      this.returning--;
      this.tellIfDone();
    };
    next$.subscribe({ error: done, complete: done });
  }

  private tellIfDone(): void {
    if (this.hasEnded && this.isDone) this.done$.next(undefined);
  }

  undelivered(call: BlockingCall, frame: Frame): void {
    this.returning++;
    const { name } = call.request.command.spec;
    this.returned(call, frame)
      .pipe(
        ignoreElements(),
        catchError((cause: unknown) => {
          this.parts.tell(notReturned(name, cause));
          return EMPTY;
        }),
      )
      .subscribe({
        complete: () => {
          this.returning--;
          this.tellIfDone();
        },
      });
  }

  private returned(call: BlockingCall, frame: Frame): Observable<unknown> {
    const { command, context } = call.request;
    const { onUndelivered } = context;
    if (onUndelivered === undefined) {
      return defer(() => {
        const back = putBack(command, frame);
        return back === undefined ? EMPTY : this.control.send(back);
      });
    }
    return defer(() => {
      const value = command.read(call.asRead(frame), context);
      return from(onUndelivered(value, call.asCalled) ?? EMPTY);
    });
  }

  withoutLease(request: Request, error: RedisError): RedisError {
    if (this.hasEnded || this.parts.isClosed()) return this.parts.closedError(request);
    const facts = factsOf(request, undefined, error);
    const message = `${facts.command} was not sent: ${error.message}`;
    return error instanceof DisconnectedError
      ? new DisconnectedError(message, { ...facts, repeatable: false })
      : new TimeoutError(message, facts);
  }

  tooLateForLease(request: Request, pool: LeasePool): RedisError {
    return noneFreeInTime(request, this.parts.waitsFor, pool);
  }

  closedMeanwhile(request: Request, hasTaken: 'nothing' | 'perhaps'): RedisError {
    const { name } = request.command.spec;
    const hasNothing = hasTaken === 'nothing';
    const fate = hasNothing ? 'was ended and has taken nothing' : 'was sent and may have run';
    return new DisconnectedError(`${name} ${fate}: ${this.parts.what} is closed`, {
      command: name,
      delivery: hasNothing ? 'answered' : 'unknown',
      repeatable: false,
    });
  }
}

/** What a command has taken is lost, and this says so. */
function notReturned(name: string, cause: unknown): RedisError {
  const why = cause instanceof Error ? cause.message : String(cause);
  const message = `What ${name} took when nothing wanted it any more could not be handed on: ${why}`;
  return new ProtocolError(message, { command: name, cause, delivery: 'answered', repeatable: false });
}

/**
 * What waits goes on at the server that its connection was left for, as after a failover. What the old master has handed out meanwhile is not
 * asked back: that does not count any more.
 */
function goesAlong({ command }: Request, { cause }: RedisError): number | undefined {
  const isLeft = cause instanceof Renewal && cause.cause instanceof ConnectionError;
  return isLeft && !asksOfItsConnection(command) ? 0 : undefined;
}
