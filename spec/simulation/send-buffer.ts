import type { Timeline } from './timeline';

/** When the system takes what is written, ms, and how many bytes fill its buffer. */
export interface BufferManners {
  readonly capacity: number;
  readonly delay: number;
  /** The handshake goes past it. */
  readonly greeted: boolean;
}

/** Who is told what becomes of the bytes. */
interface Surroundings {
  readonly timeline: Timeline;
  /** whether there is still anybody to send them for */
  open(): boolean;
  send(bytes: Buffer): void;
  filled(): void;
  emptied(): void;
  /** the memory holds something else meanwhile */
  reused(): void;
}

/** What a client has written and the system has not taken yet, so the memory of it is still the client's. */
//  hold ──▶ held ──delay──▶ sent
//             │ capacity
//             ▼ full ──▶ emptied
export class SendBuffer {
  drained = true;
  private held: { readonly chunks: readonly Uint8Array[]; readonly copy: Buffer }[] = [];
  private bytes = 0;
  private full = false;

  constructor(
    private readonly manners: BufferManners,
    private readonly around: Surroundings,
  ) {}

  /** @returns whether there is room for more */
  hold(chunks: readonly Uint8Array[], copy: Buffer): boolean {
    const { delay, capacity } = this.manners;
    if (this.held.length === 0 && delay < Infinity) this.around.timeline.afterInProcess(delay, () => this.release());
    this.held.push({ chunks, copy });
    this.bytes += copy.length;
    this.drained = false;
    if (this.bytes >= capacity && !this.full) {
      this.full = true;
      this.around.filled();
    }
    return !this.full;
  }

  clear(): void {
    this.held = [];
  }

  private release(): void {
    const { around, held } = this;
    if (!around.open()) return;
    this.held = [];
    this.bytes = 0;
    this.drained = true;
    for (const { chunks, copy } of held) {
      if (!Buffer.concat(chunks).equals(copy)) around.reused();
      around.send(copy);
    }
    if (!this.full) return;
    this.full = false;
    around.emptied();
  }
}
