import type { Request } from '../commands/request';
import type { BytesWanted } from '../resp/decoder';
import { Attribute, Push, type Frame } from '../resp/frames';
import { isMessage } from './array-pushes';
import { Multicast } from './multicast';
import type { ReplyMode } from './reply-mode';

/** Tells what a frame is: the reply that the oldest request waits for, or a push that nobody asked for. */
export class Demultiplexer {
  readonly pushes$ = new Multicast<Push>();
  /** Messages are decoded as bytes: somebody subscribed for bytes. */
  pushesAsBytes = false;
  /** What the decoder asks before it makes text of bytes. */
  readonly bytesWanted: BytesWanted = {
    reply: () => this.wantsBytes(this.oldest()),
    push: () => this.pushesAsBytes,
  };
  /** How many confirmations of the oldest request, a subscribing one, have come. */
  private confirmations = 0;

  /** @param arraysArePushes in RESP2 a subscribed connection sends its messages as arrays */
  constructor(
    private readonly oldest: () => Request | undefined,
    private readonly replyMode: ReplyMode,
    private readonly onReply: (frame: Frame) => void,
    private readonly arraysArePushes = false,
  ) {}

  // Hot: once per frame.
  receive(frame: Frame): void {
    if (typeof frame === 'object' && frame !== null) {
      if (frame instanceof Push) {
        this.receivePush(frame);
        return;
      }
      if (this.arraysArePushes && Array.isArray(frame) && isMessage(frame)) {
        this.receivePush(new Push(frame));
        return;
      }
      if (frame instanceof Attribute) return;
    }
    if (typeof frame === 'string' && this.replyMode.isMonitored(frame)) {
      this.pushes$.next(new Push(['monitor', frame]));
      return;
    }
    this.confirmations = 0;
    this.onReply(frame);
  }

  /** The next link owes nothing yet. */
  reset(): void {
    this.confirmations = 0;
  }

  /** A message, or the confirmation that the oldest request waits for, once per channel. */
  private receivePush(push: Push): void {
    const oldest = this.oldest();
    if (oldest !== undefined && oldest.command.spec.confirmation === push.kind) {
      if (++this.confirmations === oldest.command.args.length) {
        this.confirmations = 0;
        this.onReply(null);
      }
    }
    this.pushes$.next(push);
  }

  private wantsBytes(request: Request | undefined): boolean {
    if (this.arraysArePushes) return this.pushesAsBytes;
    return request !== undefined && (request.context.bytes || request.command.spec.binary === true);
  }
}
