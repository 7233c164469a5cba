import { Subscription, type Unsubscribable } from 'rxjs';
import type { Arg, Command } from '../commands/command';
import type { Happening } from '../commands/happening';
import type { ReplyObserver, Request } from '../commands/request';
import type { Executor } from '../commands/request-context';
import type { RedisError } from '../errors';
import type { Frame } from '../resp/frames';
import { isBytes } from '../resp/is-bytes';
import { idOf } from './names';
import type { TrackedRead } from './tracked-read';
import type { Tracker } from './tracker';

/** Where an entry belongs, which is told what becomes of the read. */
export interface EntryOwner {
  filled(entry: Entry, frame: Frame): void;
  failed(entry: Entry, error: RedisError): void;
  /** there is no reply, for the user wants none */
  unanswered(entry: Entry): void;
}

/** A connection that replies are kept of. */
export interface Home {
  readonly tracker: Tracker;
  /** a reply is kept */
  readonly watch: () => void;
}

/** A request that waits for a read that another has begun. */
interface Joined {
  readonly request: Request;
  /** when it came, on the clock */
  readonly at: number;
}

/**
 * What is kept of one command: its reply, or until that has come the requests that wait for it. It is the observer of the read.
 */
//  reading ──reply──▶ kept ──invalidated, evicted──▶ out
//     └──invalidated──▶ out: the reply goes to those that wait, and is not kept
export class Entry implements ReplyObserver<Frame> {
  state: 'reading' | 'kept' | 'out' = 'reading';
  frame: Frame = null;
  /** bytes */
  size = 0;
  /** on the clock */
  keptAt = 0;
  /** Its neighbours in the order of their last use. */
  newer: Entry | undefined = undefined;
  older: Entry | undefined = undefined;
  /** The requests that have joined the first and have no reply yet. */
  joined: Joined[] | undefined = undefined;
  /** Where it is read, and changes are told; undefined where they are not. */
  home: Home | undefined = undefined;
  /** How it is read where tracking is opt-in. */
  tracked: TrackedRead | undefined = undefined;
  private id: string | undefined = undefined;
  private departures: Subscription | undefined = undefined;

  /**
   * @param executor sends the read
   * @param first the request that needs the reply; none once that has it
   * @param names of its keys
   */
  constructor(
    private readonly owner: EntryOwner,
    readonly executor: Executor,
    public first: Request | undefined,
    readonly command: Command,
    readonly asBytes: boolean,
    readonly names: readonly string[],
  ) {
    // Bytes may be changed by the caller once the reply has come.
    if (command.args.some(isBytes)) this.id = idOf(command, asBytes);
  }

  // Hot: once per hit.
  /** Whether it is what a command asks for. */
  answers(command: Command, asBytes: boolean): boolean {
    const { args, spec } = command;
    const own = this.command;
    if (own.spec !== spec || this.asBytes !== asBytes) return false;
    if (this.id !== undefined) return this.id === idOf(command, asBytes);
    return sameText(own.args, args);
  }

  get key(): string {
    return (this.id ??= idOf(this.command, this.asBytes));
  }

  /** A request waits for the same reply. */
  join(request: Request, at: number): void {
    (this.joined ??= []).push({ request, at });
    if (this.departures !== undefined) request.onLeave({ unsubscribe: () => this.leaveIfAllLeft() });
  }

  /** Nothing waits for it any more. */
  get closed(): boolean {
    const { first, joined } = this;
    return first?.abandoned !== false && (joined === undefined || joined.every(({ request }) => request.abandoned));
  }

  next(frame: Frame): void {
    this.owner.filled(this, frame);
  }

  error(error: RedisError): void {
    this.owner.failed(this, error);
  }

  complete(): void {
    if (this.first !== undefined) this.owner.unanswered(this);
  }

  add(departure: Unsubscribable): void {
    if (this.departures === undefined) {
      this.departures = new Subscription();
      const leave = { unsubscribe: () => this.leaveIfAllLeft() };
      this.first?.onLeave(leave);
      for (const { request } of this.joined ?? []) request.onLeave(leave);
    }
    this.departures.add(departure);
  }

  happened(what: Happening): void {
    this.first?.happened(what);
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
