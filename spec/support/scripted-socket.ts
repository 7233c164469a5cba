import { Subject } from 'rxjs';
import type { ByteSocket } from '../../src/connection/socket';

/** A socket whose other end is the spec: for what no server does on demand. */
export class ScriptedSocket implements ByteSocket {
  readonly bytes$ = new Subject<Uint8Array>();
  readonly drain$ = new Subject<void>();
  /** What was written, one text per write. */
  readonly writes: string[] = [];
  /** How the send buffer takes a write. */
  accepts = true;
  drained = true;
  destroyed = false;
  /** It was reset: nothing that was written is to arrive any more. */
  wasReset = false;
  /** It would keep the process alive. */
  isAlive = true;

  write(chunks: readonly Uint8Array[]): boolean {
    this.writes.push(Buffer.concat(chunks).toString());
    return this.accepts;
  }

  keepsAlive(keeps: boolean): void {
    this.isAlive = keeps;
  }

  destroy(reset = false): void {
    if (!this.destroyed) this.wasReset = reset;
    this.destroyed = true;
  }

  /** Brings bytes from the server. */
  receive(text: string): void {
    this.bytes$.next(Buffer.from(text));
  }
}
