import type { Command } from '../commands/command';
import { Group } from '../commands/group';
import { isQueued } from '../commands/queued';
import type { Request } from '../commands/request';
import { UnexpectedReply } from '../commands/unexpected-reply';
import { asText } from '../resp/as-text';
import { ErrorFrame, type Frame } from '../resp/frames';

/**
 * MULTI and EXEC as commands of their own: what the server has queued between them, from which it is known how long the reply to EXEC
 * is, and which parts of it are binary.
 */
//  MULTI ──OK──▶ queues: QUEUED, QUEUED, … ──EXEC, DISCARD, RESET──▶ none
export class TransactionByHand {
  /** What the server has queued, in order; undefined where none is open, or it is not known. */
  private queued: Command[] | undefined;

  /** A part of the reply to EXEC is binary, so all of it is decoded as bytes. */
  get isBinary(): boolean {
    return this.queued?.some(({ spec }) => spec.binary) === true;
  }

  /** From now on it is not known what the server queues. */
  forget(): void {
    this.queued = undefined;
  }

  /**
   * A reply has come. Makes text of the parts of EXEC's that are not binary.
   * @returns what is wrong with it: the reply to EXEC has an element for each command that was queued
   */
  replied(frame: Frame, { command, context }: Request): UnexpectedReply | undefined {
    const { effect } = command.spec;
    const isRefused = frame instanceof ErrorFrame;
    if (effect === 'multi') {
      if (!isRefused) this.queued = [];
      return undefined;
    }
    if (this.queued === undefined) return undefined;
    if (effect === 'exec') return this.executed(frame, context.bytes);
    if (effect === 'discard' || effect === 'reset') {
      if (!isRefused) this.forget();
    } else if (command instanceof Group) {
      this.forget(); // its members were answered one by one
    } else if (isQueued(frame)) {
      this.queued.push(command);
    }
    return undefined;
  }

  private executed(frame: Frame, bytes: boolean): UnexpectedReply | undefined {
    const { isBinary } = this;
    const queued = this.queued!;
    this.forget();
    if (frame === null || frame instanceof ErrorFrame) return undefined;
    if (!Array.isArray(frame) || frame.length !== queued.length) {
      const got = Array.isArray(frame) ? String(frame.length) : 'something else';
      return new UnexpectedReply(`expected the replies of ${queued.length} commands, or null, got ${got}`);
    }
    if (isBinary && !bytes)
      for (let i = 0; i < frame.length; i++) if (!queued[i]!.spec.binary) frame[i] = asText(frame[i]!);
    return undefined;
  }
}
