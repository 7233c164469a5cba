import type { Settings } from '../plan';
import type { Arrival } from './rule';

/** Whether a client that is not to be connected again has a replica for good: that refuses what would do something. */
export class StuckAtReplica {
  private isRefused = false;

  constructor(private readonly settings: Settings) {}

  arriving({ answered }: Arrival): void {
    this.isRefused ||= answered.some(
      ({ answer }) => answer !== undefined && 'error' in answer && answer.error.startsWith('READONLY'),
    );
  }

  get isStuck(): boolean {
    return this.isRefused && this.settings.reconnect === 'off';
  }
}
