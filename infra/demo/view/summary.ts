import type { Kept } from '../kept';
import type { Dashboard } from '../model/dashboard';
import { published } from '../model/tally';
import type { Space } from '../space';
import { signs } from '../vitals/signs';
import { tellTime } from './tell';

/** Sums a show up: what was sent and heard, what went wrong, what Redis kept. */
export function summary({ elapsed, tally }: Dashboard, space: Space, kept: readonly Kept[]): string {
  const lines = [
    '',
    `${tellTime(elapsed)}: ${published(tally)} messages published, ${tally.received} received; ` +
      `${tally.unheard} found nobody subscribed, ${tally.unanswered} got no answer`,
    `${tally.reconnects} reconnects, ${tally.alarms} alarms`,
    `kept in Redis and read back from ${space.latest} and ${space.prefix}:history:*`,
    ...kept.map(tellKept),
  ];
  return `${lines.join('\n')}\n`;
}

function tellKept({ sign, latest, samples }: Kept): string {
  const { name, tell } = signs[sign];
  return `  ${name.padEnd(12)}${tell(latest).padStart(13)}   and its last ${samples} samples`;
}
