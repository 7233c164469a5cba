import type { ServerRole } from '../options/sentinels';

/** The sentinels of a client, and what they have told. */
export interface InspectedSentinels {
  readonly service: string;
  /** the role that is wanted */
  readonly role: ServerRole;
  /** where the master is by what was heard last, `10.0.0.7:6379`; undefined before a sentinel has told */
  readonly master: string | undefined;
  /** those that are known, in the order in which they are asked */
  readonly known: readonly InspectedSentinel[];
}

/** A sentinel that is known. */
export interface InspectedSentinel {
  readonly address: string;
  /** it is one of the options; others were learnt */
  readonly isGiven: boolean;
  /** how long ago it answered last, ms; undefined before it has */
  readonly answeredAgo: number | undefined;
  /** it tells at once what happens; one that does not is asked each second */
  readonly listens: boolean;
  /** what is wrong with it; undefined for nothing, and for one that was not asked yet */
  readonly trouble: string | undefined;
}

/** With how many of the sentinels something is wrong; undefined where nothing is. */
export function troubleOf({ known }: InspectedSentinels): string | undefined {
  const { length } = known.filter(({ trouble }) => trouble !== undefined);
  return length === 0 ? undefined : `trouble with ${length} of ${known.length} sentinels`;
}

/** Lines for people. */
export function linesOf({ service, role, master, known }: InspectedSentinels): string[] {
  const told = master === undefined ? 'no sentinel has told where the master is' : `the master is ${master}`;
  return [`service ${service}, role ${role}: ${told}`, ...known.map(lineOf)];
}

function lineOf({ address, isGiven, answeredAgo, listens, trouble }: InspectedSentinel): string {
  const answered = answeredAgo === undefined ? 'has not answered yet' : `answered ${Math.round(answeredAgo)} ms ago`;
  const facts = [answered, listens ? 'is listened to' : '', isGiven ? '' : 'learnt from another', trouble ?? ''];
  return `sentinel ${address}: ${facts.filter((fact) => fact !== '').join(', ')}`;
}
