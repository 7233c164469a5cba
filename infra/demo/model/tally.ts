import { pipe, scan, startWith, type OperatorFunction } from 'rxjs';

const nothing = { heard: 0, unheard: 0, unanswered: 0, received: 0, reconnects: 0, alarms: 0 };

/** How often each thing has happened. */
export type Tally = Readonly<typeof nothing>;

/** Counts what happens by its name. */
export function tally(): OperatorFunction<keyof Tally, Tally> {
  return pipe(
    scan((counts: Tally, what: keyof Tally) => ({ ...counts, [what]: counts[what] + 1 }), nothing),
    startWith(nothing),
  );
}

export function published({ heard, unheard, unanswered }: Tally): number {
  return heard + unheard + unanswered;
}
