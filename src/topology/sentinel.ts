import {
  Observable,
  Subscription,
  catchError,
  defer,
  filter,
  finalize,
  forkJoin,
  map,
  of,
  share,
  switchMap,
  take,
  tap,
  throwError,
  timeout,
} from 'rxjs';
import type { Command } from '../commands/command';
import { knownCall } from '../commands/known-commands';
import { inBackground, patient, type Clock } from '../connection/clock';
import type { Connection } from '../connection/connection';
import type { Resident, Send } from '../connection/resident';
import { AuthenticationError, ConnectionError, ReplyError, TimeoutError, type RedisError } from '../errors';
import { nameOf, type ServerAddress, type Translate } from '../options/addresses';
import { ErrorFrame, type Frame, type Push } from '../resp/frames';
import { readAddress } from './address';
import {
  CHANNELS,
  readEvent,
  readKnowledge,
  type Knowledge,
  type ReadAddress,
  type SentinelEvent,
} from './sentinel-replies';

/** How often a sentinel is asked that tells what happens, and one that does not, ms. */
const POLL = 10_000;
const POLL_SILENT = 1_000;

/** After how long one is asked again that did not answer: first, and at the most, ms. */
const FIRST_DELAY = 250;
const LONGEST_DELAY = 10_000;

/** What all sentinels of a client share. */
export interface SentinelParts {
  readonly clock: Clock;
  readonly service: string;
  /** replicas are wanted as well */
  readonly asksReplicas: boolean;
  /** how long a sentinel may take to accept, and then to answer, ms */
  readonly limit: number;
  /** what the option `natMap` makes of an address */
  readonly translate: Translate;
  /** makes a connection that is not made again */
  readonly connect: (address: ServerAddress) => Connection;
  /** told of what a sentinel says, asked or unasked, and why it says nothing */
  readonly onKnowledge: (sentinel: Sentinel, knowledge: Knowledge) => void;
  readonly onEvent: (sentinel: Sentinel, event: SentinelEvent) => void;
  readonly onFailure: (sentinel: Sentinel, error: RedisError) => void;
}

/** One sentinel: asked by whatever needs an answer now, and again and again to hear what happens there. */
//  ask ──▶ connection ──closed──▶ made anew by the next question, after growing delays
//             └─▶ tells events; asked every 10 s
export class Sentinel {
  readonly name: string;
  /** What it calls itself; undefined until it has said so, and for one that does not. */
  id: string | undefined;
  /** It has said so by the connection that there is: behind one name may be several, another for each connection. */
  private hasSaidId = false;
  /** The epoch of the master that it has told last by the connection that there is. */
  epoch: number | undefined;
  /** The master that it has told last. */
  named: string | undefined;
  /** When it answered last, on the clock; undefined before it has. */
  answeredAt: number | undefined;
  /** Whether there was a replica with the data of the master when it told last. */
  hadReplica: boolean | undefined;
  /** Those that had a link to their master when it told of such last. */
  linked: readonly ServerAddress[] = [];
  private connection: Connection | undefined;
  private asking: Observable<Knowledge> | undefined;
  /** When it is asked again by itself. */
  private next = Subscription.EMPTY;
  /** How often in a row it did not answer. */
  private failures = 0;
  private listener: Listener | undefined;
  private isOver = false;

  /** @param isGiven the options have it; others were learnt */
  constructor(
    readonly address: ServerAddress,
    readonly isGiven: boolean,
    private readonly parts: SentinelParts,
  ) {
    this.name = nameOf(address);
  }

  /** It has answered the last question. */
  get answers(): boolean {
    return this.failures === 0 && this.connection?.state$.value.kind === 'ready';
  }

  /** It tells what happens, by the connection that there is. */
  get listens(): boolean {
    return this.answers && this.listener?.hears === true;
  }

  /**
   * Asks what it knows of the service.
   * @throws RedisError that says why it does not answer, in words that follow the sentinel's address
   */
  ask(): Observable<Knowledge> {
    return defer(() => (this.asking ??= this.question$()));
  }

  /** One question, whose answer all get that ask meanwhile. */
  private question$(): Observable<Knowledge> {
    const { clock, limit } = this.parts;
    const late = () => throwError(() => new TimeoutError(`did not answer within ${limit} ms`));
    return defer(() => this.opened()).pipe(
      switchMap((connection) => {
        connection.wake();
        return this.question(connection);
      }),
      timeout({ first: limit, with: late, scheduler: patient(clock) }),
      catchError((error: RedisError) => {
        // What it owes must not come between later answers.
        this.leave();
        return throwError(() => error);
      }),
      this.noting(),
      finalize(() => (this.asking = undefined)),
      share(),
    );
  }

  /** It did not answer the last question. */
  get hasFailed(): boolean {
    return this.failures > 0;
  }

  /** Asks it now, and from then on by itself, until `end`. */
  watch(): void {
    this.next.unsubscribe();
    if (!this.isOver) this.ask().subscribe({ error: () => undefined });
  }

  end(): void {
    this.isOver = true;
    this.next.unsubscribe();
    this.leave();
  }

  /** Tells what came of a question, and has the next one asked in its time. */
  private noting() {
    return (source: Observable<Knowledge>) =>
      new Observable<Knowledge>((subscriber) =>
        source.subscribe({
          next: (knowledge) => {
            this.failures = 0;
            this.answeredAt = this.parts.clock.now();
            this.connection?.sleep();
            this.askIn(this.listener?.hears === true ? POLL : POLL_SILENT);
            // First the one that has asked, so that what it is told is no news for it.
            subscriber.next(knowledge);
            this.parts.onKnowledge(this, knowledge);
          },
          error: (error: RedisError) => {
            this.askIn(Math.min(FIRST_DELAY * 2 ** this.failures++, LONGEST_DELAY));
            if (!this.isOver) this.parts.onFailure(this, error);
            subscriber.error(error);
          },
          complete: () => subscriber.complete(),
        }),
      );
  }

  /** Chance keeps the clients of a sentinel from asking all at once. */
  private askIn(delay: number): void {
    this.next.unsubscribe();
    if (this.isOver) return;
    const work = () => this.watch();
    this.next = inBackground(this.parts.clock.schedule(work, delay * (0.75 + Math.random() / 4)));
  }

  /** Emits its connection once that is ready, making one where there is none. */
  private opened(): Observable<Connection> {
    if (this.isOver) throw new ConnectionError('is not asked any more');
    const connection = (this.connection ??= this.dial());
    return connection.state$.pipe(
      map((state) => {
        if (state.kind === 'closed') throw reasonOf(state.error);
        return state.kind;
      }),
      filter((kind) => kind === 'ready'),
      take(1),
      map(() => connection),
    );
  }

  private dial(): Connection {
    const connection = this.parts.connect(this.address);
    this.listener = new Listener((channel, message) => this.told(channel, message));
    connection.line.residents.add(this.listener);
    this.epoch = undefined;
    this.hasSaidId = false;
    connection.state$.subscribe((state) => {
      if (state.kind !== 'closed' || this.connection !== connection) return;
      const { failures } = this;
      this.connection = undefined;
      // A question that was asked has its own failure.
      if (failures === 0) this.askIn(FIRST_DELAY);
    });
    connection.open();
    return connection;
  }

  private leave(): void {
    const { connection } = this;
    this.connection = undefined;
    connection?.destroy();
  }

  private told(channel: string, message: string): void {
    if (this.isOver) return;
    const { service, onEvent, onFailure } = this.parts;
    let event: SentinelEvent | undefined;
    try {
      event = readEvent(channel, message, service, this.read);
    } catch (error) {
      onFailure(this, error as ConnectionError);
      return;
    }
    if (event !== undefined) onEvent(this, event);
  }

  /**
   * Reads an address that it tells.
   * @throws ConnectionError where the option `natMap` fails, in words that follow the sentinel's address
   */
  private readonly read: ReadAddress = (named, port) => {
    const told = readAddress(named, port, this.address.host);
    try {
      return told && this.parts.translate(told);
    } catch (cause) {
      throw new ConnectionError(`cannot be understood: ${(cause as Error).message}`, { cause });
    }
  };

  private question(connection: Connection): Observable<Knowledge> {
    const { service, asksReplicas } = this.parts;
    const ask = (...words: readonly string[]) => connection.line.sendAhead(inWords(words)) as Observable<Frame>;
    const courtesy = (...words: readonly string[]) => ask(...words).pipe(catchError(ignoreRefusal));
    // An array, because RxJS knows objects of its own realm alone.
    return forkJoin([
      ask('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', service),
      courtesy('SENTINEL', 'MASTER', service),
      courtesy('INFO', 'sentinel'),
      courtesy('SENTINEL', 'SENTINELS', service),
      asksReplicas ? courtesy('SENTINEL', 'REPLICAS', service) : of(undefined),
      this.hasSaidId ? of(this.id) : courtesy('SENTINEL', 'MYID'),
    ]).pipe(
      catchError((error: unknown) => throwError(() => reasonOf(error))),
      map(([address, master, info, sentinels, replicas, id]) => {
        const answers = { address, master, info, sentinels, replicas };
        if (typeof id === 'string') {
          this.id = id;
          this.hasSaidId = true;
        }
        return readKnowledge(answers, this.read);
      }),
    );
  }
}

/**
 * Hears what a sentinel tells: on each link it subscribes anew. RESP2 takes no questions beside subscriptions, and a user may not be allowed to
 * subscribe; then it hears nothing.
 */
class Listener implements Resident {
  readonly listening = false;
  hears = false;

  constructor(private readonly tell: (channel: string, message: string) => void) {}

  restore(send: Send, protocol: 2 | 3): Observable<unknown> {
    if (protocol === 2) return of(undefined);
    return send(knownCall('PSUBSCRIBE', CHANNELS)).pipe(
      tap(() => (this.hears = true)),
      catchError(ignoreRefusal),
    );
  }

  receive({ kind, items }: Push): void {
    const [, , channel, message] = items;
    if (kind === 'pmessage' && typeof channel === 'string' && typeof message === 'string') this.tell(channel, message);
  }
}

/** The words themselves: nothing of what is known of a command has to be, and nothing of it is told. */
function inWords([name = '', ...args]: readonly string[]): Command {
  return knownCall(name, args);
}

/** A refusal is an answer. */
function ignoreRefusal(error: unknown): Observable<ErrorFrame> {
  return error instanceof ReplyError && !(error instanceof AuthenticationError)
    ? of(new ErrorFrame(error.message))
    : throwError(() => error);
}

/** Why a sentinel does not answer, in words that follow its address. */
function reasonOf(cause: unknown): RedisError {
  const error = cause instanceof AuthenticationError ? cause : rootOf(cause);
  if (error instanceof AuthenticationError) {
    const { kind } = error;
    const what =
      kind === 'NOAUTH'
        ? "wants credentials: give the option 'sentinelPassword'"
        : `refuses the credentials (${error.message})`;
    return new AuthenticationError(what, kind, { repeatable: false, cause: error });
  }
  if (!(error instanceof Error)) return new ConnectionError('is not asked any more');
  return new ConnectionError(`cannot be asked: ${error.message}`, { cause: error });
}

/** A connection that was closed says so, and its cause says why. */
function rootOf(error: unknown): unknown {
  const { cause } = (error ?? {}) as { readonly cause?: unknown };
  return error instanceof ConnectionError || !(cause instanceof Error) ? error : cause;
}
