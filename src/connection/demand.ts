import { Subject } from 'rxjs';
import type { Clock } from './clock';
import type { Line } from './line';
import type { Reconnectable } from './reconnect';

/** What wants a link that is not there: requests that wait, residents that want pushes, callers that wait for it to be ready. */
export class Demand implements Reconnectable {
  readonly waited$ = new Subject<void>();
  readonly hurry$ = new Subject<void>();
  /** How many callers wait for the link to be ready. */
  callers = 0;
  /** The user wants a new link: the next loss is followed by no delay. */
  private isHurried = false;

  /** @param ends whether the next loss is the end */
  constructor(
    readonly clock: Clock,
    private readonly line: Line,
    readonly ends: () => boolean,
  ) {}

  readonly isWaitedFor = (): boolean => this.line.queued > 0 || this.line.listening || this.callers > 0;

  /** The link is about to be left because the user wants another. */
  hurry(): void {
    this.isHurried = true;
  }

  readonly takeHurry = (): boolean => {
    const { isHurried } = this;
    this.isHurried = false;
    return isHurried;
  };
}
