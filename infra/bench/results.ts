import { clients, type ClientName } from './clients';
import { median, ratio } from './statistics';
import type { Row } from './workloads';

/** What the rounds found for one row: a value per round, or why there are none. */
export interface RowResults {
  readonly row: Row;
  readonly values: Map<ClientName, number[]>;
  readonly failures: Map<ClientName, string>;
}

export function noResults(row: Row): RowResults {
  return { row, values: new Map(), failures: new Map() };
}

/** The peer that is best at this row, of some or of all; none when none of them was measured. */
export function bestPeer({ row, values }: RowResults, among?: readonly ClientName[]): ClientName | undefined {
  const peers = [...values].filter(([name]) => clients[name].role === 'peer' && (among?.includes(name) ?? true));
  const sign = row.better === 'more' ? 1 : -1;
  return peers.sort(([, a], [, b]) => sign * (median(b) - median(a)))[0]?.[0];
}

/** How many times the other client's value a client's is; undefined where one of the two was not measured. */
export function ratioTo(other: ClientName | undefined, { values }: RowResults, client: ClientName): number | undefined {
  const [mine, base] = [values.get(client), other && values.get(other)];
  return mine && base && ratio(mine, base);
}
