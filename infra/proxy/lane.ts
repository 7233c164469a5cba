import type { Socket } from 'node:net';
import type { DirectionFaults } from './faults';

/** Bytes a lane holds for a slow, stalled or distant reader before it stops reading; it reads on at half of that. */
const HIGH_WATER = 4 << 20;
const LOW_WATER = HIGH_WATER / 2;

/** What waits in a lane: bytes, or (null) the sender's FIN, and when it is due at the other end, ms. */
interface Cargo {
  bytes: Buffer | null;
  readonly due: number;
}

type State = 'free' | 'writing' | 'waiting' | 'yielding' | 'closed';

export interface LaneObserver {
  /** So many bytes were handed to the reader's socket. */
  passed(bytes: number): void;
  /** The last byte of the allowance has left; whatever follows stays here. */
  exhausted(): void;
}

// source ──data──▶ queue ──pump──▶ one write at a time ──▶ sink
//    ▲               │ over HIGH_WATER, or blackholed
//    └─────pause─────┘
//
// A write waits for the one before: two writes at once would leave as one, and nobody would see the split. Where splits
// are wanted each write also has a turn of the event loop to itself, so that a reader in this process sees it alone.
/** One direction of one proxied connection. */
export class Lane {
  readonly #queue: Cargo[] = [];
  #queuedBytes = 0;
  #state: State = 'free';
  #reading = true;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly source: Socket,
    private readonly sink: Socket,
    private readonly faults: DirectionFaults,
    private readonly observer: LaneObserver,
  ) {
    source.on('data', (bytes: Buffer) => this.#accept(bytes));
    source.on('end', () => this.#accept(null));
    this.update();
  }

  /** How many bytes wait to be handed to the reader's socket. */
  get held(): number {
    return this.#queuedBytes;
  }

  /** Looks at the faults again after they changed. */
  update(): void {
    if (this.#state === 'waiting') {
      clearTimeout(this.#timer);
      this.#state = 'free';
    }
    this.#regulate();
    this.#pump();
  }

  /** Drops what is held; nothing moves any more. */
  close(): void {
    clearTimeout(this.#timer);
    this.#state = 'closed';
    this.#queue.length = 0;
    this.#queuedBytes = 0;
  }

  #accept(bytes: Buffer | null): void {
    if (this.#state === 'closed') return;
    this.#queue.push({ bytes, due: this.faults.delay === 0 ? 0 : performance.now() + this.faults.delay });
    this.#queuedBytes += bytes?.length ?? 0;
    this.#regulate();
    this.#pump();
  }

  #regulate(): void {
    if (this.#state === 'closed') return;
    const limit = this.#reading ? HIGH_WATER : LOW_WATER;
    const wanted = !this.faults.blackholed && this.#queuedBytes < limit;
    if (wanted === this.#reading) return;
    this.#reading = wanted;
    if (wanted) this.source.resume();
    else this.source.pause();
  }

  #pump(): void {
    if (this.#state !== 'free' || this.#queue.length === 0) return;
    // All pieces leave in the same phase of the loop; one written elsewhere could meet another before anybody reads.
    if (this.faults.pieces !== null) this.#yield();
    else this.#send();
  }

  #yield(): void {
    this.#state = 'yielding';
    setImmediate(() => {
      if (this.#state !== 'yielding') return;
      this.#state = 'free';
      this.#send();
    });
  }

  #send(): void {
    const { stalled, blackholed, allowance } = this.faults;
    if (stalled || blackholed || allowance === 0) return;
    const head = this.#queue[0];
    if (head === undefined) return;
    const early = head.due === 0 ? 0 : head.due - performance.now();
    if (early > 0) this.#wait(early);
    else if (head.bytes === null) this.#end();
    else this.#write(this.#take(head, head.bytes));
  }

  #wait(ms: number): void {
    this.#state = 'waiting';
    this.#timer = setTimeout(() => {
      this.#state = 'free';
      this.#pump();
    }, ms);
  }

  #end(): void {
    this.#queue.shift();
    this.sink.end();
  }

  /** Cuts the next piece off the head of the queue. */
  #take(head: Cargo, bytes: Buffer): Buffer {
    const size = Math.min(this.faults.pieces?.() ?? bytes.length, this.faults.allowance, bytes.length);
    if (size === bytes.length) this.#queue.shift();
    else head.bytes = bytes.subarray(size);
    this.#queuedBytes -= size;
    this.faults.allowance -= size;
    return bytes.subarray(0, size);
  }

  #write(piece: Buffer): void {
    this.#state = 'writing';
    this.sink.write(piece, (error) => this.#written(piece.length, error));
    this.#regulate();
  }

  #written(bytes: number, error: Error | null | undefined): void {
    // A failed write is followed by the socket's own 'error', which ends the connection.
    if (this.#state === 'closed' || error) return;
    this.#state = 'free';
    this.observer.passed(bytes);
    if (this.faults.allowance === 0) this.observer.exhausted();
    else this.#pump();
  }
}
