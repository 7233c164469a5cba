import type { Observable } from 'rxjs';
import type { Faults } from '../faults';
import type { Line } from '../line';
import type { Client, Place } from '../place';
import type { Space } from '../space';

/** What the page shows and may break. */
export interface Stage {
  readonly title: string;
  readonly place: Place;
  readonly line: Pick<Line, 'options' | 'leadsTo'>;
  readonly space: Space;
  /** the client that publishes the vital signs, which the page shows beside its own */
  readonly publisher: Client;
  readonly faults: Faults;
  /** the address of the master by the word of a sentinel, where there is one */
  readonly master$?: Observable<string> | undefined;
}

/** The token of the stage. */
export const STAGE = Symbol('stage');
