import type { Command } from '../commands/command';
import { Group } from '../commands/group';
import type { Request } from '../commands/request';
import type { UnexpectedReply } from '../commands/unexpected-reply';
import { ReplyError } from '../errors';
import { bytesOf } from '../resp/bytes-of';
import type { DecodedFor } from '../resp/decoder';
import { Attribute, ErrorFrame, Push, type Frame } from '../resp/frames';
import { toPush } from '../resp/pushes';
import { isMessage } from './array-pushes';
import type { LinkMode } from './link-mode';
import type { Ring } from './ring';

/** Where the frames of a link go once it is known what they are. */
export interface FrameSink {
  /** Hot: the reply to the oldest request: its frame, or the values of a group's members. */
  replied(frame: Frame): void;
  /** Hot: a frame that no request waits for. */
  pushed(push: Push): void;
  /** The reply to a member of a group is perhaps another's. */
  unexpected(reply: UnexpectedReply, member: Command): void;
  /** A member of a group was refused. */
  memberRefused(error: ReplyError): void;
}

/**
 * Tells what a frame is: a reply, a part of one, or a push. A group is answered by a frame a member, SUBSCRIBE by a push a channel: both
 * are counted here. It ends with the link.
 */
export class Incoming {
  /** How many of the frames that answer the oldest request have come. */
  private count = 0;
  /** What the members of the oldest request, a group, have been answered. */
  private values: unknown[] = [];
  /** What was read of the next member's answer, which has come in part. */
  private part: unknown[] = [];
  /** Groups that were not written to their ends, and how many frames answer each. */
  private readonly cut = new Map<Request, number>();
  /** The frame that is being decoded, if any, is a reply. */
  private insideReply = false;

  /** What the decoder asks before it makes text of bytes, and what it tells of a reply that is longer than a chunk. */
  readonly decodedFor: DecodedFor = {
    reply: () => {
      // Where messages come as arrays, this array may be a message.
      this.insideReply = !this.arraysArePushes();
      return this.wantsBytes(this.owed.peek());
    },
    push: () => this.pushesAsBytes(),
    part: (frames) => this.receivePart(frames),
  };

  /**
   * @param arraysArePushes whether messages come as arrays: on a subscribed connection in RESP2
   * @param pushesAsBytes whether messages are decoded as bytes
   */
  constructor(
    private readonly owed: Ring<Request>,
    private readonly mode: LinkMode,
    private readonly sink: FrameSink,
    private readonly arraysArePushes: () => boolean,
    private readonly pushesAsBytes: () => boolean,
  ) {}

  /** A part of a reply has come, and the rest of it is still to come. */
  get isInsideReply(): boolean {
    return this.insideReply;
  }

  /** How many members of the oldest request, a group, have been answered, and with what. */
  get answered(): readonly unknown[] {
    return this.values;
  }

  /** How much of the oldest request has been answered: of a group the share of its members, of all else nothing. */
  get share(): number {
    const { length } = this.values;
    const command = length === 0 ? undefined : this.owed.peek()?.command;
    return command instanceof Group ? length / command.members.length : 0;
  }

  // Hot: once per frame.
  /** @throws ProtocolError when an array that stands for a push is none */
  receive(frame: Frame): void {
    this.insideReply = false;
    if (typeof frame === 'object' && frame !== null) {
      if (frame instanceof Push) {
        this.receivePush(frame);
        return;
      }
      if (Array.isArray(frame) && this.arraysArePushes() && isMessage(frame)) {
        this.receivePush(toPush(frame));
        return;
      }
      if (frame instanceof Attribute) return;
    }
    if (!this.mode.isOrdinary && typeof frame === 'string' && this.mode.isMonitored(frame)) {
      this.sink.pushed(new Push(['monitor', frame]));
      return;
    }
    const oldest = this.owed.peek();
    if (oldest !== undefined && !oldest.command.spec.plain) this.receiveSpecial(oldest, frame);
    else this.sink.replied(frame);
  }

  private receiveSpecial(oldest: Request, frame: Frame): void {
    const { command } = oldest;
    if (command instanceof Group) this.receiveMember(oldest, command, frame);
    else if (command.spec.effect === 'fence' && isLateRefusal(frame)) return;
    else {
      this.count = 0;
      this.sink.replied(frame);
    }
  }

  private receiveMember(oldest: Request, group: Group, frame: Frame): void {
    const { values } = this;
    const member = group.members[values.length]!;
    const { part } = this;
    if (part.length > 0) this.part = [];
    let value: unknown;
    try {
      value = group.readMember(frame, oldest.context, values, part);
    } catch (cause) {
      this.sink.unexpected(cause as UnexpectedReply, member);
      return;
    }
    values.push(value);
    if (value instanceof ReplyError) this.sink.memberRefused(value);
    else if (member.spec.effect === 'exec' && Array.isArray(value)) this.tellRefused(value);
    const { length } = group.members;
    if (values.length < (this.cut.size === 0 ? length : (this.cut.get(oldest) ?? length))) return;
    this.finish(oldest, group);
  }

  /** The first elements of an array have come, which answers the oldest request: messages are shorter. */
  private receivePart(frames: readonly Frame[]): void {
    const oldest = this.owed.peek();
    const command = oldest?.command;
    if (!(command instanceof Group)) return;
    try {
      command.readPart(frames, oldest!.context, this.values, this.part);
    } catch {
      // It is thrown again when the rest has come.
    }
  }

  /** A group was cut: only so many frames answer it. */
  endGroup(request: Request, written: number): void {
    this.cut.set(request, written);
    if (request === this.owed.peek() && this.values.length === written) this.finish(request, request.command as Group);
  }

  /** Forgets the values of a group's members, so that the next request does not get them. */
  leaveGroup(request: Request): void {
    this.cut.delete(request);
    this.values = [];
    this.part = [];
  }

  private finish(request: Request, group: Group): void {
    const { values } = this;
    this.leaveGroup(request);
    this.sink.replied(group.answerOf(values));
  }

  /** Tells of the errors that stand among the values of EXEC. */
  private tellRefused(values: readonly unknown[]): void {
    for (const value of values) if (value instanceof ReplyError) this.sink.memberRefused(value);
  }

  /** A push is a confirmation that the oldest request waits for, in the order of its names, or something new, such as a message. */
  private receivePush(push: Push): void {
    const oldest = this.owed.peek();
    if (oldest !== undefined && oldest.command.spec.confirmation === push.kind) {
      const { args } = oldest.command;
      if (sameName(args[this.count], push.items[1])) {
        if (++this.count < args.length) return;
        this.count = 0;
        this.sink.replied(null);
        return;
      }
    }
    this.sink.pushed(push);
  }

  private wantsBytes(request: Request | undefined): boolean {
    if (this.arraysArePushes()) return this.pushesAsBytes();
    if (request === undefined) return false;
    const { command } = request;
    const { spec } = command instanceof Group ? command.received(this.values.length) : command;
    return request.context.bytes || spec.binary === true || (spec.effect === 'exec' && this.mode.byHand.isBinary);
  }
}

/** The errors of a SUNSUBSCRIBE that comes after the server has taken the channel away; PING never gets them. */
const LATE_REFUSALS = new Set(['MOVED', 'ASK', 'TRYAGAIN', 'CROSSSLOT', 'CLUSTERDOWN']);

function isLateRefusal(frame: Frame): boolean {
  return frame instanceof ErrorFrame && LATE_REFUSALS.has(frame.kind);
}

/** Whether a push names the channel that was asked for; either may be text or bytes, and a push may name none. */
function sameName(asked: unknown, named: unknown): boolean {
  if (named === null) return false;
  if (typeof asked === 'string' && typeof named === 'string') return asked === named;
  return bytesOf(asked).equals(bytesOf(named));
}
