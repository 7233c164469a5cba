import type { StreamFault } from './plan';
import type { Timeline } from './timeline';

/** How one direction of a connection carries bytes. */
export interface PipeManners {
  readonly latency: number;
  /** bytes that arrive at once, used again and again; none: whatever is there */
  readonly sizes: readonly number[];
  /** ms between two pieces */
  readonly gap: number;
}

/** Cut into so many pieces a stream has shown what it can show; what follows arrives whole. */
const MOST_PIECES = 200;

interface Parcel {
  bytes: Buffer;
  readonly due: number;
  /** in place of bytes: done when everything before has arrived */
  readonly last?: () => void;
}

/** Where a stream stands: between two frames, or inside one. */
export type Spot = 'before' | 'inside' | 'behind';

/** One direction of a connection: bytes arrive in order, late, in pieces, or no more. */
//  send ──▶ parcels ──latency, pieces──▶ deliver
//                          │ at a fault's place
//                          ▼ strike
export class Pipe {
  /** Where each frame ends, counted in bytes from the beginning. */
  readonly ends: number[] = [];
  delivered = 0;
  dead = false;
  /** How many frames there were when the connection became ready: from here on places can be counted. */
  readyAt: number | undefined;
  /** The last byte that has arrived. */
  lastByte = 0;
  private readonly parcels: Parcel[] = [];
  private pumping: { unsubscribe(): void } | undefined;
  private readonly stops: { readonly byte: number; readonly work: () => void }[] = [];
  private turn = 0;
  private notBefore = 0;
  private lastDue = 0;

  constructor(
    private readonly timeline: Timeline,
    /** where bytes arrive: in the client's process or elsewhere */
    private readonly schedule: (delay: number, work: () => void) => { unsubscribe(): void },
    private readonly manners: PipeManners,
    private readonly faults: StreamFault[],
    private readonly deliver: (bytes: Buffer) => void,
    private readonly strike: (fault: StreamFault) => void,
  ) {}

  send(bytes: Buffer): void {
    this.enqueue({ bytes, due: this.dueNow() });
  }

  /** Does something once everything that was sent has arrived. */
  atEnd(last: () => void): void {
    this.enqueue({ bytes: Buffer.alloc(0), due: this.dueNow(), last });
  }

  stall(duration: number): void {
    this.notBefore = Math.max(this.notBefore, this.timeline.now() + duration);
  }

  /** Nothing arrives any more. */
  kill(): void {
    this.dead = true;
    this.parcels.length = 0;
    this.pumping?.unsubscribe();
    this.pumping = undefined;
  }

  get stalledForEver(): boolean {
    return this.notBefore === Infinity;
  }

  /** Whether the bytes up to this one have come and could be read at once. */
  hasCome(end: number): boolean {
    if (this.dead || this.manners.sizes.length > 0 || this.notBefore >= this.timeline.now()) return false;
    let come = this.delivered;
    for (const { bytes, due } of this.parcels) {
      if (due >= this.timeline.now()) break; // timers come before what comes at the same time
      come += bytes.length;
    }
    return come >= end && this.delivered + Math.min(this.roomBeforeFault(), this.roomBeforeStop()) >= end;
  }

  /** No fault strikes any more. */
  calm(): void {
    this.faults.length = 0;
  }

  /** Before the next frame, inside one, or behind the last that is known. */
  get spot(): Spot {
    const next = this.ends.findIndex((end) => end > this.delivered);
    if (next === -1) return 'behind';
    return this.delivered === (next === 0 ? 0 : this.ends[next - 1]) ? 'before' : 'inside';
  }

  /** Puts bytes ahead of all that has not arrived yet. */
  insert(bytes: Buffer): void {
    const { ends, delivered } = this;
    for (let i = 0; i < ends.length; i++) if (ends[i]! > delivered) ends[i]! += bytes.length;
    this.parcels.unshift({ bytes, due: this.timeline.now() });
    this.goOn();
  }

  /** Lets a fault strike once more, one frame later. */
  postpone(fault: StreamFault): void {
    this.faults.push({ ...fault, after: fault.after + 1 });
  }

  /** Does something when the stream has come to a place that is known by its byte. */
  atByte(byte: number, work: () => void): void {
    this.stops.push({ byte, work });
  }

  private dueNow(): number {
    return (this.lastDue = Math.max(this.lastDue, this.timeline.now() + this.manners.latency));
  }

  private enqueue(parcel: Parcel): void {
    if (this.dead) return;
    this.parcels.push(parcel);
    this.goOn();
  }

  private goOn(): void {
    const first = this.parcels[0];
    if (this.pumping !== undefined || this.dead || this.stalledForEver) return;
    if (first === undefined && this.roomBeforeFault() > 0 && this.roomBeforeStop() > 0) return;
    const due = Math.max(first?.due ?? 0, this.notBefore, this.timeline.now());
    this.pumping = this.schedule(due - this.timeline.now(), () => this.pump());
  }

  private pump(): void {
    if (this.roomBeforeStop() === 0) this.stops.shift()!.work();
    else {
      // A fault takes no turn of the event loop: what stands behind it is read in the same one.
      while (this.roomBeforeFault() === 0) this.strike(this.faults.splice(this.nextFault(), 1)[0]!);
      const [first] = this.parcels;
      const now = this.timeline.now();
      const isHere = first !== undefined && first.due <= now && this.notBefore <= now && this.roomBeforeStop() > 0;
      if (isHere && !this.dead) this.pass(first);
    }
    this.pumping = undefined;
    this.goOn();
  }

  private pass({ last }: Parcel): void {
    if (last !== undefined) {
      this.parcels.shift();
      last();
      return;
    }
    const piece = this.take(Math.min(this.roomBeforeFault(), this.roomBeforeStop(), this.nextSize()));
    this.delivered += piece.length;
    this.lastByte = piece.at(-1) ?? this.lastByte;
    this.notBefore = Math.max(this.notBefore, this.timeline.now() + this.manners.gap);
    this.deliver(piece);
  }

  private nextSize(): number {
    const { sizes } = this.manners;
    return sizes.length === 0 || this.turn >= MOST_PIECES ? Infinity : sizes[this.turn++ % sizes.length]!;
  }

  /** So many bytes of what is due, or all of it. */
  private take(most: number): Buffer {
    const pieces: Buffer[] = [];
    let room = most;
    for (let parcel = this.parcels[0]; parcel !== undefined && room > 0; parcel = this.parcels[0]) {
      if (parcel.last !== undefined || parcel.due > this.timeline.now()) break;
      pieces.push(parcel.bytes.subarray(0, room));
      if (parcel.bytes.length > room) {
        parcel.bytes = parcel.bytes.subarray(room);
        break;
      }
      room -= parcel.bytes.length;
      this.parcels.shift();
    }
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
  }

  private roomBeforeFault(): number {
    const next = this.nextFault();
    return next === -1 ? Infinity : this.placeOf(this.faults[next]!) - this.delivered;
  }

  private roomBeforeStop(): number {
    return (this.stops[0]?.byte ?? Infinity) - this.delivered;
  }

  /** The fault whose place comes first among those whose place is known and lies ahead. */
  private nextFault(): number {
    let next = -1;
    for (let i = 0; i < this.faults.length; i++) {
      const place = this.placeOf(this.faults[i]!);
      if (place >= this.delivered && place < Infinity && (next === -1 || place < this.placeOf(this.faults[next]!)))
        next = i;
    }
    return next;
  }

  private placeOf({ since, after, plus }: StreamFault): number {
    const first = since === 'ready' ? this.readyAt : 0;
    if (first === undefined) return Infinity;
    const end = first + after === 0 ? 0 : this.ends[first + after - 1];
    return end === undefined ? Infinity : end + plus;
  }
}
