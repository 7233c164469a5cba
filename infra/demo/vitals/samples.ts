import type { Reading } from './reading';
import type { SignName } from './signs';

/** One vital sign at one moment: what is published and kept. */
export interface Sample {
  readonly sign: SignName;
  /** ms since the epoch */
  readonly at: number;
  readonly value: number;
}

/** The vital signs between two readings; those that this machine does not tell are left out. */
export function samplesBetween(before: Reading, after: Reading): readonly Sample[] {
  const perSecond = (then: number, now: number): number => (1000 * growth(then, now)) / (after.at - before.at);
  const values: Readonly<Record<SignName, number | undefined>> = {
    load: after.load,
    processor: percentBusy(before.processors, after.processors),
    memory: after.memory,
    'net-in': before.traffic && after.traffic && perSecond(before.traffic.received, after.traffic.received),
    'net-out': before.traffic && after.traffic && perSecond(before.traffic.sent, after.traffic.sent),
  };
  const at = Math.round(after.at);
  return (Object.keys(values) as SignName[]).flatMap((sign) => {
    const value = values[sign];
    return value === undefined ? [] : [{ sign, at, value }];
  });
}

function percentBusy(before: Reading['processors'], after: Reading['processors']): number {
  const total = growth(before.total, after.total);
  // The kernel counts in ticks of some ms: between two readings there may be none.
  return total === 0 ? 0 : (100 * growth(before.busy, after.busy)) / total;
}

/** A counter starts anew when its interface or processor goes. */
function growth(before: number, after: number): number {
  return Math.max(0, after - before);
}
