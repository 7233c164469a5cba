import type { Redis } from 'rxjs-redis';
import type { Faults } from '../faults';
import type { Line } from '../line';
import type { Space } from '../space';

/** What the page shows and may break. */
export interface Stage {
  readonly title: string;
  readonly line: Pick<Line, 'options'>;
  readonly space: Space;
  /** the client that publishes the vital signs, which the page shows beside its own */
  readonly publisher: Redis;
  readonly faults: Faults;
}

/** The token of the stage. */
export const STAGE = Symbol('stage');
