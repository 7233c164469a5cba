import { Subscription, type Subscriber, type Unsubscribable } from 'rxjs';
import type { Command } from '../commands/command';
import { Request, type ReplyObserver } from '../commands/request';
import type { RequestContext } from '../commands/request-context';
import type { Clock } from '../connection/clock';
import { guarded } from '../connection/guarded';
import { Multicast } from '../connection/multicast';
import { ConfigurationError, ConnectionError, ReplyError, type RedisError } from '../errors';
import type { Frame } from '../resp/frames';
import { sameFrame } from './kept-frames';
import { namesOf } from './names';
import { TrackedRead, readTogether, unread } from './tracked-read';

/** What a query was answered: a frame, or one for each of its commands. */
export type Answer = Frame | readonly Frame[];

/** What a live query needs of its connection. */
export interface LiveQueryParts {
  readonly clock: Clock;
  readonly submit: (request: Request) => void;
  /** the server tracks what is read from now on */
  readonly canRead: () => boolean;
  readonly isOptIn: boolean;
  /** the keys are at another server for the moment */
  readonly isElsewhere: (error: ReplyError) => boolean;
  /** told when the last Observer has left */
  readonly abandoned: (query: LiveQuery) => void;
}

/** What a query reads, with the client's prefix, and how. */
export interface Query {
  readonly id: string;
  readonly commands: readonly Command[];
  /** several commands are read at one moment */
  readonly isTuple: boolean;
  readonly context: RequestContext;
  readonly sample: number;
  readonly distinct: boolean;
}

/** An Observer, and its place among those that have had an answer. */
interface Observing {
  readonly subscriber: Subscriber<Answer>;
  seat: Unsubscribable | undefined;
}

/** A server that refuses for the moment is read again after so long, ms. */
const REFUSED_FOR = 100;

type State =
  /** the link is lost, or tracking is not on yet; or nothing observes it */
  | { readonly kind: 'waiting' }
  /** `isOutdated`: it was invalidated meanwhile, and is read once more */
  | { readonly kind: 'reading'; readonly reading: Reading; isOutdated: boolean }
  /** it is invalidated, and read again when its time has come */
  | { readonly kind: 'pausing'; readonly timer: Subscription }
  | { readonly kind: 'current' };

const WAITING: State = { kind: 'waiting' };
const CURRENT: State = { kind: 'current' };

/** One query and its Observers, however many: it is read once for all of them, and again when a key of it has changed. */
//  waiting ──▶ reading ──reply──▶ current ──invalidated──▶ reading
//     ▲         │   ▲ └─invalidated meanwhile─┐              │ not before `sample`
//     └──lost───┘   └──────── once more ◀─────┴─ pausing ◀───┘
export class LiveQuery {
  readonly names: readonly string[];
  private readonly answers$ = new Multicast<Answer>();
  /** Observers that have had no answer yet. */
  private readonly newcomers = new Set<Observing>();
  private state: State = WAITING;
  /** The last answer; none before the first. */
  private answer: Answer | undefined;
  /** When it was read the last time, on the clock. */
  private readAt = -Infinity;
  private readonly bare: readonly Command<Frame>[];

  constructor(
    readonly query: Query,
    private readonly parts: LiveQueryParts,
  ) {
    this.names = [...new Set(query.commands.flatMap(namesOf))];
    this.bare = query.commands.map(unread);
  }

  get isObserved(): boolean {
    return this.answers$.observed || this.newcomers.size > 0;
  }

  /** An Observer joins: it gets the present answer, or the next one where that is out of date. */
  join(subscriber: Subscriber<Answer>): void {
    const observer: Observing = { subscriber, seat: undefined };
    subscriber.add(() => {
      observer.seat?.unsubscribe();
      this.newcomers.delete(observer);
      if (!this.isObserved) this.leave();
    });
    if (this.state.kind === 'current') this.welcome(observer, this.answer!);
    else this.newcomers.add(observer);
    if (this.state.kind === 'waiting') this.read();
  }

  private welcome(observer: Observing, answer: Answer): void {
    const { subscriber } = observer;
    // It joins first, so that it misses nothing that its own work brings about.
    observer.seat = this.answers$.join(subscriber);
    guarded(() => subscriber.next(answer));
  }

  /** A key has changed. */
  invalidated(): void {
    const { state } = this;
    if (state.kind === 'reading') state.isOutdated = true;
    else if (state.kind === 'current') this.readInTime();
  }

  /** The link is lost. What is on its way belongs to that. */
  lost(): void {
    this.stop();
  }

  /** The server tracks what is read. */
  started(): void {
    if (this.state.kind === 'waiting') this.read();
  }

  /** Nothing can be read any more. */
  fail(error: unknown): void {
    this.stop();
    const newcomers = [...this.newcomers];
    this.newcomers.clear();
    this.answers$.error(error);
    for (const { subscriber } of newcomers) guarded(() => subscriber.error(error));
  }

  private leave(): void {
    // What comes while nothing observes it is of no use.
    if (this.state.kind === 'pausing') this.stop();
    this.parts.abandoned(this);
  }

  private stop(): void {
    const { state } = this;
    this.state = WAITING;
    if (state.kind === 'reading') state.reading.closed = true;
    if (state.kind === 'pausing') state.timer.unsubscribe();
  }

  /** Reads it, at once or when `sample` ms are over since the last time. */
  private readInTime(): void {
    if (!this.isObserved) {
      this.stop(); // it is read when an Observer comes
      return;
    }
    const { sample } = this.query;
    const wait = sample === 0 ? 0 : this.readAt + sample - this.parts.clock.now();
    if (wait <= 0) this.read();
    else this.pause(wait);
  }

  private pause(delay: number): void {
    const timer = new Subscription();
    this.state = { kind: 'pausing', timer };
    timer.add(
      this.parts.clock.schedule(() => {
        this.state = WAITING;
        this.read();
      }, delay),
    );
  }

  private read(): void {
    const { parts, query } = this;
    this.state = WAITING;
    if (!this.isObserved || !parts.canRead()) return;
    const reading = new Reading(
      (answer) => this.answered(reading, answer),
      (error) => this.failed(reading, error),
    );
    this.state = { kind: 'reading', reading, isOutdated: false };
    this.readAt = query.sample === 0 ? 0 : parts.clock.now();
    const [first] = this.bare;
    const context = query.context;
    if (query.isTuple) {
      reading.isTogether = true;
      reading.isOptIn = parts.isOptIn;
      parts.submit(new Request<unknown>(readTogether(this.bare, parts.isOptIn), context, reading));
    } else if (parts.isOptIn) {
      const read = new TrackedRead(first!);
      reading.tracked = read;
      parts.submit(new Request<unknown>(read, context, reading));
    } else parts.submit(new Request<unknown>(first!, context, reading));
  }

  private answered(reading: Reading, answer: Answer): void {
    const { state } = this;
    if (state.kind !== 'reading' || state.reading !== reading) return;
    this.state = CURRENT;
    const isNew = this.answer === undefined || !this.query.distinct || !sameAnswer(this.answer, answer);
    this.answer = answer;
    const newcomers = [...this.newcomers];
    this.newcomers.clear();
    for (const observer of newcomers) observer.seat = this.answers$.join(observer.subscriber);
    // Before it is told, so that Observers that come meanwhile wait for the newer one.
    if (state.isOutdated) this.readInTime();
    if (isNew) this.answers$.next(answer);
    else for (const { subscriber } of newcomers) guarded(() => subscriber.next(answer));
  }

  private failed(reading: Reading, error: RedisError): void {
    const { state } = this;
    if (state.kind !== 'reading' || state.reading !== reading) return;
    this.state = WAITING;
    // A lost link is no error: it is read again on the next one.
    if (error instanceof ConnectionError) return;
    if (error instanceof ReplyError && (error.repeatable || this.parts.isElsewhere(error))) {
      this.pause(REFUSED_FOR);
      return;
    }
    this.fail(error);
    this.parts.abandoned(this);
  }
}

/** The observer of one read. */
class Reading implements ReplyObserver<unknown> {
  closed = false;
  isTogether = false;
  isOptIn = false;
  tracked: TrackedRead | undefined;

  constructor(
    private readonly read: (answer: Answer) => void,
    private readonly failed: (error: RedisError) => void,
  ) {}

  next(value: unknown): void {
    if (!this.isTogether) {
      if (this.tracked?.isTracked === false) this.failed(notTracked());
      else this.read(value as Frame);
      return;
    }
    const values = value as readonly unknown[];
    const [caching, ...others] = values;
    if (this.isOptIn && caching instanceof ReplyError) this.failed(notTracked(caching));
    const answers = this.isOptIn ? others : values;
    const refused = answers.find((one) => one instanceof ReplyError);
    if (refused === undefined) this.read(answers as readonly Frame[]);
    else this.failed(refused);
  }

  error(error: RedisError): void {
    if (!this.closed) this.failed(error);
  }

  complete(): void {
    // it has had its value
  }

  add(): void {
    // it leaves only when its link is lost
  }
}

function notTracked(cause?: ReplyError): ConfigurationError {
  const why = cause === undefined ? '' : `: ${cause.message}`;
  return new ConfigurationError(`The server refuses CLIENT CACHING, so it would tell of no change${why}`, {
    delivery: 'answered',
    cause,
  });
}

export function sameAnswer(one: Answer, other: Answer): boolean {
  return sameFrame(one as Frame, other as Frame);
}
