import { VirtualTimeScheduler } from 'rxjs';

/** Time that passes when the spec says so. */
export class VirtualClock extends VirtualTimeScheduler {
  /** What is still to happen. */
  get waiting(): number {
    return this.actions.length;
  }

  /** Lets so many ms pass, and what is due in them happen. */
  advance(ms: number): void {
    const end = this.frame + ms;
    this.maxFrames = end;
    this.flush();
    this.frame = end;
  }
}
