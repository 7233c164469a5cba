import { ReplyError, type CommandError, type Delivery, type GroupFate } from '../errors';
import { asText } from '../resp/as-text';
import { isBinary } from '../resp/binary-names';
import { ErrorFrame, Unreadable, type Frame } from '../resp/frames';
import { Command } from './command';
import { withBinary } from './define-spec';
import { EXEC, MULTI } from './generated/transactions';
import { Group, readReply, type GroupProgress } from './group';
import { isQueued } from './queued';
import { Refusal, toReplyError } from './reply-error';
import { readOk } from './replies';
import { asItCame } from './replies/values';
import type { RequestContext } from './request-context';
import { UnexpectedReply } from './unexpected-reply';
import { withoutStacks } from './without-stacks';

const BEGIN = /* @__PURE__ */ new Command(MULTI, [], readOk);

/** The transaction itself reads the reply to EXEC. */
const RUN = /* @__PURE__ */ new Command(EXEC, [], asItCame);
const RUN_FOR_BYTES = /* @__PURE__ */ new Command(/* @__PURE__ */ withBinary(EXEC), [], asItCame);

/**
 * MULTI, commands and EXEC, as one. Its value is the list of the commands' values, null where a watched key has changed. Where a
 * command was refused beforehand nothing has run, and it fails as a whole.
 */
//  written:  MULTI  SET a 1  INCR n  EXEC
//  answered: OK     QUEUED   QUEUED  [OK, 2]  ──▶ ['OK', 2]
export class Transaction extends Group {
  /**
   * @param commands at least one; none that waits, and none that a server refuses between MULTI and EXEC
   * @param given all commands of the caller: those as well that need no server, and are not sent
   * @param prefix of the client, which the commands get when they are written
   */
  constructor(commands: readonly Command[], given = commands, prefix = '') {
    const inBytes = isBinary(prefix) || commands.some(({ spec }) => spec.binary === true);
    super([BEGIN, ...commands, inBytes ? RUN_FOR_BYTES : RUN], 'MULTI', false, commands, given, prefix);
  }

  override received(member: number): Command {
    const isOwn = member === 0 || member === this.members.length - 1;
    return isOwn ? this.members[member]! : super.received(member);
  }

  override changed(change: (command: Command) => Command): Transaction {
    const { commands, given, prefix } = this;
    const own = commands.map(change);
    return new Transaction(own, given === commands ? own : given, prefix);
  }

  override readMember(frame: Frame, context: RequestContext, answered: readonly unknown[], read: unknown[]): unknown {
    const index = answered.length;
    const command = this.members[index]!;
    if (frame instanceof ErrorFrame && !(frame instanceof Unreadable))
      return withoutStacks(() => toReplyError(frame, command));
    if (index === this.members.length - 1) {
      // It has run: what cannot be read stands in the place of one command.
      if (frame instanceof Unreadable) return this.readValues(frame.items, context, read);
      return Array.isArray(frame) ? this.readValues(frame, context, read) : noValues(frame);
    }
    if (index === 0) return command.read(frame, context);
    if (isQueued(frame)) return undefined;
    // Where MULTI was refused each command runs by itself.
    if (answered[0] instanceof ReplyError) return readReply(this.received(index), frame, context);
    throw new UnexpectedReply(`expected QUEUED for command ${this.numberOf(index)}, ${command.spec.name}`);
  }

  override readPart(
    frames: readonly Frame[],
    context: RequestContext,
    answered: readonly unknown[],
    read: unknown[],
  ): void {
    if (answered.length === this.members.length - 1) this.readOn(frames, context, read);
  }

  override answerOf(values: unknown[]): Frame {
    const [begun] = values;
    const run = values.at(-1);
    if (begun instanceof ReplyError) return this.notBegun(begun, values.slice(1, -1));
    if (run instanceof ReplyError) return new Refusal(run.message, this.refusedAmong(values));
    return run as Frame;
  }

  override numberOf(member: number): number {
    return super.numberOf(member - 1); // MULTI is the first
  }

  /** Until EXEC is written nothing has run. */
  override mayHaveRun(written: number): boolean {
    return written === this.members.length;
  }

  override fateOf({ written }: GroupProgress): GroupFate {
    const delivery: Delivery = this.mayHaveRun(written) ? 'unknown' : 'unsent';
    return this.amongGiven({ results: [], deliveries: this.commands.map(() => delivery) });
  }

  /** MULTI itself was refused, as by access rules, so the commands ran one by one, or were refused, without it. */
  private notBegun({ message }: ReplyError, results: readonly unknown[]): Refusal {
    const why = `${message}; so it was no transaction: each command was run or refused by itself`;
    return new Refusal(why, [], this.amongGiven({ results, deliveries: results.map(() => 'answered') }));
  }

  private refusedAmong(values: readonly unknown[]): CommandError[] {
    return this.commands.flatMap(({ spec: { name } }, index) => {
      const error = values[index + 1];
      return error instanceof ReplyError ? [{ index: this.placeOf(index), command: name, error }] : [];
    });
  }

  private readValues(frames: readonly Frame[], context: RequestContext, read: unknown[]): unknown[] {
    const { commands } = this;
    if (frames.length !== commands.length) {
      throw new UnexpectedReply(`expected the values of ${commands.length} commands, got ${frames.length}`);
    }
    this.readOn(frames, context, read);
    return read;
  }

  /** Adds the values of the frames that are not read yet, but for those that no command waits for. */
  private readOn(frames: readonly Frame[], context: RequestContext, read: unknown[]): void {
    const mayBeBytes = this.members.at(-1) === RUN_FOR_BYTES && !context.bytes;
    const end = Math.min(frames.length, this.commands.length);
    for (let index = read.length; index < end; index++) {
      const frame = frames[index]!;
      const command = this.received(index + 1);
      const own = mayBeBytes && command.spec.binary !== true ? asText(frame) : frame;
      try {
        read.push(readReply(command, own, context));
      } catch (cause) {
        throw new UnexpectedReply(
          `command ${this.placeOf(index) + 1}, ${command.spec.name}: ${(cause as Error).message}`,
          { cause },
        );
      }
    }
  }
}

function noValues(frame: Frame): null {
  if (frame === null) return null;
  throw new UnexpectedReply('expected the values of the commands, or null');
}
