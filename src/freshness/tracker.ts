import { EMPTY, Subscription, catchError, ignoreElements, tap, throwError, type Observable } from 'rxjs';
import type { Arg, Command } from '../commands/command';
import { clientCaching, clientTracking } from '../commands/generated/connection';
import { toReplyError } from '../commands/reply-error';
import { inBackground } from '../connection/clock';
import type { Connection } from '../connection/connection';
import type { Resident, Send } from '../connection/resident';
import { ConfigurationError, ReplyError, type RedisError } from '../errors';
import type { ErrorFrame, Push } from '../resp/frames';
import { nameOf } from './names';

/** What the server remembers: what was read, what was read on request, or nothing: then it tells of all keys with these prefixes. */
export interface TrackingMode {
  readonly kind: 'default' | 'optin' | 'broadcast';
  /** of the keys that a broadcast is about; none for all keys */
  readonly prefixes: readonly (string | Uint8Array)[];
}

/** What is told of invalidations. Names are those of `nameOf`. */
export interface Tracked {
  invalidated(name: string): void;
  /** every key may have changed, or the server may have forgotten what was read */
  allInvalidated(): void;
  /** the link is lost, and tracking with it */
  lost(): void;
  /**
   * the server tracks from now on
   * @param isNewLink nothing else was written on it yet, so all that is read is tracked
   */
  started(isNewLink: boolean): void;
  /** the server does not track on this link */
  refused(error: RedisError): void;
}

/** How long the server goes on tracking when nothing wants it any more, ms. */
const LINGER = 1_000;
/** A server that refuses for the moment is asked again after so long, ms. */
const REFUSED_FOR = 100;

type State =
  | { readonly kind: 'off' }
  /** CLIENT TRACKING is on its way: what is written behind it is tracked, unless it is refused */
  | { readonly kind: 'asked' }
  | { readonly kind: 'on' }
  | { readonly kind: 'refused'; readonly error: RedisError };

/**
 * Client tracking on one connection: CLIENT TRACKING, restored on every link before anything is read, and the invalidations that it brings.
 * Nothing is asked for before something wants it.
 */
//  off ──wanted──▶ asked ──OK──▶ on ──unwanted, after a while──▶ off
//   ▲                └──refused──▶ refused
//   └──────────── the link is lost ─────┴───────────┘
export class Tracker implements Resident {
  private state: State = { kind: 'off' };
  private readonly users: Tracked[] = [];
  /** How many want it. */
  private holders = 0;
  /** How many wait for pushes: a silent link is probed for them, and a lost one is made again soon. */
  private watchers = 0;
  private leaving = Subscription.EMPTY;

  /** @param isUsers whether the user's own CLIENT TRACKING was sent on this link, by `onConnect` */
  constructor(
    private readonly connection: Connection,
    readonly mode: TrackingMode,
    private readonly isUsers: () => boolean,
  ) {
    connection.line.residents.add(this);
    // What comes behind another database, or another user, is read anew.
    connection.line.sessionCommands$.subscribe(({ spec: { effect } }) => {
      if (effect === 'database' || effect === 'user') this.tell((user) => user.allInvalidated());
    });
    connection.state$.subscribe(({ kind }) => {
      if (kind === 'ready' && this.holders > 0 && this.state.kind === 'off') this.begin();
    });
  }

  /** The server tracks what is read now, or will have been asked to before it reads it. */
  get isActive(): boolean {
    return this.state.kind === 'on' || this.state.kind === 'asked';
  }

  /** Every read that was answered since `started` was tracked. */
  get isOn(): boolean {
    return this.state.kind === 'on';
  }

  get isOptIn(): boolean {
    return this.mode.kind === 'optin';
  }

  /** Why the server does not track on this link. */
  get refusal(): RedisError | undefined {
    return this.state.kind === 'refused' ? this.state.error : undefined;
  }

  get listening(): boolean {
    return this.watchers > 0;
  }

  /** Tells a user of invalidations from now on. */
  tells(user: Tracked): void {
    this.users.push(user);
  }

  /**
   * Has the server track until what this returns is unsubscribed from, and a while longer.
   * @param watches it waits for changes
   */
  hold(watches: boolean): Subscription {
    this.holders++;
    if (watches) this.watchers++;
    this.leaving.unsubscribe();
    if (this.state.kind === 'off' && this.connection.line.link?.isOpen === true) this.begin();
    return new Subscription(() => {
      if (watches) this.watchers--;
      if (--this.holders === 0) this.leaveLater();
    });
  }

  restore(send: Send, protocol: 2 | 3): Observable<unknown> {
    return this.holders === 0 ? EMPTY : this.ask(send, protocol, true);
  }

  lost(): void {
    this.state = { kind: 'off' };
    this.leaving.unsubscribe();
    this.tell((user) => user.lost());
  }

  receive({ kind, items }: Push): void {
    if (kind !== 'invalidate' || !this.isActive) return;
    const keys = items[1];
    if (!Array.isArray(keys)) this.tell((user) => user.allInvalidated());
    else for (const key of keys) this.tell((user) => user.invalidated(nameOf(key as Arg)));
  }

  /** Asks for it on a link that is open. */
  private begin(): void {
    const { line, state$, clock } = this.connection;
    const state = state$.value;
    if (state.kind !== 'ready') return; // it is asked for when the link is restored
    const again = () => this.state.kind === 'off' && this.holders > 0 && this.begin();
    this.ask((command) => line.sendAhead(command), state.protocol, false).subscribe({
      error: (error: unknown) => {
        // A loss is told by itself.
        if (this.state.kind !== 'asked' || !(error instanceof ReplyError)) return;
        this.state = { kind: 'off' };
        clock.schedule(again, REFUSED_FOR);
      },
    });
  }

  private ask(send: Send, protocol: 2 | 3, isNewLink: boolean): Observable<unknown> {
    const impossible = this.obstacle(protocol);
    if (impossible !== undefined) {
      this.refuse(impossible);
      return EMPTY;
    }
    const asked: State = (this.state = { kind: 'asked' });
    return send(this.command()).pipe(
      tap(() => {
        if (this.state !== asked) return;
        this.state = { kind: 'on' };
        this.tell((user) => user.started(isNewLink));
      }),
      ignoreElements(),
      catchError((error: unknown) => {
        if (!(error instanceof ReplyError) || error.repeatable || this.state !== asked) return throwError(() => error);
        this.refuse(
          new ConfigurationError(`The server refuses client tracking: ${error.message}`, {
            cause: error,
            delivery: 'answered',
          }),
        );
        return EMPTY;
      }),
    );
  }

  private obstacle(protocol: 2 | 3): ConfigurationError | undefined {
    if (protocol === 2)
      return new ConfigurationError(
        'Client tracking needs RESP3, and the connection speaks RESP2: its option protocol says so, or the server',
      );
    if (this.isUsers())
      return new ConfigurationError(
        "The option 'onConnect' sends CLIENT TRACKING, and the client needs its own: leave one of them out",
      );
    return undefined;
  }

  private command(): Command {
    const { mode } = this;
    if (mode.kind === 'default') return clientTracking('ON');
    if (mode.kind === 'optin') return clientTracking('ON', { OPTIN: true });
    const { prefixes } = mode;
    return clientTracking('ON', { BCAST: true, ...(prefixes.length > 0 && { PREFIX: prefixes }) });
  }

  /** The server tracks, and does not take CLIENT CACHING, without which nothing is tracked where that is opt-in. */
  refusedCaching(frame: ErrorFrame): void {
    if (this.state.kind !== 'on' || !frame.text.startsWith('NOPERM')) return;
    this.refuse(
      new ConfigurationError(`The server refuses CLIENT CACHING: ${frame.text}`, {
        cause: toReplyError(frame, clientCaching('YES')),
        delivery: 'answered',
      }),
    );
  }

  private refuse(error: RedisError): void {
    this.state = { kind: 'refused', error };
    this.tell((user) => user.refused(error));
  }

  /** Nothing wants it any more. */
  private leaveLater(): void {
    const { connection } = this;
    if (this.state.kind === 'off') return;
    this.leaving = inBackground(connection.clock.schedule(() => this.leave(), LINGER));
  }

  private leave(): void {
    if (this.holders > 0) return;
    const { line } = this.connection;
    const wasOn = this.state.kind === 'on';
    this.state = { kind: 'off' };
    if (wasOn && line.link?.isOpen === true)
      line.sendAhead(clientTracking('OFF')).subscribe({ error: () => undefined });
  }

  private tell(what: (user: Tracked) => void): void {
    for (const user of this.users) what(user);
  }
}
