import type { Observable } from 'rxjs';
import {
  catchError,
  defer,
  filter,
  first,
  forkJoin,
  from,
  map,
  merge,
  mergeMap,
  of,
  repeat,
  retry,
  take,
  tap,
  throwError,
  throwIfEmpty,
} from 'rxjs';
import { isAnswered } from '../commands/answered';
import { LastValue } from '../commands/awaitable';
import type { Command } from '../commands/command';
import { unwatch } from '../commands/generated/builders';
import { Reply, type ReplySource } from '../commands/reply';
import type { RetryPolicy } from '../commands/request-context';
import { Transaction } from '../commands/transaction';
import { captured, inContext } from '../connection/async-context';
import { backoff } from '../connection/backoff';
import type { Clock } from '../connection/clock';
import type { Connection } from '../connection/connection';
import type { WatchEvent } from '../connection/connection-state';
import type { Endpoint } from '../connection/socket';
import { answerOf } from '../connection/retry';
import { ConnectionError, DisconnectedError, RedisError, ReplyError } from '../errors';
import { wholeNumber } from '../option-checks';
import { kindOf } from '../resp/kind-of';
import { memberOf } from './group-members';
import { groupReply } from './group-reply';
import { readFailFast } from './send-group';
import type { KnownTypes } from './known-types';
import { CONFLICT, ForgottenScript, WatchedKeys, type ReadValues } from './watched-keys';

/** A connection that is lent to a `watch`. */
export interface Lent<D> {
  readonly link: Pick<Connection, 'state$' | 'closedError' | 'wasReady' | 'connect' | 'endpoint'>;
  /** what sends on it */
  readonly source: ReplySource;
  /** what the user's function is given */
  readonly dedicated: D;
}

/** Lends connections to `watch`. */
export interface Lender<D> {
  readonly clock: Clock;
  /** what the keys were that it has watched */
  readonly types: KnownTypes;
  /**
   * what lends connections to the server that has the keys of some commands, where there are several servers
   * @throws TypeError when they are not in one slot
   */
  of?(what: string, commands: readonly Command[], prefix: string): Lender<D>;
  /**
   * Does work on a connection that is its own until it ends, in whatever way.
   * @param watching the user's function is given a connection that refuses what ends the watching
   */
  lend<T>(source: ReplySource, work: (lent: Lent<D>) => Observable<T>, watching: boolean): Observable<T>;
  /** Emits once so many ms have passed, or when nothing is lent any more. */
  pause(delay: number): Observable<unknown>;
  /** Follows one subscription to a `watch`, for telemetry. */
  followed<T>(outcome$: Observable<T>, report: () => WatchReport): Observable<T>;
  /** Tells how a `watch` has ended. */
  tell(event: WatchEvent): void;
}

/** How far a `watch` has come. */
export interface WatchReport {
  /** how many keys are watched */
  readonly keys: number;
  /** how often it was tried */
  readonly attempts: number;
  /** what the user's function gave last */
  readonly commands: readonly Command[];
  /** where it watched last; undefined before it did */
  readonly server: Endpoint | undefined;
}

/** The user's function. */
export type Decide<D> = (watched: ReadValues, connection: D) => unknown;

const OPTIONS = ['attempts', 'read', 'failFast'];
const DEFAULT_ATTEMPTS = 16;

/** Delays between attempts, ms. They are random, so that two clients that met once do not meet again. */
const DELAYS = { initialDelay: 2, factor: 2, maxDelay: 250, jitter: 1, maxAttempts: Infinity };

/** The values of the commands, or null. */
type Outcome = readonly unknown[] | null;

/** The connection was lost, and nothing has run. */
class LostLease {
  constructor(readonly error: RedisError) {}
}

/**
 * What `watch` does with its arguments.
 * @throws TypeError that names what is wrong, before anything is sent
 */
export function watchKeys<D>(
  source: ReplySource,
  ofAll: Lender<D>,
  keys: unknown,
  decide: unknown,
  options: unknown = {},
): LastValue<Outcome> {
  const failFast = readFailFast('watch', options, OPTIONS, 'options were expected behind the function');
  const { attempts = DEFAULT_ATTEMPTS, read } = options as { attempts?: unknown; read?: unknown };
  wholeNumber('attempts', attempts, 1, Infinity);
  const watched = new WatchedKeys(keys, read, source.prefix);
  if (typeof decide !== 'function') throw new TypeError(`watch: a function was expected, got ${kindOf(decide)}`);
  const lender = ofAll.of?.('watch', [watched.command], source.prefix) ?? ofAll;
  const facts = { source, lender, watched, decide: decide as Decide<D>, attempts: attempts as number, failFast };
  return new LastValue(defer(() => new Watch(facts).followed()).pipe(inContext()));
}

/** The server has refused a step for the moment, and nothing has run: it begins anew after so many ms. */
class Refused {
  constructor(
    readonly error: ReplyError,
    readonly delay: number,
  ) {}
}

interface WatchFacts<D> {
  readonly source: ReplySource;
  readonly lender: Lender<D>;
  readonly watched: WatchedKeys;
  readonly decide: Decide<D>;
  readonly attempts: number;
  readonly failFast: boolean;
}

/** One subscription to a `watch`. */
//            ┌──────────── conflict, after a delay ───────────┐
//  lease ──▶ WATCH, reads ──▶ the user's function ──▶ MULTI … EXEC ──▶ values, null after the last attempt
//    ▲       ▲          │           │          │               │
//    │       └──────────│─ refused for the moment, after a delay ┘
//    │                  │           │          └─ null ──▶ UNWATCH ──▶ null
//    └─ lost, before EXEC was written ─┘
class Watch<D> {
  private attempts = 0;
  private commands: readonly Command[] = [];
  private left = false;
  private refusals = 0;
  private link: Lent<D>['link'] | undefined;
  /** How long the options want to wait after a refusal, ms. */
  private readonly delays = new WeakMap<RedisError, number>();
  private readonly began: number;
  /** That in which its span is active, where there is one. */
  private inCallersContext = captured();

  constructor(private readonly facts: WatchFacts<D>) {
    this.began = facts.lender.clock.now();
  }

  followed(): Observable<Outcome> {
    return this.facts.lender.followed(this.run(), () => this.report);
  }

  private get report(): WatchReport {
    const { attempts, commands, link } = this;
    return { keys: this.facts.watched.count, attempts, commands, server: link?.endpoint };
  }

  private run(): Observable<Outcome> {
    const { source, lender } = this.facts;
    const attempt$ = lender
      .lend(source, (lent) => this.on(lent), true)
      .pipe(
        retry({ delay: (error: unknown) => this.afterLoss(error) }),
        tap({
          next: (values) => this.tell(this.left ? 'left' : values === null ? 'conflict' : 'executed'),
          error: () => this.tell('failed'),
        }),
      );
    return defer(() => {
      this.inCallersContext = captured();
      return attempt$;
    });
  }

  /** Tries on one connection until there is an outcome. */
  private on(lent: Lent<D>): Observable<Outcome> {
    this.link = lent.link;
    const asking = { ...lent, source: { ...lent.source, retry: this.noteRefusal } };
    return defer(() => this.attempt(asking)).pipe(
      retry({ delay: (error: unknown) => this.afterRefusal(lent, error) }),
      repeat({ delay: () => merge(ending(lent), this.pause()).pipe(take(1)) }),
      first((outcome): outcome is Outcome => outcome !== CONFLICT),
    );
  }

  private attempt(lent: Lent<D>): Observable<Outcome | typeof CONFLICT> {
    this.attempts++;
    const { watched, attempts, lender } = this.facts;
    const { source } = lent;
    const read$ = forkJoin([watched.watch(source), watched.read(source, lender.types)]).pipe(
      map(([, values]) => values),
      catchError((error: unknown) =>
        throwError(() => (isLoss(error) && lent.link.wasReady ? new LostLease(error) : this.refusedOr(error))),
      ),
    );
    const outcome$ = read$.pipe(
      mergeMap((values) => {
        if (values === CONFLICT) return of(CONFLICT);
        return this.ask(lent, values).pipe(mergeMap((commands) => this.execute(lent, commands)));
      }),
    );
    return outcome$.pipe(map((outcome) => (outcome === CONFLICT && this.attempts >= attempts ? null : outcome)));
  }

  /**
   * What the user's function gives; nothing is waited for when the connection ends meanwhile. That is told before replies fail that are
   * lost with it, so the function's own reads do not hide it.
   */
  private ask(lent: Lent<D>, values: ReadValues): Observable<readonly unknown[] | null> {
    const { decide } = this.facts;
    const commands$ = defer(() => this.inCallersContext(() => commandsFrom(decide(values, lent.dedicated)))).pipe(
      take(1),
      throwIfEmpty(
        () => new TypeError(`watch: the function's Observable has completed without a value, and ${WANTED}`),
      ),
      map(checked),
    );
    return merge(ending(lent), commands$).pipe(take(1));
  }

  private execute(lent: Lent<D>, given: readonly unknown[] | null): Observable<Outcome | typeof CONFLICT> {
    const { failFast, lender, watched } = this.facts;
    const { source } = lent;
    if (given === null) return this.leave(lent, of(null));
    const commands = given.map((one, index) =>
      memberOf(one, index, 'multi', source.prefix, `watch: command ${index + 1}`),
    );
    lender.of?.("The transaction of a 'watch'", [watched.command, ...commands], source.prefix);
    this.commands = commands;
    const values$ = groupReply(source, source.executor, commands, failFast, (...given) => new Transaction(...given));
    if (commands.every(isAnswered)) return this.leave(lent, values$);
    return values$.pipe(
      map((values) => values ?? CONFLICT),
      catchError((error: unknown) =>
        throwError(() => (isLoss(error) && error.delivery === 'unsent' ? new LostLease(error) : this.refusedOr(error))),
      ),
    );
  }

  /** Nothing is to run. Whether UNWATCH was answered makes no difference to that. */
  private leave(lent: Lent<D>, outcome$: Observable<Outcome>): Observable<Outcome> {
    this.left = true;
    return Reply.from(lent.source, unwatch()).pipe(
      catchError(() => of('OK')),
      mergeMap(() => outcome$),
    );
  }

  /** When it begins again on another connection; errors where it does not. */
  private afterLoss(error: unknown): Observable<unknown> {
    if (!(error instanceof LostLease)) return throwError(() => error);
    return this.mayTryAgain(0) ? this.pause() : throwError(() => error.error);
  }

  /** On a lease nothing is repeated: a transaction that was refused is not watched any more. Its refusal is asked about all the same. */
  private readonly noteRefusal: RetryPolicy = (_attempt, error, command) => {
    const delay = answerOf(() => this.facts.source.retry(this.refusals + 1, error, command));
    if (delay !== false) this.delays.set(error, delay);
    return false;
  };

  private refusedOr(error: unknown): unknown {
    if (error instanceof ForgottenScript) return new Refused(error.error, 0);
    if (!(error instanceof ReplyError) || !error.repeatable) return error;
    const delay = this.delays.get(error);
    return delay === undefined ? error : new Refused(error, delay);
  }

  /** When it begins anew on the same connection; errors where it does not. */
  private afterRefusal({ link }: Lent<D>, error: unknown): Observable<unknown> {
    if (!(error instanceof Refused)) return throwError(() => error);
    if (!this.mayTryAgain(error.delay)) return throwError(() => error.error);
    this.refusals++;
    return merge(ending({ link }), this.facts.lender.pause(error.delay)).pipe(take(1));
  }

  private mayTryAgain(delay: number): boolean {
    const { attempts, lender, source } = this.facts;
    return this.attempts < attempts && lender.clock.now() + delay - this.began < source.commandTimeout;
  }

  private pause(): Observable<unknown> {
    return this.facts.lender.pause(backoff(DELAYS, this.attempts));
  }

  private tell(outcome: WatchEvent['outcome']): void {
    const { lender, watched } = this.facts;
    const { attempts } = this;
    lender.tell({ connection: 'dedicated', type: 'watch', keys: watched.count, attempts, outcome });
  }
}

/** Errors when the connection is lost, or closed by the user. */
function ending({ link }: Pick<Lent<unknown>, 'link'>): Observable<never> {
  return link.state$.pipe(
    filter(({ kind }) => kind === 'closed'),
    mergeMap((state) => {
      const lost = state.kind === 'closed' ? state.error : undefined;
      return throwError(() => (lost === undefined ? link.closedError() : new LostLease(lost)));
    }),
  );
}

/** Whether an error says that a connection was lost, and not that the client was closed. */
function isLoss(error: unknown): error is RedisError {
  if (error instanceof DisconnectedError) return error.cause instanceof RedisError;
  return error instanceof ConnectionError;
}

const WANTED = 'commands in an array were expected, or null, which leaves everything as it is';

function commandsFrom(given: unknown): Observable<unknown> {
  const { then, subscribe } = (given ?? {}) as { then?: unknown; subscribe?: unknown };
  if (typeof subscribe === 'function' || typeof then === 'function') return from(given as PromiseLike<unknown>);
  return of(given);
}

function checked(given: unknown): readonly unknown[] | null {
  if (given === null || Array.isArray(given)) return given;
  throw new TypeError(`watch: the function gave ${kindOf(given)}, and ${WANTED}`);
}
