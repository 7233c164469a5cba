import { Observable, map, type Subscriber, Subscription } from 'rxjs';
import type { Command } from '../commands/command';
import { applyPrefix } from '../commands/prefix';
import type { ReplySource } from '../commands/reply';
import { toUnreadable } from '../commands/reply-error';
import { plainContext, type Executor, type RequestContext } from '../commands/request-context';
import { inContext } from '../connection/async-context';
import { inBackground } from '../connection/clock';
import type { Connection } from '../connection/connection';
import type { ConnectionState } from '../connection/connection-state';
import type { Ending } from '../demand/ending';
import type { RedisError, ReplyError } from '../errors';
import type { Frame } from '../resp/frames';
import { copied } from './kept-frames';
import { LiveQuery, type Answer, type LiveQueryParts, type Query } from './live-query';
import { liveCommands, liveOptionsOf } from './live-options';
import { idOf } from './names';
import { noteSwap } from './own-writes';
import type { Tracked, Tracker } from './tracker';

/** How long a query stays after its last Observer has left, in case another comes, ms. */
const LINGER = 100;

/** What live queries are made with. */
export interface LiveParts {
  readonly connection: Connection;
  readonly tracker: Tracker;
  /** sends what they read */
  readonly executor: Executor;
  /** whether an error tells that the keys are at another server for the moment */
  readonly isElsewhere: (error: ReplyError) => boolean;
  /** whether the server tells of changes of a key, by its name */
  readonly isTold: (name: string) => boolean;
  /** something is observed, where nothing was */
  readonly onFirst: () => void;
}

/** The live queries of one connection, by what they read and by their keys. */
export class LiveQueries implements Tracked {
  private readonly queries = new Map<string, LiveQuery>();
  private readonly byName = new Map<string, Set<LiveQuery>>();
  /** Of those whose last Observer has left lately. */
  private readonly leaving = new Map<LiveQuery, Subscription>();
  private hold = Subscription.EMPTY;
  private readonly queryParts: LiveQueryParts;

  constructor(private readonly parts: LiveParts) {
    const { connection, tracker, executor } = parts;
    const { clock, state$ } = connection;
    this.queryParts = {
      clock,
      isOptIn: tracker.isOptIn,
      submit: (request) => executor.submit(request),
      canRead: () => tracker.isActive && state$.value.kind === 'ready',
      abandoned: (query) => this.leaveLater(query),
      isElsewhere: parts.isElsewhere,
    };
    tracker.tells(this);
    state$.subscribe((state) => this.follow(state));
  }

  /** How many queries there are. */
  get size(): number {
    return this.queries.size;
  }

  /** How many keys they read. */
  get keys(): number {
    return this.byName.size;
  }

  /** The answers to a query, now and whenever it has changed. */
  answers(query: Query): Observable<Answer> {
    return new Observable((subscriber) => this.enter(query, subscriber));
  }

  invalidated(name: string): void {
    const there = this.byName.get(name);
    if (there !== undefined) for (const query of there) query.invalidated();
  }

  allInvalidated(): void {
    for (const query of this.queries.values()) query.invalidated();
  }

  lost(): void {
    for (const query of this.queries.values()) query.lost();
  }

  started(): void {
    for (const query of this.queries.values()) query.started();
  }

  refused(error: RedisError): void {
    this.failAll(error);
  }

  private enter(query: Query, subscriber: Subscriber<Answer>): void {
    const { connection, tracker, isTold } = this.parts;
    const refusal = connection.closed ? connection.closedError() : tracker.refusal;
    if (refusal !== undefined) {
      subscriber.error(refusal);
      return;
    }
    let live = this.queries.get(query.id);
    if (live === undefined) {
      live = new LiveQuery(query, this.queryParts);
      if (!live.names.every(isTold)) {
        subscriber.error(
          new TypeError(
            "live: a key has none of the prefixes of 'cache.keys', which alone a server tells of where the mode is 'broadcast'",
          ),
        );
        return;
      }
      this.add(live);
    }
    live.join(subscriber);
    connection.open();
    if (this.hold.closed && this.queries.size > 0) {
      this.hold = tracker.hold(true);
      const { requests$ } = connection.line;
      this.hold.add(requests$.subscribe((request) => noteSwap(request, () => this.allInvalidated())));
      this.parts.onFirst();
      // Tracking may be on its way by now, and what is read behind it is tracked.
      live.started();
    }
  }

  private add(live: LiveQuery): void {
    this.queries.set(live.query.id, live);
    for (const name of live.names) {
      const there = this.byName.get(name);
      if (there === undefined) this.byName.set(name, new Set([live]));
      else there.add(live);
    }
  }

  private remove(live: LiveQuery): void {
    if (this.queries.get(live.query.id) !== live) return;
    this.queries.delete(live.query.id);
    for (const name of live.names) {
      const there = this.byName.get(name);
      there?.delete(live);
      if (there?.size === 0) this.byName.delete(name);
    }
    if (this.queries.size === 0) this.hold.unsubscribe();
  }

  private leaveLater(live: LiveQuery): void {
    const leave = () => {
      this.leaving.delete(live);
      if (!live.isObserved) this.remove(live);
    };
    this.leaving.get(live)?.unsubscribe();
    this.leaving.set(live, inBackground(this.parts.connection.clock.schedule(leave, LINGER)));
  }

  private follow(state: ConnectionState): void {
    const { connection } = this.parts;
    if (state.kind === 'ready') this.started();
    // They fail with the same error as commands.
    if (state.kind === 'reconnecting' && connection.isHopeless) this.failAll(state.error);
    if (state.kind === 'closed') this.failAll(connection.closedError());
  }

  private failAll(error: unknown): void {
    const all = [...this.queries.values()];
    for (const live of all) this.remove(live);
    for (const live of all) live.fail(error);
  }
}

/**
 * The query that a caller wants the value of.
 * @throws TypeError when a command cannot be followed, or an option is wrong
 */
export function queryOf({ bytes, prefix, retry, linkLimits }: ReplySource, given: unknown, options: unknown): Query {
  const isTuple = Array.isArray(given);
  const commands = liveCommands(given).map((command) => applyPrefix(command, prefix));
  const context: RequestContext = { ...plainContext, bytes, prefix, retry, linkLimits, commandTimeout: Infinity };
  const { sample, distinct } = liveOptionsOf(options);
  const ids = commands.map((command) => idOf(command, bytes || command.spec.binary === true));
  const id = `${isTuple ? 'all' : 'one'} ${sample} ${distinct} ${ids.join('\n\n')}`;
  return { id, commands, isTuple, context, sample, distinct };
}

/** The values that an Observer gets of answers, until the client ends. */
export function valuesOf(query: Query, answers$: Observable<Answer>, ending: Ending): Observable<unknown> {
  return answers$.pipe(
    map((answer) => readAs(query, answer)),
    ending.ends(),
    inContext(),
  );
}

/** What an Observer gets of an answer; made for each, so that none can change another's. */
function readAs({ commands, context, isTuple }: Query, answer: Answer): unknown {
  const own = copied(answer as Frame);
  if (!isTuple) return read(commands[0]!, own, context);
  return commands.map((command, at) => read(command, (own as Frame[])[at]!, context));
}

function read(command: Command, frame: Frame, context: RequestContext): unknown {
  try {
    return command.read(frame, context);
  } catch (cause) {
    throw toUnreadable(cause, command, 'answered');
  }
}
