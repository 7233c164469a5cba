import { endOfTick } from '../support/tick';
import type { Journal } from './journal';
import type { Timeline } from './timeline';

/** A run that takes more steps than this does not come to its end. */
const MOST_STEPS = 30_000;

/** The run goes on for ever, which is a violation by itself. */
export class Endless extends Error {}

/** Lets the time of a run go on, one thing after the other. */
export class Pace {
  private steps = 0;

  constructor(
    private readonly timeline: Timeline,
    private readonly journal: Journal,
  ) {}

  pass(duration: number): Promise<void> {
    return this.runUntil(this.timeline.now() + duration);
  }

  async runUntil(time: number): Promise<void> {
    await this.endTick();
    while (this.timeline.next <= Math.max(time, this.timeline.now())) await this.step();
    this.timeline.moveTo(time);
  }

  async step(): Promise<void> {
    if (++this.steps > MOST_STEPS) throw new Endless();
    try {
      this.timeline.step();
    } catch (error) {
      this.journal.fail(`the client threw into its surroundings: ${(error as Error).stack ?? String(error)}`);
    }
    await this.endTick();
  }

  /** What the client has put off until the end of the tick is done before time goes on. */
  private async endTick(): Promise<void> {
    if (!this.timeline.touched) return;
    this.timeline.touched = false;
    await endOfTick();
  }
}
