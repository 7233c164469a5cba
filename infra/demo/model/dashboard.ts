import type { ConnectionState } from 'rxjs-redis';
import type { SignName } from '../vitals/signs';
import type { Entry } from './journal';
import type { Row } from './rows';
import type { Tally } from './tally';

/** The latest row of each sign that was heard of. */
export type Table = Readonly<Partial<Record<SignName, Row>>>;

/** All there is to see at one moment. */
export interface Dashboard {
  /** ms since the show began */
  readonly elapsed: number;
  readonly table: Table;
  readonly links: Readonly<Record<'publisher' | 'viewer', ConnectionState>>;
  readonly tally: Tally;
  /** messages received in the last second */
  readonly rate: number;
  /** the last entries, the newest last */
  readonly journal: readonly Entry[];
}

/** Entries that a dashboard holds. */
export const JOURNAL_LENGTH = 9;
