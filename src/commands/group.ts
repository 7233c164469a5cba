import type { Delivery, GroupFate } from '../errors';
import { ErrorFrame, Unreadable, type Frame } from '../resp/frames';
import { isAnswered } from './answered';
import { Command, type CommandSpec, type Replay } from './command';
import { defineSpec } from './define-spec';
import { readAsBytes } from './in-text';
import { applyPrefix } from './prefix';
import { isBinary } from '../resp/binary-names';
import { Repetition } from './repetition';
import { toReplyError, toUnreadable } from './reply-error';
import type { RequestContext } from './request-context';
import { UnexpectedReply } from './unexpected-reply';
import { withoutStacks } from './without-stacks';

/** How far the members of a group have come: what they were answered, in order, and how many were written. */
export interface GroupProgress {
  readonly answered: readonly unknown[];
  readonly written: number;
}

/** What groups are called, to those who look at errors and logs. */
const SPECS = {
  PIPELINE: /* @__PURE__ */ groupSpec('PIPELINE'),
  MULTI: /* @__PURE__ */ groupSpec('MULTI'),
  'SCRIPT LOAD': /* @__PURE__ */ groupSpec('SCRIPT LOAD'),
};

function groupSpec(name: string): CommandSpec {
  return { ...defineSpec(name, {}), plain: false };
}

/**
 * Many commands that travel as one: one entry in the queue, written one behind the other with nothing between them, answered by as
 * many frames. Its value is the list of the members' values; an error reply stands in its place as a ReplyError.
 */
export class Group extends Command<readonly unknown[]> {
  private repetition: Repetition | undefined;
  /** Where each command that is sent stands among all of the caller's. */
  private places: readonly number[] | undefined;
  private readonly inBytes: boolean;

  /**
   * @param members at least one; none that blocks, subscribes or changes how replies come
   * @param isDivisible whether the rest may stay unwritten once the observer is gone; not where a member needs the later ones, as MULTI needs EXEC
   * @param commands those of the members that are the caller's
   * @param given all commands of the caller: those as well that need no server, and are not sent
   * @param prefix of the client, which members get when they are written: to put it on 100 000 at once would block the event loop
   * @param spec what it is called in errors, where that is another name
   */
  constructor(
    readonly members: readonly Command[],
    name: keyof typeof SPECS = 'PIPELINE',
    readonly isDivisible = true,
    readonly commands = members,
    protected readonly given = commands,
    protected readonly prefix = '',
    spec = SPECS[name],
  ) {
    super(spec, [], asCollected, []);
    this.inBytes = isBinary(prefix);
  }

  /**
   * A member as it is sent.
   * @throws TypeError when the memory of a key has been transferred
   */
  sent(member: Command): Command {
    return this.prefix === '' ? member : applyPrefix(member, this.prefix);
  }

  /** A member as its reply is decoded and read: as bytes where the prefix is no text. */
  received(member: number): Command {
    const command = this.members[member]!;
    return this.inBytes ? readAsBytes(command) : command;
  }

  /** What a repetition of the whole does. It is worked out when it is asked for, which is after a loss. */
  override get replay(): Replay {
    return this.ofCommands.replay;
  }

  override get isRead(): boolean {
    return this.ofCommands.isRead;
  }

  /** The same group, with some of its commands changed. */
  changed(change: (command: Command) => Command): Group {
    const { members, commands, given, isDivisible, prefix } = this;
    const changed = members.map(change);
    const own = commands === members ? changed : commands.map(change);
    const kept = given === commands ? own : given;
    return new Group(changed, this.spec.name as keyof typeof SPECS, isDivisible, own, kept, prefix);
  }

  /** Takes a step towards `replay`. Returns whether it is known by now. */
  isReplayKnown(most: number): boolean {
    return this.ofCommands.isKnown(most);
  }

  private get ofCommands(): Repetition {
    return (this.repetition ??= new Repetition(this.commands));
  }

  /**
   * The value of the next member.
   * @param answered the values of those before it
   * @param read what `readPart` has read of it
   * @throws UnexpectedReply where the reply is perhaps another's
   */
  readMember(frame: Frame, context: RequestContext, answered: readonly unknown[], _read: unknown[]): unknown {
    return readReply(this.received(answered.length), frame, context);
  }

  /**
   * The next member has been answered in part, by an array. What can be read of that is read, so that it is not read all at once in the end.
   * @param read what was read of it before; more is added
   * @throws UnexpectedReply where the reply is perhaps another's; `readMember` throws it as well
   */
  readPart(_frames: readonly Frame[], _context: RequestContext, _answered: readonly unknown[], _read: unknown[]): void {
    // Only a transaction is answered by one array for all of its commands.
  }

  /** The answer to the whole, made of the members' values; an ErrorFrame where nothing was done. */
  answerOf(values: unknown[]): Frame {
    return values as Frame[];
  }

  /** Which command a member is to the caller, from 1. */
  numberOf(member: number): number {
    return this.placeOf(member) + 1;
  }

  /** Whether anything may have run when so many members were written. */
  mayHaveRun(_written: number): boolean {
    return true;
  }

  /** What became of the members when the group fails. */
  fateOf({ answered, written }: GroupProgress): GroupFate {
    const deliveries = this.members.map((_, index): Delivery => {
      if (index < answered.length) return 'answered';
      return index < written ? 'unknown' : 'unsent';
    });
    return this.amongGiven({ results: answered, deliveries });
  }

  /** Where a command that is sent stands among all of the caller's, from 0. */
  protected placeOf(command: number): number {
    const { given, commands } = this;
    if (given === commands) return command;
    this.places ??= [...given.keys()].filter((index) => !isAnswered(given[index]!));
    return this.places[command]!;
  }

  /** The same fate of all commands of the caller. One that needs no server is answered with those before it, and never sent. */
  protected amongGiven({ results, deliveries }: GroupFate): GroupFate {
    const { given, commands } = this;
    if (given === commands) return { results: [...results], deliveries };
    const all: unknown[] = [];
    let next = 0;
    let isAnsweredSoFar = true;
    const fates = given.map((command): Delivery => {
      if (isAnswered(command)) {
        if (isAnsweredSoFar) all.push(command.answer);
        return isAnsweredSoFar ? 'answered' : 'unsent';
      }
      isAnsweredSoFar &&= next < results.length;
      if (isAnsweredSoFar) all.push(results[next]);
      return deliveries[next++]!;
    });
    return { results: all, deliveries: fates };
  }
}

/** Whether a command is several that travel as one, by its looks: the package may be loaded twice. */
export function isGroup(command: Command): command is Group {
  return 'members' in command;
}

/**
 * The value that a command has among others: an error in its place where it was refused, or where its reply cannot be read.
 * @throws UnexpectedReply where the reply is perhaps another's
 */
export function readReply(command: Command, frame: Frame, context: RequestContext): unknown {
  if (frame instanceof Unreadable) return withoutStacks(() => toUnreadable(frame.text, command, 'answered'));
  if (frame instanceof ErrorFrame) return withoutStacks(() => toReplyError(frame, command));
  try {
    return command.read(frame, context);
  } catch (cause) {
    if (cause instanceof UnexpectedReply) throw cause;
    return withoutStacks(() => toUnreadable(cause, command, 'answered'));
  }
}

/** The members' values have been read one by one, as they came. */
function asCollected(values: Frame): readonly unknown[] {
  return values as readonly unknown[];
}
