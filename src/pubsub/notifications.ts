import type { Observable } from 'rxjs';
import { EMPTY, catchError, defer, map, of, shareReplay, switchMap, tap, throwError } from 'rxjs';
import type { Command } from '../commands/command';
import { configGet, configSet } from '../commands/generated/server';
import type { Connection } from '../connection/connection';
import { ConfigurationError, ReplyError, type RedisError } from '../errors';
import { missingFlags } from './notification-flags';

const SETTING = 'notify-keyspace-events';

/** Others may change the setting between reading and writing it; so often it is tried. */
const ATTEMPTS = 5;

/** What keyspace events need of a server. */
export interface Needs {
  /** their names; undefined for all that the server tells of */
  readonly events: readonly string[] | undefined;
  /** the server is set up for them */
  readonly configure: boolean;
}

/** The connection that asks, or what stands for several. */
export interface Asked extends Pick<Connection, 'closed' | 'events$'> {
  readonly line: { readonly link: unknown };
}

/** Whether the server tells of keyspace events; asked once per connection, however many want to know. */
export class Notifications {
  /** What the server has said, and on which link; on none while it is being asked. */
  private asked: { readonly flags$: Observable<string | undefined>; link: unknown; isOver: boolean } | undefined;

  constructor(
    private readonly connection: Asked,
    private readonly send: <T>(command: Command<T>) => Observable<T>,
  ) {}

  /**
   * Emits once the server tells of the events: whether it had to be told to. Where it does not say what it tells of, because the user may
   * not ask, `events$` of the client says so, and the answer is taken for yes.
   * @param anew what was known may be out of date
   */
  ensure(needs: Needs, anew: boolean): Observable<boolean> {
    return defer(() => this.flags(anew)).pipe(
      switchMap((flags) => {
        const missing = flags === undefined ? '' : missingFlags(flags, needs.events);
        if (flags === undefined && needs.configure) return this.add(needs, ATTEMPTS);
        if (missing === '') return of(false);
        this.asked = undefined; // it may be set up by then
        return needs.configure ? this.add(needs, ATTEMPTS) : throwError(() => notSent(flags!, missing));
      }),
    );
  }

  private add(needs: Needs, attempts: number): Observable<boolean> {
    return this.read().pipe(
      switchMap((flags) => {
        const missing = missingFlags(flags, needs.events);
        if (missing === '') return of(true);
        if (attempts === 0) return throwError(() => notSent(flags, missing));
        return this.send(configSet(SETTING, flags + missing)).pipe(switchMap(() => this.add(needs, attempts - 1)));
      }),
    );
  }

  private read(): Observable<string> {
    return this.send(configGet(SETTING)).pipe(map((settings) => settings[SETTING] ?? ''));
  }

  private flags(anew: boolean): Observable<string | undefined> {
    const { asked } = this;
    const { link } = this.connection.line;
    if (asked !== undefined && (!asked.isOver || (!anew && link !== undefined && asked.link === link)))
      return asked.flags$;
    const flags$ = this.read().pipe(
      catchError((error: RedisError) => {
        if (this.connection.closed) return EMPTY;
        if (!(error instanceof ReplyError)) this.asked = undefined;
        this.tell(error);
        return of(undefined);
      }),
      tap(() => {
        own.isOver = true;
        own.link = this.connection.line.link;
      }),
      shareReplay(1),
    );
    const own = { flags$, link: undefined as unknown, isOver: false };
    this.asked = own;
    return flags$;
  }

  private tell(cause: RedisError): void {
    const error = new ConfigurationError(
      `It is not known whether the server tells of keyspace events: ${cause.message}`,
      {
        cause,
      },
    );
    this.connection.events$.next({ connection: 'commands', type: 'error', error });
  }
}

function notSent(flags: string, missing: string): ConfigurationError {
  const has = flags === '' ? 'is empty' : `is '${flags}'`;
  return new ConfigurationError(
    `The server does not tell of these keyspace events: its ${SETTING} ${has} and lacks '${missing}'. Set it, or give the option configure: true`,
  );
}
