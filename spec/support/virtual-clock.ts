import { VirtualTimeScheduler } from 'rxjs';
import type { Clock } from '../../src/connection/clock';

/** Time that passes when the spec says so. */
export class VirtualClock extends VirtualTimeScheduler implements Clock {
  nextTick(work: () => void): void {
    process.nextTick(work);
  }

  afterInput(work: () => void): void {
    this.schedule(work, 0);
  }

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
