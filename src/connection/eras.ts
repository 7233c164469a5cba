import type { Command } from '../commands/command';
import type { Request } from '../commands/request';

/** They make another of what is sent behind them. */
const BEGINS_ERA = new Set(['SELECT', 'AUTH', 'RESET']);

/**
 * Which database and user a request was meant for: each SELECT or AUTH begins an era. A request that is tried again is not sent in a
 * later era than its own, for there it would be another command.
 */
//  called:  GET a   SELECT 1   GET b   SELECT 2
//  era:       0        1         1        2
export class Eras {
  /** Hidden also from who looks at all the fields: requests hold arguments. */
  readonly #begun = new WeakMap<Request, number>();
  /** how many were ever begun by being written, and how many of those are in flight for the first time */
  private count = 0;
  private underWay = 0;
  /** the latest that the server has accepted, and the latest that it may be in when it reads what is written now */
  private accepted = 0;
  private effective = 0;

  /** @param inFlight the requests whose replies are owed, oldest first */
  constructor(private readonly inFlight: Iterable<Request>) {}

  /** The era of the oldest request, which has just been refused or lost. */
  get ofOldest(): number {
    return this.count - this.underWay;
  }

  /** Whether one that is tried again belongs to an era that is over. */
  hasLeft({ past }: Request): boolean {
    return past !== undefined && past.era < this.effective;
  }

  /** The same, as far as the server has said so. */
  hasSurelyLeft({ past }: Request): boolean {
    return past !== undefined && past.era < this.accepted;
  }

  wrote(request: Request): void {
    if (!beginsEra(request.command)) return;
    let era = this.#begun.get(request);
    if (era === undefined) {
      this.#begun.set(request, (era = ++this.count));
      this.underWay++;
    }
    this.effective = Math.max(this.effective, era);
  }

  /** @param done the server has accepted it; otherwise it was refused or lost */
  ended(request: Request, done: boolean): void {
    const era = this.#begun.get(request);
    if (era === undefined) return;
    if (request.past === undefined) this.underWay--;
    if (done) {
      this.accepted = Math.max(this.accepted, era);
      return;
    }
    this.effective = this.accepted;
    for (const other of this.inFlight) this.effective = Math.max(this.effective, this.#begun.get(other) ?? 0);
  }
}

export function beginsEra({ spec }: Command): boolean {
  return spec.connection === true && BEGINS_ERA.has(spec.name);
}
