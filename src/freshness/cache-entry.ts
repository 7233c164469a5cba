import { Subscription, type Unsubscribable } from 'rxjs';
import type { Arg, Command, CommandSpec } from '../commands/command';
import type { Happening } from '../commands/happening';
import type { ReplyObserver, Request } from '../commands/request';
import type { Executor } from '../commands/request-context';
import type { RedisError } from '../errors';
import type { Frame } from '../resp/frames';
import { isBytes } from '../resp/is-bytes';
import { idOf } from './names';
import type { TrackedRead } from './tracked-read';
import type { Tracker } from './tracker';

/** Where a read belongs, which is told what becomes of it. */
export interface ReadingOwner {
  filled(reading: Reading, frame: Frame): void;
  failed(reading: Reading, error: RedisError): void;
  /** there is no reply, for the user wants none */
  unanswered(reading: Reading): void;
}

/** A connection that replies are kept of. */
export interface Home {
  readonly tracker: Tracker;
  /** a reply is kept */
  readonly watch: () => void;
}

/** A request that waits for a read that another has begun. */
export interface Joined {
  readonly request: Request;
  /** when it came, on the clock */
  readonly at: number;
}

export const NONE: readonly string[] = [];

/**
 * One command in the cache: the read that is under way, then its reply. Entries that are out are used again, so that those of a full
 * cache are old memory, which costs nothing to collect: a reply then takes hardly more memory than its frame.
 */
//  reading ──reply──▶ kept ──invalidated, evicted──▶ out
//     └──invalidated──▶ out: the reply goes to those that wait, and is not kept
export class Entry {
  /** The read that is under way; undefined once its reply is kept. */
  reading: Reading | undefined = undefined;
  /** of the first key */
  name = '';
  /** of the other keys */
  others = NONE;
  /** No other entry stands at any of its places. */
  isAlone = true;
  frame: Frame = null;
  /** bytes */
  size = 0;
  /** on the clock */
  keptAt = 0;
  /** Its neighbours in the order of their last use. */
  newer: Entry | undefined = undefined;
  older: Entry | undefined = undefined;
  /** Where it was read. */
  home: Home | undefined = undefined;
  private spec: CommandSpec | undefined = undefined;
  /** none where the name says it all: one argument, which is text */
  private args: readonly Arg[] | undefined = undefined;
  private asBytes = false;
  private id: string | undefined = undefined;

  /** It is to be read. */
  begin(command: Command, asBytes: boolean, name: string, others: readonly string[] = NONE): this {
    this.spec = command.spec;
    this.asBytes = asBytes;
    this.name = name;
    this.others = others;
    if (command.written !== name) {
      const { args } = command;
      this.args = args;
      // Bytes may be changed by the caller once the reply has come.
      if (args.some(isBytes)) this.id = idOf(command, asBytes);
    }
    return this;
  }

  /** It is out, and holds nothing. */
  empty(): void {
    this.reading = this.home = this.args = this.id = undefined;
    this.frame = null;
    this.isAlone = true;
  }

  // Hot: once per hit.
  /** Whether it is what a command asks for whose first key has its name. */
  answers(command: Command, asBytes: boolean): boolean {
    const { written, spec } = command;
    if (this.spec !== spec || this.asBytes !== asBytes) return false;
    if (this.args === undefined) return written === this.name;
    if (this.id !== undefined) return this.id === idOf(command, asBytes);
    return sameText(this.args, command.args);
  }

  get key(): string {
    return (this.id ??= idOf({ spec: this.spec!, args: this.args ?? [this.name] }, this.asBytes));
  }
}

/** The observer of the read for an entry. */
export class Reading implements ReplyObserver<Frame> {
  /** What waited first; none once that has its reply. */
  private observer: ReplyObserver<unknown> | undefined = undefined;
  /** The requests that have joined the first and have no reply yet. */
  joined: Joined[] | undefined = undefined;
  /** Where it is read, and changes are told; undefined where they are not. */
  home: Home | undefined = undefined;
  /** How it is read where tracking is opt-in. */
  tracked: TrackedRead | undefined = undefined;
  private departures: Subscription | undefined = undefined;

  /**
   * @param executor sends the read
   * @param request needs the reply
   * @param entry where the reply is kept; undefined once it must not be
   */
  constructor(
    private readonly owner: ReadingOwner,
    readonly executor: Executor,
    readonly request: Request,
    readonly command: Command,
    public entry: Entry | undefined,
  ) {}

  /** Sends the read in the request's own place. */
  send(read: Command): void {
    const { request, executor } = this;
    request.command = read;
    this.observer = request.replaceObserver(this);
    executor.submit(request);
  }

  // Hot: once per miss.
  /** Gives the first its reply. */
  settleFirst(frame: Frame): void {
    const { request, command } = this;
    request.command = command;
    request.replaceObserver(this.takeFirst()!);
    request.settle(frame);
  }

  /** The reply may have been another's: those that have none yet are told so with the first. */
  rejoin(joined: Joined[]): void {
    this.joined = joined;
    this.observer = this.request.replaceObserver(this);
  }

  /** Takes the first away. */
  takeFirst(): ReplyObserver<unknown> | undefined {
    const { observer } = this;
    this.observer = undefined;
    return observer;
  }

  /** A request waits for the same reply. */
  join(request: Request, at: number): void {
    (this.joined ??= []).push({ request, at });
    if (this.departures !== undefined) request.onLeave({ unsubscribe: () => this.leaveIfAllLeft() });
  }

  /** Nothing waits for it any more. */
  get closed(): boolean {
    const { observer, joined } = this;
    return observer?.closed !== false && (joined === undefined || joined.every(({ request }) => request.abandoned));
  }

  next(frame: Frame): void {
    this.owner.filled(this, frame);
  }

  error(error: RedisError): void {
    this.owner.failed(this, error);
  }

  complete(): void {
    if (this.observer !== undefined) this.owner.unanswered(this);
  }

  add(departure: Unsubscribable): void {
    if (this.departures === undefined) {
      this.departures = new Subscription();
      const leave = { unsubscribe: () => this.leaveIfAllLeft() };
      this.observer?.add(leave);
      for (const { request } of this.joined ?? []) request.onLeave(leave);
    }
    this.departures.add(departure);
  }

  happened(what: Happening): void {
    this.observer?.happened?.(what);
    for (const { request } of this.joined ?? []) request.happened(what);
  }

  private leaveIfAllLeft(): void {
    if (this.closed) this.departures?.unsubscribe();
  }
}

function sameText(own: readonly Arg[], others: readonly Arg[]): boolean {
  if (own.length !== others.length) return false;
  for (let i = 0; i < own.length; i++) if (own[i] !== others[i]) return false;
  return true;
}
