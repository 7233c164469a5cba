import type { Subscription } from 'rxjs';
import { Group } from '../commands/group';
import { endsConnection } from '../commands/closing';
import type { Arg, Command, CommandSpec, ScriptFact } from '../commands/command';
import { isLoad, wholeCall } from '../commands/lua-script';
import type { Request } from '../commands/request';
import { TimeoutError, type RedisError } from '../errors';
import { Encoder, refuseUnencodable } from '../resp/encoder';
import type { Clock } from './clock';
import { failSafely, leftBehind, notEncodable } from './failures';
import { guarded } from './guarded';
import { aloneOnly, standsAlone, type LinkMode } from './link-mode';
import type { Liveness } from './liveness';
import { unobserved, type LoadedScripts } from './loaded-scripts';
import { Ring } from './ring';
import type { ByteSocket } from './socket';

/** What comes from the line that a link writes for. */
export interface Supply {
  /** the next request of the queue; none while the link is not open or the queue pauses */
  next(): Request | undefined;
  /** a request that is repeated is about to be written; whether it would now mean something else */
  isLeftBehind(request: Request): boolean;
  /** a request that is not plain is written */
  wrote(request: Request): void;
  /** has what may be written now written at the end of the tick */
  scheduleFlush(): void;
  /** the link is of no more use */
  broken(error: RedisError): void;
}

/** Durations are milliseconds. */
export interface OutgoingOptions {
  /** the most commands in one write */
  readonly pipelineDepth: number;
  /** bytes gathered for one write */
  readonly writeBufferSize: number;
  /** how long signing in may take on a link that is in use */
  readonly connectTimeout: number;
  readonly clock: Clock;
}

/** A group of which no more is written than so many members. */
export interface Cut {
  readonly request: Request;
  readonly written: number;
  /** why; undefined where its observer has left */
  readonly error?: RedisError;
}

/** The requests that a link had taken and did not write. */
export interface Unwritten {
  readonly ahead: readonly Request[];
  /** those that came from the queue */
  readonly queued: readonly Request[];
  /** the number, among all that were ever owed, of the first that the socket has refused; Infinity for none */
  readonly refusedFrom: number;
  /** the number, among all that were ever owed, of the last that is to end the connection; -1 for none */
  readonly lastEnding: number;
}

/** So many commands are written in one turn of the event loop; then what has come is read first. */
const TURN = 5_000;

/** What is written on one link, and in which order. It ends with the link. */
//  rest of a group ──▶ what goes ahead, but for a transaction ──▶ the queue, while the link is open
export class Outgoing {
  /** The handshake and what restores a connection's state: written before the queue, open or not. */
  private readonly ahead = new Ring<Request>();
  private readonly encoder: Encoder;
  /** A group that has been written in part, and its member that is next. */
  private group: Request | undefined;
  private member = 0;
  /** Groups whose last members are not written any more, and how many members are. */
  private readonly cut: Cut[] = [];
  private full = false;
  /** How many commands this turn of the event loop may still write. */
  private left = TURN;
  /** The number, among all that were ever owed, of the first request that the socket has refused to write. */
  private refusedFrom = Infinity;
  /** The number, among all that were ever owed, of the last request that is to end the connection. */
  private lastEnding = -1;
  private solitude = false;
  /** A solitary request that waits until nothing is owed. */
  postponed: Request | undefined;
  private patience: Subscription | undefined;
  /** The solitary request whose observer may leave while it waits. */
  private watched: Request | undefined;
  /**
   * Nothing else is written until this request is answered: it signs in, or is the first call of a script, which has to be sent once more
   * where the server lacks the script.
   */
  private alone: Request | undefined;
  /** Requests that are encoded and get no reply. */
  private readonly unanswered: Request[] = [];
  /** Requests that were taken and cannot be sent. */
  private readonly unsendable: { readonly request: Request; readonly error: RedisError }[] = [];

  constructor(
    private readonly socket: ByteSocket,
    private readonly owed: Ring<Request>,
    private readonly mode: LinkMode,
    private readonly scripts: LoadedScripts,
    private readonly liveness: Liveness,
    private readonly supply: Supply,
    private readonly options: OutgoingOptions,
    private readonly onCut: (cut: Cut) => void,
  ) {
    this.encoder = new Encoder(options.writeBufferSize);
  }

  /** Writes what may be written. Returns whether more is left for another turn of the event loop. */
  write(): boolean {
    const { owed, encoder, liveness } = this;
    let written = 0;
    while (!this.full && this.left > 0) {
      const from = this.nextNumber;
      const behind = owed.passed + owed.length;
      const { group, member } = this;
      const count = this.encodeBatch(Math.min(this.options.pipelineDepth, this.left));
      if (count === 0) {
        this.tellWritten();
        return false;
      }
      written += count;
      const accepted = this.socket.write(encoder.take());
      this.full = accepted !== true;
      if (accepted === 'refused') {
        this.group = group;
        this.member = member;
        this.refuse(behind);
        return false;
      }
      encoder.release(this.socket.drained);
      liveness.wrote(from, !this.full);
      if (this.full || written > count) this.charge(count);
      this.tellWritten();
    }
    return !this.full;
  }

  /** The number of the next written request among all that ever were owed; within a group its members are a fraction. */
  private get nextNumber(): number {
    const { owed, group } = this;
    const behind = owed.passed + owed.length;
    return group === undefined ? behind : behind - 1 + this.member / (group.command as Group).members.length;
  }

  /**
   * Takes commands off what this turn of the event loop may write. A socket whose buffer was full may say so and empty it many times in
   * one turn. The one write of a tick that brought little is not charged.
   */
  private charge(count: number): void {
    if (this.left === TURN) this.options.clock.afterInput(() => (this.left = TURN));
    this.left -= count;
  }

  /** A solitary request waits until nothing is owed. */
  get postpones(): boolean {
    return this.postponed !== undefined;
  }

  /** Requests that have left the queue and are not written. */
  get pending(): number {
    return this.ahead.length + (this.postponed === undefined ? 0 : 1);
  }

  /** From now on a request that signs in is written when nothing is owed, and alone. In the handshake it comes first anyway. */
  keepSolitude(): void {
    this.solitude = true;
  }

  /** A request is to be written before the queue. One that signs in has its time from now on, also behind the rest of a group. */
  pushAhead(request: Request): void {
    this.ahead.push(request);
    // A transaction by hand is its user's, and what ends it comes from the user.
    if (request.command.spec.solitary && this.solitude && !this.mode.inTransaction) this.startPatience(request);
  }

  /** A request that is not plain has been answered. Returns whether others waited for that. */
  answered(request: Request): boolean {
    if (request !== this.alone) return false;
    this.alone = undefined;
    this.endPatience();
    return true;
  }

  /** The socket has ended, and will tell it soon. Nothing more is written. */
  private refuse(from: number): void {
    this.refusedFrom = from;
    this.tellUnsendable();
  }

  /** The send buffer has emptied. */
  drained(): void {
    this.full = false;
    this.liveness.drained();
  }

  /** How many members of a group on this link have been written; all of them unless it is the one that is being written. */
  membersWritten(request: Request, { members }: Group): number {
    return request === this.group ? this.member : members.length;
  }

  /** The link is gone: what was written stays with the socket. Returns what was not written. */
  end(): Unwritten {
    this.full = true;
    this.encoder.release(false);
    this.patience?.unsubscribe();
    const { postponed, refusedFrom, lastEnding } = this;
    this.postponed = undefined;
    // What was encoded and needs no reply is still here only if its write was refused.
    const others = this.unanswered.splice(0);
    if (postponed !== undefined) others.push(postponed);
    const ahead = [...others.filter(isAhead), ...this.ahead.drain()];
    return { ahead, queued: others.filter((request) => !isAhead(request)), refusedFrom, lastEnding };
  }

  /** Tells observers last, because user code may do anything: destroy the client, or send more. */
  private tellWritten(): void {
    if (this.unanswered.length > 0)
      for (const request of this.unanswered.splice(0)) guarded(() => request.settleUnanswered());
    this.tellUnsendable();
  }

  private tellUnsendable(): void {
    if (this.unsendable.length > 0)
      for (const { request, error } of this.unsendable.splice(0)) {
        if (request.command.spec.solitary) this.endPatience();
        failSafely(request, error);
      }
    if (this.cut.length > 0) for (const cut of this.cut.splice(0)) this.onCut(cut);
  }

  /** Encodes as many commands as one write may hold, and returns how many they are. */
  private encodeBatch(depth: number): number {
    const { encoder, owed, mode, supply } = this;
    const { writeBufferSize } = this.options;
    let count = 0;
    while (count < depth && encoder.pending < writeBufferSize) {
      if (this.group !== undefined) {
        count += this.encodeMembers(this.group, this.group.command as Group, depth - count);
        continue;
      }
      if (this.alone !== undefined) break;
      const request = this.next();
      if (request === undefined) break;
      if (request.abandoned) continue;
      const { command } = request;
      if (!command.spec.plain) {
        const refusal = mode.refusalOf(command);
        if (refusal !== undefined) {
          this.unsendable.push({ request, error: notEncodable(refusal, request) });
          continue;
        }
        if (command.spec.solitary && this.mustWait(request, count)) break;
      }
      if (request.past !== undefined && (mode.inTransaction || supply.isLeftBehind(request))) {
        this.unsendable.push({ request, error: leftBehind(request) });
        continue;
      }
      if (!command.spec.plain) {
        if (command instanceof Group) {
          count += this.begin(request, command);
          continue;
        }
        if (command.spec.script !== undefined) {
          count += this.writeScript(request, command, command.spec.script);
          continue;
        }
      }
      if (!this.encode(request, command.spec, command.args)) continue;
      count++;
      if (command.spec.plain && mode.isOrdinary) owed.push(request);
      else if (!this.pushSpecial(request)) continue;
      if (request.context.linkLimits !== undefined) this.liveness.granted(request);
    }
    return count;
  }

  private next(): Request | undefined {
    const { postponed } = this;
    if (postponed !== undefined) {
      this.postponed = undefined;
      return postponed;
    }
    return (this.mode.inTransaction ? undefined : this.ahead.shift()) ?? this.supply.next();
  }

  /**
   * Writes the call of a script as the server of this link can run it. Where it is not known whether that has the script, nothing is
   * written behind the call until it is answered, so that the order of the calls stays when it has to be sent once more.
   * @returns how many commands were encoded
   */
  private writeScript(request: Request, command: Command, script: ScriptFact): number {
    const { scripts, mode, owed } = this;
    try {
      scripts.refuse(command.spec);
    } catch (cause) {
      this.unsendable.push({ request, error: notEncodable(cause, request) });
      return 0;
    }
    // Otherwise its reply will not tell whether the server has the script.
    const tells = mode.answersAll && !mode.inTransaction && !isAhead(request);
    const gives = isLoad(command);
    const has = gives || (tells ? scripts.has(script) : false);
    const whole = has === false ? wholeCall(command) : undefined;
    const loads = has === false && tells && whole === undefined ? this.load(script.replace) : 0;
    const sent = whole ?? command;
    if (!this.encode(request, scripts.formOf(sent.spec, tells), sent.args)) return loads;
    const number = owed.passed + owed.length;
    if (tells && (gives || has === false)) scripts.gives(script, number - loads, number);
    if (!this.pushSpecial(request)) return loads + 1;
    if (has === undefined) this.alone = request;
    if (request.context.linkLimits !== undefined) this.liveness.granted(request);
    return loads + 1;
  }

  /** Gives the server a script ahead of what calls it; its reply is for none of the callers. @returns how many commands were encoded */
  private load(command: Command): number {
    const { spec, args } = command;
    this.encoder.add(spec.words, spec.head, args);
    this.owed.push(unobserved(command));
    return 1;
  }

  private encode(request: Request, spec: CommandSpec, args: readonly Arg[]): boolean {
    try {
      this.encoder.add(spec.words, spec.head, args);
      return true;
    } catch (cause) {
      this.unsendable.push({ request, error: notEncodable(cause, request) });
      return false;
    }
  }

  /** @returns whether a reply is owed now */
  private pushSpecial(request: Request): boolean {
    const { spec } = request.command;
    if (!spec.plain) this.supply.wrote(request);
    if (spec.solitary && this.solitude) {
      this.alone = request;
      this.startPatience(request);
    }
    if (spec.script === undefined) this.scripts.wrote(spec);
    if (endsConnection(request.command)) this.lastEnding = this.owed.passed + this.owed.length;
    const isAnswered = this.mode.write(request);
    if (isAnswered) this.owed.push(request);
    else this.unanswered.push(request);
    return isAnswered;
  }

  /** Whether a solitary request has to wait for owed replies, or for commands that are in the same write. */
  private mustWait(request: Request, count: number): boolean {
    if (!this.solitude || (this.owed.length === 0 && count === 0)) return false;
    this.postponed = request;
    if (this.watched !== request) {
      this.watched = request;
      request.onLeave({ unsubscribe: () => this.postponed === request && this.dropPostponed() });
    }
    this.startPatience(request);
    return true;
  }

  /** The solitary request is not waited for any more: its observer has left, or its time is up. */
  dropPostponed(): void {
    this.postponed = undefined;
    this.endPatience();
    this.supply.scheduleFlush();
  }

  /** Leaves a server that owes replies for too long, or does not answer AUTH: the next link signs in. */
  private startPatience({ command }: Request): void {
    const { clock, connectTimeout } = this.options;
    this.patience ??= clock.schedule(() => {
      const { name } = command.spec;
      this.supply.broken(new TimeoutError(`${name} could not be sent alone and answered within ${connectTimeout} ms`));
    }, connectTimeout);
  }

  private endPatience(): void {
    this.patience?.unsubscribe();
    this.patience = undefined;
    this.watched = undefined;
  }

  /**
   * Begins a group. All arguments are checked before the first byte is written. A divisible group is cut short when its observer
   * leaves, its time is up, or the memory of an argument was transferred meanwhile. Scripts that the server may lack are loaded ahead.
   * @returns how many commands were encoded
   */
  private begin(request: Request, group: Group): number {
    const { members } = group;
    let scripts: Set<ScriptFact> | undefined;
    let member: number | undefined;
    try {
      if (!this.mode.answersAll) throw new TypeError('the server was told not to answer');
      for (member = 0; member < members.length; member++) {
        const { spec, args } = members[member]!;
        if (standsAlone(spec)) throw aloneOnly(spec);
        refuseUnencodable(args);
        if (spec.script === undefined) continue;
        this.scripts.refuse(spec);
        (scripts ??= new Set()).add(spec.script);
      }
    } catch (cause) {
      this.unsendable.push({ request, error: notEncodable(cause, request, member) });
      return 0;
    }
    const loads = scripts === undefined ? 0 : this.loadFor(request, scripts);
    this.mode.writeGroup(group);
    this.owed.push(request);
    if (request.context.linkLimits !== undefined) this.liveness.granted(request);
    this.group = request;
    this.member = 0;
    return loads;
  }

  /** Loads what a group calls, and the server may lack. @returns how many commands were encoded */
  private loadFor(request: Request, called: ReadonlySet<ScriptFact>): number {
    const { owed } = this;
    const loads = this.scripts.loadsFor(request, called, owed.passed + owed.length);
    for (const load of loads) this.load(load);
    return loads.length;
  }

  /** @returns how many members were encoded */
  private encodeMembers(request: Request, { members, isDivisible }: Group, depth: number): number {
    const { encoder, options } = this;
    if (isDivisible && request.abandoned) {
      this.cut.push({ request, written: this.member });
      this.group = undefined;
      return 0;
    }
    const first = this.member;
    const end = Math.min(members.length, first + depth);
    try {
      while (this.member < end && encoder.pending < options.writeBufferSize) {
        const { spec, args } = members[this.member]!;
        const { words, head } = spec.script === undefined ? spec : this.scripts.formOf(spec, false);
        encoder.add(words, head, args);
        this.member++;
      }
    } catch (cause) {
      // The member could be encoded when the group began: the memory of its bytes has been transferred since.
      this.cut.push({ request, written: this.member, error: notEncodable(cause, request, this.member) });
      this.group = undefined;
    }
    const count = this.member - first;
    if (this.member === members.length) this.group = undefined;
    return count;
  }
}

/** Whether a request goes ahead of the queue: it has no place in the order of the calls. */
export function isAhead({ place }: Request): boolean {
  return place === 0;
}
